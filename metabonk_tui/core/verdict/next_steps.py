"""Derives the next steps from the verdict: keys, and commands that the operator can copy."""

from __future__ import annotations

from dataclasses import replace

from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.memory import MemoryView
from metabonk_tui.core.model.snapshot import NextStep, VerdictKind
from metabonk_tui.core.text.phrases import count_of
from metabonk_tui.core.verdict.inputs import VerdictInputs
from metabonk_tui.core.verdict.missing import Missing


def next_steps(kind: VerdictKind, inputs: VerdictInputs, missing: tuple[Missing, ...] = ()) -> tuple[NextStep, ...]:
    """Return the steps for this verdict; empty when nothing is to be done.

    A cause that is as good as certain gives the first step, whatever the word.
    """
    steps = _steps(kind, inputs, missing)
    cause = inputs.proven_cause
    if kind is VerdictKind.PARTIAL and inputs.causes:
        cause = inputs.causes[0]
    if cause is None or not cause.fix or inputs.stopped_t is not None:
        return steps
    first = NextStep(None, cause.fix, None)
    return (first, *(replace(step, join=step.join or "then") for step in steps))


def _steps(kind: VerdictKind, inputs: VerdictInputs, missing: tuple[Missing, ...]) -> tuple[NextStep, ...]:
    if kind is VerdictKind.CONTINUE:
        return _for_missing(inputs, missing)
    config = inputs.config
    if not config.pool.can_launch and kind is not VerdictKind.TUNE_EPSILON:
        return ()
    count = workers_to_launch(inputs.memory, config)
    workers = count_of(count, "worker")
    env = " with the env file" if config.pool.launcher.env_file else ""
    relaunch = NextStep("L", f"relaunch {workers}{env}", f"metabonk-tui launch {count}", "then")
    if kind is VerdictKind.PARTIAL:
        return (NextStep("X", "stop the pool", "metabonk-tui stop"), relaunch)
    if kind is VerdictKind.STOP:
        if inputs.unanswered_s is None or any(worker.alive for worker in inputs.workers):
            stop = NextStep("X", "stop the pool", "metabonk-tui stop")
            off = sorted({key for worker in inputs.workers if worker.env for key, _, _ in worker.env.wrong})
            if off and config.pool.launcher.env_file and inputs.proven_cause is None:
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


AGAIN = NextStep("V", "take the gate again", "metabonk-tui check --again --wait")


def _for_missing(inputs: VerdictInputs, missing: tuple[Missing, ...]) -> tuple[NextStep, ...]:
    """Return what to do about what is missing, one step for each kind."""
    steps: list[NextStep] = []
    for kind in ("worker", "bad", "gate", "component"):
        found = next((one for one in missing if one.kind == kind), None)
        step = None if found is None else _for_one(found, inputs, missing)
        if step is not None and step.text not in [known.text for known in steps]:
            steps.append(replace(step, join="then" if steps else ""))
    return tuple(steps)


def _for_one(missing: Missing, inputs: VerdictInputs, all_missing: tuple[Missing, ...]) -> NextStep | None:
    who = missing.worker.label if missing.worker is not None else ""
    restart = NextStep("R", "restart the pool", None) if inputs.config.pool.can_launch else None
    if missing.kind == "worker":
        if missing.why == "stranger":
            return NextStep(None, f"free the port of {who}: what answers there is no worker", None)
        if missing.why in ("hung", "zombie"):
            return NextStep("K", f"stop the process of {who}; its launcher starts it again", None)
        return NextStep("l", f"read why {who} is {missing.why}; without a respawn, restart the pool", None)
    if missing.kind == "bad":
        return NextStep("l", f"read the log of {who}; then stop its process", None)
    if missing.kind == "gate":
        if not inputs.gate.has_ended(inputs.t):
            return None
        # A gate that is taken again with a component that never showed cannot pass.
        return restart if any(one.kind == "component" for one in all_missing) else AGAIN
    return restart


def workers_to_launch(memory: MemoryView, config: Config) -> int:
    """Return the configured number of workers, limited to what fits and at least 1."""
    wanted = config.pool.workers
    return max(1, min(wanted, memory.budget.fits)) if memory.budget is not None else wanted
