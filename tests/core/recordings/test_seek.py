"""What a person types is a place in the recording or nothing at all, and the place is the one that was meant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metabonk_tui.core.model.snapshot import Gap, VerdictKind
from metabonk_tui.core.recordings.playback import Mark, Playback, RunSpan
from metabonk_tui.core.recordings.seek import (
    ACCEPTED_FORMS,
    Edge,
    Elapsed,
    EventMoment,
    FindMark,
    SeekTarget,
    Shift,
    WallClock,
    describe_target,
    find,
    parse,
)

T = datetime(2026, 1, 2, 13, 37, 3, tzinfo=UTC).timestamp()
HOUR = 3600.0


def state(t: float = T + 1800, length_s: float = 4500, **more: object) -> Playback:
    to_t = T + length_s
    fields: dict[str, object] = {
        "from_t": T,
        "read_to_t": to_t,
        "ends_t": to_t,
        "whole": True,
        "playing": False,
        "speed": 60.0,
        "sample_t": t,
        "runs": (RunSpan("a", T, T, to_t),),
        **more,
    }
    return Playback(t=t, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("typed", "target"),
    [
        ("55m", Elapsed(3300)),
        ("1h20m", Elapsed(4800)),
        ("1h 20m 5s", Elapsed(4805)),
        ("1.5h", Elapsed(5400)),
        ("2d", Elapsed(172800)),
        ("0s", Elapsed(0)),
        ("  55M ", Elapsed(3300)),
        ("00:55:04", WallClock(0, 55, 4, or_elapsed=True)),
        ("14:32", WallClock(14, 32)),
        ("9:05", WallClock(9, 5)),
        ("14:32:07", WallClock(14, 32, 7, or_elapsed=True)),
        ("at 14:32:07", WallClock(14, 32, 7)),
        ("@14:32:07", WallClock(14, 32, 7)),
        ("26:00:00", Elapsed(26 * HOUR)),
        ("3m ago", Shift(-180)),
        ("-3m", Shift(-180)),
        ("+90s", Shift(90)),
        ("- 3m", Shift(-180)),
        ("next warning", FindMark("warning", True)),
        ("previous warning", FindMark("warning", False)),
        ("last warning", FindMark("warning", False)),
        ("prev crit", FindMark("crit", False)),
        ("next  STOP", FindMark("stop", True)),
        ("next verdict", FindMark("verdict", True)),
        ("next gap", FindMark("gap", True)),
        ("next run", FindMark("run", True)),
        ("start", Edge("start")),
        ("end", Edge("end")),
        ("newest", Edge("end")),
    ],
)
def test_what_can_be_typed(typed: str, target: SeekTarget) -> None:
    assert parse(typed) == target


@pytest.mark.parametrize(
    "typed",
    ["", " ", "55", "abc", "m", "14:60", "25:00", "at 24:00", "14:32:60", "1:2", "next", "next thing", "warning",
     "3m 2h", "ago", " ago", "+", "--3m", "55m now", "1e9s", "nan", "inf", "999999d"],
)  # fmt: skip
def test_anything_else_is_nothing(typed: str) -> None:
    assert parse(typed) is None


def test_every_example_of_the_help_can_be_typed() -> None:
    for example in ACCEPTED_FORMS.split(", "):
        assert parse(example) is not None, example


@given(st.text(max_size=30))
def test_nothing_that_is_typed_breaks_it(typed: str) -> None:
    target = parse(typed)
    if target is not None:
        found = find(target, state(), UTC)
        assert isinstance(found, str) or found is None or T <= found <= T + 4500
        assert describe_target(target, state())


@given(st.integers(0, 359_999))
def test_a_time_of_the_run_as_the_header_writes_it_is_that_time(s: int) -> None:
    typed = f"{s // 3600:02d}:{s % 3600 // 60:02d}:{s % 60:02d}"
    target = parse(typed)
    assert target is not None
    assert find(target, state(length_s=360_000), UTC) == T + s


@pytest.mark.parametrize(
    ("typed", "s"),
    [
        ("55m", 3300.0),
        ("0s", 0.0),
        ("00:55:04", 3304.0),
        ("01:15:00", 4500.0),
        ("14:32", 3297.0),
        ("13:37", 0.0),
        ("14:32:07", 3304.0),
        ("at 14:32:07", 3304.0),
        ("3m ago", 1620.0),
        ("+3m", 1980.0),
        ("-10h", 0.0),
        ("+10h", 4500.0),
        ("start", 0.0),
        ("end", 4500.0),
    ],
)
def test_where_it_is(typed: str, s: float) -> None:
    target = parse(typed)
    assert target is not None
    assert find(target, state(), UTC) == T + s


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("2h", "a is 01:15:00 long"),
        ("09:00", "from 13:37:03 to 14:52:03 on the wall"),
        ("09:00:00", "from 13:37:03 to 14:52:03 on the wall"),
        ("next warning", "no warning after this"),
        ("previous gap", "no gap before this"),
    ],
)
def test_why_there_is_no_such_place(typed: str, why: str) -> None:
    target = parse(typed)
    assert target is not None
    found = find(target, state(), UTC)
    assert isinstance(found, str)
    assert why in found


def test_the_wall_is_the_one_of_the_zone() -> None:
    assert find(WallClock(16, 32), state(), timezone(timedelta(hours=2))) == T + 3297
    assert isinstance(find(WallClock(14, 32), state(), timezone(timedelta(hours=2))), str)


def test_over_midnight_the_next_such_moment_is_meant_and_at_the_end_the_last() -> None:
    two_days = {"length_s": 48 * HOUR}
    tomorrow = T - 13 * HOUR - 37 * 60 - 3 + 24 * HOUR + 14 * HOUR + 32 * 60
    assert find(WallClock(14, 32), state(T, **two_days), UTC) == tomorrow - 24 * HOUR  # type: ignore[arg-type]
    assert find(WallClock(14, 32), state(T + 2 * HOUR, **two_days), UTC) == tomorrow  # type: ignore[arg-type]
    assert find(WallClock(14, 32), state(T + 40 * HOUR, **two_days), UTC) == tomorrow  # type: ignore[arg-type]


def test_where_clocks_are_changed_the_wall_still_says_what_it_says() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    began = datetime(2026, 3, 28, 20, 0, tzinfo=berlin).timestamp()
    night = Playback(began, began, began + 12 * HOUR, began + 12 * HOUR, True, False, 60.0, began)
    found = find(WallClock(6, 30), night, berlin)
    assert isinstance(found, float)
    assert datetime.fromtimestamp(found, berlin).strftime("%H:%M") == "06:30"


def test_a_time_of_the_run_is_of_the_run_on_screen() -> None:
    runs = (RunSpan("a", T, T, T + 1000), RunSpan("b", T + 2000, T + 2010, T + 4500))
    assert find(Elapsed(600), state(T + 500, runs=runs), UTC) == T + 600
    assert find(Elapsed(600), state(T + 2500, runs=runs), UTC) == T + 2600
    assert find(Elapsed(0), state(T + 2500, runs=runs), UTC) == T + 2010
    assert find(Elapsed(1500), state(T + 500, runs=runs), UTC) == "a is 00:16:40 long"


MARKS = (
    Mark(T + 100, "verdict", verdict_kind=VerdictKind.VALIDATING),
    Mark(T + 200, "warn"),
    Mark(T + 300, "crit"),
    Mark(T + 400, "gap"),
    Mark(T + 500, "verdict", verdict_kind=VerdictKind.STOP),
    Mark(T + 600, "run", "b"),
    Mark(T + 700, "verdict", verdict_kind=VerdictKind.ADD_MEMORY_WATCH),
)


@pytest.mark.parametrize(
    ("what", "ahead"),
    [
        ("warning", [200, 300, 500, 700]),
        ("crit", [300, 500]),
        ("stop", [500]),
        ("verdict", [100, 500, 700]),
        ("gap", [400]),
        ("run", [600]),
    ],
)
def test_events_are_walked_through_both_ways(what: str, ahead: list[float]) -> None:
    there = []
    now = state(T, marks=MARKS)
    while isinstance(found := find(FindMark(what, True), now, UTC), float):  # type: ignore[arg-type]
        there.append(found - T)
        now = state(found, marks=MARKS)
    assert there == ahead
    back = []
    now = state(T + 4500, marks=MARKS)
    while isinstance(found := find(FindMark(what, False), now, UTC), float):  # type: ignore[arg-type]
        back.append(found - T)
        now = state(found, marks=MARKS)
    assert back == ahead[::-1]


def test_an_event_between_the_sample_on_screen_and_now_counts_as_seen_both_ways() -> None:
    here = state(T + 250, sample_t=T + 200, marks=MARKS)
    assert find(FindMark("warning", True), here, UTC) == T + 300
    assert find(FindMark("warning", False), here, UTC) == "no warning before this"


@pytest.mark.parametrize(
    "target",
    [Elapsed(3000), WallClock(14, 32), WallClock(0, 55, 4, or_elapsed=True), Edge("end"), FindMark("warning", True)],
)
def test_what_was_not_read_yet_is_not_known_where_nothing_states_the_end(target: SeekTarget) -> None:
    reading = state(T + 10, read_to_t=T + 60, ends_t=None, whole=False, runs=(RunSpan("a", T, T, T + 60),))
    assert find(target, reading, UTC) is None


def test_where_the_end_is_known_a_time_is_known_before_it_was_read() -> None:
    reading = state(T + 10, read_to_t=T + 60, whole=False, runs=(RunSpan("a", T, T, T + 60),))
    assert find(Elapsed(3000), reading, UTC) == T + 3000
    assert find(WallClock(14, 32), reading, UTC) == T + 3297
    assert find(Edge("end"), reading, UTC) == T + 4500
    assert find(EventMoment(T + 2000), reading, UTC) == T + 2000
    assert find(Elapsed(9000), reading, UTC) == "a is 01:15:00 long"
    assert find(FindMark("warning", True), reading, UTC) is None


def test_gaps_are_found_by_time() -> None:
    holed = state(gaps=(Gap(T + 100, T + 200),))
    assert holed.gap_at(T + 150) == Gap(T + 100, T + 200)
    assert holed.gap_at(T + 100) is None
    assert holed.gap_at(T + 200) is None
