"""One word for what a worker is doing: each with the case beside it that must not have it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from metabonk_tui.core.model.host import ProcessReading
from metabonk_tui.core.model.snapshot import Snapshot
from tests.support.examples import examples
from tests.support.refs import w
from tests.support.samples import (
    GB,
    MIN,
    Answer,
    Fields,
    Life,
    by_slot,
    coarse,
    down,
    healthy,
    last,
    phases,
    play,
    playing,
    script,
    silent,
    with_fields,
    without,
    worker,
)


def seeing(life: Life, until_s: float = float("inf")) -> Life:
    """The same life, and what it computes of its frames, which stand from `until_s` on."""

    def lived(slot: int, t: float) -> Answer:
        answer, seen_t = life(slot, t), min(t, until_s)
        frames = {
            "scene_hash": f"{int(seen_t):016x}",
            "stream_frame_var": 60 + seen_t % 7,
            "dynamic_ui_text_density": 0.2 + seen_t / 1e6,
            "obs_fps": 14.0,
            "stream_frozen": t >= until_s + 10,
        }
        return answer | frames if isinstance(answer, dict) else answer

    return lived


def standing(at_s: float, **moving: Any) -> Life:
    """Alive until then; from then on its numbers stand, and its timestamp goes on."""

    def lived(slot: int, t: float) -> Answer:
        values = {name: value(t) for name, value in moving.items()}
        return healthy(slot, min(t, at_s)) | {"timestamp": t} | values

    return lived


def begun(every_s: float) -> Life:
    """Begins anew again and again."""
    return lambda slot, t: healthy(slot, t, t - t % every_s)


def fast(slot: int, t: float) -> Fields:
    """Forty times as many steps from ten minutes on."""
    return healthy(slot, t) | {"step": t if t < 10 * MIN else 10 * MIN + 40 * (t - 10 * MIN)}


def quick(slot: int, t: float) -> Fields:
    """Five times as many steps: nothing remarkable."""
    return healthy(slot, t) | {"step": t if t < 10 * MIN else 10 * MIN + 5 * (t - 10 * MIN)}


def still(slot: int, t: float) -> Fields:
    """Nothing ever grows."""
    return healthy(slot, 30.0) | {"timestamp": t}


def pondering(slot: int, t: float) -> Fields:
    """A step every two minutes."""
    return healthy(slot, 30.0) | {"step": float(t // 120)}


CASES: list[tuple[str, Life, str | None]] = [
    ("healthy", healthy, None),
    ("plays", playing, None),
    ("sees and learns", seeing(healthy), None),
    ("learns nothing, but steps", silent, None),
    ("nothing ever grows", still, "idle"),
    ("its step stands, its components grow", with_fields(healthy, step=30.0), None),
    ("nothing grows but the turns of its loop", with_fields(still, actions_total=lambda t: int(t)), None),
    ("nothing grows, and it has no step", without(still, "step"), None),
    ("all stands after it moved", standing(10 * MIN), "zombie"),
    ("stands for a minute so far", standing(14 * MIN), None),
    ("stands but for the turns of its loop", standing(10 * MIN, actions_total=lambda t: int(t)), None),
    ("stands, and loses its step", phases((0, standing(480)), (490, without(standing(480), "step"))), None),
    ("usually pauses for two minutes", pondering, None),
    ("frames stand while it steps", seeing(healthy, 10 * MIN), "stale frames"),
    ("frames stand with it", seeing(standing(10 * MIN), 10 * MIN), "zombie"),
    ("frames stand for half a minute so far", seeing(healthy, 14.5 * MIN), None),
    ("one number of a frame stands", without(with_fields(healthy, scene_hash="0f"), "dynamic_ui_text_density"), None),
    ("two numbers of a frame stand", with_fields(healthy, scene_hash="0f"), "stale frames"),
    ("only the rate of frames stands", with_fields(healthy, obs_fps=14.0), None),
    ("its frames are gone", phases((0, seeing(healthy)), (600, without(healthy, "dynamic_ui_text_density"))), None),
    ("forty times its own past", fast, "racing"),
    ("five times its own past", quick, None),
    ("begins anew every minute", begun(60.0), "looping"),
    ("begins anew every four minutes", begun(240.0), None),
    ("accepts and never answers", phases((0, healthy), (10 * MIN, lambda _s, _t: "timeout")), "hung"),
    ("one poll timed out", phases((0, healthy), (15 * MIN, lambda _s, _t: "timeout")), None),
    ("answers with HTTP 500", phases((0, healthy), (10 * MIN, lambda _s, _t: "http 500")), "broken"),
    ("answers with no JSON", phases((0, healthy), (10 * MIN, lambda _s, _t: "not json")), "broken"),
    ("refuses", phases((0, healthy), (10 * MIN, down)), "down"),
    ("is not looked at", phases((0, healthy), (10 * MIN, lambda _s, _t: None)), None),
]  # fmt: skip


def word(snapshot: Snapshot, slot: int = 2) -> str | None:
    health = worker(snapshot, slot).health
    return None if health is None else health.state.value


@pytest.mark.parametrize(("life", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_word_after_a_quarter_of_an_hour_is_on_the_right_worker_only(life: Life, expected: str | None) -> None:
    seen = last(coarse(by_slot(healthy, healthy, life), for_s=15 * MIN, fine=((570, 630), (800, 900))))
    assert [word(seen, slot) for slot in range(3)] == [None, None, expected]


@pytest.mark.parametrize("life", [healthy, seeing(healthy), playing, silent], ids=lambda life: life.__name__)
@pytest.mark.parametrize("every_s", [2.0, 10.0, 60.0, 300.0])
def test_a_worker_that_is_well_never_flashes_a_word(life: Life, every_s: float) -> None:
    late = phases((0, down), (40, life))
    for seen in play(script(by_slot(life, life, late), every_s=every_s, for_s=max(5 * MIN, 12 * every_s))):
        assert [word(seen, slot) for slot in range(2)] == [None, None]
        assert word(seen) in (None, "down") if seen.t < 40 + 2 * every_s else word(seen) is None


def test_a_stopped_process_that_goes_on_is_hung_and_then_well() -> None:
    stopped = phases((0, healthy), (300, lambda _s, _t: "timeout"), (480, lambda s, t: healthy(s, t - 180)))
    words = [word(seen) for seen in play(script(by_slot(healthy, healthy, stopped), every_s=2, for_s=600))]
    assert list(dict.fromkeys(words)) == [None, "hung"], "and never a zombie in between"
    assert words[-1] is None


def test_a_gap_is_not_held_against_a_worker() -> None:
    for seen in play(script(standing(300.0), for_s=1200, blind=lambda t: 310 < t < 1180)):
        assert word(seen) is None


@pytest.mark.parametrize(("frame_age_s", "expected"), [(4.0, None), (70.0, "stale frames"), (None, "stale frames")])
def test_frames_that_come_are_not_stale_however_alike(frame_age_s: float | None, expected: str | None) -> None:
    quiet_menu = with_fields(healthy, scene_hash="0f")
    samples = [
        replace(
            sample,
            workers={
                slot: replace(seen, last_frame_t=None if frame_age_s is None else sample.t - frame_age_s)
                for slot, seen in sample.workers.items()
            },
        )
        for sample in script(quiet_menu, for_s=600)
    ]
    assert word(last(samples)) == expected


def test_it_is_reported_when_it_begins_and_when_it_ends() -> None:
    life = phases((0, standing(300.0)), (600, lambda s, t: healthy(s, t - 300)))
    seen = last(script(by_slot(healthy, healthy, life), for_s=700))
    values = [(event.severity, event.text) for event in seen.events if event.kind == "worker.conduct"]
    assert values == [
        ("crit", "w2 zombie: answers, but stands at step 300 for 1m30s"),
        ("ok", "w2 no longer zombie"),
    ]


def test_the_same_on_several_workers_is_reported_once() -> None:
    seen = last(script(standing(300.0), for_s=600))
    values = [event.text for event in seen.events if event.kind == "worker.conduct"]
    assert values == ["w0 w1 w2 zombie"]


def test_since_when_is_kept_while_the_word_stays() -> None:
    snapshots = play(script(by_slot(healthy, healthy, standing(300.0)), for_s=900))
    sinces = {worker(seen, 2).health.since_t for seen in snapshots if worker(seen, 2).health}  # type: ignore[union-attr]
    assert sinces == {390.0}


def test_a_word_is_a_mark_and_no_second_mark_says_the_same() -> None:
    seen = last(coarse(by_slot(healthy, healthy, standing(300.0)), for_s=30 * MIN))
    marks = [mark.mark for mark in worker(seen, 2).attention]
    assert marks[0] == "zombie"
    assert "no steps" not in marks


NUMBERS = (
    "step",
    "actions_total",
    "scene_hash",
    "stream_frame_var",
    "dynamic_ui_text_density",
    "intrinsic_reward_total",
)


@settings(max_examples=examples(60), deadline=None)
@given(st.lists(st.sampled_from(NUMBERS), unique=True), st.integers(0, 40), st.integers(0, 40))
def test_a_missing_field_never_makes_a_zombie_nor_stale_frames(names: list[str], gone_at: int, back_at: int) -> None:
    """Whatever goes missing of a worker that is well, whenever, and whether or not it comes back."""
    whole = with_fields(seeing(healthy), actions_total=lambda t: int(t * 7))
    lacking = without(whole, *names)
    ends = gone_at + back_at
    life = phases((0, whole), (10.0 * gone_at, lacking), (10.0 * ends, whole if ends < 60 else lacking))
    for seen in play(script(life, workers=1, for_s=800)):
        assert word(seen, 0) is None


def reach_events(life: Life, for_s: float) -> list[str]:
    """What is told of the last worker's answering, and not."""
    seen = last(script(by_slot(healthy, healthy, life), every_s=2, for_s=for_s))
    kinds = ("worker.up", "worker.down", "worker.conduct")
    return [f"{event.kind} {event.text}" for event in seen.events if event.kind in kinds and event.t > 60]


