"""Several causes at once, told apart per worker; and what must hold for causes of any samples, however broken."""

from __future__ import annotations

import math
import os
from itertools import combinations_with_replacement, pairwise, product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from metabonk_tui.core.model.sample import BadValue, EnvFileReading, EnvReading, Sample
from metabonk_tui.core.model.worker import Reach
from metabonk_tui.core.report.json_report import report
from tests.core.causes.test_rank import (
    FILE,
    LOG_LINES,
    RIGHT,
    SYSTEM2_OFF,
    UNAPPLIED_ENV,
    Env,
    ambiguous,
    backend_broken,
    causes_of,
    real,
    starved,
    unanswered,
    unapplied,
    with_real,
    zombie,
)
from tests.support.examples import THOROUGH, examples
from tests.support.refs import w
from tests.support.samples import (
    CONFIG,
    Fields,
    Life,
    by_slot,
    down,
    healthy,
    last,
    phases,
    play,
    script,
    silent,
    with_fields,
    without,
)

broken = without(healthy, "intrinsic_reward_total")
SURE = 0.7
"""A cause that is as sure as this is one; what is less sure is offered besides."""
Fault = tuple[Life, Env, tuple[str, ...]]
HEALTHY: Fault = (healthy, RIGHT, ())
FAULTS: dict[str, Fault] = {
    "config-not-loaded": (silent, {}, ()),
    "launcher-override": (backend_broken, SYSTEM2_OFF, ()),
    "component-disabled": (broken, RIGHT | {"METABONK_INTRINSIC_REWARD": "0"}, ()),
    "init-failed": (broken, RIGHT, LOG_LINES),
    "intrinsic-not-applied": (unapplied, UNAPPLIED_ENV, ()),
    "classifier-no-frames": (starved, RIGHT, ()),
    "system2-no-answer": (unanswered, RIGHT, ("omega-0: System2 request failed: refused",)),
    "zombie-worker": (zombie, RIGHT, ("Exception in thread Thread-2 (_rollout_loop)",)),
}


def sure(*faults: Fault, file: EnvFileReading | None = FILE) -> dict[str, tuple[int, ...]]:
    """Which causes are sure where every worker has a fault of its own."""
    life = by_slot(*(fault[0] for fault in faults))
    logs = {slot: fault[2] for slot, fault in enumerate(faults) if fault[2]}
    found = causes_of(life, lambda slot: faults[slot][1], file, logs, workers=len(faults))
    return {cause.id: tuple(ref.slot for ref in cause.workers) for cause in found if cause.confidence > SURE}


# In `make test` each two are on one side only: a worker has no side.
PAIRS = list(product(FAULTS, FAULTS) if os.environ.get(THOROUGH) else combinations_with_replacement(FAULTS, 2))


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_two_faults_on_two_workers_are_named_on_the_right_one(one: str, other: str) -> None:
    expected = {one: (0, 2)} if one == other else {one: (0,), other: (2,)}
    file = replace(FILE, values=FILE.values | {"METABONK_INTRINSIC_REWARD": "0"})
    off = "component-disabled" in (one, other)
    found = sure(FAULTS[one], HEALTHY, FAULTS[other], file=file if off else FILE)
    assert found == expected


def test_all_at_once_are_all_distinguished() -> None:
    faults = {name: fault for name, fault in FAULTS.items() if name != "component-disabled"}
    assert sure(HEALTHY, *faults.values()) == {name: (n,) for n, name in enumerate(faults, 1)}


def test_two_faults_on_one_worker_are_both_named() -> None:
    life = with_fields(unanswered, intrinsic_reward_total=0.0)
    found = causes_of(life, UNAPPLIED_ENV, FILE)
    assert {"intrinsic-not-applied", "system2-no-answer"} <= {cause.id for cause in found}
    assert all(cause.workers == (w(0), w(1), w(2)) for cause in found[:2])


