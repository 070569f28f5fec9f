"""Derives the next steps from the verdict: keys, and commands that the operator can copy."""

from __future__ import annotations

from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.memory import MemoryView
from metabonk_tui.core.model.snapshot import NextStep, VerdictKind
from metabonk_tui.core.text.phrases import count_of
from metabonk_tui.core.verdict.inputs import VerdictInputs


def next_steps(kind: VerdictKind, inputs: VerdictInputs) -> tuple[NextStep, ...]:
    """Return the steps for this verdict; empty when nothing is to be done."""
    config = inputs.config
    if not config.pool.can_launch and kind is not VerdictKind.TUNE_EPSILON:
        return ()
    count = workers_to_launch(inputs.memory, config)
    workers = count_of(count, "worker")
    env = " with the env file" if config.pool.launcher.env_file else ""
    relaunch = NextStep("L", f"relaunch {workers}{env}", f"metabonk-tui launch {count}", "then")
    if kind is VerdictKind.STOP:
        if inputs.unanswered_s is None or any(worker.alive for worker in inputs.workers):
            stop = NextStep("X", "stop the pool", "metabonk-tui stop")
            off = sorted({key for worker in inputs.workers if worker.env for key, _, _ in worker.env.wrong})
            if off and config.pool.launcher.env_file:
                # The unchanged file would switch the same flags off again.
                right = NextStep(None, f"set {len(off)} flags right in the env file", None, "then")
                return (stop, right, relaunch)
            return (stop, relaunch)
        return (NextStep("L", f"launch {workers}{env}", f"metabonk-tui launch {count}"),)
    if kind is VerdictKind.WAITING and (not inputs.begun or inputs.stopped_t is not None):
        return (NextStep("L", f"launch {workers}{env}", f"metabonk-tui launch {count}"),)
    if kind is VerdictKind.ADD_MEMORY_WATCH:
        now = len(inputs.workers)
        budget = inputs.memory.budget
        fewer = max(1, budget.fits) if budget is not None else now
        arm = NextStep("W", "arm the memory watch", None)
        if inputs.memory.watch is not None and inputs.memory.watch.armed:
            arm = NextStep("W", "end the memory watch's dry run, then arm it", None)
        if fewer < now:
            text = f"resize {now} → {fewer}, restarts all workers"
            return (arm, NextStep("-", text, f"metabonk-tui resize {fewer}", "or"))
        return (arm,)
    if kind is VerdictKind.TUNE_EPSILON:
        keys = ", ".join(config.verdict.tune_keys)
        restart = NextStep("R", "restart the pool", None, "then")
        return (NextStep(None, f"raise {keys} in the env file", None), restart)
    return ()


def workers_to_launch(memory: MemoryView, config: Config) -> int:
    """Return the configured number of workers, limited to what fits and at least 1."""
    wanted = config.pool.workers
    return max(1, min(wanted, memory.budget.fits)) if memory.budget is not None else wanted
