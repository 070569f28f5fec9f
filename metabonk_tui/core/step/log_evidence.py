"""Takes from logs what a step needs: events for new tracebacks, and what they say of kernel kills and exits.

A counter says that something was killed. The kernel's log and the exit codes say whether it was one of ours.
Does not: read a log, or judge what an error caused and how a process ended.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from metabonk_tui.core.memory.oom_kills import NO_KILL_EVIDENCE, KillEvidence, ProcessKey
from metabonk_tui.core.model.event import EventDraft, EventKind
from metabonk_tui.core.model.host import HostReading, KernelKill
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.status.tracebacks import raised
from metabonk_tui.core.worker.process_exits import BY_COUNTER, ExitedProcess, ExitState, log_name

LogLines = Mapping[WorkerRef, Sequence[str]]
_MAY_BE_A_KILL = ("unknown", "end of the run", "killed", "OOM-killed", "probably OOM")
_SIGKILL = 9


def traceback_drafts(before: LogLines, tails: LogLines) -> Iterator[EventDraft]:
    """Yield one draft for every exception that is in a worker's log and was not there before."""
    for ref, lines in tails.items():
        known = set(raised(before.get(ref, ())))
        for exception in dict.fromkeys(raised(lines)):
            if exception not in known:
                text = f"traceback in the log: {exception or 'the exception is not among the lines that were read'}"
                yield EventDraft(EventKind.WORKER_TRACEBACK, "warn", text, (ref,), {"raised": exception})


def kill_evidence(exit_state: ExitState, host: HostReading, t: float) -> KillEvidence:
    """Return what the sample before `t` and the new reading of its host say; nothing is the rule."""
    log = host.kernel_log
    fresh = log.kills if log is not None else ()
    if not (exit_state.exited or exit_state.kernel or host.exits or fresh):
        return NO_KILL_EVIDENCE
    kills = (*exit_state.kernel, *[(t, kill) for kill in fresh])
    ours: dict[ProcessKey, str] = {(each.who, each.pid): log_name(each.name) for each in exit_state.present}
    ours |= {(each.who, each.pid): log_name(each.name) for each in exit_state.exited}
    return KillEvidence(
        named=frozenset([key for key in ours if any(kill.pid == key[1] is not None for _, kill in kills)]),
        strangers_t=tuple([read_t if kill.t is None else kill.t for read_t, kill in kills if _is_strange(kill, ours)]),
        otherwise=frozenset(
            [
                *[(each.who, each.pid) for each in exit_state.exited if _ended_otherwise(each)],
                *[
                    key
                    for key in ours
                    for reading in host.exits
                    if reading.who == key[0]
                    and reading.pid in (None, key[1])
                    and not reading.asked
                    and reading.code is not None
                    and reading.code_and_signal[1] != _SIGKILL
                ],
            ]
        ),
    )


def _is_strange(kill: KernelKill, ours: dict[ProcessKey, str]) -> bool:
    """Return whether the victim was none of ours. Pids of another namespace say nothing, so names are compared."""
    if kill.pid is not None:
        return all(kill.pid != pid for _, pid in ours)
    return bool(kill.name) and kill.name not in ours.values()


def _ended_otherwise(process: ExitedProcess) -> bool:
    reason, signal = process.process_exit.reason, process.process_exit.signal
    return reason not in _MAY_BE_A_KILL or (reason == "killed" and signal != _SIGKILL)


def killed_processes(exit_state: ExitState) -> tuple[tuple[ProcessKey, ...], frozenset[ProcessKey]]:
    """Return the processes that are now known to be OOM-killed, and those of them that a log names."""
    found = [each for _, _, each in exit_state.drafts if each.process_exit.reason == "OOM-killed"]
    logged = [each for each in found if each.process_exit.strength != BY_COUNTER]
    return tuple([(each.who, each.pid) for each in found]), frozenset([(each.who, each.pid) for each in logged])
