"""Section 3: a gate that was not watched is taken again, late; one that did not pass only on request."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.model.sample import Event
from metabonk_tui.core.model.snapshot import Snapshot, VerdictKind
from tests.support.samples import (
    MIN,
    NO_HOLD,
    Life,
    at,
    changes,
    coarse,
    configured,
    healthy,
    kinds,
    last,
    phases,
    play,
    results,
    room,
    script,
    silent,
    with_fields,
)

GATE_S = 30 * MIN
START_S = 180
"""A pool that began before watching: its gate is counted from the end of the grace."""


def begun_before(from_s: float, for_s: float, life: Life = healthy, **how: object) -> list[Snapshot]:
    """Watch a pool from `from_s` after its start."""
    samples = coarse if for_s >= 15 * MIN else script
    return play(samples(life, from_s=from_s, for_s=for_s, **how), NO_HOLD)  # type: ignore[arg-type,operator]


@pytest.mark.parametrize(
    ("from_s", "kind", "observed"),
    [
        (0, "first", 6),
        (START_S, "first", 6),
        (START_S + 140, "first", 6),
        (START_S + 160, "first", 5),  # less than half of the first interval is left
        (START_S + 600, "first", 4),
        (START_S + 740, "first", 4),
        (START_S + 760, "late", 6),  # three whole checks are left
        (START_S + 1790, "late", 6),
        (5 * 3600, "late", 6),
    ],
)
def test_watching_that_begins_late_takes_the_gate_again(from_s: float, kind: str, observed: int) -> None:
    seen = begun_before(from_s, 20)[-1]
    assert seen.gate.kind == kind
    if kind == "late":
        assert (seen.gate.began_t, seen.gate.ends_t) == (from_s, from_s + GATE_S)
        assert set(results(seen)) == {"TO COME"}
    else:
        assert sum(result == "TO COME" for result in results(seen)) >= observed
    assert seen.gate.start_up_ended_t == (0 if from_s == 0 else START_S)


def hole(from_s: float, to_s: float) -> Callable[[float], bool]:
    return lambda t: from_s < t < to_s


@pytest.mark.parametrize(
    ("blind", "kind"),
    [
        (hole(310, 880), "first"),  # two checks lost
        (hole(310, 1180), "late"),  # three lost
        (hole(1510, 1690), "late"),  # the last one cannot be observed any more
        (hole(1510, 1640), "first"),  # it still can
        (hole(1760, 1900), "late"),  # its end was not seen
        (hole(1810, 5000), "first"),  # the gate was over
        (hole(2000, 90000), "first"),
    ],
)
def test_a_gap_that_loses_too_much_takes_the_gate_again(blind: Callable[[float], bool], kind: str) -> None:
    end_s = 5100.0 if not blind(5100) else 90030.0
    # Near the holes every 10 s, else every 30 s; a hole of hours needs no samples after it.
    seen = last(coarse(for_s=end_s, blind=blind, fine=((280, 340), (860, 900), (1160, 1220), (1490, 1920))), NO_HOLD)
    assert seen.gate.kind == kind


def test_the_late_gate_may_be_lost_as_well() -> None:
    blind = hole(6000, 7500)
    snapshots = begun_before(5 * 3600, 8000, blind=lambda t: blind(t - 5 * 3600))
    assert snapshots[-1].gate.kind == "late"
    assert kinds(snapshots[-1], "gate.late") == ["gate.late"]
    lost = begun_before(5 * 3600, 3000, blind=lambda t: hole(300, 1500)(t - 5 * 3600))
    assert lost[-1].gate.began_t == 5 * 3600 + 1500
    assert kinds(lost[-1], "gate.late") == ["gate.late"] * 2


def test_only_tuning_stands_in_a_late_gate_after_two_hours() -> None:
    snapshots = begun_before(5 * 3600, 16 * MIN)
    assert at(snapshots, 5 * 3600 + 600).verdict.kind is VerdictKind.VALIDATING
    assert snapshots[-1].verdict.kind is VerdictKind.TUNE_EPSILON


@pytest.mark.parametrize(
    ("life", "available", "word"),
    [
        (healthy, 8.0, VerdictKind.VALIDATING),
        (with_fields(healthy, intrinsic_reward_total=0.0), 8.0, VerdictKind.PARTIAL),
        (silent, 8.0, VerdictKind.STOP),
        (healthy, 0.5, VerdictKind.ADD_MEMORY_WATCH),
    ],
)
def test_these_words_stand_on_their_own_evidence_in_a_late_gate(
    life: Life, available: float, word: VerdictKind
) -> None:
    # 40 min after the start, so that gameplay is not due; half of the window is observed.
    seen = begun_before(40 * MIN, 16 * MIN, life, memory=lambda _t: room(available))[-1]
    assert (seen.gate.kind, seen.verdict.kind) == ("late", word)


def test_a_go_needs_the_late_gate_to_have_passed() -> None:
    snapshots = begun_before(40 * MIN, 31 * MIN)
    assert changes(snapshots[-1])[-1][1] == "LAUNCH 24H"
    assert at(snapshots, 70 * MIN).verdict.kind is VerdictKind.LAUNCH_24H
    assert at(snapshots, 70 * MIN - 30).verdict.kind is VerdictKind.VALIDATING
    assert at(snapshots, 65 * MIN).verdict.would_be is VerdictKind.LAUNCH_24H


# On request

ASK = Event(0.0, EventKind.GATE_AGAIN, "info", "the gate is taken again, asked by key")
LATE = phases((0, with_fields(healthy, intrinsic_reward_total=0.0)), (1300, healthy))
"""Its gate ends with two passes."""


def asked(t: float, life: Life, for_s: float) -> list[Snapshot]:
    return play(coarse(life, for_s=for_s, events={t: (ASK,)}, fine=((t - 10, t + 10),)), NO_HOLD)


def test_a_gate_that_did_not_pass_is_taken_again_on_request() -> None:
    snapshots = asked(2000, LATE, 2000 + 31 * MIN)
    assert at(snapshots, 1990).verdict.kind is VerdictKind.CONTINUE
    taken = at(snapshots, 2000)
    assert (taken.gate.kind, taken.gate.began_t, taken.verdict.kind) == ("again", 2000, VerdictKind.VALIDATING)
    assert "gate.again" in kinds(taken)
    assert snapshots[-1].verdict.kind is VerdictKind.LAUNCH_24H
    assert results(snapshots[-1]) == ["PASS"] * 6


@pytest.mark.parametrize(("t", "life"), [(900, LATE), (2000, healthy)], ids=["under way", "passed"])
def test_no_other_gate_is_taken_again(t: float, life: Life) -> None:
    assert asked(t, life, 2100)[-1].gate.kind == "first"


def test_a_request_that_comes_without_readings_counts_with_the_next_sample() -> None:
    samples = [
        replace(sample, workers={}, hosts={}, events=(ASK,)) if sample.t == 2000 else sample
        for sample in coarse(LATE, for_s=2100, fine=((1990, 2010),))
    ]
    assert play(samples, NO_HOLD)[-1].gate.began_t == 2010


def test_another_number_of_checks_needs_two_thirds() -> None:
    config = configured("[clock]\nchecks = 3\n[verdict]\nhold_evaluations = 1")
    samples = script(from_s=START_S + 920, for_s=20)
    assert play(samples, config)[-1].gate.kind == "late"
    assert play(script(from_s=START_S + 500, for_s=20), config)[-1].gate.kind == "first"
