"""The forecast's own record: each warning beside what came, and kills without a warning."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from metabonk_tui.core.model.host import MemoryReading
from metabonk_tui.core.model.sample import Event
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.report.forecast_accuracy import ForecastRecord, forecast_record
from tests.support.samples import CONFIG, GB, last, losing_w1, play, script


@pytest.fixture(scope="module")
def seen() -> Snapshot:
    return last(script(for_s=60.0))


def raised(
    t: float, state: str = "WARNING", was: str = "FALLING", zero_t: float | None = None, **more: object
) -> Event:
    facts = {"state": state, "was": was, "zero_t": zero_t, "zero_lo_t": None, "zero_hi_t": None, **more}
    return Event(t, "memory.forecast", "crit" if state == "CRITICAL" else "warn", "OOM", None, facts)


def rested(t: float, state: str = "STEADY") -> Event:
    return Event(t, "memory.forecast", "ok", "the fall has ended", None, {"state": state, "was": "WARNING"})


def kill(t: float) -> Event:
    return Event(t, "memory.oom", "crit", "kernel OOM kill: w0", None, {})


def low(t: float, severity: str = "warn") -> Event:
    return Event(t, "memory.low", severity, "low", None, {})  # type: ignore[arg-type]


def prediction_rows(seen: Snapshot, *events: Event) -> list[tuple[float, str, str, float | None]]:
    return [(one.t, one.state, one.outcome, one.ended_t) for one in forecast_record(seen, events).raised]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ((raised(100.0),), [(100.0, "WARNING", "open", None)]),
        ((raised(100.0), kill(400.0)), [(100.0, "WARNING", "came true", 400.0)]),
        ((raised(100.0), rested(300.0)), [(100.0, "WARNING", "called off", 300.0)]),
        ((raised(100.0), rested(300.0), kill(900.0)), [(100.0, "WARNING", "called off", 300.0)]),
        # The kill frees memory in the same tick, so everything is learned anew before the kill is told.
        ((raised(100.0), rested(400.0, "LEARNING"), kill(400.0)), [(100.0, "WARNING", "came true", 400.0)]),
        ((raised(100.0), rested(400.0, "LEARNING"), kill(410.0)), [(100.0, "WARNING", "came true", 410.0)]),
        ((raised(100.0), rested(400.0, "SUSPENDED")), [(100.0, "WARNING", "overtaken", 400.0)]),
        (
            (raised(100.0), raised(200.0, "CRITICAL", "WARNING"), kill(300.0)),
            [(100.0, "WARNING", "came true", 300.0), (200.0, "CRITICAL", "came true", 300.0)],
        ),
        (
            (raised(100.0), raised(200.0, "CRITICAL", "WARNING"), raised(300.0, "WARNING", "CRITICAL"), kill(500.0)),
            [(100.0, "WARNING", "came true", 500.0), (200.0, "CRITICAL", "called off", 300.0)],
        ),
        ((raised(100.0, gpu=0), kill(300.0)), [(100.0, "WARNING", "open", None)]),
    ],
    ids=[
        "open", "came true", "called off", "a later kill is not its", "in one tick", "told later",
        "we changed the pool", "both", "eased", "a GPU's is not the kernel's",
    ],
)  # fmt: skip
def test_what_came_of_each(
    seen: Snapshot, events: tuple[Event, ...], expected: list[tuple[float, str, str, float | None]]
) -> None:
    assert prediction_rows(seen, *events) == expected


def test_how_far_off_it_was_and_how_long_before(seen: Snapshot) -> None:
    (one,) = forecast_record(
        seen, [raised(100.0, zero_t=900.0, zero_lo_t=700.0, zero_hi_t=1100.0), kill(1000.0)]
    ).raised
    assert (one.lead_s, one.error_s, one.within_band) == (900.0, 100.0, True)
    (one,) = forecast_record(
        seen, [raised(100.0, zero_t=900.0, zero_lo_t=800.0, zero_hi_t=990.0), kill(1000.0)]
    ).raised
    assert (one.error_s, one.within_band) == (100.0, False)
    (one,) = forecast_record(seen, [raised(100.0), kill(1000.0)]).raised
    assert (one.lead_s, one.error_s, one.within_band) == (900.0, None, None), "what was not noted is not known"


def test_the_floor_is_reached_once_and_only_from_above(seen: Snapshot) -> None:
    below = [low(50.0), raised(100.0), low(200.0, "crit"), low(300.0, "ok"), low(400.0)]
    assert [one.floor_t for one in forecast_record(seen, below).raised] == [400.0]


def test_a_kill_that_nothing_predicted_is_reported(seen: Snapshot) -> None:
    record = forecast_record(seen, [kill(50.0), raised(100.0), kill(200.0), kill(300.0)])
    assert record.missed_t == (50.0, 300.0)


def test_without_memory_there_is_no_record_and_it_says_so(seen: Snapshot) -> None:
    blind = last(script(for_s=60.0, memory=None))
    assert forecast_record(blind, ()).note == "no forecast was made: memory was not recorded"
    assert forecast_record(seen, ()).note == "the forecast never warned"
    assert forecast_record(blind, [raised(1.0)]).note == ""


def test_a_real_leak_is_predicted_and_comes_true() -> None:
    def leaking(t: float) -> MemoryReading:
        left = max(0, int((8 - t / 450) * GB))
        return MemoryReading(16 * GB, left, oom_kills=int(t >= 3600), oom_scope="cgroup", limited_by="host")

    events, seen_until = [], None
    for snapshot in play(script(for_s=3700.0, memory=leaking, processes=losing_w1(3600.0)), CONFIG):
        events += [event for event in snapshot.events if event.t == snapshot.t]
        seen_until = snapshot
    assert seen_until is not None
    record = forecast_record(seen_until, events)
    assert [one.outcome for one in record.raised] == ["came true", "came true"]
    assert all(one.within_band and one.error_s is not None and abs(one.error_s) < 200 for one in record.raised)
    assert record.missed_t == ()


kinds = st.sampled_from([raised, rested, kill, low])


@given(st.lists(st.tuples(kinds, st.booleans(), st.floats(0.5, 500.0)), max_size=30))
def test_whatever_happens_each_ends_after_it_began_and_no_kill_is_lost(
    drawn: list[tuple[object, bool, float]],
) -> None:
    t, events = 0.0, []
    for make, loud, later in drawn:
        t += later
        event = make(t)  # type: ignore[operator]
        if make is raised and loud:
            event = raised(t, "CRITICAL", "WARNING")
        events.append(event)
    record = _record(events)
    assert all(one.ended_t is None or one.ended_t >= one.t for one in record.raised)
    assert all(a.t <= b.t for a, b in pairwise(record.raised))
    kills = [event.t for event in events if event.kind == "memory.oom"]
    foreseen = {one.ended_t for one in record.raised if one.outcome == "came true"}
    assert foreseen | set(record.missed_t) == set(kills)


_SEEN = last(script(for_s=20.0))


def _record(events: list[Event]) -> ForecastRecord:
    return forecast_record(replace(_SEEN), events)


def test_each_host_has_its_own_warnings(seen: Snapshot) -> None:
    def on(host: str, event: Event) -> Event:
        return replace(event, facts={**event.facts, "host": host})

    events = (
        on("node1", raised(100.0)),
        on("node2", raised(110.0)),
        on("node2", kill(200.0)),
        on("node1", rested(300.0)),
    )
    assert prediction_rows(seen, *events) == [
        (100.0, "WARNING", "called off", 300.0),
        (110.0, "WARNING", "came true", 200.0),
    ]
    assert forecast_record(seen, (on("node1", raised(100.0)), on("node2", kill(200.0)))).missed_t == (200.0,)
