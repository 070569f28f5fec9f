"""What stands on the way through a recording: every event once, gaps narrow, nothing out of order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from metabonk_tui.core.model.sample import Event
from metabonk_tui.core.model.snapshot import MAX_EVENTS, Gap, Snapshot, VerdictKind
from metabonk_tui.core.recordings.playback import Mark, MarkCollector, TimeAxis, marks_of
from tests.support.refs import w
from tests.support.samples import MIN, begin, coarse, header, play, script, silent


def collect_marks(snapshots: list[Snapshot]) -> MarkCollector:
    collector, before = MarkCollector(), None
    for snapshot in snapshots:
        collector.add(before, snapshot)
        before = snapshot
    return collector


def test_a_silent_run_is_marked_where_its_verdict_turned_and_nowhere_twice() -> None:
    snapshots = play(coarse(silent, for_s=40 * MIN))
    collector = collect_marks(snapshots)
    verdicts = [(mark.t, mark.verdict_kind) for mark in collector.marks if mark.kind == "verdict"]
    seen = [(t, verdict_kind) for t, verdict_kind, _ in snapshots[-1].verdicts]
    assert [verdict_kind for _, verdict_kind in verdicts] == [verdict_kind for _, verdict_kind in seen]
    assert verdicts[-1][1] is VerdictKind.STOP
    stop = next(snapshot for snapshot in snapshots if snapshot.verdict.kind is VerdictKind.STOP)
    assert verdicts[-1][0] == stop.t
    assert len(set(collector.marks)) == len(collector.marks)


def test_a_run_after_a_run_is_a_stretch_of_its_own_and_the_hole_between_them_a_gap() -> None:
    first = script(silent, for_s=10 * MIN)
    second = script(silent, from_s=60 * MIN, for_s=70 * MIN - 60 * MIN)
    second[0] = begin(second[0], header(60 * MIN, name="again"))
    snapshots = play([*first, *second])
    collector = collect_marks(snapshots)
    assert [(run.name, run.from_t, run.to_t) for run in collector.runs] == [
        ("run-0", 0.0, 10 * MIN),
        ("again", 60 * MIN, 70 * MIN),
    ]
    assert collector.gaps == [Gap(10 * MIN, 60 * MIN)]
    (mark,) = [mark for mark in collector.marks if mark.kind == "run"]
    assert mark == Mark(60 * MIN, "run", "again")


def test_more_events_than_a_snapshot_holds_are_all_marked() -> None:
    """The oldest fall off a Snapshot's list; what was told while it was read stays."""
    warned = {
        10.0 * n: tuple(Event(10.0 * n, "worker.error", "warn", f"error {n} {i}", w(0)) for i in range(8))
        for n in range(MAX_EVENTS // 8 + 25)
    }
    snapshots = play(script(silent, for_s=10.0 * len(warned), events=warned))
    assert len(snapshots[-1].events) == MAX_EVENTS
    texts = [mark.text for mark in collect_marks(snapshots).marks]
    for event in (event for events in warned.values() for event in events):
        assert texts.count(event.text) == 1, event


def test_calm_events_are_no_marks() -> None:
    events = (
        Event(1.0, "worker.up", "ok", "up"),
        Event(2.0, "run.start", "info", "begins"),
        Event(3.0, "memory.low", "warn", "low"),
        Event(4.0, "verdict", "info", "verdict", facts={"word": "VALIDATING"}),
        Event(5.0, "verdict", "crit", "of a version that knew another word", facts={"word": "DOOM"}),
    )
    assert [(mark.t, mark.kind, mark.verdict_kind) for mark in marks_of(events)] == [
        (3.0, "warn", None),
        (4.0, "verdict", VerdictKind.VALIDATING),
        (5.0, "crit", None),
    ]


moments = st.floats(0, 1e6)
holes = st.lists(st.tuples(moments, moments).map(sorted), max_size=20)


@given(holes, st.lists(moments, min_size=2, max_size=20))
def test_time_on_the_line_never_runs_back_whatever_the_gaps(cuts: list[list[float]], times: list[float]) -> None:
    axis = TimeAxis.of(0.0, 1e6, [Gap(a, b) for a, b in cuts])
    shares = [axis.share(t) for t in sorted([-5.0, *times, 2e6])]
    assert shares == sorted(shares)
    assert 0.0 <= shares[0] <= shares[-1] <= 1.0 + 1e-9


def test_a_gap_is_narrow_and_what_was_watched_has_the_room() -> None:
    axis = TimeAxis.of(0.0, 10_000.0, [Gap(1000.0, 9000.0)])
    assert axis.share(0.0) == 0.0
    assert axis.share(10_000.0) == 1.0
    assert axis.share(9000.0) - axis.share(1000.0) < 0.1
    assert abs(axis.share(1000.0) - (1 - axis.share(9000.0))) < 1e-9


def test_without_gaps_it_is_even() -> None:
    axis = TimeAxis.of(100.0, 200.0, [])
    assert [axis.share(t) for t in (100.0, 125.0, 150.0, 200.0)] == [0.0, 0.25, 0.5, 1.0]


def test_a_recording_of_one_sample_has_a_line() -> None:
    assert TimeAxis.of(5.0, 5.0, []).share(5.0) in (0.0, 1.0)
