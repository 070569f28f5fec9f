"""Declares what changed between two looks at the screen. Does not: find it out.

Missing is `None`, never a default. Units are in the names. Times `t` are Unix seconds on the run's clock.
"""

from __future__ import annotations

from msgspec import Struct

from metabonk_tui.core.model.level_names import Level
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.sample import Event
from metabonk_tui.core.model.snapshot import Gap, NextStep, VerdictKind


class WorkerLook(Struct, frozen=True):
    """One worker as it was at a look."""

    ref: WorkerRef
    generation: int
    step: float | None
    episode: int | None
    has_played: bool
    """Whether it had reached gameplay in this run."""


class Look(Struct, frozen=True):
    """What was on the screen at the last key."""

    t: float
    run: str
    """The name of the run."""
    kind: VerdictKind
    level: Level
    """The level of the verdict, which may be graver than that of its word."""
    workers: tuple[WorkerLook, ...]
    held_bytes: int | None
    """Memory that all workers held; None: not read."""


class AbsenceTrack(Struct, frozen=True):
    """What happened since a look, as far as the newest Snapshot does not show it."""

    look: Look
    lowest_bytes: int | None = None
    """The lowest available memory since the look; None: not observed."""
    lowest_t: float | None = None
    lowest_from_t: float | None = None
    """Since when memory is known; None: since the look."""
    events: tuple[Event, ...] = ()
    """Restarts, deaths, stalls and kills since the look, oldest first; the newest ones are kept."""
    dropped: int = 0
    """How many older ones were dropped."""
    event_count: int = 0
    run: str = ""


class VerdictSpan(Struct, frozen=True):
    """A word and when it stood."""

    kind: VerdictKind
    level: Level
    from_t: float
    to_t: float

    @property
    def lasted_s(self) -> float:
        return self.to_t - self.from_t


class WorkerDeath(Struct, frozen=True):
    """A worker that died or began anew."""

    label: str
    t: float
    cause: str
    up_after_s: float | None
    """Seconds until it answered again; None: it did not, or it is not known."""
    death: tuple[float, str, int | None] | None
    """The key of its obituary; None: there is none."""


class Absence(Struct, frozen=True):
    """What changed between the last key and now. A part with nothing to say is empty or None."""

    from_t: float
    to_t: float
    title: str
    """The verdict of the absence in some words: "All went well"."""
    rest: str
    """What follows it, as sentences."""
    waits: tuple[NextStep, ...]
    """What waits for the operator."""
    then: VerdictSpan
    now: VerdictSpan
    worst: VerdictSpan | None
    """The gravest word between; None: no word was graver than `then` and `now`."""
    spans: tuple[VerdictSpan, ...]
    """Every word from the last key until now; empty: another run began in between."""
    new_run: str
    """The run that began in between, and how the one before ended; "": it is the same run."""
    gaps: tuple[Gap, ...]
    """When no monitor watched."""
    restarts: tuple[WorkerDeath, ...]
    stalls: tuple[Event, ...]
    marks: tuple[tuple[float, bool], ...]
    """For a strip: (t, whether it was a death) of every restart and stall."""
    lowest_bytes: int | None
    lowest_t: float | None
    lowest_from_t: float | None
    available_bytes: int | None
    growth_bytes: int | None
    """Growth of the memory that all workers hold; None: not known."""
    steps: float | None
    """Steps that the workers made; None: not known."""
    steps_at_least: bool
    """A worker restarted: its steps before that are not counted."""
    episodes: tuple[int, int] | None
    """(then, now), where every worker that counted then counts now."""
    played: tuple[int, int, int]
    """Workers that had reached gameplay: (then, now, of how many)."""
    reached: tuple[tuple[str, float], ...]
    """(worker, when) for each that reached it in between."""
    dropped: int = 0
    """Events that are not kept any more."""
