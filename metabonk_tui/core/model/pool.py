"""What may be done to the pool: actions, and the plans that say beforehand what an action would hit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.sample import Role


@dataclass(frozen=True, slots=True)
class Launch:
    """Start the pool with this many workers."""

    workers: int
    by: str = "key"
    hours: float | None = None
    """How long it is meant to run; None: a short run to validate it."""
    override: str = ""
    """Why it is to be done although the interlock stops it."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Stop the whole pool."""

    by: str = "key"


@dataclass(frozen=True, slots=True)
class Resize:
    """Bring the pool to this many workers."""

    workers: int
    by: str = "key"
    hours: float | None = None
    override: str = ""


@dataclass(frozen=True, slots=True)
class Restart:
    """Stop the pool and launch it again with the same number."""

    workers: int
    by: str = "key"
    hours: float | None = None
    override: str = ""


@dataclass(frozen=True, slots=True)
class StopWorker:
    """Stop the process of one worker. A supervisor may respawn it: the plan says so."""

    ref: WorkerRef
    pid: int
    pid_started_at: float
    by: str = "key"


Action = Launch | Stop | Resize | Restart | StopWorker


@dataclass(frozen=True, slots=True)
class TargetProcess:
    """A process that a plan will hit, named beyond doubt."""

    role: Role
    pid: int
    started_at: float
    slot: int | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class PlanSource:
    """Where the commands of a plan run, and the env file that they get."""

    directory: str
    env_file: str | None = None
    env_keys: int | None = None
    """How many variables the env file sets; None: no file, or it could not be read (then a warning says why)."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What an action would do, before anybody agrees to it."""

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
    """Why it cannot be done, when `mode` is "refused"."""
    respawns: bool = False
    """What it stops is started again by its supervisor."""
    seconds: float | None = None
    """About how long it will take, where that is known."""
    overridden: tuple[str, ...] = ()
    """What the interlock found not to be so, where the action's reason overrode it."""
