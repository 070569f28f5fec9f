"""Two runs beside each other: what parts them first is named, and what is only a wobble is not."""

from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from metabonk_tui.adapters.recordings.jsonl_reader import read_jsonl
from metabonk_tui.adapters.recordings.metabonk_csv import read_folder
from metabonk_tui.core.model.sample import Sample
from metabonk_tui.core.report.compare import Comparison, compare, marks_s
from metabonk_tui.core.report.compare_metrics import Share, differ_by_worker
from metabonk_tui.core.report.timeline import RunTimeline, timelines
from tests.support.examples import examples
from tests.support.paths import SHARED_DATA as DATA
from tests.support.samples import (
    GB,
    Life,
    by_slot,
    coarse,
    down,
    healthy,
    losing_w1,
    phases,
    play,
    playing,
    room,
    script,
    silent,
    with_fields,
    without,
)

MIN = 60.0


def there(path: Path) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not path.exists(), reason=f"the recording {path.name} is not on this machine")


def timeline_of(samples: list[Sample]) -> RunTimeline:
    return timelines(play(samples))[-1]


def lived(life: Life = healthy, minutes: float = 40, **how: object) -> RunTimeline:
    return timeline_of(coarse(life, for_s=minutes * MIN, **how))  # type: ignore[arg-type]


def divergence_rows(found: Comparison) -> list[tuple[str, float, str, str]]:
    return [(d.metric.id, d.at_s, d.metric.write(d.a), d.metric.write(d.b)) for d in found.divergences]


def first(found: Comparison) -> tuple[str, float, str, str]:
    return divergence_rows(found)[0]


@cache
def well() -> RunTimeline:
    return lived()


def slower(slot: int, t: float) -> dict[str, object]:
    return healthy(slot, t) | {"step": t / 20}


def begun_anew(*at_min: float) -> Life:
    """Healthy, with a worker whose counters begin anew at these minutes."""
    times = [0.0, *(minute * MIN for minute in at_min)]
    lives = [(t0, lambda slot, t, t0=t0: healthy(slot, t, t0)) for t0 in times]
    return by_slot(phases(*lives), healthy, healthy)


CASES: list[tuple[str, Life, dict[str, object], tuple[str, float, str, str]]] = [
    ("no components", silent, {}, ("intrinsic_reward.keys", 0, "3/3", "0/3")),
    (
        "a key that goes",
        phases((0, healthy), (10 * MIN, without(healthy, "intrinsic_reward_total"))),
        {},
        ("intrinsic_reward.keys", 10, "3/3", "0/3"),
    ),
    (
        "one worker without it",
        by_slot(healthy, healthy, without(healthy, "meta_success_sequences", "meta_learner_sequences_learned")),
        {},
        ("meta.keys", 0, "3/3", "2/3"),
    ),
    (
        "present but idle",
        with_fields(healthy, intrinsic_reward_total=0.0),
        {},
        ("intrinsic_reward.showing", 0, "3/3", "0/3"),
    ),
    ("workers that go", phases((0, healthy), (12 * MIN, down)), {}, ("workers_up", 12, "3/3", "0/3")),
    ("beginning anew", begun_anew(8, 16, 24), {}, ("resets", 16, "0", "2")),
    ("slow", slower, {}, ("step_rate.median", 0, "1.00/s", "0.05/s")),
    (
        "uncertain",
        phases((0, healthy), (20 * MIN, with_fields(healthy, dynamic_ui_state_type="uncertain"))),
        {},
        ("uncertain", 20, "0/3", "3/3"),
    ),
    ("playing", phases((0, healthy), (15 * MIN, playing)), {}, ("ui_to_gameplay.showing", 15, "0/3", "3/3")),
    (
        "less memory",
        healthy,
        {"memory": lambda t: room(8.0 if t < 9 * MIN else 5.0)},
        ("available_memory", 9, "8.0 GB", "5.0 GB"),
    ),
    (
        "an OOM kill in the last minute",
        healthy,
        {"memory": lambda t: room(8.0, int(t >= 39.5 * MIN)), "processes": losing_w1(39.5 * MIN)},
        ("oom_kills", 39, "0", "1"),
    ),
]


