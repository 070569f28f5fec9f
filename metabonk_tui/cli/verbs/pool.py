"""`launch N`, `stop`, `resize N`: change the pool through the same engine calls as the monitor's keys.

Prints the plan and asks for confirmation first.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator

from msgspec.structs import replace

from metabonk_tui.adapters.host.local import is_this_machine
from metabonk_tui.adapters.host.names import why_unresolved
from metabonk_tui.adapters.pools.plan import NOTHING_OURS
from metabonk_tui.adapters.state.config_files import load_config
from metabonk_tui.cli.exit_codes import DONE, FAILED, NOT_DONE, UsageError
from metabonk_tui.cli.live.follow import SnapshotCounter, follow
from metabonk_tui.cli.options import Parser, add_pool_options, count, hours, overrides, pid
from metabonk_tui.cli.suggest import command_prefix
from metabonk_tui.cli.verbs.preflight import item_line
from metabonk_tui.cli.wiring import watching
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.launch.checklist import MIN_WORDS, is_reason
from metabonk_tui.core.launch.interlock import InterlockResult, check_interlock, is_long
from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.model.memory import Budget
from metabonk_tui.core.model.pool import Action, Launch, Plan, Resize, RolePolicy, Stop
from metabonk_tui.core.model.sample import Operation
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.text.mask import masked_command
from metabonk_tui.core.text.numbers import age, gigabytes
from metabonk_tui.core.text.phrases import count_of
from metabonk_tui.engine.collector import POOL_PART
from metabonk_tui.engine.engine import Engine

FIRST_SNAPSHOT_S = 40.0
"""Longer than the 25 s after which a silent recorder counts as gone."""
LOOK_EVERY_S = 0.05
SETTLE_S = 20.0
MAX_SNAPSHOTS = 4
"""Snapshots that a long launch waits for before it is refused: environments are read after processes."""
SLACK_S = 60.0


def add_options(parser: Parser, verb: str) -> None:
    if verb != "stop":
        parser.add_argument("n", metavar="N", type=count, help="number of workers")
        parser.add_argument(
            "--hours", type=hours, metavar="H", help="planned length in hours; 24 requires a full checklist"
        )
        parser.add_argument(
            "--override", metavar="REASON", default="", help="override the interlock; the run records the reason"
        )
    if verb != "launch":
        parser.add_argument(
            "--adopt",
            metavar="PID",
            type=pid,
            action="append",
            default=[],
            help="also stop this process, which is not proved to be ours",
        )
    parser.add_argument(
        "--hosts",
        metavar="NAMES",
        type=_host_names,
        default=(),
        help="act on these hosts only, separated by commas; N on each",
    )
    parser.add_argument("--yes", action="store_true", help="skip the confirmation")
    add_pool_options(parser)


def _host_names(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if not names:
        raise argparse.ArgumentTypeError("expected names of hosts, separated by commas")
    return names


def main(options: argparse.Namespace, verb: str) -> int:
    """Plan, print, confirm, act and print every step; return the exit code. Raises UsageError."""
    reason = getattr(options, "override", "")
    if reason and not is_reason(reason):
        raise UsageError(f"--override needs a reason of at least {MIN_WORDS} words: it is recorded")
    wanted = getattr(options, "workers", None)
    if verb != "stop" and wanted not in (None, options.n):
        raise UsageError(f"--workers {wanted} and {verb} {options.n} contradict each other")
    loaded = load_config(getattr(options, "config", None), overrides(options))
    _check_hosts(options.hosts, loaded.config)
    how = command_prefix(loaded, options)
    speed = getattr(options, "speed", 1.0)
    with watching(loaded.config, call=how, speed=speed, when_asked="keep") as monitor:
        action = _action(options, verb)
        seen = _first_snapshot(monitor, is_stop=verb == "stop", hosts=_waited_for(options.hosts, loaded.config))
        if seen.pool.controller == "other":
            why = _ask_for_control(monitor, action)
            if why:
                _print_line(f"refused: {why}")
                return NOT_DONE
        plan = monitor.plan(action)
        for line in plan_lines(plan, seen):
            _print_line(line)
        if plan.mode == "refused":
            _print_host_problem(loaded.config)
            return NOT_DONE
        if plan.mode == "noop":
            return DONE
        if not _passes_interlock(monitor, plan, loaded.config):
            return NOT_DONE
        if not options.yes and not _confirm(monitor):
            _print_line("nothing was done")
            return NOT_DONE
        before = seen.pool.operation
        monitor.submit(plan)
        code = _follow_operation(monitor, before, loaded.config)
        return _code_of_stop(monitor, action, code) if verb == "stop" and code == FAILED else code


def _check_hosts(names: tuple[str, ...], config: Config) -> None:
    """Refuse names that the configuration does not have. Raises UsageError."""
    known = [host.name for host in config.host]
    if names and not known:
        raise UsageError("--hosts needs [[host]] in the configuration: docs/hosts.md")
    if unknown := [name for name in names if name not in known]:
        raise UsageError(f"no [[host]] is called {', '.join(unknown)}; there are {', '.join(known)}")


def _waited_for(names: tuple[str, ...], config: Config) -> tuple[str, ...]:
    """Return the hosts whose first answer a plan needs."""
    return names or tuple(host.name for host in config.host if not host.read_only)


def _action(options: argparse.Namespace, verb: str) -> Action:
    hosts = options.hosts
    if verb == "stop":
        return Stop(by="cli", adopt=tuple(options.adopt), hosts=hosts)
    if verb == "launch":
        return Launch(options.n, by="cli", hours=options.hours, override=options.override, hosts=hosts)
    adopt = tuple(options.adopt)
    return Resize(options.n, by="cli", hours=options.hours, override=options.override, adopt=adopt, hosts=hosts)


def _are_known(snapshot: Snapshot, hosts: tuple[str, ...]) -> bool:
    """Return whether each of these hosts has answered, or is LOST."""
    links = [snapshot.hosts[name].link if name in snapshot.hosts else None for name in hosts]
    return all(link is not None and link.state in ("UP", "LOST") for link in links)


def _first_snapshot(monitor: Engine, *, is_stop: bool, hosts: tuple[str, ...] = ()) -> Snapshot:
    """Wait for this monitor's own look at the pool, and unless `is_stop` for a Snapshot that is new.

    `hosts` have to answer first, or to be LOST.
    """
    counter = SnapshotCounter()
    ends_s, seen_count = time.monotonic() + FIRST_SNAPSHOT_S, 0
    while time.monotonic() < ends_s:
        if (snapshot := monitor.latest()) is not None:
            counter.count(snapshot)
            if monitor.own_pool is None and (fault := _fault_of_pool(snapshot)):
                raise RuntimeError(fault)
            # The first Snapshot may be restored from a recording: too old to launch on, or to compute a fit from.
            # A stop needs none: the monitor that records may be suspended, and nothing new comes for 25 s.
            own_pool = monitor.own_pool
            is_own = own_pool is not None and bool(own_pool.backend or own_pool.problem)
            if (counter.total > 1 or is_stop) and own_pool is not None and is_own and _are_known(snapshot, hosts):
                return replace(snapshot, pool=replace(own_pool, operation=snapshot.pool.operation))
            if counter.total > seen_count:
                seen_count = counter.total
                monitor.poll_now()
        if monitor.fault is not None:
            raise RuntimeError(monitor.fault)
        time.sleep(LOOK_EVERY_S)
    raise RuntimeError(f"the pool was not seen within {FIRST_SNAPSHOT_S:.0f} s")


def _fault_of_pool(snapshot: Snapshot) -> str:
    """Return the fault of the monitor by which it cannot read the pool; "": it has none."""
    faults = [event for event in snapshot.events if event.kind == EventKind.MONITOR_ERROR]
    return next((event.text for event in faults if event.facts.get("part") == POOL_PART), "")


def plan_lines(plan: Plan, seen: Snapshot) -> Iterator[str]:
    """Yield lines on what a plan would do: exact commands, processes they stop, memory they need."""
    if plan.mode == "refused":
        yield from _refusal_lines(plan)
        return
    if plan.mode == "noop":
        first, *others = plan.warnings or ("the pool is already as wanted",)
        yield f"nothing to do: {first}"
        yield from (f"               {other}" for other in others)
        yield from (stranger.text for stranger in plan.strangers)
        return
    for part in plan.parts:
        yield f"host      {part.host}" + (": nothing to do" if part.plan.mode == "noop" else "")
        if part.plan.mode != "noop":
            host = seen.hosts.get(part.host)
            yield from _part_lines(part.plan, host.memory.budget if host is not None else None)
    if plan.parts:
        yield from (f"warning   {warning}" for warning in plan.warnings)
    else:
        # On a cluster the engine places each worker where its memory is free.
        yield from _part_lines(plan, None if seen.pool.placed else seen.memory.budget)


def _part_lines(plan: Plan, budget: Budget | None) -> Iterator[str]:
    for command in plan.commands:
        yield f"command   {masked_command(command)}"
    if plan.source is not None:
        yield f"in        {plan.source.directory}"
        if plan.source.env_file:
            keys = "it could not be read" if plan.source.env_keys is None else f"sets {plan.source.env_keys} variables"
            yield f"env file  {plan.source.env_file}: {keys}"
    for target in plan.hits:
        who = target.role if target.worker is None else target.worker.label
        pid = f" pid {target.pid}" if target.pid else ""
        yield f"stops     {who}{pid} {target.name}".rstrip()
    if plan.start:
        yield f"starts    {count_of(plan.start, 'worker')}"
        if budget is not None:
            needs, leaves = gigabytes(budget.needs_bytes(plan.start)), gigabytes(budget.leaves_bytes(plan.start))
            yield f"memory    needs {needs} GB, leaves {leaves} GB; the floor is {gigabytes(budget.floor_bytes)} GB"
    if plan.seconds is not None:
        yield f"takes     about {age(plan.seconds)}"
    for warning in plan.warnings:
        yield f"warning   {warning}"


def _refusal_lines(plan: Plan) -> Iterator[str]:
    yield f"refused: {plan.refusal}"
    yield from (stranger.text for stranger in plan.strangers)
    # A launch stops nothing, so it has no --adopt.
    if any(stranger.adoptable for stranger in plan.strangers) and hasattr(plan.action, "adopt"):
        yield "to stop such a process as well, name it: --adopt PID"
    if plan.able:
        yield f"to act on the others without them, name these: --hosts {','.join(plan.able)}"


def _print_host_problem(config: Config) -> None:
    """Say that the name of the host does not resolve, where it does not: then no machine is meant at all."""
    if (
        not config.is_spread
        and not is_this_machine(config.pool.host)
        and (problem := why_unresolved(config.pool.host))
    ):
        _print_line(problem)


def _interlock(monitor: Engine, plan: Plan, snapshot: Snapshot | None, config: Config) -> InterlockResult:
    returns = monitor.role.watch_returns if monitor.role is not None else ""
    return check_interlock(plan.action, snapshot, monitor.preflight(), config, watch_returns=returns)


def _passes_interlock(monitor: Engine, plan: Plan, config: Config) -> bool:
    """Print the interlock's checklist as its items are decided; return whether the plan may proceed."""
    if not plan.start:
        return True
    interlock = _interlock(monitor, plan, monitor.latest(), config)
    printed: dict[str, str] = {}
    limit_s = SETTLE_S if is_long(getattr(plan.action, "hours", None), config) else 0.0
    for seen_count, snapshot in enumerate(follow(monitor, limit_s), 1):
        interlock = _interlock(monitor, plan, snapshot, config)
        for item in interlock.items:
            if printed.get(item.id) != item.standing:
                printed[item.id] = item.standing
                _print_line(item_line(item))
        if not interlock.closed or seen_count >= MAX_SNAPSHOTS:
            break
    if not interlock.closed:
        for line in interlock.overridden:
            _print_line(f"overridden {line}")
        return True
    for item in interlock.blocking:
        if printed.get(item.id) != item.standing:
            _print_line(item_line(item))
        if item.fix:
            _print_line(f"do        {item.title}: {item.fix}")
    _print_line(f"refused by the interlock: {interlock.why}")
    _print_line('to override the interlock, give a reason: --override "..."; it is recorded')
    return False


