"""Plans an action on a launched pool: commands, processes hit, and warnings.

Does not: carry out the plan, or read processes. The caller passes in `PlanInputs`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from metabonk_tui.adapters.env_file.launcher_environment import NO_SCRIPT, LauncherEnvironment
from metabonk_tui.adapters.env_file.source import EnvFileError, Sourced
from metabonk_tui.adapters.pools.clean_up import Bystander, other_pools, warn_of
from metabonk_tui.adapters.pools.discover import PoolProcesses
from metabonk_tui.adapters.pools.launch_spec import NO_VARIABLES, LaunchSpec
from metabonk_tui.adapters.pools.port_check import PortHolder
from metabonk_tui.adapters.pools.terminate import describe, describe_all
from metabonk_tui.core.launch.checklist import is_reason
from metabonk_tui.core.model.pool import (
    Action,
    Launch,
    Plan,
    PlanSource,
    Resize,
    Restart,
    Stop,
    StopWorker,
    TargetProcess,
)
from metabonk_tui.core.model.refs import ProcessRef
from metabonk_tui.core.text.clean import show_cr
from metabonk_tui.core.text.phrases import count_of, cut_list
from metabonk_tui.core.worker.environment import is_same_value

PlanMode = Literal["noop", "restart_all", "incremental", "start", "stop", "refused"]
NOTHING_OURS = "nothing here may be stopped"
NO_PROCESS = "no process of this pool was found"
CHANGED = "the pool changed since this was planned"
TYPE_OVERRIDE = 'to launch all the same, give a reason: --override "..."'


class PlanInputs(Struct, frozen=True):
    """The observed state that a plan depends on."""

    running: PoolProcesses
    desired: int | None
    sourced: Sourced | EnvFileError
    foreign_listeners: Mapping[int, str]
    """Wanted port → a text about its holder, which is not part of this pool."""
    ready_s: float | None = None
    """Seconds until every worker answered at the last launch."""
    notes: tuple[str, ...] = ()
    launcher_sets: LauncherEnvironment = NO_SCRIPT
    holders: tuple[PortHolder, ...] = ()
    """What answers on the pool's ports and is not ours."""
    asked: range = range(0)
    """The ports that were asked for `holders`; empty: none."""
    bystanders: tuple[Bystander, ...] = ()
    """What MetaBonk's own scripts would end besides the pool."""


def make_plan(action: Action, spec: LaunchSpec, inputs: PlanInputs) -> Plan:
    """Plan the action on the pool as observed."""
    if isinstance(action, StopWorker):
        return _plan_worker(action, spec, inputs)
    named = getattr(action, "adopt", ())
    unknown = sorted(set(named) - inputs.running.owned.keys())
    if unknown:
        return refuse(action, spec, f"cannot adopt {_why_not_adopted(unknown, inputs.running)}")
    plan = _plan_stop(action, spec, inputs) if isinstance(action, Stop) else None
    plan = plan or _plan_workers(action, action.workers, spec, inputs)  # type: ignore[union-attr]
    strangers = inputs.running.strangers
    if plan.mode == "noop" and inputs.holders:
        return replace(refuse(action, spec, _answers(inputs)), strangers=strangers)
    if plan.mode == "refused" or not (plan.hits or plan.start):
        return replace(plan, strangers=strangers)
    return replace(plan, strangers=strangers, warnings=(*plan.warnings, *(stranger.text for stranger in strangers)))


def ports_to_ask(action: Action, spec: LaunchSpec, desired: int, launched: int) -> range:
    """Return the ports to ask before a plan may find nothing to do; empty: this action always has to act."""
    if isinstance(action, StopWorker | Launch | Restart):
        return range(0)
    count = action.workers if isinstance(action, Resize) else max(spec.workers, desired, launched)
    return range(spec.base_port, min(65536, spec.base_port + count))


def nothing_seen(asked: range) -> str:
    """Say what was looked for and not found: processes, and an answer on these ports."""
    if not asked:
        return NO_PROCESS
    last = f" to {asked[-1]}" if len(asked) > 1 else ""
    return f"{NO_PROCESS}, and nothing answers on {asked[0]}{last}"


def _answers(inputs: PlanInputs) -> str:
    """Say what answers although nothing of it may be stopped, with the reason where the process is visible."""
    reasons = {stranger.process.pid: stranger.reason for stranger in inputs.running.strangers}
    texts = [
        f"{holder.text}; it {reasons[holder.pid]}" if holder.pid in reasons else holder.text
        for holder in inputs.holders
    ]
    return f"{NOTHING_OURS}, and the pool's ports are in use: {cut_list(texts, 4)}"


def _why_not_adopted(pids: list[int], running: PoolProcesses) -> str:
    reasons = {stranger.process.pid: stranger.reason for stranger in running.strangers}
    return cut_list([f"pid {pid}: {reasons.get(pid, 'no such process')}" for pid in pids], 4)