@pytest.mark.parametrize(("life", "how", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_first_divergence_is_named_with_its_minute(
    life: Life, how: dict[str, object], expected: tuple[str, float, str, str]
) -> None:
    metric, at_s, a, b = first(compare(well(), lived(life, **how)))
    assert (metric, at_s // MIN, a, b) == expected


LOST = with_fields(healthy, dynamic_ui_state_type="uncertain")
WOBBLES: list[tuple[str, Life, dict[str, object]]] = [
    ("a start of two minutes", phases((0, down), (2 * MIN, healthy)), {}),
    ("a minute of silence", phases((0, healthy), (15 * MIN, down), (16 * MIN, healthy)), {}),
    ("one counter that begins anew", begun_anew(8), {}),
    ("a little less memory", healthy, {"memory": lambda _: room(7.5)}),
    ("four minutes of uncertainty", phases((0, healthy), (600, LOST), (820, healthy)), {}),
    ("twice as fast", with_fields(healthy, step=lambda t: 2 * t), {}),
    ("more workers", healthy, {"workers": 5}),
]  # fmt: skip


@pytest.mark.parametrize(("life", "how"), [case[1:] for case in WOBBLES], ids=[case[0] for case in WOBBLES])
def test_what_passes_or_hardly_differs_is_no_divergence(life: Life, how: dict[str, object]) -> None:
    found = compare(well(), lived(life, **how))
    assert divergence_rows(found) == []
    assert found.comparable


def test_what_explains_most_is_named_first_and_the_verdict_last() -> None:
    found = compare(well(), lived(silent, minutes=40))
    ids = [divergence.metric.id for divergence in found.divergences]
    assert ids[:2] == ["intrinsic_reward.keys", "meta.keys"]
    assert ids.index("ui_exploration.showing") < ids.index("uncertain")
    assert ids[-1] == "verdict"


def test_what_one_side_never_recorded_is_not_compared() -> None:
    found = compare(well(), lived(memory=None))
    assert divergence_rows(found) == []
    lines = {line.metric.id: line for line in found.lines}
    assert not lines["available_memory"].compared
    assert lines["available_memory"].pairs[0] == (8 * GB, None)
    assert lines["oom_kills"].pairs[0] == (0, None)
    only_steps = lived(lambda slot, t: {"step": t}, observable=["step"])
    lines = {line.metric.id: line for line in compare(only_steps, well()).lines}
    assert lines["intrinsic_reward.keys"].pairs[0] == (None, Share(3, 3))
    assert lines["gameplay"].pairs[0] == (None, Share(0, 3))


def test_an_absent_key_is_known_and_is_no_number() -> None:
    lines = {line.metric.id: line for line in compare(well(), lived(silent)).lines}
    value = lines["intrinsic_reward.value"]
    assert [tuple(map(value.metric.write, pair)) for pair in value.pairs[:1]] == [("0.30", "absent")]
    assert value.compared
    assert value.divergence is None
    assert lines["ui_exploration.value"].pairs[0] == (30.0, 30.0)


def test_nothing_is_comparable_where_only_one_was_watched() -> None:
    late = timeline_of(coarse(healthy, for_s=40 * MIN, blind=lambda t: 0 < t < 30 * MIN))
    short = timeline_of(coarse(healthy, for_s=20 * MIN, blind=lambda t: t == 0))
    found = compare(short, late)
    assert not found.comparable
    assert divergence_rows(found) == []
    assert found.first is None


@pytest.mark.parametrize("life", [healthy, silent, playing, begun_anew(5, 9, 13)])
def test_a_run_never_parts_from_itself(life: Life) -> None:
    run = lived(life)
    found = compare(run, run)
    assert found.divergences == ()
    assert found.common_s == run.duration_s
    assert len(found.marks_s) == len(set(found.marks_s))


lives = st.lists(
    st.tuples(st.integers(0, 35), st.sampled_from([healthy, silent, playing, down, slower])), min_size=1, max_size=4
)


def woven(parts: list[tuple[int, Life]]) -> Life:
    return phases(
        (0.0, parts[0][1]), *sorted(((minute * MIN, life) for minute, life in parts[1:]), key=lambda p: p[0])
    )


@settings(max_examples=examples(12), deadline=None)
@given(lives, lives, st.sampled_from([10.0, 30.0, 50.0]), st.integers(5, 45))
def test_changing_places_only_changes_sides(
    one: list[tuple[int, Life]], two: list[tuple[int, Life]], every_s: float, minutes: int
) -> None:
    a, b = lived(woven(one), every_s=20.0), lived(woven(two), minutes=minutes, every_s=every_s)
    there, back = compare(a, b), compare(b, a)
    assert [(d.metric.id, d.at_s, d.a, d.b) for d in there.divergences] == [
        (d.metric.id, d.at_s, d.b, d.a) for d in back.divergences
    ]
    assert there.marks_s == back.marks_s
    assert [line.pairs for line in there.lines] == [tuple((y, x) for x, y in line.pairs) for line in back.lines]
    assert compare(a, a).divergences == compare(b, b).divergences == ()


STORY = phases((0, healthy), (12 * MIN, silent), (25 * MIN, playing))


@cache
def every_other_second() -> list[Sample]:
    return script(STORY, for_s=35 * MIN, every_s=2.0, workers=1)


@cache
def timeline_every_other_second() -> RunTimeline:
    return timeline_of(every_other_second())


@pytest.mark.parametrize("every_s", [10, 30, 300])
def test_another_sampling_rate_is_no_divergence(every_s: int) -> None:
    first, *others = every_other_second()[:: every_s // 2]
    assert first.run is not None
    begun = replace(first, run=replace(first.run, interval_s=float(every_s)))
    found = compare(timeline_every_other_second(), timeline_of([begun, *others]))
    assert divergence_rows(found) == []
    assert found.comparable


@pytest.mark.parametrize("life", [healthy, silent, playing], ids=["healthy", "silent", "playing"])
def test_every_five_minutes_is_the_same_run_as_every_half_minute(life: Life) -> None:
    assert divergence_rows(compare(lived(life, 75, every_s=30.0), lived(life, 75, every_s=300.0))) == []


def test_the_marks_are_those_of_validation_then_hours_then_both_ends() -> None:
    assert marks_s(700.0, 90000.0) == (300.0, 600.0, 700.0, 90000.0)
    assert marks_s(4 * 3600.0 + 1, 600.0) == (300.0, 600.0, 14401.0)
    assert marks_s(600.0, 600.0) == (300.0, 600.0)
    day = marks_s(86400.0, 86400.0)
    assert day == (300.0, 600.0, 900.0, 1200.0, 1500.0, 1800.0, 3600.0, 7200.0, 14400.0, 28800.0, 57600.0, 86400.0)


@pytest.mark.parametrize(
    ("x", "y", "apart"),
    [
        (Share(5, 5), Share(3, 3), False),
        (Share(4, 5), Share(5, 5), True),
        (Share(2, 3), Share(3, 5), False),
        (Share(63, 64), Share(64, 64), True),
        (Share(0, 1), Share(0, 64), False),
    ],
)
def test_shares_are_apart_by_a_whole_worker(x: Share, y: Share, apart: bool) -> None:
    assert differ_by_worker(x, y) is differ_by_worker(y, x) is apart


# Real recordings


@cache
def failed() -> tuple[RunTimeline, ...]:
    return timelines(play(list(read_folder(sorted((DATA / "failed-run").glob("*.csv")), []))))


@there(DATA / "failed-run")
def test_the_failed_run_beside_a_healthy_one() -> None:
    found = compare(failed()[0], lived(healthy, minutes=80, workers=5))
    assert found.common_s == 4500
    named = divergence_rows(found)
    assert named[:3] == [
        ("ui_exploration.keys", 300.0, "0/5", "5/5"),
        ("intrinsic_reward.keys", 300.0, "0/5", "5/5"),
        ("meta.keys", 300.0, "0/5", "5/5"),
    ]
    assert ("verdict", 1800.0, "STOP", "LAUNCH 24H") in named
    assert any(metric == "resets" for metric, *_ in named)
    # Memory and System2 were not recorded: nothing is said of them.
    assert not [
        metric
        for metric, *_ in named
        if metric.startswith(("available_memory", "workers_memory", "oom_kills", "system2."))
    ]


@there(DATA / "failed-run")
def test_it_parts_in_the_same_minutes_from_a_run_of_any_rhythm() -> None:
    rare, often = lived(healthy, 75, every_s=300.0, workers=5), lived(healthy, 75, every_s=30.0, workers=5)
    assert [named[:2] for named in divergence_rows(compare(failed()[0], rare))] == [
        named[:2] for named in divergence_rows(compare(failed()[0], often))
    ]


@there(DATA / "failed-run")
def test_the_relaunch_had_the_keys_that_the_first_run_lacked() -> None:
    assert first(compare(*failed())) == ("ui_exploration.keys", 300.0, "0/5", "5/5")


@there(DATA / "real" / "three-workers.jsonl")
def test_of_three_real_workers_one_lacks_the_keys() -> None:
    real = timelines(play(list(read_jsonl(str(DATA / "real" / "three-workers.jsonl"), []))))[-1]
    metric, at_s, a, b = first(compare(real, lived(healthy, minutes=10)))
    assert (metric, a, b) == ("intrinsic_reward.keys", "2/3", "3/3")
    assert at_s < 60
