"""Follows the actors of one pool: asks the sidecar every few seconds, and keeps what it said last.

Does not: create or end an actor.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Mapping

from metabonk_tui.adapters.ray.actors import (
    Actor,
    ActorLook,
    Record,
    actors_of,
    end_text,
    exit_of,
    look_of,
    state_text,
)
from metabonk_tui.adapters.ray.changes import changes
from metabonk_tui.adapters.ray.sidecar_process import LIMIT_S, Sidecar, SidecarError
from metabonk_tui.core.model.host import ExitReading
from metabonk_tui.core.model.refs import HostName
from metabonk_tui.core.model.sample import Event, WaitingWorker
from metabonk_tui.core.ports.cluster import NodePlace
from metabonk_tui.core.ports.live import Clock
from metabonk_tui.core.text.clean import clean_text
from metabonk_tui.core.text.phrases import cut_list

EVERY_S = 2.0
"""Real seconds between two looks: one costs the head of the cluster 5 ms."""
SLOWEST_S = 60.0
COST_SHARE = 20.0
"""A look that takes long is repeated after so many times its length."""


class RayWatch:
    """The actors of the pool of one namespace. For any thread; a lock orders the looks."""

    def __init__(self, sidecar: Sidecar, clock: Clock, startup_grace_s: float) -> None:
        """Prepare; the first `look` starts the sidecar."""
        self.sidecar = sidecar
        self.record: Record | None = None
        self.actors: Mapping[int, Actor] = {}
        """The actor of each slot, ended ones too."""
        self.strangers: tuple[str, ...] = ()
        """Living actors of the namespace without our token."""
        self.problem = ""
        """Why the last look failed; "": it did not, or there was none."""
        self.looked_s: float | None = None
        """When a look last succeeded, monotonic; None: never."""
        self._clock, self._grace_s = clock, startup_grace_s
        self._lock = threading.Lock()
        self._due_s = 0.0
        self._failures = 0
        self._events: list[Event] = []
        self._exits: dict[HostName, list[ExitReading]] = {}
        self._own: set[str] = set()
        self._starts: dict[int, int] = {}
        self._waiting_since_t: dict[str, float] = {}
        self._last_wanted = 0
        """How many were wanted before a stop: where they ran stays in sight until the next launch."""

    def look_if_due(self) -> None:
        """Ask Ray when it is time to; blocks at most some seconds."""
        if time.monotonic() >= self._due_s:
            self.look()

    def look(self, limit_s: float = LIMIT_S) -> str:
        """Ask Ray now, and note what changed. Returns the problem; "" for none."""
        with self._lock:
            began_s = time.monotonic()
            try:
                self._note(look_of(self.sidecar.ask("look", limit_s)))
                problem = ""
            except SidecarError as error:
                problem = str(error)
            except ValueError as error:
                problem = f"the answer of the sidecar cannot be read: {clean_text(str(error), 120)}"
            took_s = time.monotonic() - began_s
            self._failures = self._failures + 1 if problem else 0
            pause_s = EVERY_S * 2 ** min(self._failures, 4)
            self._due_s = time.monotonic() + min(max(pause_s, COST_SHARE * took_s if not problem else 0.0), SLOWEST_S)
            self.problem = problem
            return problem

    def living(self) -> dict[int, Actor]:
        """Return the actors that run or wait, by slot."""
        return {slot: actor for slot, actor in self.actors.items() if actor.lives}

    def start_of(self, slot: int) -> int:
        """Return the number of the next start of a slot."""
        actor = self.actors.get(slot)
        return actor.start + 1 if actor is not None else self._starts.get(slot, 0) + 1

    def note_own_end(self, actors: Collection[Actor]) -> None:
        """Remember that this monitor ends these actors itself."""
        with self._lock:
            self._own |= {actor.name for actor in actors}

    def take_events(self) -> tuple[Event, ...]:
        """Return the events since the last call."""
        with self._lock:
            taken, self._events = tuple(self._events), []
            return taken

    def take_exits(self) -> dict[HostName, tuple[ExitReading, ...]]:
        """Return the exits since the last call, by node."""
        with self._lock:
            taken, self._exits = {node: tuple(each) for node, each in self._exits.items()}, {}
            return taken

    @property
    def desired(self) -> int | None:
        """How many workers are wanted; None: the pool was stopped, or never launched."""
        return self.record.workers if self.record is not None else None

    def waiting(self) -> tuple[WaitingWorker, ...]:
        """Return the workers that wait for a place."""
        return tuple(
            WaitingWorker(slot, actor.label, actor.reason, self._waiting_since_t.get(actor.name), actor.state)
            for slot, actor in self.actors.items()
            if actor.waits
        )

    def places(self) -> dict[HostName, NodePlace]:
        """Return the nodes of the pool: where actors run, and where one ended whose slot has no other one."""
        found: dict[HostName, list[Actor]] = {}
        for slot, actor in self.actors.items():
            if actor.node and not actor.waits and (actor.lives or slot < self._last_wanted):
                found.setdefault(actor.node, []).append(actor)
        now, places = time.time(), {}
        for node, actors in sorted(found.items()):
            running = tuple(actor.number for actor in actors if actor.runs)
            others = [f"actor {actor.label}: {state_text(actor)}" for actor in actors if not actor.runs]
            places[node] = NodePlace(
                tuple(actor.slot for actor in actors),
                running,
                any(actor.is_lost for actor in actors),
                {actor.slot: end_text(actor) for actor in actors if actor.has_ended and not actor.is_lost},
                frozenset(
                    actor.slot for actor in actors if actor.runs and now - (actor.began_at or 0.0) < self._grace_s
                ),
                cut_list(others, 4),
            )
        return places

    def _note(self, look: ActorLook) -> None:
        """Note how workers ended, and what happened."""
        every = actors_of(look)
        record = look.record
        wanted = (record.workers or 0) if record is not None else 0
        kept = wanted or self._last_wanted
        # What is not wanted any more and has ended is over.
        now = {slot: actor for slot, actor in every.items() if actor.lives or slot < kept or slot in self.actors}
        is_first = self.looked_s is None
        for slot, actor in now.items():
            was = self.actors.get(slot)
            is_known = was is not None and was.name == actor.name
            if not is_first and is_known and not was.has_ended and actor.has_ended and actor.node:  # type: ignore[union-attr]
                found = None if actor.is_lost else exit_of(actor)
                if found is not None:
                    self._exits.setdefault(actor.node, []).append(found)
        if not is_first:
            self._events += changes(self.actors, now, self._clock.now(), frozenset(self._own))
        self._waiting_since_t = {
            actor.name: self._waiting_since_t.get(actor.name, self._clock.now())
            for actor in now.values()
            if actor.waits
        }
        self._starts = {slot: actor.start for slot, actor in every.items()}
        self.record, self.actors, self.looked_s = record, now, time.monotonic()
        self.strangers = tuple(clean_text(name, 80) for name in look.strangers)
        self._last_wanted = wanted or self._last_wanted
