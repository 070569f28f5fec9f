"""Declares the page about one death: what was known of a process as it ended, and how it ended.

Missing is `None`, never a default. Units are in the names. Times `t` are Unix seconds on the run's clock.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from metabonk_tui.core.model.host import Role
from metabonk_tui.core.model.process_exit import ExitReason, ProcessExit
from metabonk_tui.core.model.refs import ONLY_HOST, HostName, WorkerRef, label_of
from metabonk_tui.core.model.sample import Event
from metabonk_tui.core.model.worker import ComponentState

MAX_OBITUARIES = 32
"""The newest ones are kept; of older ones only the number."""
BEFORE_S = 300.0
"""Seconds of memory before a death."""
AROUND_S = 30.0
"""Seconds before and after a death of which events are kept."""


class LastComponent(Struct, frozen=True):
    """One component in the last answer."""

    label: str
    state: ComponentState
    since_t: float
    value: float | None
    decimals: int
    derived: bool
    shown: bool
    """Whether it was showing at any time in this run on this worker."""


class LastAnswer(Struct, frozen=True):
    """The last good status of a worker before its death."""

    t: float
    step: float | None
    step_rate: float | None
    """Steps per second."""
    epsilon: float | None
    ui_state: str | None
    episode: int | None
    components: tuple[LastComponent, ...]


class DeathMemory(Struct, frozen=True):
    """Memory at one moment around a death."""

    t: float
    available_bytes: int | None
    held_bytes: int | None
    """What the process and its descendants held; None: it was not seen."""


class Remedy(Struct, frozen=True):
    """What may prevent the next death of this kind."""

    key: str | None
    """The key that does it in the UI."""
    text: str


class Obituary(Struct, frozen=True):
    """One death: made when it is seen, completed while evidence comes, then never changed."""

    t: float
    """When the process was first missing."""
    seen_t: float
    """When it was last known to be there: the death lies between the two."""
    who: WorkerRef | Role
    """The worker, or the role of another process."""
    pid: int | None
    generation: int | None
    """None: not a worker."""
    port: int | None
    lived_s: float | None
    """Seconds since its process started; None: not known."""
    ended: ProcessExit | None
    """How it ended; None: its end was not seen, it only stopped answering or restarted."""
    rss_bytes: int | None
    """Its resident memory when it was last read; None: not read."""
    floor_bytes: int
    memory: tuple[DeathMemory, ...] = ()
    """From 5 min before it until 30 s after it, oldest first; empty: memory was not read.

    The point at `t` already shows what the death freed.
    """
    answer: LastAnswer | None = None
    """None: it never answered, or is no worker."""
    signs: tuple[str, ...] = ()
    """What stood out before it: sentences, the most telling first."""
    log: tuple[str, ...] = ()
    """Lines of its log before it, oldest first; empty: none could be read."""
    log_ends: bool = False
    """True: `log` is the end of its log. False: only lines that may tell a cause were recorded."""
    around: tuple[Event, ...] = ()
    """Events from 30 s before it to 30 s after it, oldest first."""
    remedies: tuple[Remedy, ...] = ()
    restarted: str = ""
    """What shows its next life, where its end was not seen: "step fell 322 → 53"."""
    host: HostName = ONLY_HOST

    @property
    def label(self) -> str:
        """Its name on screen: "w2", "ollama", and "node2/ollama" where hosts have names."""
        name = label_of(self.who)
        return f"{self.host}/{name}" if self.host and self.ref is None else name

    @property
    def ref(self) -> WorkerRef | None:
        """The worker that died; None: another process."""
        return self.who if isinstance(self.who, WorkerRef) else None

    @property
    def reason(self) -> ExitReason:
        """Why it ended, as far as it is known."""
        return "unknown" if self.ended is None else self.ended.reason

    @property
    def key(self) -> tuple[float, str, int | None]:
        """What distinguishes it from every other death of its run."""
        return (self.t, self.label, self.pid)

    @property
    def kind(self) -> tuple[ExitReason, int | None]:
        """What makes two deaths the same: the reason, with the exit code where that is the reason."""
        code = self.ended.exit_code if self.ended is not None and self.reason in ("exited", "killed") else None
        return (self.reason, code)


class EarlierDeath(Struct, frozen=True):
    """A death in an earlier run of the same pool, as its recording reports it."""

    run: str
    """The name of the recording."""
    t: float
    run_s: float
    """Seconds after the start of its run."""
    label: str
    """"w2", "launcher"; "" where the event names no process."""
    reason: str
    """An `ExitReason`."""
    text: str


def same_deaths(obituaries: Sequence[Obituary], obituary: Obituary) -> tuple[Obituary, ...]:
    """Return the earlier deaths of the same kind, oldest first. Deaths of unknown cause are not the same."""
    if obituary.reason == "unknown":
        return ()
    return tuple(each for each in obituaries if each.t < obituary.t and each.kind == obituary.kind)
