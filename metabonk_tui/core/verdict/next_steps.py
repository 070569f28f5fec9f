"""Derives the next steps from the verdict: keys, and commands that the operator can copy."""

from __future__ import annotations

from msgspec.structs import replace

from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.memory import MemoryView
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.snapshot import NextStep, VerdictKind
from metabonk_tui.core.model.worker import Reach
from metabonk_tui.core.text.phrases import count_of, cut_list
from metabonk_tui.core.verdict.inputs import VerdictInputs
from metabonk_tui.core.verdict.missing import Missing


def next_steps(kind: VerdictKind, inputs: VerdictInputs, missing: tuple[Missing, ...] = ()) -> tuple[NextStep, ...]:
    """Return the steps for this verdict; empty when nothing is to be done.

    A host that is lost gives the first step, whatever the word; a cause that is as good as certain the next one.
    """
    lost = [name for name, host in inputs.hosts.items() if host.link is not None and host.link.state == "LOST"]
    look = (NextStep(None, f"see why {cut_list(lost, 3)} cannot be read", "metabonk-tui doctor"),) if lost else ()
    return (*look, *_whatever_hosts(kind, inputs, missing))


def _whatever_hosts(kind: VerdictKind, inputs: VerdictInputs, missing: tuple[Missing, ...]) -> tuple[NextStep, ...]:
    steps = _steps(kind, inputs, missing)
    cause = inputs.proven_cause
    if kind is VerdictKind.PARTIAL and inputs.causes:
        cause = inputs.causes[0]
    if cause is None or not cause.fix or inputs.stopped_t is not None:
        return steps
    return _after_fix(cause.fix, steps, inputs.config)


RELAUNCH = ", relaunch"


def _after_fix(fix: str, steps: tuple[NextStep, ...], config: Config) -> tuple[NextStep, ...]:
    """Put the fix first. A fix that relaunches, and keys that do the same, are two ways, not two steps."""
    launches = any(step.key == "L" for step in steps)
    if launches and fix.startswith("relaunch"):
        if not config.pool.launcher.env_file:
            # Without the file in the configuration, L would launch as before.
            return (NextStep(None, fix, None),)
        steps = (replace(steps[0], join="or"), *steps[1:])
    elif launches:
        fix = fix.removesuffix(RELAUNCH)
    return (NextStep(None, fix, None), *(replace(step, join=step.join or "then") for step in steps))


def _steps(kind: VerdictKind, inputs: VerdictInputs, missing: tuple[Missing, ...]) -> tuple[NextStep, ...]:
    if kind is VerdictKind.CONTINUE:
        return _for_missing(inputs, missing)
    if kind is VerdictKind.TUNE_EPSILON:
        keys = ", ".join(inputs.config.verdict.tune_keys)
        restart = NextStep("R", "restart the pool", None, "then")
        return (NextStep(None, f"raise {keys} in the env file", None), restart)
    if kind is VerdictKind.WAITING and inputs.unresolved:
        return (CORRECT_HOST,)
    if not inputs.config.pool.can_launch:
        return ()
    if kind is VerdictKind.PARTIAL:
        return (STOP_POOL, _launch(inputs, again=True))
    if kind is VerdictKind.STOP:
        return _for_stop(inputs)
    if kind is VerdictKind.WAITING:
        # While a launcher runs, a launch would end the pool that is about to come up.
        is_launched = inputs.begun or inputs.launcher_pid is not None
        return () if is_launched and inputs.stopped_t is None else _launch_on_free_ports(inputs)
    return _for_memory(inputs) if kind is VerdictKind.ADD_MEMORY_WATCH else ()


CORRECT_HOST = NextStep(None, "correct the name of the host: --host, or pool.host in the configuration", None)
STOP_POOL = NextStep("X", "stop the pool", "metabonk-tui stop")


def _launch(inputs: VerdictInputs, *, again: bool = False) -> NextStep:
    """Return the step that launches the pool; `again`: after it was stopped."""
    count = workers_to_launch(inputs.memory, inputs.config)
    env = " with the env file" if inputs.config.pool.launcher.env_file else ""
    text = f"{'relaunch' if again else 'launch'} {count_of(count, 'worker')}{env}"
    return NextStep("L", text, f"metabonk-tui launch {count}", "then" if again else "")


