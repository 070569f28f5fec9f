"""What answers on a worker's port and is no worker: it is not up, and nothing of it is believed."""

from typing import Any

import pytest
from msgspec.structs import replace

from metabonk_tui.core.model.host import ProcessReading
from metabonk_tui.core.model.sample import STRANGER, EnvReading, Observation, Sample
from metabonk_tui.core.model.worker import ComponentState, HealthState, Reach
from tests.support.refs import w
from tests.support.samples import (
    Life,
    at,
    by_slot,
    changes,
    header,
    healthy,
    kinds,
    last,
    phases,
    play,
    script,
    silent,
    state,
    worker,
)

REGISTRY = {"status": "ok", "service": "registry", "version": "2.8.3", "uptime": 86400}


def answer(fields: Any) -> Life:
    return lambda _slot, _t: fields


@pytest.mark.parametrize(
    "fields",
    [
        REGISTRY,
        {},
        {"timestamp": 1.0, "status": "ok"},
        {"instance_id": "i-0abc", "last_error": None},
        {"Step": 5, "steps": 5},
        "http 404",
        "http 403",
        "not json",
        "not an object",
        "redirect",
        "too deep",
        "encoded",
        "http 204",
        "http 304",
        STRANGER,
    ],
)
def test_what_does_not_speak_like_a_worker_is_a_stranger(fields: Any) -> None:
    seen = last(script(by_slot(healthy, answer(fields)), workers=2, for_s=400))
    stranger = worker(seen, 1)
    assert stranger.reach is Reach.STRANGER
    assert {part.state for part in stranger.components} == {ComponentState.STRANGER}
    assert {part.window_activity for part in stranger.components} == {"unknown"}
    assert stranger.health is not None
    assert stranger.health.state is HealthState.STRANGER
    assert stranger.health.why.startswith("answers, but is no MetaBonk worker")
    assert stranger.last_good_t is None
    assert not stranger.gameplay.corroborated


@pytest.mark.parametrize(
    ("fields", "reach"),
    [
        ({"step": 1}, Reach.UP),
        ({"dynamic_ui_exploration_actions": 0}, Reach.UP),
        ({"meta_learner_sequences_learned": 0}, Reach.UP),  # an alias
        ("http 500", Reach.BROKEN),  # a real worker while a metric is NaN
        ("http 503", Reach.BROKEN),
        ("closed", Reach.DOWN),
        ("too large", Reach.BROKEN),
        ("refused", Reach.DOWN),
    ],
)
def test_a_sick_worker_is_no_stranger(fields: Any, reach: Reach) -> None:
    assert worker(last(script(answer(fields), for_s=400))).reach is reach


@pytest.mark.parametrize(("fields", "reach"), [("http 404", Reach.BROKEN), (REGISTRY, Reach.STRANGER)])
def test_a_worker_that_answered_before_may_be_broken(fields: Any, reach: Reach) -> None:
    assert worker(last(script(phases((0, healthy), (200, answer(fields))), for_s=400))).reach is reach


def test_an_error_of_a_process_that_is_a_worker_is_broken() -> None:
    assert worker(last(script(answer("http 404"), for_s=400, pid=lambda _s, _t: 7))).reach is Reach.BROKEN


def test_a_stranger_is_no_generation_and_has_no_numbers() -> None:
    life = phases((0, healthy), (200, answer(REGISTRY)))
    samples = [
        replace(
            sample,
            workers={ref: replace(seen, pid=5 if sample.t < 200 else 6) for ref, seen in sample.workers.items()},
        )
        for sample in script(life, for_s=400)
    ]
    seen = last(samples)
    assert [each.generation for each in seen.workers] == [1, 1, 1]
    assert worker(seen).pid == 5
    assert "worker.down" in kinds(seen)
    assert "worker.generation" not in kinds(seen)


def test_strangers_alone_are_a_pool_that_does_not_answer() -> None:
    snapshots = play(script(answer(REGISTRY), for_s=300))
    assert changes(snapshots[-1]) == [(0, "WAITING"), (180, "STOP")]
    assert snapshots[-1].verdict.because[0].startswith("no worker answered")


@pytest.mark.parametrize(
    ("others", "because"),
    [
        (answer("refused"), "no pool found: what answers on the port of w0 is no MetaBonk worker"),
        (answer("http 404"), "no pool found: what answers on the port of w0-w2 is no MetaBonk worker"),
    ],
)
def test_a_stranger_is_no_pool_and_no_silence(others: Life, because: str) -> None:
    first = header(0.0, None, 10.0, how="first sample")
    seen = last(script(by_slot(answer(REGISTRY), others, others), for_s=60, run=first))
    assert seen.verdict.because == (because,)
    steps = [(step.text, step.command) for step in seen.verdict.next_steps]
    assert steps[0] == ("free the port of w0: what answers there is no worker", "ss -ltnp 'sport = :5000'")
    assert (steps[1][1] or "").startswith("metabonk-tui launch ")


