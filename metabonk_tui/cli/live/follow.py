"""Yields the Snapshots of a live monitor to verbs without a screen, and prints new events.

Waits in real time; times inside a Snapshot are on the run's clock.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from queue import Empty, SimpleQueue
from typing import TextIO

from metabonk_tui.core.model.event import without_duplicates
from metabonk_tui.core.model.snapshot import Snapshot, added_events, shares_events
from metabonk_tui.core.text.numbers import elapsed
from metabonk_tui.engine.engine import Engine


def follow(monitor: Engine, limit_s: float | None = None) -> Iterator[Snapshot]:
    """Yield each newer Snapshot; skip those published while the caller was busy. Ends after `limit_s` real seconds.

    Raises RuntimeError when a bug stopped the engine, because no further Snapshot will come.
    """
    # Not an Event: Ctrl-C inside one may leave its lock taken, and then the engine waits for it forever.
    changed: SimpleQueue[None] = SimpleQueue()
    monitor.subscribe(lambda: changed.put(None))
    ends = None if limit_s is None else time.monotonic() + limit_s
    shown: Snapshot | None = None
    while True:
        while not changed.empty():
            changed.get_nowait()
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
        with contextlib.suppress(Empty):
            changed.get(timeout=1.0 if left_s is None else min(left_s, 1.0))


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
        """Print each new event with its run time, severity and text; not the alert about one that was printed."""
        before, self._newest = self._newest, snapshot
        is_known = before is not None and shares_events(before, snapshot)
        fresh = added_events(before, snapshot) if is_known and before is not None else snapshot.events
        for event in without_duplicates(fresh):
            line = f"{elapsed(event.t - snapshot.run.started_at)} {event.severity:<4} {event.text}"
            print(line, file=self._to or sys.stderr, flush=True)