def _confirm(monitor: Engine) -> bool:
    if not sys.stdin.isatty():
        raise UsageError("no terminal to ask for confirmation; --yes acts without asking")
    print("do it? [y/N] ", end="", file=sys.stderr, flush=True)
    # A question without an answer must not keep another monitor's stop out.
    _answer_requests(monitor, "yield")
    agreed = sys.stdin.readline().strip().lower() in ("y", "yes")
    _answer_requests(monitor, "keep")
    return agreed


def _answer_requests(monitor: Engine, policy: RolePolicy) -> None:
    if monitor.role is not None:
        monitor.role.policy = policy


def _ask_for_control(monitor: Engine, action: Action) -> str:
    """Ask the controlling monitor for control of the pool; return why it was not given, "" when it was."""
    if monitor.role is None:
        return "this monitor never acts on the pool"
    why = monitor.role.ask(_want(action), lambda text: _print_line(f"control   {text}"))
    if not why and monitor.role.watch_returns:
        _print_line(f"watch     the memory watch of {monitor.role.watch_returns} is off until this command ends")
    return why


def _want(action: Action) -> str:
    where = f" on {', '.join(names)}" if (names := getattr(action, "hosts", ())) else ""
    match action:
        case Launch():
            return f"launch {count_of(action.workers, 'worker')}{where}"
        case Resize():
            return f"resize to {count_of(action.workers, 'worker')}{where}"
        case _:
            return f"stop the pool{where}"


