"""Drafts an event for each new traceback in a worker's log. Does not: read a log, or judge what the error caused."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from metabonk_tui.core.model.event import EventDraft, EventKind
from metabonk_tui.core.model.refs import WorkerRef

_BEGIN = "Traceback (most recent call last)"
_RAISED = re.compile(r"^\s*[A-Za-z_][\w.]*(?:Error|Exception|Interrupt|Exit|Warning)\b.*")
"""The last line of a traceback: the exception, with its message."""
LogLines = Mapping[WorkerRef, Sequence[str]]


def traceback_drafts(before: LogLines, tails: LogLines) -> Iterator[EventDraft]:
    """Yield one draft for every exception that is in a worker's log and was not there before."""
    for ref, lines in tails.items():
        known = set(_raised(before.get(ref, ())))
        for raised in dict.fromkeys(_raised(lines)):
            if raised not in known:
                text = f"traceback in the log: {raised or 'the exception is not among the lines that were read'}"
                yield EventDraft(EventKind.WORKER_TRACEBACK, "warn", text, (ref,), {"raised": raised})


def _raised(lines: Sequence[str]) -> Iterator[str]:
    """Yield the exception of each traceback; "" where its last line is not there."""
    for place, line in enumerate(lines):
        if _BEGIN in line:
            rest = lines[place + 1 :]
            end = next((n for n, following in enumerate(rest) if _BEGIN in following), len(rest))
            yield next((each.strip() for each in rest[:end] if _RAISED.match(each)), "")