def test_workers_that_say_the_same_are_reported_together_and_the_rest_is_not_lost() -> None:
    lines = {
        n: (f"[worker:omega-{n}] WARN: intrinsic reward shaper unavailable (no module); disabling",) for n in (0, 1)
    }
    (found,) = causes_of(broken, RIGHT, FILE, lines, workers=2)
    assert found.because.count("shaper unavailable") == 1
    assert "2/2 workers" in found.because
    differing = {n: (f"WARN: intrinsic reward shaper unavailable (reason {n}); disabling",) for n in range(5)}
    (found,) = causes_of(broken, RIGHT, FILE, differing, workers=5)
    assert found.workers == (w(0), w(1), w(2), w(3), w(4))
    assert found.because.endswith("alike on w2-w4")


@with_real
def test_a_line_of_another_worker_in_a_shared_file_accuses_nobody_else() -> None:
    """The real worker 2 in one file with the others: each has an `instance_id`, and the line bears a name."""
    named: Life = lambda slot, t: {**real("full")(slot, t), "instance_id": f"omega-{slot}"}  # type: ignore[dict-item]  # noqa: E731
    gone = without(named, "intrinsic_reward_total", "intrinsic_reward")
    line = ("[worker:omega-1] WARN: intrinsic reward shaper unavailable (x); disabling",)
    found = causes_of(gone, None, None, {0: line, 1: line}, workers=2)
    first = found[0]
    assert (first.id, first.workers, first.confidence) == ("init-failed", (w(0), w(1)), 0.93)
    assert first.because.startswith('intrinsic reward absent: "WARN')
    assert "on w1;" in first.because


def test_an_env_file_that_sets_nothing_switches_nothing_on() -> None:
    empty = replace(FILE, values={})
    for env in ({}, None):
        found = causes_of(silent, env, empty)
        assert found[0].id == "component-disabled"
        assert "off by default" in found[0].because


def test_an_unreadable_env_file_is_none() -> None:
    unreadable = EnvFileReading("/srv/run.env", {}, frozenset(), error="not permitted")
    given = [(c.id, c.confidence, c.because, c.workers) for c in causes_of(silent, {}, unreadable)]
    assert given == [(c.id, c.confidence, c.because, c.workers) for c in causes_of(silent, {}, None)]


def test_json_says_who_and_what_besides_the_public_keys() -> None:
    samples = script(
        by_slot(healthy, silent), workers=2, for_s=180.0, env=lambda slot, _: EnvReading((RIGHT, {})[slot])
    )
    samples[0] = replace(samples[0], env_file=FILE)
    given = report(last(samples))["causes"][0]
    assert set(given) == {"id", "name", "confidence", "because", "confirm", "fix", "workers"}
    assert (given["id"], given["name"], given["workers"]) == ("config-not-loaded", "config not loaded", [1])


# What must hold whatever is seen

FIELDS = (
    "step", "timestamp", "instance_id", "game_log_path", "discovery_stats", "dynamic_ui_state_type",
    "dynamic_ui_text_density", "dynamic_ui_motion", "dynamic_ui_exploration_actions", "intrinsic_reward_total",
    "intrinsic_ui_context", "system2_enabled", "system2_trigger_mode", "system2_trigger_reason",
    "system2_trigger_engaged_count", "system2_reasoning", "vlm_hints_used", "meta_success_sequences",
    "meta_learner_sequences_learned", "gameplay_started", "gameplay_starter",
)  # fmt: skip
values = st.one_of(
    st.none(), st.booleans(), st.integers(-1, 9), st.floats(0, 9), st.just(math.nan), st.just(math.inf),
    st.just(BadValue("nan", "NaN")), st.sampled_from(["", "always", "smart", "uncertain", "omega-0", "x" * 400]),
    st.dictionaries(
        st.sampled_from(["last_request_ts", "last_response_ts", "pure_vision_mode"]), st.none() | st.floats()
    ),
)  # fmt: skip
statuses = st.dictionaries(st.sampled_from(FIELDS), values)
answers = st.one_of(st.sampled_from(["refused", "timeout", "http 500"]), st.none(), statuses, statuses, statuses)
lines = st.sampled_from([
    *LOG_LINES, "", "omega-1: System2 request failed: x", "Exception in thread Thread-2 (_rollout_loop)",
    "[worker:omega-0] WARN: System2 disabled (init failed): y", "Traceback (most recent call last):", "\ufffd" * 300,
])  # fmt: skip
keys = st.sampled_from(
    [*CONFIG.required_environment, "METABONK_PURE_VISION_MODE", "METABONK_UI_BASE_EPS", "OLLAMA_HOST"]
)
mappings = st.dictionaries(keys, st.sampled_from(["0", "1", "smart", "always", "", "it's"]))
readings = st.one_of(st.builds(EnvReading, mappings), st.just(EnvReading(None, "not permitted")))
files = st.one_of(
    st.none(),
    st.builds(
        EnvFileReading,
        st.sampled_from(["/srv/run.env", "/it's here"]),
        mappings,
        st.frozensets(keys),
        error=st.sampled_from([None, None, "gone"]),
        unread=st.none() | st.lists(keys, max_size=2).map(tuple),
    ),
)
BROKEN = settings(max_examples=examples(60), deadline=None, suppress_health_check=list(HealthCheck))


