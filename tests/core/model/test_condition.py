"""The one order of severity: what is wrong with a worker, in one word, whatever the others have."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from metabonk_tui.core.model.condition import (
    NO_STEPS,
    WorkerCondition,
    condition,
    condition_level,
    needs_attention,
    worst_first,
)
from metabonk_tui.core.model.worker import Attention, ComponentState, Health, HealthState, Reach, WorkerView
from tests.support.snapshots import HEALTHY, component, components, worker

C, S = WorkerCondition, ComponentState
T = 1000.0


def made(slot: int = 0, **over: Any) -> WorkerView:
    return worker(slot, T, **{"lived_s": 1800.0, **over})


def with_state(state: ComponentState, **over: Any) -> WorkerView:
    """Return a worker whose second component is in this state."""
    parts = list(components(HEALTHY[0], 0))
    parts[1] = component(1, state, 0.31, **over)
    return made(components=tuple(parts))


def health(state: HealthState) -> Health:
    return Health(state, T, "why")


ZEROS = components(tuple((S.ZERO, 0, 0) for _ in range(5)), 0)


@pytest.mark.parametrize(
    ("seen", "found", "level"),
    [
        (made(), C.OK, "go"),
        (made(reach=Reach.STARTING), C.STARTING, "unknown"),
        (made(reach=Reach.STALE), C.NOT_KNOWN, "unknown"),
        (made(reach=Reach.UNOBSERVED), C.NOT_KNOWN, "unknown"),
        (made(reach=Reach.DOWN), C.DOWN, "stop"),
        (made(reach=Reach.BROKEN), C.DOWN, "stop"),
        (made(reach=Reach.STRANGER), C.DOWN, "stop"),
        (made(reach=Reach.STALE, health=health(HealthState.HUNG)), C.DOWN, "stop"),
        (made(health=health(HealthState.ZOMBIE)), C.STALLED, "stop"),
        (made(health=health(HealthState.RACING)), C.ERRATIC, "caution"),
        (made(health=health(HealthState.LOOPING)), C.ERRATIC, "stop"),
        (made(health=health(HealthState.IDLE)), C.IDLE, "caution"),
        (made(attention=(Attention(NO_STEPS, "stop", "no step"),)), C.STALLED, "caution"),
        (with_state(S.BAD), C.BAD, "stop"),
        (with_state(S.ABSENT), C.ABSENT, "stop"),
        (with_state(S.STALLED), C.STALLED, "caution"),
        (with_state(S.STALLED, stands=True), C.OK, "go"),
        (with_state(S.RESTING), C.OK, "go"),
        (with_state(S.UNPROVEN), C.NOT_KNOWN, "unknown"),
        (with_state(S.ZERO), C.OK, "go"),
        (made(components=ZEROS), C.IDLE, "caution"),
        (made(components=ZEROS, lived_s=60.0), C.OK, "go"),
    ],
    ids=str,
)
def test_the_worst_of_reach_health_and_components_stands(seen: WorkerView, found: WorkerCondition, level: str) -> None:
    assert condition(seen) is found
    assert condition_level(seen, found) == level
    assert needs_attention(found) is (found > C.STARTING)


def test_what_all_workers_share_is_as_bad_as_what_one_has() -> None:
    alone = with_state(S.ABSENT)
    assert alone.attention == ()
    assert condition(alone) is C.ABSENT


ORDER = (
    made(9, reach=Reach.DOWN),
    replace(with_state(S.BAD), ref=made(8).ref),
    replace(with_state(S.ABSENT), ref=made(7).ref),
    replace(with_state(S.STALLED), ref=made(6).ref),
    made(5, health=health(HealthState.RACING)),
    made(4, reach=Reach.STALE),
    made(3, health=health(HealthState.IDLE)),
    made(1),
    made(2),
)


@given(st.permutations(ORDER))
def test_there_is_one_order_then_the_lowest_id(workers: list[WorkerView]) -> None:
    assert worst_first(workers) == list(ORDER)


def test_among_equals_the_one_that_something_else_sets_apart_comes_first() -> None:
    same = [replace(with_state(S.ABSENT), ref=made(slot).ref) for slot in range(3)]
    same[2] = replace(same[2], attention=(Attention("×200", "caution", "races"),))
    assert [each.slot for each in worst_first(same)] == [2, 0, 1]
