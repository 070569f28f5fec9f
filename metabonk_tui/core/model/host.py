"""Declares the observations of one host: memory, processes, GPUs, and what ended there.

Missing is `None`, never a default. Units are in the names. Times `t` are Unix seconds on the run's clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from metabonk_tui.core.model.process_exit import ExitReason, split_exit_code
from metabonk_tui.core.model.refs import WorkerRef


class MemoryReading(Struct, frozen=True):
    """Memory left for workers: the tightest limit of the host and every cgroup above workers and monitor."""

    total_bytes: int | None = None
    """The smaller of the host's memory and the tightest limit."""
    available_bytes: int | None = None
    limit_bytes: int | None = None
    """The tightest cgroup limit; None: no limit."""
    limited_by: str | None = None
    """"host", or the path of the cgroup with the least memory left."""
    working_set_bytes: int | None = None
    swap_total_bytes: int | None = None
    swap_used_bytes: int | None = None
    oom_kills: int | None = None
    """OOM kills so far, of the workers' own cgroup where readable, otherwise of the whole host."""
    oom_scope: Literal["cgroup", "host"] | None = None
    oom_groups: tuple[str, ...] | None = None
    """The cgroups whose kills are counted; None: the whole host's are."""
    worker_groups: tuple[str, ...] | None = None
    """The cgroups that the workers are in, or last were; None: not known."""
    pressure_some_avg10: float | None = None
    pressure_full_avg10: float | None = None


Role = Literal["worker", "launcher", "orchestrator", "vision", "learner", "ollama", "other"]
SERVICES: tuple[Role, ...] = ("orchestrator", "vision", "learner")
"""When one of them ends, MetaBonk's launcher ends all others."""


class ProcessReading(Struct, frozen=True):
    """One process. `tree_bytes` includes its descendants, `rss_bytes` does not."""

    role: Role
    rss_bytes: int
    worker: WorkerRef | None = None
    """None: another process, or a worker of unknown slot."""
    pid: int | None = None
    started_at: float | None = None
    tree_bytes: int | None = None
    """None: the descendants were not read."""
    name: str = ""
    unconfirmed: bool | None = None
    """True: one sign alone speaks for it: a worker's port, or a launcher's command. None: it is confirmed."""
    anon_bytes: int | None = None
    """Its own and its descendants' memory without file pages; what a fork shares is divided. None: not read."""
    shmem_bytes: int | None = None
    """Their part of shared memory, each segment divided among those who map it."""
    common_bytes: int | None = None
    """The part of `shmem_bytes` in segments that another process of the pool maps too."""
    stopped: bool | None = None
    """True: a signal or a debugger has stopped it, and it does nothing until it is resumed; None: it runs."""

    @property
    def who(self) -> WorkerRef | Role:
        """The worker, or the role of another process."""
        return self.worker if self.role == "worker" and self.worker is not None else self.role


class ExitReading(Struct, frozen=True):
    """How one process ended, as its launcher logged it."""

    role: Role
    exit: str
    """The exit code in digits, "-15" for a signal; "": only the engine's reason is known.

    A text, because the reader rejects negative numbers."""
    worker: WorkerRef | None = None
    pid: int | None = None
    """None: the log names no pid."""
    line: str | None = None
    """The line of the log, if it reports an end that took the stack down, or a request to end; None: neither."""
    asked: bool | None = None
    """True: the launcher logged that this signal asks it to end, which is no exit yet; None: an exit."""
    reason: ExitReason | None = None
    """Why it ended, where the engine of a cluster says it; None: only the exit code is known."""
    engine: str | None = None
    """What the engine says: "Slurm: job 12_1 on n1: PREEMPTED"; None: a launcher's log has the exit."""

    @property
    def code(self) -> int | None:
        """The exit code; negative for a signal; None: not known."""
        return int(self.exit) if self.exit else None

    @property
    def code_and_signal(self) -> tuple[int | None, int | None]:
        """The exit code, and the signal that it stands for; None: not known, or none."""
        return split_exit_code(self.code) if self.code is not None else (None, None)

    @property
    def who(self) -> WorkerRef | Role:
        """The worker, or the role of another process."""
        return self.worker if self.role == "worker" and self.worker is not None else self.role


