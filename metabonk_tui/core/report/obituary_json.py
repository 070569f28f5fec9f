"""Writes the pages about deaths for `check --json` and `report --json`. Pure."""

from __future__ import annotations

from typing import Any

from metabonk_tui.core.model.obituary import Obituary
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.report.obituary_text import certainty, headline, restart


def obituaries(last: Snapshot) -> list[dict[str, Any]]:
    """Return every page that is kept, oldest first."""
    return [_obituary(page, last) for page in last.obituaries]


def _obituary(page: Obituary, last: Snapshot) -> dict[str, Any]:
    answer, ended = page.answer, page.ended
    return {
        "at_t": page.t,
        "seen_t": page.seen_t,
        "who": page.who.written if isinstance(page.who, WorkerRef) else page.who,
        "pid": page.pid,
        "generation": page.generation,
        "lived_s": page.lived_s,
        "text": headline(page),
        "certainty": certainty(page),
        "word": page.reason,
        "exit_code": None if ended is None else ended.exit_code,
        "signal": None if ended is None else ended.signal,
        "evidence": None if ended is None else ended.evidence,
        "signs": list(page.signs),
        "rss_bytes": page.rss_bytes,
        "memory": [
            {"at_t": point.t, "available_bytes": point.available_bytes, "held_bytes": point.held_bytes}
            for point in page.memory
        ],
        "last_answer": None
        if answer is None
        else {
            "at_t": answer.t,
            "step": answer.step,
            "step_rate": answer.step_rate,
            "epsilon": answer.epsilon,
            "ui_state": answer.ui_state,
            "episode": answer.episode,
            "components": {part.label: part.state.value for part in answer.components},
        },
        "log": list(page.log),
        "log_is_its_end": page.log_ends,
        "around": [{"at_t": event.t, "kind": event.kind, "text": event.text} for event in page.around],
        "do": [remedy.text for remedy in page.remedies],
        "then": restart(page, last),
    }
