"""Declares the actions on a pool, the plan that shows what an action would do, and where a pool is looked for."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from metabonk_tui.core.model.host import Role
from metabonk_tui.core.model.level_names import Severity
from metabonk_tui.core.model.refs import HostName, ProcessRef, WorkerRef


class Launch(Struct, frozen=True, tag="launch"):
    """Start the pool with this many workers."""

    workers: int
    by: str = "key"
    hours: float | None = None
    """Planned length in hours; None: a short validation run."""
    override: str = ""
    """The operator's reason to act although the interlock refuses; "": no override."""
    hosts: tuple[HostName, ...] = ()
    """Where hosts have names: the only ones to act on, with `workers` on each; empty: all."""


class Stop(Struct, frozen=True, tag="stop"):
    """Stop the whole pool."""

    by: str = "key"
    adopt: tuple[int, ...] = ()
    """Pids that a person named although nothing proves that they are the pool's; each is signalled as well."""
    hosts: tuple[HostName, ...] = ()


class Resize(Struct, frozen=True, tag="resize"):
    """Bring the pool to this many workers."""

    workers: int
    by: str = "key"
    hours: float | None = None
    override: str = ""
    adopt: tuple[int, ...] = ()
    hosts: tuple[HostName, ...] = ()


class Restart(Struct, frozen=True, tag="restart"):
    """Stop the pool and launch it again with the same number."""

    workers: int
    by: str = "key"
    hours: float | None = None
    override: str = ""
    adopt: tuple[int, ...] = ()
    hosts: tuple[HostName, ...] = ()


class StopWorker(Struct, frozen=True, tag="stop_worker"):
    """Stop the process of one worker. A supervisor may respawn it: the plan says so."""

    ref: WorkerRef
    pid: int
    pid_started_at: float
    by: str = "key"


ActionOnPool = Launch | Stop | Resize | Restart
Action = Launch | Stop | Resize | Restart | StopWorker


class TargetProcess(Struct, frozen=True):
    """A process that a plan will stop. The pid and the start time identify it, because pids are reused."""

    role: Role
    pid: int
    started_at: float
    worker: WorkerRef | None = None
    """None: another process, or a worker of unknown slot."""
    name: str = ""

    @property
    def ref(self) -> ProcessRef:
        return ProcessRef(self.pid, self.started_at)


class StrangerProcess(Struct, frozen=True):
    """A process that looks like the pool's or is in its way, and that a plan leaves alone."""

    process: TargetProcess
    reason: str
    """Why it is not ours, as the end of a sentence: "runs in another network namespace"."""
    adoptable: bool = False
    """A person may add it to the plan by a typed word."""

    @property
    def text(self) -> str:
        """Name it for people: "not ours, left alone: pid 4711 python3: runs in /srv/other"."""
        return f"not ours, left alone: pid {self.process.pid} {self.process.name}: {self.reason}"


class PlanSource(Struct, frozen=True):
    """Where the commands of a plan run, and the env file that they get."""

    directory: str
    env_file: str | None = None
    env_keys: int | None = None
    """How many variables the env file sets; None: no file, or it could not be read (then a warning says why)."""


class Plan(Struct, frozen=True):
    """What an action would do; nothing has been done yet."""

    action: Action
    mode: Literal["noop", "restart_all", "incremental", "start", "stop", "refused"]
    commands: tuple[tuple[str, ...], ...]
    """The exact argument lists, in order."""
    hits: tuple[TargetProcess, ...]
    """Processes that will be stopped."""
    start: int
    """Workers that will be started."""
    source: PlanSource | None
    """Where its commands run and with what; None: this pool runs none."""
    warnings: tuple[str, ...] = ()
    refusal: str = ""
    """Why the action is impossible, when `mode` is "refused"."""
    respawns: bool = False
    """The supervisor will start the stopped processes again."""
    seconds: float | None = None
    """Estimated duration in seconds; None: not known."""
    overridden: tuple[str, ...] = ()
    """The failed interlock conditions that the action's `override` bypasses."""
    strangers: tuple[StrangerProcess, ...] = ()
    """Processes that concern the pool and are left alone; `warnings` name them as well."""
    parts: tuple[HostPlan, ...] = ()
    """What it would do on each host, where hosts have names; the other fields then join them."""
    able: tuple[HostName, ...] = ()
    """When it is refused because of some hosts: those that could act without them."""
    begins_run: bool = True
    """Whether a start begins a run; False: workers of other hosts go on."""


class HostPlan(Struct, frozen=True):
    """What an action would do on one host, as the agent there planned it."""

    host: HostName
    plan: Plan
    id: str = ""
    """Names this plan to the agent that made it; "": there is none to carry out."""


RolePolicy = Literal["ask", "yield", "keep"]
"""How a controller answers a monitor that asks for control: ask the person at the screen, yield at once, or refuse."""


class RoleRequest(Struct, frozen=True):
    """Another monitor that asks this one for the control of the pool."""

    number: int
    by: str
    """The asking process, as the kernel names it: "pid 4711", "pid 4711 of root"."""
    want: str
    """What it wants to do: "stop the pool"."""
    left_s: float
    """Real seconds left to answer."""


class RoleNews(Struct, frozen=True):
    """What happened to the control of a pool."""

    severity: Severity
    text: str


class PoolSearch(Struct, frozen=True):
    """Where this monitor looks for a pool that no configuration file describes."""

    config_path: str
    """The configuration file, or the place where it would be."""
    has_file: bool
    """Whether it exists."""
    is_local: bool
    """Whether the workers are looked for on this machine."""
    program: str = "metabonk-tui"
    """The command that starts this program."""
    how: str = ""
    """The same with the options that select this pool; "": there are none."""
    describes_pool: bool = False
    """Whether the file describes a pool: it then says where to look, and how to launch."""
    runs_verbs: bool = False
    """Whether a number key closes the monitor and starts the command: not in a browser, and not in a demo."""