class KernelKill(Struct, frozen=True):
    """One OOM kill from the kernel's log."""

    pid: int | None
    """None: the log's pids belong to another pid namespace."""
    name: str = ""
    rss_bytes: int | None = None
    oom_cgroup: str = ""
    """The cgroup whose limit was reached; "": the whole host ran out."""
    task_cgroup: str = ""
    t: float | None = None
    """When it was logged; None: since the reading before."""


class GpuFault(Struct, frozen=True):
    """One line of the GPU's driver in the kernel's log: no memory left, or an Xid error."""

    text: str
    xid: int | None = None
    """None: no memory left."""
    gpu: str = ""
    """The GPU as the driver names it; "": the line names none."""
    t: float | None = None
    """When it was logged; None: since the reading before."""


class KernelLogReading(Struct, frozen=True):
    """OOM kills and GPU faults in the kernel's log since the last read; the first has all that is kept."""

    error: str | None = None
    """"not readable: ...". Kills are then unknown, not absent."""
    kills: tuple[KernelKill, ...] = ()
    gpu_faults: tuple[GpuFault, ...] = ()
    from_t: float | None = None
    """When the oldest line was logged: since then nothing is missing. None: not known."""


class GpuReading(Struct, frozen=True):
    """Memory of one GPU device; processes are not separated."""

    index: int
    used_bytes: int
    total_bytes: int


class RunPeaks(Struct, frozen=True):
    """Peak memory of one worker and of Ollama in an earlier run on this machine, after start-up."""

    t: float
    """When the peaks were last measured: Unix seconds on the real clock."""
    worker_bytes: int | None = None
    ollama_bytes: int | None = None
    """None: no Ollama ran, or it had not loaded its model."""
    shared_bytes: int | None = None
    """Shared memory that several workers mapped, counted once. None: not read."""


LinkState = Literal["UP", "STALE", "LOST", "IDLE", "RELEASED"]
""""STALE": its agent has not answered for some polls. "LOST": for half a minute, or it never answered.

A node of a cluster is "IDLE" while no job of the pool runs there that an agent could run in, and "RELEASED" once, when
no worker of the pool belongs there any more."""


class LinkReading(Struct, frozen=True):
    """How this monitor sees a host through its agent."""

    state: LinkState
    since_t: float | None = None
    """When its agent answered last, or while UP since when it has answered; None: it never answered."""
    reason: str = ""
    """Why it does not answer, in the words of ssh or of the agent; while UP what is wrong with its answers."""
    workers: int = 0
    """How many workers are wanted on this host."""
    version: str = ""
    """The agent's; "": not known."""
    skew: str = ""
    """How far the host's clock is ahead or behind: "clock 90 s behind"; "": within 2 s."""
    delay_s: float | None = None
    """The round trip to the host, without the agent's own work; None: not measured."""
    launched: bool = False
    """Whether the launcher there names `workers`; False: the configuration does."""
    slots: tuple[int, ...] | None = None
    """The slots of its workers, where an engine places them; None: the first `workers`."""

    @property
    def wanted_slots(self) -> Sequence[int]:
        """The slots of the workers that should run on this host."""
        return range(self.workers) if self.slots is None else self.slots


class HostReading(Struct, frozen=True):
    """Everything that one tick observed of one host, apart from its workers' answers."""

    memory: MemoryReading | None = None
    processes: tuple[ProcessReading, ...] | None = None
    """None: not read; empty: no process found."""
    gpus: tuple[GpuReading, ...] | None = None
    earlier_peaks: tuple[RunPeaks, ...] | None = None
    """Memory peaks of earlier runs of this pool. Sparse: present only when read."""
    exits: tuple[ExitReading, ...] = ()
    """Sparse: processes that ended since the last sample."""
    kernel_log: KernelLogReading | None = None
    """Sparse: present with a kill or a fault, and when the log becomes readable or unreadable."""
    link: LinkReading | None = None
    """How its agent answers; None: this monitor reads the host itself."""


NOT_READ = HostReading()
