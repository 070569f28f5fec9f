"""Writes the monitor as plain text that goes on: one sentence for each change.

For pipes, terminals that cannot move their cursor, and screen readers. Does not: use glyphs, colours or columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import tzinfo

from metabonk_tui.cli.live.follow import follow
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.event import without_duplicates
from metabonk_tui.core.model.pool import PoolSearch
from metabonk_tui.core.model.snapshot import Snapshot, added_events, shares_events
from metabonk_tui.core.model.worker import Reach
from metabonk_tui.core.run.no_pool import is_no_pool, looked_for, standing, ways
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.engine.engine import Engine

STILL_S = 600.0
"""On the run's clock: after this long without a change the state is said again, because silence shows nothing."""
SEVERITIES = {"crit": "critical: ", "warn": "warning: "}


def print_changes(monitor: Engine, zone: tzinfo, config: Config, search: PoolSearch | None) -> None:
    """Print each change to standard output, until an exception ends it. Raises RuntimeError after a bug."""
    changes = PlainChanges(zone, config, search)
    for snapshot in follow(monitor):
        for sentence in changes.sentences(snapshot):
            print(sentence, flush=True)


class PlainChanges:
    """Compares each Snapshot with the previous one."""

    def __init__(self, zone: tzinfo, config: Config, search: PoolSearch | None = None) -> None:
        """Write the times of day in this zone. `search`: where a pool is looked for; None: one is configured."""
        self._zone = zone
        self._config = config
        self._search = search
        self._before: Snapshot | None = None
        self._said: tuple[object, ...] = ()
        self._said_t = 0.0

    def sentences(self, snapshot: Snapshot) -> Iterator[str]:
        """Yield a sentence for each event, then for the verdict, the workers and memory where these changed."""
        before, self._before = self._before, snapshot
        same_run = shares_events(before, snapshot)
        if before is not None:
            for event in without_duplicates(added_events(before, snapshot) if same_run else snapshot.events):
                yield self._at(event.t, f"{SEVERITIES.get(event.severity, '')}{event.text}")
        state = (snapshot.run.name, snapshot.verdict.title, snapshot.memory.level, _up(snapshot))
        if state != self._said:
            yield from self._state(snapshot, "" if same_run else f"run {snapshot.run.name}, ")
        elif snapshot.t - self._said_t >= STILL_S:
            yield from self._state(snapshot, "still ")
        else:
            return
        self._said, self._said_t = state, snapshot.t

    def _state(self, snapshot: Snapshot, start: str) -> Iterator[str]:
        verdict, memory = snapshot.verdict, snapshot.memory
        because = f", because {verdict.because[0]}" if verdict.because else ""
        where = f" on {memory.host}" if memory.host else ""
        free = f"memory{where} not observed"
        if memory.available_bytes is not None:
            free = f"memory{where} {fmt.gigabytes(memory.available_bytes)} GB available"
        state = f"{start}{verdict.title}{because}; {_up(snapshot)}; {free}"
        yield self._at(snapshot.t, state)
        if self._search is not None and is_no_pool(snapshot):
            if start != "still ":
                yield from self._no_pool(snapshot, self._search)
            return
        for step in verdict.next_steps[:1] if start != "still " else ():
            yield self._at(snapshot.t, f"next: {step.text}" + (f": {step.command}" if step.command else ""))

    def _no_pool(self, snapshot: Snapshot, search: PoolSearch) -> Iterator[str]:
        """Yield what was looked for, and the commands that help."""
        for row in looked_for(snapshot, self._config, search):
            yield self._at(snapshot.t, f"looked for {row.what}, {standing(row)}: {row.text}")
        for way in ways(search):
            yield self._at(snapshot.t, f"to do next: {way.command}: {way.what}")

    def _at(self, t: float, text: str) -> str:
        return f"{fmt.clock(t, self._zone)} {text}"


def _up(snapshot: Snapshot) -> str:
    up = sum(worker.reach is Reach.UP for worker in snapshot.workers)
    return f"{up} of {max(len(snapshot.workers), snapshot.run.desired or 0)} workers up"
