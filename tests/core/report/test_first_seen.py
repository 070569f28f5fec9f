"""When each thing was first visible, and the sentences that stand on it."""

import pytest
from msgspec.structs import replace

from metabonk_tui.core.model.sample import EnvReading, Event, Sample
from metabonk_tui.core.model.snapshot import MAX_EVENTS
from metabonk_tui.core.report.json_report import run as written
from metabonk_tui.core.report.run_history import RunHistory, histories_so_far, run_histories
from metabonk_tui.core.report.summary import run_sentences
from tests.support.samples import (
    CONFIG,
    PLAYING,
    Life,
    begin,
    by_slot,
    coarse,
    down,
    header,
    healthy,
    last,
    losing_w1,
    phases,
    play,
    room,
    script,
    silent,
    with_fields,
    without,
)


def followed(samples: list[Sample]) -> RunHistory:
    return run_histories(play(samples, CONFIG))[-1]


def rows(one: RunHistory) -> dict[str, tuple[float, str]]:
    found: dict[str, tuple[float, str]] = {}
    for each in one.first_seen:
        found.setdefault(each.id, (each.t, each.text))
    return found


def test_a_silent_run_could_be_seen_to_be_silent_at_its_first_answer() -> None:
    one = followed(coarse(phases((0.0, down), (40.0, silent)), for_s=3000.0, fine=((0, 60), (1800, 1860))))
    seen = rows(one)
    assert seen["workers-answer"] == (40.0, "3/3 workers answer")
    at, text = seen["component-absent"]
    assert at == 40.0
    assert text.startswith("intrinsic reward, meta-sequences ABSENT on 3/3: not in /status from the first answer on")
    assert seen["check-fail"][0] == 340.0
    assert seen["verdict-stop"][0] == pytest.approx(1840.0, abs=20.0)
    assert "at the end of the gate" in seen["verdict-stop"][1]
    assert "component-active" not in seen
    assert [each.t for each in one.first_seen] == sorted(each.t for each in one.first_seen)
    sentences = run_sentences(one)
    assert sentences[0] == "STOP was known after 30m; the run went on for 19m more."
    assert sentences[1].startswith("It could be seen 30m sooner, at 00:00:40: ")


def test_the_first_answers_one_by_one() -> None:
    late = phases((0.0, down), (90.0, healthy))
    seen = rows(followed(script(by_slot(healthy, late, healthy), for_s=300.0)))
    assert seen["workers-answer"] == (0.0, "first answer: w0 w2")
    assert seen["workers-all-answer"] == (90.0, "3/3 workers have answered")
    assert rows(followed(script(by_slot(healthy, down, healthy), for_s=300.0)))["workers-answer"][1] == (
        "2/3 workers answer"
    )


def test_a_key_that_was_there_and_went_is_another_thing_than_one_that_never_was() -> None:
    gone = phases((0.0, healthy), (300.0, without(healthy, "intrinsic_reward_total")))
    seen = rows(followed(script(by_slot(healthy, gone, healthy), for_s=600.0)))
    assert seen["component-vanished"][0] == pytest.approx(300.0, abs=30.0)
    assert seen["component-vanished"][1] == "intrinsic reward went ABSENT on w1: it was in /status before"
    assert "component-absent" not in seen


def test_a_component_is_counted_by_the_workers_that_came_to_show_it() -> None:
    late = with_fields(healthy, intrinsic_reward_total=lambda t: max(0.0, t - 400.0))
    one = followed(coarse(by_slot(healthy, healthy, late), for_s=900.0))
    (text,) = [each.text for each in one.first_seen if each.components == ("intrinsic_reward",)]
    assert text.startswith("intrinsic reward active on 2/3; on 3/3 by 00:0")


def test_what_workers_did_is_reported_once_with_how_much_of_it_came() -> None:
    def life(slot: int, t: float) -> object:
        # w0 begins anew twice; w1 races.
        since = 600.0 if t >= 600.0 else 300.0 if t >= 300.0 else 0.0
        steps = t if slot != 1 or t < 600.0 else 600.0 + 100 * (t - 600.0)
        return healthy(slot, t, since if slot == 0 else 0.0) | ({"step": steps} if slot == 1 else {})

    seen = rows(followed(coarse(life, for_s=1200.0)))  # type: ignore[arg-type]
    assert seen["worker-reset"][0] == 300.0
    assert seen["worker-reset"][1].endswith("; 2 restarts in all")
    assert seen["worker-rate"][0] >= 600.0


