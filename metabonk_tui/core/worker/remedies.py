"""Derives from how a process ended what may prevent the next death of this kind. Does not: find out how it ended."""

from __future__ import annotations

from collections.abc import Sequence

from metabonk_tui.core.model.memory import MemoryView
from metabonk_tui.core.model.obituary import Remedy
from metabonk_tui.core.model.process_exit import ProcessExit
from metabonk_tui.core.status.tracebacks import raised
from metabonk_tui.core.text.numbers import gigabytes
from metabonk_tui.core.text.phrases import count_of

NATIVE_CRASHES = {4: "SIGILL", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE", 11: "SIGSEGV"}
"""Signals that a process raises itself by a fault in native code."""
REQUESTS = {1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 9: "SIGKILL", 14: "SIGALRM", 15: "SIGTERM"}
"""Signals that another process, the kernel or a terminal sends."""

BY_ENGINE = {
    "preempted": (Remedy(None, "wait: the engine starts it again, if the job may be requeued"),),
    "out of time": (Remedy(None, "raise the time limit of the jobs: pool.slurm.time"),),
    "cancelled": (Remedy(None, "find who cancelled the job: this monitor did not"),),
    "node failed": (Remedy(None, "look at the node: sinfo -R"),),
}
BY_RAY = {
    "preempted": (Remedy(None, "wait for another node, then resize the pool to start the worker again"),),
    "cancelled": (Remedy(None, "find who called ray.kill: this monitor did not"),),
    "node failed": (Remedy(None, "look at the node, or resize the pool to start the worker on another one"),),
}
RAY_KILLS = Remedy(None, "switch Ray's memory monitor off on the nodes: RAY_memory_monitor_refresh_ms=0")


def remedies(
    ended: ProcessExit | None, pid: int | None, log: Sequence[str], memory: MemoryView, workers: int
) -> tuple[Remedy, ...]:
    """Return what to do, the most useful first. `workers` is the number of workers that were wanted."""
    if ended is None:
        return (
            Remedy("l", "read the log: the end of its process was not seen"),
            Remedy(None, "run a monitor on its machine: it sees processes and how they end"),
        )
    if ended.reason in ("OOM-killed", "probably OOM"):
        return _for_memory(memory, workers)
    if ended.reason == "killed by Ray":
        return (RAY_KILLS, *_for_memory(memory, workers))
    if ended.reason in BY_RAY and ended.evidence.startswith("Ray:"):
        return BY_RAY[ended.reason]
    if ended.reason in BY_ENGINE:
        return BY_ENGINE[ended.reason]
    if ended.signal in NATIVE_CRASHES:
        name = NATIVE_CRASHES[ended.signal]
        find = f": coredumpctl info {pid}" if pid is not None else ""
        return (Remedy(None, f"find the crash in native code ({name}){find}"), Remedy("l", "read the log"))
    if ended.signal is not None:
        return _for_signal(ended.signal, memory)
    if ended.reason == "exited":
        return _for_exit(ended.exit_code, log)
    return (Remedy("l", "read the log: its end is not explained"), *_unread_kernel_log(memory))


def _for_memory(memory: MemoryView, workers: int) -> tuple[Remedy, ...]:
    budget = memory.budget
    found = []
    if budget is not None and 1 <= budget.fits < workers:
        needs = gigabytes(budget.needs_bytes(workers) + budget.floor_bytes)
        of = gigabytes(budget.budget_bytes)
        found.append(Remedy("-", f"resize to {count_of(budget.fits, 'worker')}: {workers} need {needs} GB of {of}"))
    elif budget is not None and budget.fits < 1:
        found.append(Remedy("m", "free memory: not even one worker fits"))
    else:
        found.append(Remedy("m", "see which process grows"))
    if not memory.watch_armed:
        found.append(Remedy("W", "arm the memory watch: it acts before the kernel does"))
    return tuple(found)


def _for_signal(signal: int, memory: MemoryView) -> tuple[Remedy, ...]:
    name = REQUESTS.get(signal, f"signal {signal}")
    nor = ", nor the kernel for want of memory" if memory.sees_kills else ""
    return (Remedy(None, f"find who sent {name}: this monitor did not{nor}"), *_unread_kernel_log(memory))


def _for_exit(code: int | None, log: Sequence[str]) -> tuple[Remedy, ...]:
    last = next((error for error in reversed(tuple(raised(log))) if error), None)
    if last is not None:
        return (Remedy("l", f"fix what it raised: {last}"),)
    if code == 0:
        return (Remedy("l", "read the log: it ended without an error"),)
    return (Remedy("l", "read the log: no exception is among its lines"),)


def _unread_kernel_log(memory: MemoryView) -> tuple[Remedy, ...]:
    """Return how to prove or exclude a kernel kill, where nothing could have shown one."""
    if memory.sees_kills:
        return ()
    return (Remedy(None, "make the kernel's log readable: it shows whether memory ran out"),)
