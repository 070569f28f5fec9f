"""Tracks which of our processes are gone, and the strongest evidence of why. Does not: guess without evidence.

Late evidence can only strengthen a finding. It comes from the kernel's log, the launcher's log or the end of our
own action.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from metabonk_tui.core.memory.tracker import MemoryTrack
from metabonk_tui.core.model.ending import RunEnd
from metabonk_tui.core.model.host import SERVICES, ExitReading, HostReading, KernelKill, ProcessReading, Role
from metabonk_tui.core.model.level_names import Severity
from metabonk_tui.core.model.process_exit import ExitReason, ProcessExit
from metabonk_tui.core.model.refs import WorkerRef, label_of
from metabonk_tui.core.model.sample import Sample
from metabonk_tui.core.model.timing import Timing
from metabonk_tui.core.worker.run_end import OwnAction, end_with_run, update_own_actions

KEPT_EXITS = 200
KEPT_LOGGED = 20
LATE_S = 30.0
"""Seconds; the launcher logs an exit only when it respawns the worker."""
NAMED: tuple[Role, ...] = ("worker", "ollama", "launcher", *SERVICES)
BY_COUNTER = 50
"""Strength of the counter of a process's own cgroup. It says how many were killed, and a log says which."""


class ExitedProcess(Struct, frozen=True):
    """One process that is gone, with the evidence of why."""

    who: WorkerRef | Role
    """The worker, or the role of another process."""
    pid: int | None
    t: float
    """When the process was first missing."""
    process_exit: ProcessExit
    started_at: float | None = None
    rss_bytes: int = 0
    name: str = ""
    emitted_text: str | None = None
    """Text of the last event about this exit; None: no event yet."""
    reading: ExitReading | None = None
    """Where the exit was read; None: nothing has reported it."""

    @property
    def ref(self) -> WorkerRef | None:
        """The worker whose process it was; None: another process."""
        return self.who if isinstance(self.who, WorkerRef) else None


class ExitState(Struct, frozen=True):
    """State of our processes of one host in one run."""

    present: tuple[ProcessReading, ...] = ()
    """Our processes in the last process table."""
    exited: tuple[ExitedProcess, ...] = ()
    own_actions: tuple[OwnAction, ...] = ()
    exits: tuple[tuple[float, ExitReading], ...] = ()
    """Exits that match no missing process yet, each with the time when it was read."""
    logged: tuple[tuple[float, ExitReading], ...] = ()
    """The newest lines of the launcher's log about an end, in its order, each with the time when it was read."""
    kernel: tuple[tuple[float, KernelKill], ...] = ()
    counted: tuple[tuple[float, int, str | None], ...] = ()
    """(t, kills, scope) of counters that moved."""
    low_t: float | None = None
    """When memory was last seen critical."""
    drafts: tuple[tuple[Severity, str, ExitedProcess], ...] = ()


def observe(
    exit_state: ExitState,
    sample: Sample,
    host: HostReading,
    before: MemoryTrack,
    memory: MemoryTrack,
    timing: Timing,
    end: RunEnd | None = None,
) -> ExitState:
    """Update the state with one sample's reading of its host: find missing processes, and weigh the evidence.

    `end`: how the run ended, as far as it was known before this sample.
    """
    if _is_quiet(exit_state, sample, host, before, memory):
        return exit_state if host.processes is None else replace(exit_state, present=named(host.processes))
    slack_s, late_s = timing.slack_s, timing.late_s
    unmatched = _without_process(exit_state.exits, sample.t - late_s)
    exit_state = _gather(replace(exit_state, drafts=()), sample, host, before, memory, late_s)
    exited = list(exit_state.exited)
    if host.processes is not None:
        now = {(p.who, p.pid) for p in host.processes}
        unknown = ProcessExit("unknown", "nothing says why", sample.t)
        exited += [
            ExitedProcess(p.who, p.pid, sample.t, unknown, p.started_at, p.rss_bytes, p.name)
            for p in exit_state.present
            if (p.who, p.pid) not in now
        ]
        exit_state = replace(exit_state, present=named(host.processes))
    exited, exits = _with_exits(exited, exit_state.exits, sample.t, late_s)
    exit_state = replace(exit_state, exits=exits)
    judged = [
        _judge(process, exited, exit_state, slack_s, late_s) if sample.t - process.t <= late_s else process
        for process in exited
    ]
    # A process that another one followed did not end with the run.
    last_pids = {process.who: process.pid for process in judged}
    judged = [
        replace(process, process_exit=end_with_run(process.process_exit, end, late_s))
        if end is not None and process.who != "ollama" and process.pid == last_pids[process.who]
        else process
        for process in judged
    ]
    kept: list[ExitedProcess] = []
    drafts = [(process.process_exit.severity, _exit_text(process), process) for process in unmatched]
    for process in judged:
        is_late = sample.t - process.t > late_s
        settled = process.process_exit.strength > 0 or is_late or process.emitted_text is not None
        if settled and process.process_exit.text != process.emitted_text:
            drafts.append((process.process_exit.severity, _exit_text(process), process))
            process = replace(process, emitted_text=process.process_exit.text)
        kept.append(process)
    return replace(exit_state, exited=tuple(kept[-KEPT_EXITS:]), drafts=tuple(drafts))