def test_a_recording_without_the_names_is_no_stranger() -> None:
    seen = last(script(answer({}), for_s=100, observable=("step",)))
    assert worker(seen).reach is Reach.UP
    assert state(seen, "system2") is ComponentState.UNOBSERVED


def test_an_adapter_may_name_the_stranger() -> None:
    sample = Sample(t=0.0, workers={w(0): Observation(error=STRANGER, detail="python3, pid 77")})
    health = worker(last([sample, replace(sample, t=10.0)])).health
    assert health is not None
    assert health.why == "answers, but is no MetaBonk worker: python3, pid 77"


HELD = "port 5000 is held by python (pid 77)"


@pytest.mark.parametrize(
    ("error", "detail", "why"),
    [
        ("not json", "Expecting value", "no MetaBonk worker: its answer is no JSON: Expecting value"),
        ("not json", f"not HTTP: Expected HTTP/; {HELD}", f"no MetaBonk worker: it does not speak HTTP: {HELD}"),
        ("not json", "not HTTP: Expected HTTP/", "no MetaBonk worker: it does not speak HTTP"),
        ("redirect", "to https://login.example/", "it redirects: to https://login.example/"),
        ("http 404", f"Not Found; {HELD}", f"http 404: Not Found; {HELD}"),
        ("http 500", f"oops; {HELD}", f"answers, and never with a status in 5m: http 500: oops; {HELD}"),
        ("too large", HELD, f"answers, and never with a status in 5m: too large: {HELD}"),
        ("timeout", f"still no answer; {HELD}", f"accepts, and has not answered for 5m; {HELD}"),
        ("timeout", "still no answer", "accepts, and has not answered for 5m"),
        ("closed", HELD, f"never answered in 5m: closed: {HELD}"),
        ("refused", "", "not reachable, never answered in 5m: refused"),
    ],
)
def test_a_port_that_never_answered_like_a_worker_says_what_holds_it(error: str, detail: str, why: str) -> None:
    ill = Observation(error=error, detail=detail)
    samples = script(by_slot(answer(error), healthy), workers=2, for_s=300)
    seen = last([replace(each, workers={**each.workers, w(0): ill}) for each in samples])
    health = worker(seen).health
    assert health is not None
    assert health.why.endswith(why)


def test_a_worker_that_answered_before_keeps_its_words() -> None:
    seen = last(script(phases((0, healthy), (200, answer("http 500"))), for_s=300))
    health = worker(seen).health
    assert health is not None
    assert health.why == "is alive, its status is not: http 500"


@pytest.mark.parametrize(
    ("until_s", "why"),
    [
        (300, "is alive, its status is not: http 500"),
        (200, "answers, but its process is not there: http 500"),
    ],
)
def test_an_answer_alone_is_no_sign_of_life(until_s: float, why: str) -> None:
    def processes(t: float) -> tuple[ProcessReading, ...]:
        return (ProcessReading("worker", 10, w(0), pid=40),) if t <= until_s else ()

    seen = last(script(phases((0, healthy), (200, answer("http 500"))), for_s=300, processes=processes))
    health = worker(seen).health
    assert health is not None
    assert health.why == why


def test_a_worker_that_comes_back_is_believed_again() -> None:
    life = phases((0, silent), (200, answer(REGISTRY)), (300, silent))
    snapshots = play(script(life, for_s=400))
    assert worker(at(snapshots, 290)).reach is Reach.STRANGER
    assert worker(at(snapshots, 310)).reach is Reach.UP
    assert worker(at(snapshots, 310)).generation == 1


def test_the_environment_of_a_stranger_is_not_the_workers() -> None:
    # The process behind the port was read before it answered, and the worker's own is read once.
    env = lambda _slot, t: EnvReading({"METABONK_INTRINSIC_REWARD": "0"}) if t >= 10 else None  # noqa: E731
    life = phases((0, answer("refused")), (20, answer(REGISTRY)), (300, silent))
    snapshots = play(script(life, workers=1, for_s=400, env=env))
    strange, back = worker(at(snapshots, 200)), worker(at(snapshots, 400))
    assert (strange.env, strange.environment) == (None, None)
    assert back.env is not None
    assert back.env.wrong or back.env.missing
    assert [event.t for event in snapshots[-1].events if event.kind == "env.mismatch"] == [10.0, 300.0]
