"""Writes the hourly validation: the state of the run in one line. Pure."""

from __future__ import annotations

from metabonk_tui.core.config.schema import GB
from metabonk_tui.core.model import levels
from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.model.sample import Event
from metabonk_tui.core.model.snapshot import CHECK_RESULTS, Snapshot
from metabonk_tui.core.model.worker import Reach

HOUR_S = 3600.0


def hour_of(snapshot: Snapshot) -> int:
    """Return the number of full hours of the run."""
    return int(snapshot.run.elapsed_s // HOUR_S)


def hour_event(snapshot: Snapshot) -> Event:
    """Return the event with verdict, checks, memory and workers of the run."""
    gate, memory = snapshot.gate, snapshot.memory
    up = sum(worker.reach is Reach.UP for worker in snapshot.workers)
    counts = [f"{gate.count(result)} {result}" for result in CHECK_RESULTS]
    checks = ", ".join(count for count in counts if not count.startswith("0 ")) or "none yet"
    available = memory.available_bytes
    room = "not known" if available is None else f"{available / GB:.1f} GB available"
    text = (
        f"hour {hour_of(snapshot)}: {snapshot.verdict.kind}; checks: {checks}; memory: {room};"
        f" workers: {up}/{len(snapshot.workers)} up"
    )
    severity = levels.severity_of(snapshot.verdict.level)
    return Event(snapshot.t, EventKind.RECORDER_HOUR, severity, text)