def named(processes: Iterable[ProcessReading]) -> tuple[ProcessReading, ...]:
    """Return the processes whose end is noticed: not those that may be another pool's."""
    ours = [each for each in processes if each.role == "worker" or not each.unconfirmed]
    return tuple([process for process in ours if process.role in NAMED and process.pid is not None])


def _is_quiet(
    exit_state: ExitState, sample: Sample, host: HostReading, before: MemoryTrack, memory: MemoryTrack
) -> bool:
    """Return whether no process is gone, and nothing is known or comes that could explain the end of one."""
    if exit_state.exited or exit_state.exits or exit_state.own_actions or exit_state.kernel or exit_state.counted:
        return False
    if exit_state.drafts or sample.events or host.exits or host.kernel_log is not None or memory.level == "crit":
        return False
    if sample.pool is not None and sample.pool.operation is not None:
        return False
    reading = memory.reading
    if reading is not None and reading.oom_kills is not None and reading.oom_kills != before.kills.seen:
        return False
    if host.processes is None:
        return True
    now, was = named(host.processes), exit_state.present
    return len(now) == len(was) and all(
        [p.pid == q.pid and p.role == q.role and p.worker == q.worker for p, q in zip(now, was, strict=True)]
    )


ExitTexts = Mapping[tuple[WorkerRef, int | None], str]
"""How processes ended, by (worker, pid); (worker, None) is the worker's last process."""


def known_exit_texts(exit_state: ExitState, t: float, late_s: float) -> ExitTexts:
    """Return how the processes of each worker ended within the last `late_s` seconds, where that is known."""
    exit_texts: dict[tuple[WorkerRef, int | None], str] = {}
    for process in exit_state.exited:
        if (ref := process.ref) is not None and t - process.t <= late_s:
            exit_texts.pop((ref, None), None)
            if process.process_exit.reason != "unknown":
                exit_texts[ref, process.pid] = exit_texts[ref, None] = process.process_exit.text
    return exit_texts


def _gather(
    exit_state: ExitState,
    sample: Sample,
    host: HostReading,
    before: MemoryTrack,
    memory: MemoryTrack,
    late_s: float,
) -> ExitState:
    t = sample.t
    fresh_t = t - late_s
    counted = [each for each in exit_state.counted if each[0] >= fresh_t]
    reading = memory.reading
    if (
        reading is not None
        and reading.oom_kills is not None
        and before.kills.seen is not None
        and before.kills.scope == reading.oom_scope
        and reading.oom_kills > before.kills.seen
    ):
        counted.append((t, reading.oom_kills - before.kills.seen, reading.oom_scope))
    kills = host.kernel_log.kills if host.kernel_log is not None else ()
    matched = tuple((t, each) for each in host.exits if not each.asked)
    logged = tuple((t, each) for each in host.exits if each.line)
    return replace(
        exit_state,
        counted=tuple(counted),
        low_t=t if memory.level == "crit" else exit_state.low_t,
        exits=(*(each for each in exit_state.exits if each[0] >= fresh_t), *matched),
        logged=(*exit_state.logged, *logged)[-KEPT_LOGGED:],
        kernel=(*(each for each in exit_state.kernel if each[0] >= fresh_t), *((t, kill) for kill in kills)),
        own_actions=update_own_actions(exit_state.own_actions, sample, fresh_t),
    )