def _launch_on_free_ports(inputs: VerdictInputs) -> tuple[NextStep, ...]:
    """Return the launch, and before it the step that frees a wanted port: a launch onto it is refused."""
    stranger = next((worker.ref for worker in inputs.workers if worker.reach is Reach.STRANGER), None)
    if stranger is None:
        return (_launch(inputs),)
    return (_free_port(stranger, inputs.config), replace(_launch(inputs), join="then"))


def _free_port(worker: WorkerRef, config: Config) -> NextStep:
    text = f"free the port of {worker.label}: what answers there is no worker"
    return NextStep(None, text, _list_holder(worker, config))


def _for_stop(inputs: VerdictInputs) -> tuple[NextStep, ...]:
    if inputs.unanswered_s is not None and not any(worker.alive for worker in inputs.workers):
        return (_launch(inputs),)
    off = {key for worker in inputs.workers if worker.env for key, _, _ in worker.env.wrong}
    if off and inputs.config.pool.launcher.env_file and inputs.proven_cause is None:
        # The unchanged file would switch the same flags off again.
        right = NextStep(None, f"set {len(off)} flags right in the env file", None, "then")
        return (STOP_POOL, right, _launch(inputs, again=True))
    return (STOP_POOL, _launch(inputs, again=True))


def _for_memory(inputs: VerdictInputs) -> tuple[NextStep, ...]:
    """Return the steps against low memory: watch it, or make the pool as small as fits."""
    now, budget, watch = len(inputs.workers), inputs.memory.budget, inputs.memory.watch
    fewer = max(1, budget.fits) if budget is not None else now
    is_dry = watch is not None and watch.armed
    arm = NextStep("W", "end the memory watch's dry run, then arm it" if is_dry else "arm the memory watch", None)
    if fewer < now:
        text = f"resize {now} → {fewer}, restarts all workers"
        return (arm, NextStep("-", text, f"metabonk-tui resize {fewer}", "or"))
    return (arm,)


READ_REPORT = NextStep(None, "read its report", "metabonk-tui report last")


def steps_after_end(inputs: VerdictInputs) -> tuple[NextStep, ...]:
    """Return the steps after the end of the newest run."""
    if not inputs.config.pool.can_launch:
        return (READ_REPORT,)
    return (READ_REPORT, replace(_launch(inputs), join="then"))


NEVER_ANSWERED = ("hung", "broken")
"""What something on the port of a worker does that may be no worker at all."""
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
        if missing.why == "waits":
            return NextStep(None, f"wait for a place for {who}, or resize to fewer workers", None)
        if missing.why == "no place":
            slots = [*[known.ref.slot for known in inputs.workers], *[each.slot for each in inputs.waiting]]
            again = f"metabonk-tui resize {max(*slots, *inputs.no_place) + 1}"
            return NextStep(None, f"start {who} again: a resize starts what has ended", again if restart else None)
        worker = next((each for each in inputs.workers if each.ref == missing.worker), None)
        if missing.why == "stranger" and missing.worker is not None:
            return _free_port(missing.worker, inputs.config)
        if worker is not None and worker.last_good_t is None and worker.pid is None and missing.why in NEVER_ANSWERED:
            what = f"find what holds the port of {who}: it never answered like a worker"
            return NextStep(None, what, _list_holder(missing.worker, inputs.config))
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


LOOPBACK = ("127.0.0.1", "localhost", "::1")


def _list_holder(worker: WorkerRef | None, config: Config) -> str | None:
    """Return the command that names what holds a worker's port on this machine; None: it may be on another one."""
    if worker is None or worker.host or config.pool.host not in LOOPBACK:
        return None
    return f"ss -ltnp 'sport = :{config.pool.base_port + worker.slot}'"


def workers_to_launch(memory: MemoryView, config: Config) -> int:
    """Return the configured number of workers, limited to what fits and at least 1.

    On a cluster the budget is that of one node, and says nothing of how many fit on all.
    """
    wanted = config.pool.workers
    if config.pool.is_placed:
        return wanted
    return max(1, min(wanted, memory.budget.fits)) if memory.budget is not None else wanted
