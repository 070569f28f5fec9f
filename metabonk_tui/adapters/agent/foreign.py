"""Cleans what an agent says of a plan and of an action, and puts it under the name of its host. Pure.

Does not: trust a number of it: lists are cut, text is masked, and only events of an action on a pool count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec.structs import replace

from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.model.pool import Action, Plan, StopWorker, StrangerProcess, TargetProcess
from metabonk_tui.core.model.refs import MAX_WORKERS, ONLY_HOST, HostName
from metabonk_tui.core.model.sample import Event, Operation
from metabonk_tui.core.text.clean import clean_text

ACTED = frozenset({EventKind.POOL_LAUNCH.value, EventKind.POOL_STOP.value, EventKind.POOL_RESIZE.value})
MOST = 64
"""Commands, arguments, warnings, steps and events of one host."""
MOST_PROCESSES = 2 * MAX_WORKERS
SHORT = 200


def for_agent(action: Action, at: Callable[[float], float]) -> Action:
    """Return the action as the agent knows it: one host without a name, on its own clock."""
    if isinstance(action, StopWorker):
        return replace(action, ref=action.ref._replace(host=ONLY_HOST), pid_started_at=at(action.pid_started_at))
    return replace(action, hosts=())


def plan_of(plan: Plan, action: Action, host: HostName, at: Callable[[float], float]) -> Plan:
    """Return a plan of the agent, cleaned; `action` is what was asked, `at` translates its times."""
    return Plan(
        action=action,
        mode=plan.mode,
        commands=tuple(_texts(argv) for argv in plan.commands[:MOST]),
        hits=tuple(_process(each, host, at) for each in plan.hits[:MOST_PROCESSES]),
        start=min(max(plan.start, 0), MAX_WORKERS),
        source=None
        if plan.source is None
        else replace(
            plan.source,
            directory=clean_text(plan.source.directory),
            env_file=None if plan.source.env_file is None else clean_text(plan.source.env_file),
        ),
        warnings=_texts(plan.warnings),
        refusal=clean_text(plan.refusal),
        respawns=plan.respawns,
        seconds=plan.seconds,
        overridden=_texts(plan.overridden),
        strangers=tuple(
            StrangerProcess(_process(each.process, host, at), clean_text(each.reason), each.adoptable)
            for each in plan.strangers[:MOST_PROCESSES]
        ),
    )


def operation_of(operation: Operation) -> Operation:
    """Return the steps of an action, cleaned."""
    return replace(
        operation,
        action=clean_text(operation.action, SHORT),
        steps=tuple(
            replace(step, name=clean_text(step.name, SHORT), detail=clean_text(step.detail))
            for step in operation.steps[:MOST]
        ),
        output_tail=_texts(operation.output_tail),
        message=clean_text(operation.message, 1000),
        log_path=clean_text(operation.log_path),
    )


def events_of(events: Iterable[Event], host: HostName, now_t: float) -> tuple[Event, ...]:
    """Return what an action reports at its end: only its own kinds, at the time of this clock."""
    return tuple(
        Event(
            now_t,
            event.kind,
            event.severity,
            f"{host}: {clean_text(event.text, 1000)}",
            None if event.worker is None else event.worker._replace(host=host),
            {**_facts(event), "host": host},
        )
        for event in list(events)[:MOST]
        if event.kind in ACTED
    )


def _facts(event: Event) -> dict[str, object]:
    kept: dict[str, object] = {}
    for key in ("from", "to", "by", "pid", "error"):
        value = event.facts.get(key)
        if isinstance(value, str):
            kept[key] = clean_text(value)
        elif isinstance(value, int):
            kept[key] = value
    return kept


def _process(target: TargetProcess, host: HostName, at: Callable[[float], float]) -> TargetProcess:
    worker = None if target.worker is None else target.worker._replace(host=host)
    return replace(target, worker=worker, name=clean_text(target.name, SHORT), started_at=at(target.started_at))


def _texts(lines: Iterable[str]) -> tuple[str, ...]:
    return tuple(clean_text(line) for line in list(lines)[:MOST])