def test_environment_and_gameplay() -> None:
    bare = EnvReading({})
    playing: Life = phases((0.0, healthy), (400.0, with_fields(healthy, **PLAYING)))
    seen = rows(followed(coarse(playing, for_s=900.0, env=lambda slot, _t: bare if slot == 0 else None)))
    assert seen["env-mismatch"][0] == 0.0
    assert seen["gameplay"][0] >= 400.0


def test_memory_is_reported_with_how_long_before_the_kill() -> None:
    samples = coarse(
        for_s=900.0,
        memory=lambda t: room(0.9 if 300 <= t < 600 else 8.0, kills=int(t >= 600.0)),
        processes=losing_w1(600.0),
    )
    seen = rows(followed(samples))
    assert seen["memory-low"] == (300.0, seen["memory-low"][1])
    assert seen["memory-low"][1].endswith("5m before the kernel killed")
    assert seen["memory-oom"][0] == 600.0
    assert "early" in seen["verdict-stop"][1]


def test_a_stop_is_laid_to_what_it_came_from() -> None:
    lost = by_slot(healthy, healthy, phases((0.0, healthy), (200.0, down)))
    killed = coarse(lost, for_s=900.0, memory=lambda t: room(8.0, kills=int(t >= 600.0)))
    assert not [sentences for sentences in run_sentences(followed(killed)) if "sooner" in sentences], (
        "a worker that fell foretells no kill"
    )


def test_gaps_and_causes_have_their_time() -> None:
    one = followed(coarse(silent, for_s=2400.0, blind=lambda t: 600 < t < 1200))
    seen = rows(one)
    assert seen["gap"] == (600.0, "no monitor watched for 10m, until 00:20:00")
    assert 0.0 <= seen["cause"][0] < 600.0
    assert any("No monitor watched for 10m, from 00:10:00 on." in sentences for sentences in run_sentences(one))


def test_a_run_in_which_nothing_answers_says_only_that() -> None:
    one = followed(script(down, for_s=600.0))
    assert set(rows(one)) <= {"run-start", "verdict-stop", "worker-down"}
    assert "No worker ever answered, 0/3." in run_sentences(one)


def test_a_good_run_has_no_alarm_in_it() -> None:
    one = followed(coarse(for_s=3000.0))
    assert not [each for each in one.first_seen if each.severity == "crit"]
    assert run_sentences(one)[0].startswith("The verdict is LAUNCH 24H since ")
    assert 3 <= len(run_sentences(one)) <= 6


def test_all_events_are_kept_however_many_and_the_end_of_a_run_is_known() -> None:
    def dying(slot: int, t: float) -> object:
        return healthy(slot, t % 20.0 if slot == 0 else t)

    first = coarse(dying, for_s=12000.0)  # type: ignore[arg-type]
    second = [begin(sample, header(15000.0)) if n == 0 else sample for n, sample in enumerate(script(from_s=15000.0))]
    histories = run_histories(play([*first, *second], CONFIG))
    assert [one.last.run.name for one in histories] == ["run-0", "run-15000"]
    one = histories[0]
    assert len(one.events) > MAX_EVENTS
    assert one.events[0].kind == "run.start"
    assert [event.kind for event in one.events[-2:]] == ["recorder.gap", "run.end"], "the hole is still this one's"
    assert len(set(map(id, one.events))) == len(one.events)
    assert all(event.t < 15000.0 for event in one.events)


def test_a_snapshot_alone_says_as_much_as_its_events_do() -> None:
    seen = last(script(silent, for_s=600.0))
    (one,) = histories_so_far(seen)
    assert "component-absent" in rows(one)
    assert "cause" not in rows(one), "when it was named no worker followed"
    assert written(one)["first_seen"][0]["id"] == "run-start"


def test_verdicts_are_taken_from_what_was_reported_where_a_snapshot_knows_fewer() -> None:
    seen = last(coarse(silent, for_s=2400.0))
    (one,) = histories_so_far(replace(seen, verdicts=seen.verdicts[-1:]), seen.events)
    assert [word.value for _, word, _ in one.verdicts] == [word.value for _, word, _ in seen.verdicts]
    (odd,) = histories_so_far(seen, (*seen.events, Event(1.0, "verdict", "info", "x", None, {"word": "MAYBE"})))
    assert odd.verdicts == seen.verdicts