@st.composite
def stories(draw: st.DrawFn, slots: int = 3) -> list[Sample]:
    """Up to four statuses a worker, each of which stands for a while, with anything read around them."""
    starts = sorted(draw(st.lists(st.sampled_from([60.0, 70.0, 130.0, 300.0]), max_size=3, unique=True)))
    given = [[draw(answers) for _ in (0.0, *starts)] for _ in range(slots)]

    def lived(slot: int, t: float) -> Fields | str | None:
        return given[slot][sum(t >= start for start in starts)]

    moving = draw(st.booleans())
    life: Life = with_fields(lived, step=lambda t: t) if moving else lived
    samples = script(life, workers=slots, for_s=400.0, every_s=20.0)
    worker = st.integers(0, slots - 1).map(w)
    for n in sorted(draw(st.sets(st.sampled_from([0, 3, 7]), min_size=1))):
        samples[n] = replace(
            samples[n],
            environments=draw(st.dictionaries(worker, readings)),
            log_tails=draw(st.dictionaries(worker, st.lists(lines, max_size=4).map(tuple))),
            env_file=draw(files),
        )
    return samples


@given(stories())
@BROKEN
def test_causes_of_anything_are_sane(samples: list[Sample]) -> None:
    for snapshot in play(samples):
        found = snapshot.causes
        assert all(0 < cause.confidence < 1 for cause in found)
        assert all(before.confidence >= after.confidence for before, after in pairwise(found))
        assert len({cause.id for cause in found}) == len(found)
        reachable = {view.ref for view in snapshot.workers if view.status is not None}
        for cause in found:
            assert cause.workers == tuple(sorted(set(cause.workers)))
            assert cause.workers
            assert set(cause.workers) <= reachable
            assert all((cause.name, cause.because, cause.confirm, cause.fix))


@given(stories())
@BROKEN
def test_no_worker_that_does_not_answer_is_accused(samples: list[Sample]) -> None:
    for snapshot in play(samples):
        silent_now = {view.ref for view in snapshot.workers if view.reach not in (Reach.UP, Reach.STALE)}
        accused = {slot for cause in snapshot.causes for slot in cause.workers}
        assert not accused & silent_now


@given(stories())
@BROKEN
def test_an_environment_that_cannot_be_read_proves_nothing(samples: list[Sample]) -> None:
    def without_environments(reading: EnvReading | None) -> list[Sample]:
        given = {} if reading is None else {w(slot): reading for slot in range(3)}
        return [replace(s, environments=given if s.environments else {}) for s in samples]

    refused = last(without_environments(EnvReading(None, "not permitted"))).causes
    assert refused == last(without_environments(None)).causes
    assert not any("in the process" in cause.because for cause in refused)


def test_a_worker_that_stops_answering_is_no_longer_accused() -> None:
    life = by_slot(phases((0.0, silent), (200.0, down)), silent)
    samples = script(life, workers=2, for_s=400.0, env=lambda _slot, _t: EnvReading({}))
    snapshots = play(samples)
    assert snapshots[18].causes[0].workers == (w(0), w(1))
    assert snapshots[-1].causes[0].workers == (w(1),)


def test_ambiguous_and_healthy_side_by_side() -> None:
    found = causes_of(by_slot(healthy, ambiguous), RIGHT, FILE, workers=2, for_s=400.0)
    assert [(cause.id, cause.workers) for cause in found] == [("classifier-ambiguous", (w(1),))]
