"""A verdict does not flap: a change holds for two evaluations before it shows, except where it must not wait."""

import pytest
from msgspec.structs import replace

from metabonk_tui.core.model.host import MemoryReading, ProcessReading
from metabonk_tui.core.model.sample import Sample
from metabonk_tui.core.model.snapshot import Snapshot, VerdictKind
from tests.support.refs import w
from tests.support.samples import (
    MIN,
    NO_HOLD,
    at,
    changes,
    coarse,
    configured,
    down,
    healthy,
    kinds,
    phases,
    play,
    room,
    script,
    silent,
)

STEADY_S = 35 * MIN
AFTER = ((STEADY_S - 30, STEADY_S + 100),)
AFTER_THE_GATE = ((1770, 1900),)


def readings(pattern: str, from_s: float = STEADY_S) -> list[Snapshot]:
    """A stable run whose memory is then seen ("o") or not seen (".") tick by tick: LAUNCH 24H or CONTINUE."""

    def memory(t: float) -> MemoryReading | None:
        n = int((t - from_s) // 10)
        return None if 0 <= n < len(pattern) and pattern[n] == "." else room()

    return play(coarse(memory=memory, for_s=from_s + 10 * (len(pattern) - 1), fine=((from_s - 30, from_s + 300),)))


@pytest.mark.parametrize(
    ("pattern", "kind", "words"),
    [
        ("o.", VerdictKind.LAUNCH_24H, 2),
        ("o..", VerdictKind.CONTINUE, 3),
        ("o.o.o.o.o.", VerdictKind.LAUNCH_24H, 2),
        ("o..o", VerdictKind.CONTINUE, 3),
        ("o..oo", VerdictKind.LAUNCH_24H, 4),
        ("o..o.o.o.", VerdictKind.CONTINUE, 3),
        ("o..ooo..", VerdictKind.CONTINUE, 5),
    ],
)
def test_a_change_shows_when_it_has_held_for_two_evaluations(pattern: str, kind: VerdictKind, words: int) -> None:
    seen = readings(pattern)[-1]
    assert seen.verdict.kind is kind
    assert len(seen.verdicts) == words
    assert kinds(seen).count("verdict") == words, "every change is an event, and nothing else is"


def test_what_is_held_is_since_when_it_began() -> None:
    snapshots = readings("o...")
    assert snapshots[-1].verdict.since_t == STEADY_S + 10
    assert snapshots[-1].verdict.was is VerdictKind.LAUNCH_24H
    assert changes(snapshots[-1])[-1] == (STEADY_S + 10, "CONTINUE")


def test_while_a_change_is_held_back_the_evidence_is_fresh_and_the_path_is_that_of_the_word() -> None:
    snapshots = readings("o.")
    shown = snapshots[-1].verdict
    assert shown.kind is VerdictKind.LAUNCH_24H
    assert [node.answer for node in shown.nodes] == ["no", "unknown", "not yet"]
    assert [node.on_path for node in shown.nodes] == [True, True, False]


def test_how_long_it_holds_is_a_line_of_the_configuration() -> None:
    samples = coarse(memory=lambda t: None if t >= STEADY_S else room(), for_s=STEADY_S + 100, fine=AFTER)
    for holds in (1, 2, 5):
        snapshots = play(samples, configured(f"[verdict]\nhold_evaluations = {holds}"))
        first = next(s.t for s in snapshots if s.verdict.kind is VerdictKind.CONTINUE and s.t >= STEADY_S)
        assert first == STEADY_S + 10 * (holds - 1)


def test_an_oom_kill_does_not_wait() -> None:
    present = [
        tuple(ProcessReading("worker", 1, w(slot), pid=40 + slot) for slot in range(3 - gone)) for gone in (0, 1)
    ]
    samples = script(
        memory=lambda t: room(8.0, int(t >= 1000)), processes=lambda t: present[int(t >= 1000)], for_s=1000
    )
    assert play(samples)[-1].verdict.kind is VerdictKind.STOP
    assert play(samples)[-1].verdict.since_t == 1000


@pytest.mark.parametrize(("life", "kind"), [(silent, VerdictKind.STOP), (healthy, VerdictKind.LAUNCH_24H)])
def test_the_end_of_the_gate_shows_at_once_what_was_held_before_it(life: object, kind: VerdictKind) -> None:
    snapshots = play(coarse(life, for_s=30 * MIN, fine=AFTER_THE_GATE))  # type: ignore[arg-type]
    assert snapshots[-2].verdict.kind is VerdictKind.VALIDATING
    assert snapshots[-1].verdict.kind is kind
    assert snapshots[-1].verdict.since_t == 30 * MIN


def test_at_the_end_of_the_gate_what_was_not_held_must_hold_first() -> None:
    """In the very last evaluation memory is seen again."""
    snapshots = play(coarse(memory=lambda t: None if 1780 <= t < 1800 else room(), for_s=1900, fine=AFTER_THE_GATE))
    assert at(snapshots, 1790).verdict.would_be is VerdictKind.CONTINUE
    assert at(snapshots, 1800).verdict.kind is VerdictKind.VALIDATING
    assert at(snapshots, 1810).verdict.kind is VerdictKind.LAUNCH_24H
    assert changes(snapshots[-1]) == [(0.0, "VALIDATING"), (1800.0, "LAUNCH 24H")]


def test_a_stop_of_the_last_window_flips_back_only_when_something_really_grows() -> None:
    reborn = phases((0, silent), (40 * MIN, healthy))
    snapshots = play(coarse(reborn, for_s=42 * MIN, fine=((40 * MIN - 30, 42 * MIN),)))
    assert at(snapshots, 40 * MIN).verdict.kind is VerdictKind.STOP
    assert at(snapshots, 40 * MIN + 10).verdict.kind is not VerdictKind.STOP
    assert changes(snapshots[-1])[1] == (1800.0, "STOP")


def test_the_word_before_stays_known() -> None:
    snapshots = readings("o....")
    assert {s.verdict.was for s in snapshots if s.t < 1800} == {None}
    assert snapshots[-1].verdict.was is VerdictKind.LAUNCH_24H
    assert at(snapshots, 1920).verdict.was is VerdictKind.VALIDATING


def test_evaluations_are_samples_and_events_are_none() -> None:
    samples = coarse(memory=lambda t: None if t >= STEADY_S else room(), for_s=STEADY_S)
    extended = [*samples, *(Sample(t=STEADY_S + n) for n in (1, 2, 3))]
    assert play(extended)[-1].verdict.kind is VerdictKind.LAUNCH_24H


def test_every_change_is_decided_on_what_was_there_and_not_on_the_order_of_replays() -> None:
    samples = coarse(memory=lambda t: None if int(t) % 70 == 0 else room(), for_s=STEADY_S)
    once, again = play(samples), play([replace(sample) for sample in samples], anew=True)
    assert [s.verdict for s in once] == [s.verdict for s in again]
    assert play(samples, NO_HOLD)[-1].verdict.kind in (VerdictKind.LAUNCH_24H, VerdictKind.CONTINUE)


def test_a_go_from_before_a_gap_is_not_held() -> None:
    """A monitor that is opened again must not repeat the word of a pool that died meanwhile."""
    life = phases((0, healthy), (2500, down))
    snapshots = play(coarse(life, for_s=6010, blind=lambda t: 2000 < t < 6000, fine=((1990, 2000), (6000, 6010))))
    assert at(snapshots, 2000).verdict.kind is VerdictKind.LAUNCH_24H
    assert at(snapshots, 6000).verdict.exit_code != 0