def _follow_operation(monitor: Engine, before: Operation | None, config: Config) -> int:
    """Print every step until the operation ends; return the exit code."""
    launcher = config.pool.launcher
    limit_s = launcher.start_timeout_s + 2 * launcher.stop_grace_s + SLACK_S
    printed: set[tuple[str, str, str]] = set()
    began = monitor.latest()
    began_t = began.t if began else 0.0
    for snapshot in follow(monitor, limit_s):
        refused = [event for event in snapshot.events if event.kind == EventKind.POOL_REFUSED and event.t >= began_t]
        if refused:
            _print_line(refused[-1].text)
            return NOT_DONE
        operation = snapshot.pool.operation
        if operation is None or (before is not None and operation.started_at == before.started_at):
            continue
        for step in operation.steps:
            state = (step.name, step.state, step.detail)
            if state not in printed and step.state != "waiting":
                printed.add(state)
                _print_line(f"{step.state:<9} {step.name}" + (f": {step.detail}" if step.detail else ""))
        if operation.ended_at is not None:
            return _print_end(operation)
    _print_line(f"the operation has not ended after {age(limit_s)}")
    return FAILED


def _code_of_stop(monitor: Engine, action: Action, code: int) -> int:
    """Return the code of a failed stop: that of a refusal where all that is left may not be stopped, with its name."""
    left = monitor.plan(action)
    if not left.refusal.startswith(NOTHING_OURS):
        return code
    for line in _refusal_lines(left):
        _print_line(line)
    return NOT_DONE


def _print_end(operation: Operation) -> int:
    if not operation.ok:
        for line in operation.output_tail:
            _print_line(f"  | {line}")
        if operation.log_path:
            _print_line(f"log       {operation.log_path}")
    print(operation.message or ("done" if operation.ok else "failed"), file=sys.stdout if operation.ok else sys.stderr)
    return DONE if operation.ok else FAILED


def _print_line(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
