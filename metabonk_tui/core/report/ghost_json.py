"""Writes a run beside its ghost as JSON and as text. Pure."""

from __future__ import annotations

from typing import Any

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.report.ghost import (
    RSS,
    STEP_RATE,
    Ghost,
    GhostValue,
    beside,
    component_beside,
    not_the_same,
    sum_up,
)
from metabonk_tui.core.report.run_setup import sentence
from metabonk_tui.core.text import numbers as fmt


def ghost_json(ghost: Ghost, snapshot: Snapshot) -> dict[str, Any]:
    """Return the comparison at the same minute. Every `*_s` is in seconds after the start of its run."""
    found = sum_up(ghost, snapshot)
    setup = not_the_same(ghost, snapshot)
    run_s = snapshot.t - snapshot.run.started_at
    return {
        "run": ghost.name,
        "verdict": ghost.kind,
        "at_s": round(run_s, 3),
        "ahead": found.ahead,
        "behind": found.behind,
        "compared": found.compared,
        "not_the_same": {each.name: {"here": each.here, "there": each.there} for each in setup.differences},
        "environment_known": setup.is_environment_known,
        "gameplay_s": _rounded(found.gameplay_s),
        "ghost_gameplay_s": _rounded(found.ghost_gameplay_s),
        "available_bytes": found.available_bytes,
        "ghost_available_bytes": None if found.ghost_available_bytes is None else int(found.ghost_available_bytes),
        "workers": {
            worker.ref.label: {
                name: _value(each)
                for name, each in [
                    *component_beside(ghost, snapshot, worker).items(),
                    (STEP_RATE, beside(ghost, worker, STEP_RATE, worker.step_rate, run_s)),
                    (RSS, beside(ghost, worker, RSS, worker.held_bytes, run_s)),
                ]
                if each is not None
            }
            for worker in snapshot.workers
        },
    }


def ghost_text(ghost: Ghost, snapshot: Snapshot) -> str:
    """Return the comparison as one line."""
    found = sum_up(ghost, snapshot)
    head = f"ghost {ghost.name} ({ghost.kind}) at the same minute: "
    if differing := not_the_same(ghost, snapshot).differences:
        head = f"{head}NOT THE SAME ({'; '.join(map(sentence, differing))}): "
    if not found.compared:
        return f"{head}not recorded"
    text = f"{head}ahead in {found.ahead}, behind in {found.behind} of {found.compared}"
    if found.gameplay_s is not None and found.ghost_gameplay_s is not None:
        apart_s = found.ghost_gameplay_s - found.gameplay_s
        return f"{text}; gameplay {fmt.age(abs(apart_s))} {'earlier' if apart_s >= 0 else 'later'}"
    return text


def _value(each: GhostValue) -> dict[str, Any]:
    return {
        "value": each.value,
        "ghost": each.ghost,
        "word": str(each.word),
        "there_s": _rounded(each.there_s),
        "never": each.never,
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
