"""Declares one worker of a Snapshot: its reachability, components, health, gameplay and processes.

Missing is `None`, never a default. Units are in the names. Times `t` are Unix seconds on the run's clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal

from msgspec import Struct

from metabonk_tui.core.model.process_exit import ProcessExit
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.sample import BadValue, WorkerStatus


class ComponentState(StrEnum):
    """The state of one component on one worker: section 2 of the verdict's definition."""

    ACTIVE = "ACTIVE"
    STALLED = "STALLED"
    ZERO = "ZERO"
    ABSENT = "ABSENT"
    UNPROVEN = "UNPROVEN"
    BAD = "BAD"
    UNOBSERVED = "UNOBSERVED"
    RESTING = "RESTING"
    """It has shown in this generation, and its worker is where it does not move."""
    STRANGER = "STRANGER"
    """What answers on the port is not this pool's worker: nothing of it is believed."""
    STALE = "STALE"
    DOWN = "DOWN"
    PENDING = "PENDING"
    """Absent or unreachable within the start-up grace period: not judged yet."""


WindowActivity = Literal["showing", "silent", "unknown"]


class ComponentView(Struct, frozen=True):
    """One component on one worker."""

    id: str
    label: str
    """The row label of a panel, at most 9 cells."""
    title: str
    state: ComponentState
    window_activity: WindowActivity
    since_t: float
    """When the component entered this state."""
    value: float | None
    """The current value; None: the latest good status has no number here."""
    last_value: float | None
    """The last value seen in this generation. STALE and DOWN display it."""
    decimals: int
    change_5m: float | None
    """Increase over the last 5 minutes; None: observed for too short a time, or see `change_unseen`."""
    trend: tuple[float, ...]
    """Growth (not the total) per bucket of `Snapshot.trend_bucket_s`, oldest first, at most 60 buckets."""
    expected_min: float | None
    expected_max: float | None
    expected_by_s: float
    due: Literal["validation", "gameplay"]
    derived: bool
    """The monitor computes the value; screens mark it `*`."""
    field: str
    proof: str | None
    """The field that proves that this component is on; None: no proof needed."""
    samples: int
    samples_with_key: int
    """How many of the `samples` good statuses of this run had the key."""
    shown_in_run: bool
    """Whether the component was showing at any time in this run on this worker."""
    last_grew_t: float | None
    bad: BadValue | None = None
    stands: bool = False
    """It stands by design once it has shown."""
    launcher_sets: bool = False
    """The launcher switches it on by itself."""
    shown_in_generation: bool = False
    known_state: ComponentState = ComponentState.PENDING
    """The last state while its worker could be seen."""
    known_since_t: float = 0.0
    companion: tuple[str, float] | None = None
    """The field by which it shows while its own number is zero or not there, and that field's value.

    System2 in mode `always` never counts engagements; its answers count (`vlm_hints_used`).
    """
    change_unseen: bool = False
    """The last 5 minutes begin within a time in which its worker was not seen: how much grew since is not known."""

    @property
    def shown_value(self) -> float | None:
        """The number that stands for it on a screen: its own, or its companion's."""
        return self.value if self.companion is None else self.companion[1]

    @property
    def bad_since_t(self) -> float:
        """Since when the value is unusable; a pause of the worker or of the monitor did not begin it anew."""
        return self.known_since_t if self.known_state is ComponentState.BAD else self.since_t

    @property
    def word(self) -> str:
        """The state for people: what stands by design once it has shown is not stalled."""
        return "STANDS" if self.stands and self.state is ComponentState.STALLED else self.state.value


class Reach(StrEnum):
    """Whether the worker answers polls."""

    UP = "up"
    STARTING = "starting"
    STALE = "stale"
    DOWN = "down"
    UNOBSERVED = "unobserved"
    BROKEN = "broken"
    """The process answers without a valid status: HTTP 500, not JSON, too large ..."""
    STRANGER = "stranger"
    """Something answers on the port that is not this pool's worker."""


class GameplayView(Struct, frozen=True):
    """Whether this worker reached gameplay. `started` alone is a one-way latch with known false positives."""

    started: bool | None
    signs: tuple[str, ...]
    """Corroborating signs: "hud_present", "phase_gameplay", "state gameplay"."""
    corroborated: bool
    since_t: float | None
    reached_t: float | None = None
    """When gameplay was first corroborated in this run, in any generation."""
    not_yet_t: float | None = None
    """When the worker was last seen in this run before it reached gameplay; None: never."""


class EnvView(Struct, frozen=True):
    """One worker process's environment, compared with the required one."""

    right: int
    required: int
    missing: tuple[str, ...]
    wrong: tuple[tuple[str, str, str], ...]
    """(key, actual value, required value)"""
    error: str | None
    """Why reading failed; the other fields are then meaningless."""


class HealthState(StrEnum):
    """What is wrong with a worker's activity. Earlier members win: a worker shows one state."""

    STRANGER = "stranger"
    """What answers on the worker's port is not this pool's worker."""
    LOOPING = "looping"
    """The worker restarts again and again."""
    DOWN = "down"
    """Nothing listens on the worker's port."""
    BROKEN = "broken"
    """The worker answers without a valid status."""
    HUNG = "hung"
    """The worker accepts connections and never answers."""
    ZOMBIE = "zombie"
    """The worker answers, but its counters stopped."""
    STALE_FRAMES = "stale frames"
    """The worker's step advances, its frames do not."""
    RACING = "racing"
    """The step rate jumped against the worker's own past."""
    IDLE = "idle"
    """The worker answers, but no counter ever grew."""

    @property
    def level(self) -> Literal["caution", "stop"]:
        """The severity: "caution" for RACING and IDLE, otherwise "stop"."""
        return "caution" if self in (HealthState.RACING, HealthState.IDLE) else "stop"

    @property
    def short(self) -> str:
        """A label of at most 9 cells, for a column or a mark."""
        return "no frames" if self is HealthState.STALE_FRAMES else self.value


