"""Follows the actors of one pool on Ray, through the sidecar. Does not: create or end an actor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from metabonk_tui.adapters.pools.placed_watch import PlacedWatch
from metabonk_tui.adapters.ray.actors import (
    Actor,
    Record,
    actors_of,
    end_text,
    exit_of,
    look_of,
    state_text,
)
from metabonk_tui.adapters.ray.changes import changes
from metabonk_tui.adapters.ray.sidecar_process import Sidecar, SidecarError
from metabonk_tui.core.model.host import ExitReading
from metabonk_tui.core.model.sample import Event
from metabonk_tui.core.ports.live import Clock
from metabonk_tui.core.text.clean import clean_text


class RayWatch(PlacedWatch[Actor, Record]):
    """The actors of the pool of one namespace. One look costs the head of the cluster 5 ms."""

    every_s = 2.0

    def __init__(self, sidecar: Sidecar, clock: Clock, startup_grace_s: float) -> None:
        """Prepare; the first `look` starts the sidecar."""
        super().__init__(clock, startup_grace_s)
        self.sidecar = sidecar
        self.strangers: tuple[str, ...] = ()
        """Living actors of the namespace without our token."""
        self._starts: dict[int, int] = {}
        self._waiting_since_t: dict[str, float] = {}

    def start_of(self, slot: int) -> int:
        """Return the number of the next start of a slot."""
        actor = self.jobs.get(slot)
        return actor.start + 1 if actor is not None else self._starts.get(slot, 0) + 1

    def has_begun(self, job: Actor) -> bool:
        return job.at is not None

    def pid_of(self, job: Actor) -> int | None:
        return None if job.at is None else job.at.pid

    def state_text(self, job: Actor) -> str:
        return state_text(job)

    def short_text(self, job: Actor) -> str:
        return f"actor {job.label}: {state_text(job)}"

    def end_text(self, job: Actor) -> str:
        return end_text(job)

    def _ask(self, limit_s: float) -> str:
        try:
            look = look_of(self.sidecar.ask("look", limit_s))
        except SidecarError as error:
            return str(error)
        except ValueError as error:
            return f"the answer of the sidecar cannot be read: {clean_text(str(error), 120)}"
        every = actors_of(look)
        self._take(look.record, every)
        self._starts = {slot: actor.start for slot, actor in every.items()}
        self.strangers = tuple(clean_text(name, 80) for name in look.strangers)
        return ""

    def _learn(self, now: Mapping[int, Actor]) -> None:
        """Note since when an actor waits: Ray does not say it."""
        self._waiting_since_t = {
            actor.name: self._waiting_since_t.get(actor.name, self._clock.now())
            for actor in now.values()
            if actor.waits
        }

    def _exit_of(self, job: Actor) -> ExitReading | None:
        return exit_of(job)

    def _changes(self, now: Mapping[int, Actor]) -> Iterable[Event]:
        return changes(self.jobs, now, self._clock.now(), frozenset(self._own))

    def _waits_since_t(self, job: Actor) -> float | None:
        return self._waiting_since_t.get(job.name)
