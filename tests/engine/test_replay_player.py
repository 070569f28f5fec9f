"""A recording is walked through in any order, and every place means what it meant when it was stepped straight."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from metabonk_tui.core.model.pool import Stop
from metabonk_tui.core.model.sample import Event, Sample
from metabonk_tui.core.model.snapshot import Snapshot, VerdictKind
from metabonk_tui.core.recordings.playback import Playback
from metabonk_tui.core.recordings.seek import Edge, Elapsed, EventMoment, FindMark, Shift
from metabonk_tui.core.step.pipeline import step
from metabonk_tui.engine import replay_index
from metabonk_tui.engine.replay_index import ReplayIndex
from metabonk_tui.engine.replay_player import ReplayPlayer
from tests.support.examples import examples
from tests.support.samples import CONFIG, MIN, begin, header, play, script, silent
from tests.support.waiting import wait_for


class ListRecording:
    """Samples of a list; `gate` holds the reading up before the sample of that number."""

    def __init__(
        self, samples: list[Sample], ends_t: float | None = None, known_events: tuple[Event, ...] = ()
    ) -> None:
        self._samples = samples
        self.ends_t = ends_t
        self.known_events = known_events
        self.unread = 0
        self.gate: tuple[int, threading.Event] | None = None
        self.error: Exception | None = None
        self.lost: set[int] = set()
        self.asked: list[int] = []

    def samples(self, after: int = 0) -> Iterator[tuple[int, Sample]]:
        self.asked.append(after)
        for number, sample in enumerate(self._samples[after:], after + 1):
            if self.gate is not None and number == self.gate[0]:
                assert self.gate[1].wait(20)
            if self.error is not None and number > 3:
                raise self.error
            if number not in self.lost:
                yield number, sample

    def kept_before(self, t: float) -> int | None:
        return None

    def kept(self, number: int) -> Snapshot | None:
        return None


def judge(previous: Snapshot | None, sample: Sample) -> Snapshot:
    return step(previous, sample, CONFIG)


@cache
def recorded(every_s: float = 30.0) -> tuple[tuple[Sample, ...], tuple[Snapshot, ...]]:
    """Two runs with a hole between them and one within, stepped straight."""
    first = script(silent, every_s=every_s, for_s=35 * MIN, blind=lambda t: 12 * MIN < t < 15 * MIN)
    second = script(silent, every_s=every_s, from_s=90 * MIN, for_s=10 * MIN)
    second[0] = begin(second[0], header(90 * MIN, every_s=every_s, name="again"))
    samples = [*first, *second]
    return tuple(samples), tuple(play(samples))


def same(one: Snapshot, other: Snapshot) -> bool:
    """Compare all that is drawn; a Snapshot itself is only ever the same as itself."""
    names = [name for name in Snapshot.__struct_fields__ if name not in ("state", "ended_runs")]
    ended = [run.last.run for run in one.ended_runs] == [run.last.run for run in other.ended_runs]
    return ended and all(getattr(one, name) == getattr(other, name) for name in names)


@contextmanager
def player(reel: ListRecording, **how: object) -> Iterator[ReplayPlayer]:
    one = ReplayPlayer(reel, judge, **{"playing": False, **how})  # type: ignore[arg-type]
    one.start()
    try:
        yield one
    finally:
        one.stop()


def state(one: ReplayPlayer) -> Playback:
    found = one.playback()
    assert found is not None
    return found


def settled(one: ReplayPlayer) -> Playback:
    """Wait until nothing is read, played or sought any more."""
    wait_for(lambda: (now := one.playback()) and now.whole and not now.seek_text and not now.playing)
    return state(one)


def reached(one: ReplayPlayer, t: float) -> Playback:
    wait_for(lambda: (now := one.playback()) and now.t == t, f"it never stood at {t}")
    return state(one)


def _slowly(
    samples: tuple[Sample, ...], slow: threading.Event, monkeypatch: pytest.MonkeyPatch, **how: object
) -> ReplayPlayer:
    """Make a player that reads a sample in 20 ms until `slow` is set."""
    monkeypatch.setattr("metabonk_tui.engine.replay_player.SLICE_S", 0.0)

    def unhurried(previous: Snapshot | None, sample: Sample) -> Snapshot:
        slow.wait(0.02)
        return judge(previous, sample)

    return ReplayPlayer(ListRecording(list(samples), ends_t=samples[-1].t), unhurried, **{"playing": False, **how})  # type: ignore[arg-type]


# The trail


@settings(max_examples=examples(8), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(places=st.lists(st.integers(0, 90), min_size=1, max_size=12), kept=st.integers(2, 40))
def test_any_place_in_any_order_means_what_it_meant_straight(places: list[int], kept: int) -> None:
    samples, straight = recorded()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(replay_index, "KEPT_WORKERS", 1)
        patch.setattr(replay_index, "KEPT_LEAST", kept)
        patch.setattr(replay_index, "RECENT", 5)
        index = ReplayIndex(ListRecording(list(samples)), judge)
        while not index.whole:
            index.read(1.0)
            assert index.kept <= kept
        assert len(index) == len(straight)
        for place in places:
            place = min(place, len(straight) - 1)
            assert same(index.at(place), straight[place]), place


def test_going_back_one_by_one_steps_a_stretch_once() -> None:
    samples, _ = recorded()
    steps = 0

    def counted(previous: Snapshot | None, sample: Sample) -> Snapshot:
        nonlocal steps
        steps += 1
        return judge(previous, sample)

    index = ReplayIndex(ListRecording(list(samples)), counted)
    while not index.whole:
        index.read(1.0)
    steps = 0
    for place in range(len(index) - 1, 0, -1):
        index.at(place)
    assert steps <= len(index)


def test_going_on_one_by_one_steps_once_each_and_opens_the_recording_once() -> None:
    samples, straight = recorded()
    reel = ListRecording(list(samples))
    index = ReplayIndex(reel, judge)
    while not index.whole:
        index.read(1.0)
    for place in range(17, len(index)):
        assert same(index.at(place), straight[place])
    assert reel.asked == [0, 17]


def test_a_time_is_the_last_sample_up_to_it_also_where_times_fall_back() -> None:
    samples = script(silent, for_s=100)
    samples[5] = replace(samples[5], t=samples[3].t)
    index = ReplayIndex(ListRecording(samples), judge)
    while not index.whole:
        index.read(1.0)
    assert index.place(-1.0) == 0
    assert index.place(35.0) == 3
    assert index.place(40.0) == 5
    assert index.place(1e9) == len(samples) - 1


def test_samples_that_are_gone_when_it_goes_back_cost_their_places_only() -> None:
    samples, _ = recorded()
    reel = ListRecording(list(samples))
    index = ReplayIndex(reel, judge)
    while not index.whole:
        index.read(1.0)
    reel.lost = {20, 21, 30}
    assert index.at(21).t == samples[21].t
    reel.lost = set(range(2, 200))
    assert index.at(14).t <= samples[14].t


# The player


def test_it_begins_at_the_start_and_reads_all_of_it() -> None:
    samples, straight = recorded()
    with player(ListRecording(list(samples))) as one:
        now = settled(one)
        assert now.t == 0.0
        assert now.ends_t == now.read_to_t == samples[-1].t
        latest = one.latest()
        assert latest is not None
        assert same(latest, straight[0])
        assert [run.name for run in now.runs] == ["run-0", "again"]


def test_step_by_step_there_and_back() -> None:
    samples, straight = recorded()
    with player(ListRecording(list(samples))) as one:
        settled(one)
        for place in (1, 2, 3, 2, 1, 0):
            before = state(one).t
            one.step(1 if samples[place].t > before else -1)
            assert reached(one, samples[place].t).sample_t == samples[place].t
            latest = one.latest()
            assert latest is not None
            assert same(latest, straight[place])
        one.step(-5)
        one.step(10**6)
        reached(one, samples[-1].t)


def test_a_minute_is_a_minute_also_between_samples_and_a_gap_is_stepped_over() -> None:
    samples, _ = recorded()
    with player(ListRecording(script(silent, every_s=300.0, for_s=1200.0))) as one:
        settled(one)
        one.seek(Shift(60.0))
        now = reached(one, 60.0)
        assert now.sample_t == 0.0
    with player(ListRecording(list(samples)), at=Elapsed(11.5 * MIN)) as one:
        settled(one)
        one.seek(Shift(60.0))
        assert reached(one, 15 * MIN).sample_t == 15 * MIN
        one.seek(Shift(-60.0))
        assert reached(one, 12 * MIN).sample_t == 12 * MIN


def test_it_stands_where_it_was_asked_to_begin_and_stop_is_there_from_the_gate_on() -> None:
    samples, _ = recorded()
    with player(ListRecording(list(samples)), at=FindMark("stop", True)) as one:
        settled(one)
        latest = one.latest()
        assert latest is not None
        assert latest.verdict.kind is VerdictKind.STOP
        stop_t = latest.t
        one.step(-1)
        wait_for(lambda: one.latest().t < stop_t)  # type: ignore[union-attr]
        assert one.latest().verdict.kind is not VerdictKind.STOP  # type: ignore[union-attr]
        one.seek(Edge("end"))
        reached(one, samples[-1].t)


def test_events_are_found_in_all_that_was_read_not_only_in_what_was_shown() -> None:
    samples, _ = recorded()
    with player(ListRecording(list(samples))) as one:
        settled(one)
        one.seek(FindMark("run", True))
        reached(one, 90 * MIN)
        one.seek(FindMark("gap", False))
        reached(one, 15 * MIN)
        one.seek(FindMark("gap", False))
        wait_for(lambda: state(one).note)
        assert state(one).note == "no gap before this"
        assert state(one).t == 15 * MIN
        one.step(1)
        wait_for(lambda: not state(one).note)


def test_what_is_not_read_yet_is_waited_for_in_sight_and_reached() -> None:
    samples, _ = recorded()
    reel = ListRecording(list(samples), ends_t=samples[-1].t)
    opened = threading.Event()
    reel.gate = (30, opened)
    with player(reel) as one:
        wait_for(one.playback)
        one.seek(Elapsed(20 * MIN))
        opened.set()
        reached(one, 20 * MIN)
        settled(one)


def test_before_it_is_reached_it_is_reported_and_another_request_takes_its_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    samples, _ = recorded()
    slow = threading.Event()
    one = _slowly(samples, slow, monkeypatch)
    one.start()
    try:
        wait_for(one.playback)
        one.seek(Elapsed(30 * MIN))
        wait_for(lambda: state(one).seek_text == "00:30:00")
        assert not state(one).whole
        assert state(one).read_to_t < 30 * MIN
        one.step(1)
        wait_for(lambda: not state(one).seek_text)
        slow.set()
        assert settled(one).t == 30.0
    finally:
        one.stop()


def test_nothing_is_shown_before_it_stands_where_it_was_to_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    samples, _ = recorded()
    slow = threading.Event()
    one = _slowly(samples, slow, monkeypatch, at=Edge("end"))
    one.start()
    try:
        one.step(-2)
        one.seek(Shift(-60.0))
        wait_for(one.playback)
        assert one.latest() is None
        assert state(one).sample_t is None
        assert state(one).seek_text == "the end"
        slow.set()
        wait_for(one.latest)
        assert settled(one).t == samples[-3].t - 60.0
    finally:
        one.stop()


def test_a_jump_need_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    samples, straight = recorded()
    slow = threading.Event()
    one = _slowly(samples, slow, monkeypatch, at=Edge("end"))
    one.start()
    try:
        wait_for(one.playback)
        one.seek(Edge("start"))
        wait_for(one.latest)
        assert not state(one).whole
        assert same(one.latest(), straight[0])  # type: ignore[arg-type]
    finally:
        one.stop()


def test_what_the_recording_reports_of_its_events_is_marked_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("metabonk_tui.engine.replay_player.SLICE_S", 0.0)
    samples, _ = recorded()
    slow = threading.Event()
    known_events = (Event(31 * MIN, "memory.low", "warn", "foretold"),)

    def unhurried(previous: Snapshot | None, sample: Sample) -> Snapshot:
        slow.wait(0.02)
        return judge(previous, sample)

    one = ReplayPlayer(ListRecording(list(samples), known_events=known_events), unhurried, playing=False)
    one.start()
    try:
        wait_for(one.playback)
        assert "foretold" in [mark.text for mark in state(one).marks]
        slow.set()
        assert "foretold" not in [mark.text for mark in settled(one).marks]
    finally:
        one.stop()


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.s = 100.0

    def __call__(self) -> float:
        return self.s


def test_it_plays_at_its_speed_over_gaps_to_the_end_and_from_there_anew() -> None:
    samples, _ = recorded()
    clock = Clock()
    with player(ListRecording(list(samples)), playing=True, speed=60.0, now=clock) as one:
        wait_for(lambda: (now := one.playback()) and now.whole)
        assert state(one).playing
        assert state(one).t == 0.0
        clock.s += 5.0
        reached(one, 300.0)
        clock.s += 8.0
        assert reached(one, 15 * MIN).playing  # 13 min, in a gap
        one.play()
        wait_for(lambda: not state(one).playing)
        clock.s += 100.0
        one.step(0)
        assert state(one).t == 15 * MIN
        one.play()
        wait_for(lambda: state(one).playing)
        clock.s += 10_000.0
        wait_for(lambda: not state(one).playing)
        assert state(one).t == samples[-1].t
        assert state(one).whole
        assert state(one).t >= state(one).read_to_t
        one.play()
        reached(one, 0.0)
        assert state(one).playing


@pytest.mark.parametrize("go", ["step", "minute", "place"])
def test_after_a_jump_it_stays_there(go: str) -> None:
    samples, _ = recorded()
    clock = Clock()
    with player(ListRecording(list(samples)), playing=True, now=clock) as one:
        wait_for(lambda: (now := one.playback()) and now.whole and now.playing)
        {
            "step": lambda: one.step(1),
            "minute": lambda: one.seek(Shift(60)),
            "place": lambda: one.seek(EventMoment(50.0)),
        }[go]()
        wait_for(lambda: not state(one).playing)
        at_t = state(one).t
        clock.s += 10.0
        one.step(0)
        assert settled(one).t in (at_t, samples[int(at_t // 30)].t)


def test_it_has_no_hands() -> None:
    with player(ListRecording(list(recorded()[0]))) as one:
        plan = one.plan(Stop())
        assert plan.mode == "refused"
        assert "nothing to act on" in (plan.refusal or "")
        one.submit(plan)
        one.arm(True, "key")
        one.start_preflight(3)
        one.poll_now()
        assert one.preflight() is None
        assert one.fault is None


def test_a_bug_is_reported_and_what_was_shown_stays() -> None:
    reel = ListRecording(list(recorded()[0]))
    reel.error = ZeroDivisionError("of ours")
    with player(reel) as one:
        wait_for(lambda: one.fault)
        assert one.fault == "ZeroDivisionError: of ours"


def test_an_empty_recording_is_waited_out() -> None:
    with player(ListRecording([])) as one:
        one.step(1)
        one.play()
        assert one.latest() is None
        assert one.playback() is None
