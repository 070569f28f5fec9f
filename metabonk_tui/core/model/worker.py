"""One worker in a Snapshot: what it is doing, how it can be reached, what sets it apart.

Missing is `None`, never a default. Units are in the names. Times `t` are Unix seconds on the run's clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from metabonk_tui.core.model.process_exit import ProcessExit
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.sample import BadValue, WorkerStatus


class ComponentState(StrEnum):
    """What one component is doing on one worker: section 2 of the verdict's definition."""

    ACTIVE = "ACTIVE"
    STALLED = "STALLED"
    ZERO = "ZERO"
    ABSENT = "ABSENT"
    UNPROVEN = "UNPROVEN"
    BAD = "BAD"
    UNOBSERVED = "UNOBSERVED"
    STALE = "STALE"
    DOWN = "DOWN"
    PENDING = "PENDING"
    """Absent or unreachable within the start-up grace: not yet anything."""


WindowActivity = Literal["showing", "silent", "unknown"]


@dataclass(frozen=True, slots=True)
class ComponentView:
    """One component on one worker."""

    id: str
    label: str
    """At most 9 cells: the row label of a panel."""
    title: str
    state: ComponentState
    window_activity: WindowActivity
    since_t: float
    """Since when it is in this state."""
    value: float | None
    """Now; None unless the field is a value in the latest good status."""
    last_value: float | None
    """The last value ever seen in this generation: what STALE and DOWN show."""
    decimals: int
    change_5m: float | None
    """Increase over the last 5 minutes; None when it was not observed long enough to say anything."""
    trend: tuple[float, ...]
    """Growth per bucket of `Snapshot.trend_bucket_s`, oldest first, at most 60; never the running total."""
    expected_min: float | None
    expected_max: float | None
    expected_by_s: float
    due: Literal["validation", "gameplay"]
    derived: bool
    """Computed by us, marked `*`."""
    field: str
    proof: str | None
    """The field that proves this component is on, where it needs one."""
    samples: int
    samples_with_key: int
    """Of `samples` good statuses in this run, how many had the key."""
    shown_in_run: bool
    """Was it showing at any time in this run, on this worker?"""
    last_grew_t: float | None
    bad: BadValue | None = None


class Reach(StrEnum):
    """Can the worker be talked to?"""

    UP = "up"
    STARTING = "starting"
    STALE = "stale"
    DOWN = "down"
    UNOBSERVED = "unobserved"
    BROKEN = "broken"
    """Alive, but its status is not: HTTP 500, not JSON, too large ..."""


@dataclass(frozen=True, slots=True)
class GameplayView:
    """Has this worker reached gameplay? `started` alone is a one-way latch with known false positives."""

    started: bool | None
    signs: tuple[str, ...]
    """What corroborates it: "hud_present", "phase_gameplay", "state gameplay", "reward rising"."""
    corroborated: bool
    since_t: float | None
    reached_t: float | None = None
    """When it was first corroborated in this run, in any generation."""


@dataclass(frozen=True, slots=True)
class EnvView:
    """The required environment of one worker process, judged."""

    right: int
    required: int
    missing: tuple[str, ...]
    wrong: tuple[tuple[str, str, str], ...]
    """(key, is, should be)"""
    error: str | None
    """Why it could not be read; then nothing else here counts."""


class HealthState(StrEnum):
    """What is wrong with what a worker is doing. The order is the precedence: one word a worker."""

    LOOPING = "looping"
    """It begins anew again and again."""
    DOWN = "down"
    """Nothing listens."""
    BROKEN = "broken"
    """It answers, and what it answers is no status."""
    HUNG = "hung"
    """It accepts and never answers."""
    ZOMBIE = "zombie"
    """It answers, and nothing in it moves any more."""
    STALE_FRAMES = "stale frames"
    """Its step advances, what it sees does not."""
    RACING = "racing"
    """Its step rate has left its own regime."""
    IDLE = "idle"
    """It answers, and nothing ever grew."""

    @property
    def level(self) -> Literal["caution", "stop"]:
        """How loud it is."""
        return "caution" if self in (HealthState.RACING, HealthState.IDLE) else "stop"

    @property
    def short(self) -> str:
        """At most 9 cells: for a column and for a mark."""
        return "no frames" if self is HealthState.STALE_FRAMES else self.value


@dataclass(frozen=True, slots=True)
class Health:
    """What is wrong with what a worker is doing, since when, and what shows it."""

    state: HealthState
    since_t: float
    why: str
    """A clause: "accepts, has not answered for 12s"."""


@dataclass(frozen=True, slots=True)
class Attention:
    """What sets this worker apart from the others."""

    mark: str
    """At most 10 cells: "×200", "unproven", "BAD", "OOM KILL"."""
    level: Literal["caution", "stop", "unknown"]
    text: str
    """A sentence."""


@dataclass(frozen=True, slots=True)
class Generation:
    """One life of a worker."""

    number: int
    began_t: float
    pid: int | None
    why: str
    """"first seen", "new pid", "step fell 202 → 19"."""
    ended: ProcessExit | None = None
    """How its process ended; None: it lives, or was never seen to be gone."""


@dataclass(frozen=True, slots=True)
class WorkerView:
    """One worker, as it is drawn and judged."""

    ref: WorkerRef
    port: int | None
    reach: Reach
    reach_since_t: float
    error: str | None
    """The named failure of the last poll, None when it answered."""
    detail: str
    pid: int | None
    pid_started_at: float | None
    ui_state: str | None
    """dynamic_ui_state_type: "menu_ui", "gameplay", "uncertain"."""
    generation: int
    generations: tuple[Generation, ...]
    """In this run, oldest first, the last 20."""
    resets_t: tuple[float, ...]
    """Counter resets and new pids in this run; len == generation - 1, at most the last 1000."""
    components: tuple[ComponentView, ...]
    step: float | None
    step_rate: float | None
    """Steps per second over the last minute (or the last interval where samples are sparser)."""
    step_rate_ratio: float | None
    """Against the regime of its own past; None when that is not known or nothing jumped (below tenfold)."""
    epsilon: float | None
    frames_rate: float | None
    episode: int | None
    rss_bytes: int | None
    rss_growth_bytes_per_min: float | None
    tree_bytes: int | None
    rss_peak_bytes: int | None
    """The highest tree (or own) memory seen in this run."""
    env: EnvView | None
    """None: never looked at."""
    gameplay: GameplayView
    last_error: str | None
    """What the worker itself reports as its last error, or our last failure to read it."""
    last_error_t: float | None
    last_good_t: float | None
    age_s: float | None
    """Since the last good status."""
    latency_s: float | None
    observed_s: float
    """Time in this run during which it was observed answering."""
    attention: tuple[Attention, ...]
    """Worst first."""
    status: WorkerStatus | None
    """The last good one."""
    environment: Mapping[str, str] | None = None
    """What its process was started with, of what is looked at; None: never read, or not readable (see `env`)."""
    health: Health | None = None
    """None: nothing is wrong with what it is doing, or it is not known."""
    step_rate_fell: float | None = None
    """The share of its usual step rate, where that has collapsed; None where it has not, or nothing can be told."""

    @property
    def slot(self) -> int:
        """Its slot on its own host."""
        return self.ref.slot

    @property
    def alive(self) -> bool:
        """Has it a process: it answers somehow, or its memory was seen? A pid alone may be history."""
        return self.reach in (Reach.UP, Reach.STALE, Reach.BROKEN) or self.rss_bytes is not None