def _with_exits(
    exited: list[ExitedProcess], exits: Sequence[tuple[float, ExitReading]], t: float, late_s: float
) -> tuple[list[ExitedProcess], tuple[tuple[float, ExitReading], ...]]:
    """Match each exit that was read to its process; an exit without a match waits."""
    exited, left = list(exited), []
    for read_t, reading in exits:
        fitting = [
            index
            for index, process in enumerate(exited)
            if process.who == reading.who
            and t - process.t <= late_s
            and process.reading is None
            and (reading.pid is None or process.pid is None or reading.pid == process.pid)
        ]
        if fitting:
            # The log lists exits in their order, so the oldest match is right.
            index, (code, signal) = fitting[0], reading.code_and_signal
            process_exit = replace(exited[index].process_exit, exit_code=code, signal=signal)
            exited[index] = replace(exited[index], process_exit=process_exit, reading=reading)
        else:
            left.append((read_t, reading))
    return exited, tuple(left)


def _without_process(exits: Sequence[tuple[float, ExitReading]], fresh_t: float) -> list[ExitedProcess]:
    """Return the workers whose exit the launcher logged, and whose process no table showed: they died at once.

    A launcher's last line repeats an exit, or names one that took the stack down: the end of the run has it.
    """
    found = []
    for read_t, reading in exits:
        if read_t >= fresh_t or reading.role != "worker" or reading.worker is None or reading.line is not None:
            continue
        code, signal = reading.code_and_signal
        text = (reading.engine or f"exit {code} in the launcher's log") + "; its process was never seen"
        how: ExitReason = reading.reason or ("exited" if signal is None else "killed")
        process_exit = ProcessExit(how, text, read_t, code, signal, 30)
        found.append(ExitedProcess(reading.worker, reading.pid, read_t, process_exit))
    return found


def _judge(
    process: ExitedProcess, everyone: Sequence[ExitedProcess], exit_state: ExitState, slack_s: float, late_s: float
) -> ExitedProcess:
    """Choose the strongest evidence about one exit; weaker evidence changes nothing."""
    code, signal = process.process_exit.exit_code, process.process_exit.signal
    found = [
        process.process_exit,
        *_of_kernel_log(process, everyone, exit_state, late_s),
        *_of_own_actions(process, exit_state, slack_s),
    ]
    nine = signal == 9
    if code is None or nine:
        found += _of_counters(process, everyone, exit_state, slack_s)
    if nine and exit_state.low_t is not None and abs(process.t - exit_state.low_t) <= slack_s:
        found.append(ProcessExit("probably OOM", "signal 9 while memory was critical", process.t, strength=35))
    found += _of_reading(process, code, signal)
    best = max(found, key=lambda process_exit: process_exit.strength)
    return replace(process, process_exit=replace(best, exit_code=code, signal=signal))


def _of_reading(process: ExitedProcess, code: int | None, signal: int | None) -> list[ProcessExit]:
    """Weigh the exit code, and what an engine says of the end: it enforces limits and ends jobs itself."""
    # An exit code of the launcher comes from our own child: a foreign launcher reports to its own parent.
    source = "to us, its parent" if process.who == "launcher" else "in the launcher's log"
    reading = process.reading
    evidence = reading.engine if reading is not None and reading.engine else f"exit {code} {source}"
    how: ExitReason = "exited" if signal is None else "killed"
    found = [] if code is None else [ProcessExit(how, evidence, process.t, strength=30)]
    if reading is not None and (word := reading.reason) is not None:
        # Below our own action: a stop of ours makes the engine say "cancelled".
        found.append(ProcessExit(word, evidence, process.t, strength=55 if "OOM" in word else 38))
    return found