def refuse(action: Action, spec: LaunchSpec, why: str) -> Plan:
    """Return a plan in mode "refused" with the reason."""
    return _plan(action, "refused", spec, None, refusal=why)


def why_stale(plan: Plan, running: PoolProcesses) -> str:
    """Return how the pool differs from the planned one; "" when it does not."""
    if isinstance(plan.action, StopWorker):
        exited = [hit for hit in plan.hits if not _is_among(hit, running.workers)]
        return f"{CHANGED}: {describe_all(exited)} is gone" if exited else ""
    planned = [hit for hit in plan.hits if hit.role in ("worker", "launcher")]
    exited = [hit for hit in planned if not _is_among(hit, running.all_targets)]
    if exited:
        return f"{CHANGED}: gone: {describe_all(exited)}"
    # A known launcher may add workers: it was still starting at the time of the plan.
    known_launcher = any(hit.role == "launcher" for hit in planned)
    appeared = [
        target
        for target in running.all_targets
        if (target.role == "launcher" or (target.role == "worker" and not known_launcher))
        and not _is_among(target, planned)
    ]
    return f"{CHANGED}: come: {describe_all(appeared)}" if appeared else ""


def _is_among(target: TargetProcess, others: Iterable[TargetProcess]) -> bool:
    """Return whether this very process has the same role among the others."""
    return any(other.role == target.role and other.ref.same_as(target.ref) for other in others)


def _plan_worker(action: StopWorker, spec: LaunchSpec, inputs: PlanInputs) -> Plan:
    for worker in inputs.running.workers:
        if worker.pid == action.pid and worker.worker == action.ref:
            if not worker.ref.same_as(ProcessRef(action.pid, action.pid_started_at), other_reader=True):
                break
            again = "the launcher starts it again: a new process, counters from zero"
            plan = _plan(action, "stop", spec, None, hits=(worker,), warnings=(again, *inputs.notes))
            return replace(plan, respawns=True)
    for stranger in inputs.running.strangers:
        if stranger.process.pid == action.pid:
            return replace(refuse(action, spec, stranger.text), strangers=(stranger,))
    return refuse(action, spec, f"{CHANGED}: worker {action.ref.slot} is no longer pid {action.pid}")


def _plan_stop(action: Stop, spec: LaunchSpec, inputs: PlanInputs) -> Plan:
    running = inputs.running
    if not running.all_targets:
        return _plan(action, "noop", spec, None, warnings=(nothing_seen(inputs.asked), *inputs.notes))
    command, warnings = _stop_command(spec, inputs)
    return _plan(
        action,
        "stop",
        spec,
        inputs.sourced,
        commands=command,
        hits=running.all_targets,
        warnings=(*warnings, *_adopted(running), *inputs.notes),
    )


def _plan_workers(action: Action, workers: int, spec: LaunchSpec, inputs: PlanInputs) -> Plan:
    running = inputs.running
    if workers < 1:
        return refuse(action, spec, f"a pool of {workers} workers cannot be launched: stop it instead")
    now = inputs.desired if inputs.desired is not None else len(running.workers)
    if isinstance(action, Resize) and running.all_targets and now == workers:
        few = len(running.workers) != workers
        note = (f"only {len(running.workers)} of {workers} run: restart to have them all",) if few else ()
        return _plan(
            action, "noop", spec, None, warnings=(f"the pool has {count_of(workers, 'worker')} already", *note)
        )
    if unattended := why_not_unattended(action, spec, inputs.bystanders):
        return refuse(action, spec, unattended)
    if isinstance(inputs.sourced, EnvFileError):
        return refuse(action, spec, f"env file: {inputs.sourced.text}")
    environment = spec.environment(inputs.sourced)
    impossible = spec.cannot_launch(environment)
    if impossible:
        return refuse(action, spec, impossible)
    launch = spec.launch_argv(workers)
    held = tuple(inputs.foreign_listeners.values())
    if held and not may_share_ports(action):
        return refuse(action, spec, f"{cut_list(held, 4)}: no part of this pool; {TYPE_OVERRIDE}")
    overridden = held if is_reason(getattr(action, "override", "")) else ()
    warnings = [*held, *_environment_warnings(spec, inputs.sourced, environment, inputs.launcher_sets)]
    swept = warn_of(inputs.bystanders, spec.launch_argv(1))
    notes = (*inputs.notes, *swept, *other_pools(inputs.bystanders, spec.base_port))
    if not running.all_targets:
        return _plan(
            action,
            "start",
            spec,
            inputs.sourced,
            commands=(launch,),
            start=workers,
            warnings=(*warnings, *notes),
            seconds=inputs.ready_s,
            overridden=overridden,
        )
    stop, stop_warnings = _stop_command(spec, inputs)
    count = len(running.workers)
    restart_warning = f"there is no live resize: ALL {count} workers stop and start anew, counters from zero"
    return _plan(
        action,
        "restart_all",
        spec,
        inputs.sourced,
        commands=(*stop, launch),
        hits=running.all_targets,
        start=workers,
        warnings=(
            *((restart_warning,) if count else ()),
            *warnings,
            *stop_warnings,
            *_adopted(running),
            *notes,
        ),
        seconds=inputs.ready_s,
        overridden=overridden,
    )


