"""Yields the Snapshots of a live monitor to verbs without a screen, and prints new events.

Waits in real time; times inside a Snapshot are on the run's clock.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from typing import TextIO

from metabonk_tui.core.model.snapshot import Snapshot, added_events
from metabonk_tui.core.text.numbers import elapsed
from metabonk_tui.engine.engine import Engine


def follow(monitor: Engine, limit_s: float | None = None) -> Iterator[Snapshot]:
    """Yield each newer Snapshot; skip those published while the caller was busy. Ends after `limit_s` real seconds.

    Raises RuntimeError when a bug stopped the engine, because no further Snapshot will come.
    """
    changed = threading.Event()
    monitor.subscribe(changed.set)
    ends = None if limit_s is None else time.monotonic() + limit_s
    shown: Snapshot | None = None
    while True:
        changed.clear()
        newest = monitor.latest()
        if newest is not None and newest is not shown:
            shown = newest
            yield newest
            continue
        if monitor.fault is not None:
            raise RuntimeError(monitor.fault)
        left_s = None if ends is None else ends - time.monotonic()
        if left_s is not None and left_s <= 0:
            return
        # A wait without a limit cannot be interrupted by Ctrl-C on every platform.
        changed.wait(1.0 if left_s is None else min(left_s, 1.0))


class SnapshotCounter:
    """Counts distinct Snapshots. The first may be restored from a recording, so it need not be a new sample."""

    def __init__(self) -> None:
        self._seen: set[tuple[str, int]] = set()

    def count(self, snapshot: Snapshot) -> None:
        """Count a Snapshot once, by run name and tick."""
        self._seen.add((snapshot.run.name, snapshot.tick))

    @property
    def total(self) -> int:
        return len(self._seen)


class EventPrinter:
    """Prints the events since the previous Snapshot; to stderr unless `to` is given."""

    def __init__(self, to: TextIO | None = None) -> None:
        self._to = to
        self._newest: Snapshot | None = None

    def print_new(self, snapshot: Snapshot) -> None:
        """Print each new event with its run time, severity and text."""
        before, self._newest = self._newest, snapshot
        same_run = before is not None and before.run.started_at == snapshot.run.started_at
        for event in added_events(before, snapshot) if same_run and before is not None else snapshot.events:
            line = f"{elapsed(event.t - snapshot.run.started_at)} {event.severity:<4} {event.text}"
            print(line, file=self._to or sys.stderr, flush=True)
