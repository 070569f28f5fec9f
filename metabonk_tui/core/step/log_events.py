"""Drafts an event for each new traceback in a worker's log. Does not: read a log, or judge what the error caused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from metabonk_tui.core.model.event import EventDraft, EventKind
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.status.tracebacks import raised

LogLines = Mapping[WorkerRef, Sequence[str]]


def traceback_drafts(before: LogLines, tails: LogLines) -> Iterator[EventDraft]:
    """Yield one draft for every exception that is in a worker's log and was not there before."""
    for ref, lines in tails.items():
        known = set(raised(before.get(ref, ())))
        for exception in dict.fromkeys(raised(lines)):
            if exception not in known:
                text = f"traceback in the log: {exception or 'the exception is not among the lines that were read'}"
                yield EventDraft(EventKind.WORKER_TRACEBACK, "warn", text, (ref,), {"raised": exception})