def back(life: str | None, at_s: float = 300.0, for_s: float = 180.0) -> Life:
    """Well, then that, then well again."""
    return phases((0, healthy), (at_s, lambda _s, _t: life), (at_s + for_s, lambda s, t: healthy(s, t - for_s)))


def test_that_it_hangs_is_reported_once_and_that_it_answers_again_once() -> None:
    begun, ended = reach_events(back("timeout"), 600)
    assert begun.startswith("worker.down w2 hung: accepts, and has not answered for ")
    assert ended == "worker.up w2 answers"


@pytest.mark.parametrize(
    ("stopped", "ends"),
    [
        (None, "process 40 is there"),
        (True, "process 40 is stopped: kill -CONT 40 resumes it"),
    ],
)
def test_a_worker_whose_process_is_stopped_is_told_from_one_that_hangs(stopped: bool | None, ends: str) -> None:
    life = phases((0, healthy), (300, lambda _s, _t: "timeout"))
    processes = (ProcessReading("worker", GB, w(0), pid=40, stopped=stopped),)
    seen = last(script(life, workers=1, for_s=400, pid=lambda _s, _t: 40, processes=lambda _t: processes))
    health = seen.workers[0].health
    assert health is not None
    assert health.why.startswith("accepts, and has not answered for ")
    assert health.why.endswith(ends)


def test_what_becomes_something_else_is_one_event() -> None:
    life = phases((0, healthy), (300, lambda _s, _t: "timeout"), (400, lambda _s, _t: "http 500"), (500, down))
    hung, broken, gone = reach_events(life, 600)
    assert hung.startswith("worker.down w2 hung: ")
    assert broken.startswith("worker.down w2 broken, no longer hung: ")
    assert gone.startswith("worker.down w2 not reachable: ")


def test_after_a_gap_nothing_shows_that_a_state_has_ended() -> None:
    """The worker stands before the gap and after it: no monitor saw it move."""
    frozen = phases((0, healthy), (300, lambda slot, _t: healthy(slot, 300)))
    seen = last(script(by_slot(healthy, healthy, frozen), blind=lambda t: 700 < t < 1000, for_s=1400))
    events = [(event.t > 700, event.text) for event in seen.events if event.kind == "worker.conduct"]
    assert [is_late for is_late, text in events if "w2 zombie" in text] == [False, True]
    assert not any("no longer" in text for _, text in events), events
