"""What sets one worker apart, and the sentences in which events are told."""

from __future__ import annotations

from metabonk_tui.core.model.snapshot import Snapshot
from tests.support.samples import Fields, by_slot, coarse, down, healthy, last, phases, playing, script, worker

MIN = 60.0


def stuck(slot: int, t: float) -> Fields:
    """Answers on and on; its step stands still from the start."""
    return healthy(slot, t) | {"step": 30.0}


def event_texts(snapshot: Snapshot, kind: str) -> list[str]:
    return [event.text for event in snapshot.events if event.kind == kind]


def test_one_worker_answers_and_several_answer() -> None:
    late = phases((0, down), (60, healthy))
    seen = last(script(by_slot(healthy, healthy, late), for_s=120))
    assert event_texts(seen, "worker.up") == ["w0 w1 answer", "w2 answers"]


def test_a_worker_that_answers_without_a_step_is_set_apart() -> None:
    seen = last(script(by_slot(healthy, healthy, stuck), for_s=11 * MIN))
    assert worker(seen, 2).attention[0].mark == "no steps"
    assert worker(seen, 2).attention[0].text == "w2 answers, but has not made a step for 11m"
    assert not any(mark.mark == "no steps" for mark in worker(seen, 0).attention)


def test_ten_minutes_have_to_pass_without_a_step() -> None:
    seen = last(script(by_slot(healthy, healthy, stuck), for_s=9 * MIN))
    assert worker(seen, 2).attention == ()


def test_transitions_that_rest_set_nobody_apart_and_are_no_event() -> None:
    seen = last(coarse(playing, for_s=60 * MIN))
    assert not any(mark.mark == "stalled" for view in seen.workers for mark in view.attention)
    assert not any("UI→gameplay stalled" in text for text in event_texts(seen, "component.silent"))


def test_a_gap_is_told_in_hours_and_not_in_thousands_of_seconds() -> None:
    before, after = script(for_s=60), script(from_s=60 + 7960, for_s=60, run=None)
    texts = event_texts(last([*before, *after]), "recorder.gap")
    assert texts == ["nothing was recorded for 2h12m"]
