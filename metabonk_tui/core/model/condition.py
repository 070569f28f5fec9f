"""Ranks what is wrong with a worker: the one order of severity of sorting, attention list, grid, side pane and report.

Judges the worker alone: what all workers share counts, too. Does not: say why, `WorkerView.attention` does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum

from metabonk_tui.core.model import levels
from metabonk_tui.core.model.level_names import Level
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.worker import ComponentState, ComponentView, HealthState, Reach, WorkerView

NO_STEPS = "no steps"
"""The mark of a worker that answers and has not made a step for long."""
SILENT_S = 120.0
"""Seconds of its life after which a worker none of whose components shows counts as idle."""


class WorkerCondition(IntEnum):
    """The worst that is wrong with a worker. A higher one is looked at first."""

    OK = 0
    STARTING = 1
    """Not judged yet."""
    IDLE = 2
    """It answers, and nothing in it grows or shows."""
    NOT_KNOWN = 3
    """Stale, unproven, or not observed."""
    ERRATIC = 4
    """Racing or looping."""
    STALLED = 5
    ABSENT = 6
    BAD = 7
    DOWN = 8
    """Down, killed, or answering without a status that can be believed."""


_OF_REACH: Mapping[Reach, WorkerCondition] = {
    Reach.UP: WorkerCondition.OK,
    Reach.STARTING: WorkerCondition.STARTING,
    Reach.STALE: WorkerCondition.NOT_KNOWN,
    Reach.UNOBSERVED: WorkerCondition.NOT_KNOWN,
    Reach.DOWN: WorkerCondition.DOWN,
    Reach.BROKEN: WorkerCondition.DOWN,
    Reach.STRANGER: WorkerCondition.DOWN,
}
_OF_HEALTH: Mapping[HealthState, WorkerCondition] = {
    HealthState.STRANGER: WorkerCondition.DOWN,
    HealthState.LOOPING: WorkerCondition.ERRATIC,
    HealthState.DOWN: WorkerCondition.DOWN,
    HealthState.BROKEN: WorkerCondition.DOWN,
    HealthState.HUNG: WorkerCondition.DOWN,
    HealthState.ZOMBIE: WorkerCondition.STALLED,
    HealthState.STALE_FRAMES: WorkerCondition.STALLED,
    HealthState.RACING: WorkerCondition.ERRATIC,
    HealthState.IDLE: WorkerCondition.IDLE,
}
_OF_STATE: Mapping[ComponentState, WorkerCondition] = {
    ComponentState.BAD: WorkerCondition.BAD,
    ComponentState.ABSENT: WorkerCondition.ABSENT,
    ComponentState.STALLED: WorkerCondition.STALLED,
    ComponentState.UNPROVEN: WorkerCondition.NOT_KNOWN,
    ComponentState.UNOBSERVED: WorkerCondition.NOT_KNOWN,
    ComponentState.STALE: WorkerCondition.NOT_KNOWN,
}
_LEVELS: Mapping[WorkerCondition, Level] = {
    WorkerCondition.OK: "go",
    WorkerCondition.STARTING: "unknown",
    WorkerCondition.IDLE: "caution",
    WorkerCondition.NOT_KNOWN: "unknown",
    WorkerCondition.ERRATIC: "caution",
    WorkerCondition.STALLED: "caution",
    WorkerCondition.ABSENT: "stop",
    WorkerCondition.BAD: "stop",
    WorkerCondition.DOWN: "stop",
}


def condition(worker: WorkerView) -> WorkerCondition:
    """Return the worst of the worker's reach, health and component states."""
    worst = _OF_REACH[worker.reach]
    if worker.health is not None:
        worst = max(worst, _OF_HEALTH[worker.health.state])
    if worst is WorkerCondition.DOWN:
        return worst
    for part in worker.components:
        if part.state is not ComponentState.ACTIVE:
            worst = max(worst, component_condition(part))
    if worker.attention and worst < WorkerCondition.STALLED and any([a.mark == NO_STEPS for a in worker.attention]):
        return WorkerCondition.STALLED
    return WorkerCondition.IDLE if worst is WorkerCondition.OK and _is_silent(worker) else worst


def component_condition(part: ComponentView) -> WorkerCondition:
    """Return what is wrong with one component; what stands by design is not stalled.

    A transition whose gameplay is not corroborated is as one that has not come yet.
    """
    if part.state is ComponentState.UNPROVEN and part.derived:
        return WorkerCondition.OK
    if part.state is ComponentState.STALLED and part.stands:
        return WorkerCondition.OK
    return _OF_STATE.get(part.state, WorkerCondition.OK)


def _is_silent(worker: WorkerView) -> bool:
    """Return whether the worker has lived for long and no component that is due in validation shows."""
    if worker.lived_s < SILENT_S:
        return False
    due = [part.window_activity for part in worker.components if part.due == "validation"]
    return "silent" in due and "showing" not in due


def needs_attention(found: WorkerCondition) -> bool:
    """Return whether a person should look at a worker in this condition."""
    return found > WorkerCondition.STARTING


def condition_level(worker: WorkerView, found: WorkerCondition) -> Level:
    """Return the level of a worker's condition, each worker once: "go", "unknown", "caution" or "stop".

    A health state that the verdict counts as not working is a stop: looping, zombie, stale frames.
    """
    if worker.health is not None and worker.health.state.level == "stop":
        return "stop"
    return _LEVELS[found]


def severity_key(worker: WorkerView, found: WorkerCondition) -> tuple[int, int, WorkerRef]:
    """Return the key that sorts a worker in this condition, the worst first.

    Where many share a condition, those that something else sets apart come first; then the lowest id.
    """
    own = levels.order(worker.attention[0].level) if worker.attention else -1
    return -found, -own, worker.ref


def worst_first(workers: Iterable[WorkerView]) -> list[WorkerView]:
    """Sort workers by condition, the worst first."""
    return sorted(workers, key=lambda worker: severity_key(worker, condition(worker)))
