"""Knows what an action on a launched pool would do, beforehand: commands, whom it hits, and what to beware of.

Refuses to do it, and to look: everything seen is handed in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from metabonk_tui.adapters.env_file.source import EnvFileError, Sourced
from metabonk_tui.adapters.pools.discover import Scene
from metabonk_tui.adapters.pools.launch_spec import NOTHING_SOURCED, LauncherSite
from metabonk_tui.adapters.pools.terminate import describe, describe_all
from metabonk_tui.adapters.process.tree import same_start
from metabonk_tui.core.model.pool import Action, Plan, Resize, Stop, StopWorker, TargetProcess

OVERWRITTEN = frozenset(
    {
        "METABONK_PURE_VISION_MODE",
        "METABONK_EXPLORATION_REWARDS",
        "METABONK_RL_LOGGING",
        "METABONK_STRATEGY_FREQUENCY",
        "METABONK_SYSTEM2_ENABLED",
        "METABONK_SYSTEM2_BACKEND",
        "METABONK_SYSTEM2_MODEL",
    }
)
"""What launch.py sets from its JSON profile, whatever the environment says."""
Mode = Literal["noop", "restart_all", "incremental", "start", "stop", "refused"]
CHANGED = "the pool changed since this was planned"


@dataclass(frozen=True, slots=True)
class Outlook:
    """What planning is told about the world."""

    scene: Scene
    desired: int | None
    sourced: Sourced | EnvFileError
    strangers: Mapping[int, str]
    """Who holds a wanted port and is none of ours."""
    ready_s: float | None = None
    """How long the last launch took until every worker answered."""
    notes: tuple[str, ...] = ()


def make_plan(action: Action, site: LauncherSite, outlook: Outlook) -> Plan:
    """Say what the action would do to the pool as it is."""
    if isinstance(action, StopWorker):
        return _plan_worker(action, site, outlook)
    if isinstance(action, Stop):
        return _plan_stop(action, site, outlook)
    return _plan_workers(action, action.workers, site, outlook)


def refuse(action: Action, site: LauncherSite, why: str) -> Plan:
    """Make the plan that says why it cannot be done."""
    return _plan(action, "refused", site, None, refusal=why)


def why_stale(plan: Plan, scene: Scene) -> str:
    """Say how the pool differs from the one that was planned for; "" when it does not."""
    if isinstance(plan.action, StopWorker):
        live = {(worker.pid, worker.started_at) for worker in scene.workers}
        gone = [hit for hit in plan.hits if (hit.pid, hit.started_at) not in live]
        return f"{CHANGED}: {describe_all(gone)} is gone" if gone else ""
    planned = {(hit.role, hit.pid, hit.started_at): hit for hit in plan.hits if hit.role in ("worker", "launcher")}
    now = {(target.role, target.pid, target.started_at): target for target in scene.everyone}
    gone = [hit for key, hit in planned.items() if key not in now]
    if gone:
        return f"{CHANGED}: gone: {describe_all(gone)}"
    # Workers that a known launcher has started since are its own: it was still starting when we planned.
    known_launcher = any(role == "launcher" for role, _, _ in planned)
    come = [
        target
        for key, target in now.items()
        if key not in planned and (target.role == "launcher" or (target.role == "worker" and not known_launcher))
    ]
    return f"{CHANGED}: come: {describe_all(come)}" if come else ""


def _plan_worker(action: StopWorker, site: LauncherSite, outlook: Outlook) -> Plan:
    for worker in outlook.scene.workers:
        if worker.pid == action.pid and worker.slot == action.ref.slot:
            if not same_start(worker.started_at, action.pid_started_at):
                break
            again = "the launcher starts it again: a new process, counters from zero"
            plan = _plan(action, "stop", site, None, hits=(worker,), warnings=(again, *outlook.notes))
            return replace(plan, respawns=True)
    return refuse(action, site, f"{CHANGED}: worker {action.ref.slot} is no longer pid {action.pid}")


def _plan_stop(action: Stop, site: LauncherSite, outlook: Outlook) -> Plan:
    scene = outlook.scene
    if not scene.everyone:
        return _plan(action, "noop", site, None, warnings=("nothing of this pool runs", *outlook.notes))
    command, warnings = _stop_command(site, outlook)
    return _plan(
        action,
        "stop",
        site,
        outlook.sourced,
        commands=command,
        hits=scene.everyone,
        warnings=(*warnings, *_adopted(scene), *outlook.notes),
    )


def _plan_workers(action: Action, workers: int, site: LauncherSite, outlook: Outlook) -> Plan:
    scene = outlook.scene
    if workers < 1:
        return refuse(action, site, f"a pool of {workers} workers cannot be launched: stop it instead")
    now = outlook.desired if outlook.desired is not None else len(scene.workers)
    if isinstance(action, Resize) and scene.everyone and now == workers:
        few = len(scene.workers) != workers
        note = (f"only {len(scene.workers)} of {workers} run: restart to have them all",) if few else ()
        return _plan(action, "noop", site, None, warnings=(f"there are {workers} workers already", *note))
    if isinstance(outlook.sourced, EnvFileError):
        return refuse(action, site, f"env file: {outlook.sourced.text}")
    environment = site.environment(outlook.sourced)
    impossible = site.cannot_launch(environment)
    if impossible:
        return refuse(action, site, impossible)
    launch = site.launch_argv(workers)
    warnings = [*_environment_warnings(site, outlook.sourced, environment, launch)]
    warnings += [
        f"port {port} is held by {holder}, which is no worker of this pool: worker {port - site.base_port} "
        "cannot start there"
        for port, holder in outlook.strangers.items()
    ]
    if not scene.everyone:
        return _plan(
            action,
            "start",
            site,
            outlook.sourced,
            commands=(launch,),
            start=workers,
            warnings=(*warnings, *outlook.notes),
            seconds=outlook.ready_s,
        )
    stop, stop_warnings = _stop_command(site, outlook)
    count = len(scene.workers)
    everyone = f"there is no live resize: ALL {count} workers stop and start anew, counters from zero"
    return _plan(
        action,
        "restart_all",
        site,
        outlook.sourced,
        commands=(*stop, launch),
        hits=scene.everyone,
        start=workers,
        warnings=(*((everyone,) if count else ()), *warnings, *stop_warnings, *_adopted(scene), *outlook.notes),
        seconds=outlook.ready_s,
    )


def _stop_command(site: LauncherSite, outlook: Outlook) -> tuple[tuple[tuple[str, ...], ...], tuple[str, ...]]:
    """Return the stop command as a list of none or one, and warnings. Stopping must work whatever is missing."""
    sourced = outlook.sourced
    broken = (f"env file: {sourced.text}",) if isinstance(sourced, EnvFileError) else ()
    environment = site.environment(NOTHING_SOURCED if isinstance(sourced, EnvFileError) else sourced)
    impossible = site.cannot_run_stop(environment)
    if impossible:
        return (), (*broken, f"{impossible}: the processes are signalled directly")
    count = outlook.desired if outlook.desired is not None else len(outlook.scene.workers)
    return (site.stop_argv(count),), broken


def _adopted(scene: Scene) -> tuple[str, ...]:
    if scene.launcher is not None and not scene.ours:
        return (f"{describe(scene.launcher)} was not launched by this monitor",)
    if scene.launcher is None and scene.workers:
        return ("no launcher is seen: the workers run on their own",)
    return ()


def _environment_warnings(
    site: LauncherSite, sourced: Sourced, environment: Mapping[str, str], launch: tuple[str, ...]
) -> tuple[str, ...]:
    warnings: list[str] = []
    if sourced.warning:
        warnings.append(f"env file: {sourced.warning}")
    required = site.required_environment
    missing = [key for key in required if key not in environment]
    if missing:
        whence = "the env file does not set" if site.env_file else "no env file is configured, and nobody sets"
        warnings.append(f"{whence} {_listed(missing)}")
    different = [
        f"{key}={environment[key]}" for key in required if environment.get(key, required[key]) != required[key]
    ]
    if different:
        warnings.append(f"not as the components need it: {_listed(different)}")
    if any(argument.endswith("launch.py") for argument in launch):
        overwritten = sorted(OVERWRITTEN & sourced.values.keys())
        if overwritten:
            warnings.append(f"launch.py overwrites {_listed(overwritten)} from its profile")
    return tuple(warnings)


def _listed(names: list[str], most: int = 3) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _plan(
    action: Action,
    mode: Mode,
    site: LauncherSite,
    sourced: Sourced | EnvFileError | None,
    *,
    commands: tuple[tuple[str, ...], ...] = (),
    hits: tuple[TargetProcess, ...] = (),
    start: int = 0,
    warnings: tuple[str, ...] = (),
    refusal: str = "",
    seconds: float | None = None,
) -> Plan:
    return Plan(
        action=action,
        mode=mode,
        commands=commands,
        hits=hits,
        start=start,
        directory=str(site.directory),
        env_file=str(site.env_file) if site.env_file else None,
        env_keys=sourced.count if site.env_file and isinstance(sourced, Sourced) else None,
        warnings=warnings,
        refusal=refusal,
        seconds=seconds,
    )