class Health(Struct, frozen=True):
    """A worker's health problem, with its start and evidence."""

    state: HealthState
    since_t: float
    why: str
    """A clause: "accepts, has not answered for 12s"."""


class Attention(Struct, frozen=True):
    """A reason to look at this worker first."""

    mark: str
    """At most 10 cells: "×200", "unproven", "BAD", "OOM KILL"."""
    level: Literal["caution", "stop", "unknown"]
    text: str
    """The reason as a sentence."""


class Generation(Struct, frozen=True):
    """One life of a worker, from its start to its next restart."""

    number: int
    began_t: float
    pid: int | None
    why: str
    """"first seen", "new pid", "step fell 202 → 19"."""
    ended: ProcessExit | None = None
    """How its process ended; None: the process runs, or its end was not seen."""


KEPT_EPISODES = 120


class Episode(Struct, frozen=True):
    """One episode that ended. None: not known, because it was not observed throughout."""

    ended_t: float
    """When its number was first seen to have changed, in Unix seconds on the run's clock."""
    length_s: float | None
    play_s: float | None
    """Seconds in which the worker was in the game."""
    intrinsic: float | None
    """The intrinsic reward that it added. MetaBonk serves no return."""

    @property
    def reached(self) -> bool | None:
        """Whether it reached the game."""
        return None if self.play_s is None else self.play_s > 0.0


class Episodes(Struct, frozen=True):
    """The episodes of one worker that ended in this run while it was observed."""

    ended: int = 0
    """How many ended, also those of which nothing else is known."""
    known: int = 0
    """Of how many it is known whether they reached the game."""
    reached: int = 0
    kept: tuple[Episode, ...] = ()
    """The newest, oldest first, at most `KEPT_EPISODES`."""
    longest: Episode | None = None
    """The one with the longest play of the run."""


class WorkerView(Struct, frozen=True):
    """One worker, as screens draw it and the verdict judges it."""

    ref: WorkerRef
    port: int | None
    reach: Reach
    reach_since_t: float
    """When this began. A worker that does not answer: its last answer, or the first look at one that never did."""
    error: str | None
    """The named failure of the last poll; None: the worker answered."""
    detail: str
    pid: int | None
    pid_started_at: float | None
    ui_state: str | None
    """dynamic_ui_state_type: "menu_ui", "gameplay", "uncertain"."""
    generation: int
    generations: tuple[Generation, ...]
    """The last 20 of this run, oldest first."""
    resets_t: tuple[float, ...]
    """Times of restarts (counter reset or new pid): `generation - 1` in this run, the last 1000."""
    components: tuple[ComponentView, ...]
    step: float | None
    step_rate: float | None
    """Steps per second over the last minute, or over the last interval where samples are sparser."""
    step_rate_ratio: float | None
    """The step rate relative to its own past; None: not known, or below tenfold."""
    epsilon: float | None
    frames_rate: float | None
    episode: int | None
    rss_bytes: int | None
    rss_growth_bytes_per_min: float | None
    tree_bytes: int | None
    rss_peak_bytes: int | None
    """The highest memory in this run: the tree's, or the process's where the tree was not read."""
    env: EnvView | None
    """None: never read."""
    gameplay: GameplayView
    last_error: str | None
    """The last error that the worker reports, or the monitor's last failure to read it."""
    last_error_t: float | None
    last_good_t: float | None
    age_s: float | None
    """Seconds since the last good status."""
    latency_s: float | None
    observed_s: float
    """Seconds of this run during which the worker was observed answering."""
    attention: tuple[Attention, ...]
    """The most severe first."""
    status: WorkerStatus | None
    """The last good status."""
    environment: Mapping[str, str] | None = None
    """The monitored variables that its process started with; None: not read, or unreadable (see `env`)."""
    health: Health | None = None
    """None: no problem found, or not known."""
    step_rate_fell: float | None = None
    """The step rate as a share of its usual one, after a collapse; None: no collapse, or not known."""
    stepped_t: float | None = None
    """When the step last grew in this generation; its first sight counts."""
    lived_s: float = 0.0
    """Seconds of this generation: before the first answer since its process started, then while it answered."""
    first_good_t: float | None = None
    """When it first answered in this run."""
    episodes: Episodes | None = None
    """The episodes that ended; None: the orchestrator never said which one goes on."""

    @property
    def slot(self) -> int:
        """Its slot on its own host."""
        return self.ref.slot

    @property
    def held_bytes(self) -> int | None:
        """The memory of its process tree, or of its process where the tree was not read."""
        return self.rss_bytes if self.tree_bytes is None else self.tree_bytes

    @property
    def is_gone(self) -> bool:
        """Whether its process was seen, and the worker is down now. One that was never seen is only not observed."""
        return self.reach is Reach.DOWN and self.pid is not None

    @property
    def alive(self) -> bool:
        """Whether a process exists: the worker answers, or its memory was read. A pid may be outdated."""
        return self.reach in (Reach.UP, Reach.STALE, Reach.BROKEN) or self.rss_bytes is not None