def why_not_unattended(action: Action, spec: LaunchSpec, bystanders: tuple[Bystander, ...]) -> str:
    """Return what the launch command of the memory watch would end besides the pool: no person has agreed to it."""
    if getattr(action, "by", "") != "watch":
        return ""
    return "; ".join(warn_of(bystanders, spec.launch_argv(1)))


def may_share_ports(action: Action) -> bool:
    """Return whether workers may be started although others hold some of their ports.

    The memory watch shrinks a pool whose memory is ending: a refusal would end in an OOM kill.
    """
    if not isinstance(action, Launch | Resize | Restart):
        return False
    return action.by == "watch" or is_reason(action.override)


def _stop_command(spec: LaunchSpec, inputs: PlanInputs) -> tuple[tuple[tuple[str, ...], ...], tuple[str, ...]]:
    """Return (no or one stop command, warnings). Missing parts give warnings only: stopping must always work."""
    sourced = inputs.sourced
    broken = (f"env file: {sourced.text}",) if isinstance(sourced, EnvFileError) else ()
    if spec.stop_argv(0) and (ended := others_that_stop_ends(spec, inputs.running, inputs.bystanders)):
        why = f"the stop command names no port and could end {ended}: the processes are signalled directly"
        return (), (*broken, why)
    environment = spec.environment(NO_VARIABLES if isinstance(sourced, EnvFileError) else sourced)
    impossible = spec.cannot_run_stop(environment)
    if impossible:
        return (), (*broken, f"{impossible}: the processes are signalled directly")
    count = inputs.desired if inputs.desired is not None else len(inputs.running.workers)
    return (spec.stop_argv(count),), broken


def others_that_stop_ends(spec: LaunchSpec, running: PoolProcesses, bystanders: tuple[Bystander, ...]) -> str:
    """Name the processes outside the pool that the stop command may end as well; "" for none."""
    if spec.stop_names_port():
        return ""
    named = {
        other.process.pid: f"pid {other.process.pid} {other.process.name}" for other in running.others_of_metabonk
    }
    # Whatever its name: `make stop` may run a script of MetaBonk, and that ends whole process groups.
    named |= {each.pid: f"pid {each.pid} {each.name}" for each in bystanders}
    return cut_list(list(named.values()), 3)


def _adopted(running: PoolProcesses) -> tuple[str, ...]:
    if running.launcher is not None and not running.ours:
        return (f"{describe(running.launcher)} was not launched by this monitor",)
    if running.launcher is None and running.workers:
        return ("no launcher is seen: the workers run on their own",)
    return ()


def _environment_warnings(
    spec: LaunchSpec, sourced: Sourced, environment: Mapping[str, str], launcher: LauncherEnvironment
) -> tuple[str, ...]:
    warnings: list[str] = []
    if sourced.warning:
        warnings.append(f"env file: {sourced.warning}")
    required = spec.required_environment
    missing = [key for key in required if key not in environment and key not in launcher.values]
    if missing:
        where = (
            "the env file does not set" if spec.env_file else "no env file is configured, and the launch does not set"
        )
        warnings.append(f"{where} {cut_list(missing, 3)}")
    effective = {**environment, **launcher.values}
    different = [
        f"{key}={show_cr(value)}"
        for key, wanted in required.items()
        if (value := effective.get(key)) is not None and not is_same_value(value, wanted)
    ]
    if different:
        warnings.append(f"not as the components need it: {cut_list(different, 3)}")
    overwritten = sorted(key for key, value in launcher.values.items() if value is not None and key in sourced.values)
    if overwritten:
        warnings.append(f"{launcher.script} overwrites {cut_list(overwritten, 3)}")
    return tuple(warnings)


def _plan(
    action: Action,
    mode: PlanMode,
    spec: LaunchSpec,
    sourced: Sourced | EnvFileError | None,
    *,
    commands: tuple[tuple[str, ...], ...] = (),
    hits: tuple[TargetProcess, ...] = (),
    start: int = 0,
    warnings: tuple[str, ...] = (),
    refusal: str = "",
    seconds: float | None = None,
    overridden: tuple[str, ...] = (),
) -> Plan:
    return Plan(
        action=action,
        mode=mode,
        commands=commands,
        hits=hits,
        start=start,
        source=PlanSource(
            str(spec.directory),
            str(spec.env_file) if spec.env_file and sourced is not NO_VARIABLES else None,
            sourced.count if spec.env_file and isinstance(sourced, Sourced) else None,
        ),
        warnings=warnings,
        refusal=refusal,
        seconds=seconds,
        overridden=overridden,
    )