def _of_kernel_log(
    process: ExitedProcess, everyone: Sequence[ExitedProcess], exit_state: ExitState, late_s: float
) -> list[ProcessExit]:
    found = []
    for read_t, kill in exit_state.kernel:
        t = read_t if kill.t is None else kill.t
        if abs(t - process.t) > late_s and not _was_its_pid(kill, process):
            continue
        where = f" in {kill.task_cgroup}" if kill.task_cgroup else ""
        if kill.pid is not None:
            if kill.pid == process.pid:
                text = f"the kernel's log: killed process {kill.pid} ({kill.name}){where}"
                found.append(ProcessExit("OOM-killed", text, process.t, strength=60))
        elif [each for each in everyone if _looks_like(kill, each)] == [process]:
            text = f"the kernel's log: killed {kill.name} of this size{where}; its pid is of another namespace"
            found.append(ProcessExit("OOM-killed", text, process.t, strength=45))
    return found


def _was_its_pid(kill: KernelKill, process: ExitedProcess) -> bool:
    """Return whether the pid was the process's when the kernel logged it, however long ago the last look was."""
    if kill.t is None or kill.pid is None or kill.pid != process.pid or process.started_at is None:
        return False
    return process.started_at < kill.t <= process.t


def log_name(name: str) -> str:
    """Return the name by which the kernel's log would call a process."""
    return name.split(" ")[0][:15]


def _looks_like(kill: KernelKill, process: ExitedProcess) -> bool:
    """Compare name and size, because the pids of the log are of another namespace."""
    if not kill.name or log_name(process.name) != kill.name or kill.rss_bytes is None:
        return False
    return abs(kill.rss_bytes - process.rss_bytes) <= 0.25 * max(kill.rss_bytes, process.rss_bytes)


def _of_own_actions(process: ExitedProcess, exit_state: ExitState, slack_s: float) -> list[ProcessExit]:
    for action in exit_state.own_actions:
        timely = action.from_t <= process.t and (action.to_t is None or process.t <= action.to_t + slack_s)
        ours = (
            process.pid in action.pids
            if action.pids is not None
            else process.started_at is None or process.started_at < action.from_t
        )
        if timely and ours:
            return [ProcessExit("stopped by us", action.text, process.t, strength=40)]
    return []


def _of_counters(
    process: ExitedProcess, everyone: Sequence[ExitedProcess], exit_state: ExitState, slack_s: float
) -> list[ProcessExit]:
    """Weigh the OOM counters that moved as the process vanished.

    If more processes vanished than were killed, no counter says which; signal 9 in the launcher's log may.
    """
    found = []
    nine = process.process_exit.signal == 9
    for t, kills, scope in exit_state.counted:
        if abs(t - process.t) > slack_s:
            continue
        others = [
            each
            for each in everyone
            if abs(t - each.t) <= slack_s
            and each.process_exit.signal in (None, 9)
            and each.process_exit.exit_code in (None, -9, 137)
        ]
        if scope == "host":
            # A launcher may end because its workers did: the host's counter then does not speak of it.
            others = [each for each in others if each.who != "launcher" or each.process_exit.signal == 9] or others
            if process not in others and not nine:
                continue
        whose = "the host's counter of OOM kills" if scope == "host" else "the OOM counter of its cgroup"
        text = f"{whose} moved by {kills} as it vanished"
        if len(others) <= kills and scope != "host":
            found.append(ProcessExit("OOM-killed", text, process.t, strength=BY_COUNTER))
        elif len(others) <= kills or nine:
            text += f", and {len(others)} vanished then" if len(others) > kills else ""
            found.append(ProcessExit("probably OOM", text, process.t, strength=35 if nine else 20))
        else:
            text += f", and {len(others)} vanished then: which of them were killed is not known"
            found.append(ProcessExit("unknown", text, process.t, strength=1))
    return found


def _exit_text(process: ExitedProcess) -> str:
    pid = f" (pid {process.pid})" if process.pid is not None else ""
    return f"{label_of(process.who)}{pid} is gone: {process.process_exit.text}; {process.process_exit.evidence}"
