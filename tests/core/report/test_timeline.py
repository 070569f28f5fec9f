"""The timeline of a run: bounded, evenly spaced, and empty where no monitor watched."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from metabonk_tui.core.model.sample import Observation, RunHeader, Sample, WorkerStatus
from metabonk_tui.core.model.snapshot import Gap, Snapshot
from metabonk_tui.core.report.timeline import (
    FINEST_S,
    MAX_POINTS,
    RunTimeline,
    RunTimelineBuilder,
    make_point,
    timelines,
)
from metabonk_tui.core.step.pipeline import step
from tests.support.examples import examples
from tests.support.refs import w
from tests.support.samples import CONFIG

T = 1_767_309_258.0


def sample(at_s: float, run: RunHeader | None = None) -> Sample:
    return Sample(t=T + at_s, workers={w(0): Observation(WorkerStatus({"step": at_s}))}, run=run)


@pytest.fixture(scope="module")
def seen() -> Snapshot:
    return step(None, sample(0.0, RunHeader("one", T, 1)), CONFIG)


def walked(seen: Snapshot, times: list[float]) -> RunTimeline:
    builder = RunTimelineBuilder()
    for at_s in times:
        builder.add(replace(seen, t=T + at_s))
    found = builder.timeline()
    assert found is not None
    return found


@settings(max_examples=examples(30), deadline=None)
@given(st.floats(0.5, 600.0), st.integers(1, 5000))
def test_any_length_is_bounded_in_order_and_keeps_its_end(seen: Snapshot, spacing_s: float, count: int) -> None:
    times = [number * spacing_s for number in range(count)]
    found = walked(seen, times)
    at = [one.at_s for one in found.points]
    assert len(at) <= min(count, 2 * MAX_POINTS)
    assert at == sorted(set(at))
    assert at[-1] == pytest.approx(times[-1], abs=1e-3)
    assert found.spacing_s >= FINEST_S


def at_every_snapshot(seen: Snapshot, times: list[float]) -> tuple[dict[int, float], float]:
    """The moments kept where every Snapshot replaces the point of its interval at once, and their spacing."""
    spacing_s, kept = FINEST_S, dict[int, float]()
    for at_s in times:
        at_s = replace(seen, t=T + at_s).t - seen.run.started_at
        kept[int(at_s // spacing_s)] = at_s
        if len(kept) >= 2 * MAX_POINTS:
            spacing_s *= 2
            kept = {int(at_s // spacing_s): at_s for _, at_s in sorted(kept.items())}
    return kept, spacing_s


@pytest.mark.parametrize(
    "times",
    [
        [0.0],
        [0.0, 1.0, 9.9, 10.0, 19.0],
        [30.0, 5.0, 31.0, 4.0],
        [0.0, 12.0, 3.0, 13.0, 1.0],
        [float(at_s) for at_s in range(0, 3 * 10 * 2 * MAX_POINTS, 3)],
    ],
    ids=["one", "the last of an interval", "back in time", "back and forth", "spacing that doubles"],
)
def test_the_moments_are_those_of_a_point_at_every_snapshot(seen: Snapshot, times: list[float]) -> None:
    kept, spacing_s = at_every_snapshot(seen, times)
    found = walked(seen, times)
    assert [one.at_s for one in found.points] == [at_s for _, at_s in sorted(kept.items())]
    assert found.spacing_s == spacing_s


def test_a_timeline_that_is_read_in_between_is_no_other_one(seen: Snapshot) -> None:
    builder = RunTimelineBuilder()
    for at_s in (0.0, 4.0, 11.0, 12.0):
        builder.add(replace(seen, t=T + at_s))
        builder.timeline()
    found = builder.timeline()
    assert found is not None
    assert found.points == walked(seen, [0.0, 4.0, 11.0, 12.0]).points


def test_a_day_at_one_second_keeps_hundreds_of_moments(seen: Snapshot) -> None:
    found = walked(seen, [float(at_s) for at_s in range(0, 86400, 2)])
    assert MAX_POINTS <= len(found.points) <= 2 * MAX_POINTS


def test_the_last_snapshot_of_each_interval_counts(seen: Snapshot) -> None:
    builder = RunTimelineBuilder()
    for at_s, kept in [(0.0, [0.0]), (9.0, [9.0]), (12.0, [9.0, 12.0]), (3.0, [3.0, 12.0]), (15.0, [3.0, 15.0])]:
        builder.add(replace(seen, t=T + at_s))
        found = builder.timeline()
        assert found is not None
        assert [point.at_s for point in found.points] == kept


def test_nothing_is_known_within_a_gap_before_the_start_and_past_the_end(seen: Snapshot) -> None:
    found = walked(seen, [5.0, 15.0, 600.0])
    last = replace(found.last, run=replace(found.last.run, gaps=(Gap(T + 15, T + 600),)))
    found = replace(found, last=last)
    assert found.at(1.0) is None
    assert found.at(300.0) is None
    assert found.at(601.0) is None
    assert [found.at(at_s).at_s for at_s in (5.0, 14.0, 15.0, 600.0)] == [5.0, 5.0, 15.0, 600.0]  # type: ignore[union-attr]


def test_every_run_of_a_recording_is_digested_on_its_own() -> None:
    snapshots, snapshot = [], None
    for at_s in range(0, 300, 5):
        begins = {0: RunHeader("one", T, 1), 150: RunHeader("two", T + 150, 1)}.get(at_s)
        snapshot = step(snapshot, sample(float(at_s), begins), CONFIG)
        snapshots.append(snapshot)
    one, two = timelines(snapshots)
    assert (one.name, two.name) == ("one", "two")
    assert one.points[-1].at_s == 145.0
    assert two.points[0].at_s == 5.0
    assert timelines([]) == ()


NUMBERS = [None, 0, 7, 7.0, 0.1, -1.5e300, 2**62, 10**25]


@pytest.mark.parametrize("number", NUMBERS, ids=repr)
def test_a_point_is_kept_as_it_was_made(seen: Snapshot, number: float | None) -> None:
    (worker,) = seen.workers
    components = tuple(replace(each, value=number) for each in worker.components)
    shown = replace(seen, workers=(replace(worker, step=number, components=components, ui_state="menü 猫"),))
    builder = RunTimelineBuilder()
    builder.add(shown)
    found = builder.timeline()
    assert found is not None
    # Also whether a number is whole: reports show it.
    assert repr(found.points) == repr((make_point(shown),))
