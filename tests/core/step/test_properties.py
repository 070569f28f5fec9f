"""What must hold for every stream of samples, however broken."""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from metabonk_tui.core.model.host import ProcessReading
from metabonk_tui.core.model.sample import BadValue, EnvReading, Observation, Sample, WorkerStatus
from metabonk_tui.core.model.snapshot import MAX_EVENTS, Snapshot, VerdictKind
from tests.core.verdict.test_decide import expected
from tests.core.worker.test_record import words
from tests.support.examples import examples
from tests.support.refs import w
from tests.support.samples import (
    CONFIG,
    GB,
    NO_HOLD,
    flat_sample,
    header,
    node,
    play,
    record_of_views,
    results,
    room,
    script,
)

RELAXED = settings(
    max_examples=examples(15),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    print_blob=True,
)
COUNTERS = (
    "dynamic_ui_exploration_actions", "intrinsic_reward_total", "system2_trigger_engaged_count", "vlm_hints_used",
    "meta_success_sequences", "meta_learner_sequences_learned",
)  # fmt: skip
OTHERS = ("step", "dynamic_ui_text_density", "gameplay_started", "hud_present", "reward")
SLOTS = 3

spacings = st.sampled_from([10.0, 10.0, 10.0, 10.0, 20.0, 30.0, 31.0, 60.0, 290.0, 400.0, 0.0])
numbers = st.one_of(
    st.integers(0, 9), st.floats(0, 9), st.none(), st.just(math.nan), st.just(math.inf), st.just(-1), st.just("x"),
    st.booleans(), st.just(BadValue("nan", "NaN")),
)  # fmt: skip
statuses = st.dictionaries(st.sampled_from(COUNTERS + OTHERS), numbers)
answers = st.one_of(st.none(), st.sampled_from(["refused", "timeout", "http 500", "not json"]), statuses, statuses)
memories = st.one_of(st.none(), st.builds(room, st.floats(0, 9), st.one_of(st.none(), st.integers(0, 1))))
environments = st.one_of(st.none(), st.just(EnvReading({})), st.just(EnvReading(None, "not permitted")))


HEADERS = (header(0.0, SLOTS), header(0.0, SLOTS, None), header(0.0, None, how="first sample"), None)


@st.composite
def ticks(draw: st.DrawFn, t: float) -> Sample:
    """One tick of anything."""
    workers = {}
    for slot in range(SLOTS):
        answer = draw(answers)
        pid = draw(st.sampled_from([None, 41, 41, 42]))
        if isinstance(answer, str):
            workers[w(slot)] = Observation(error=answer, pid=pid)
        elif answer is not None:
            workers[w(slot)] = Observation(status=WorkerStatus(answer), pid=pid)
    process = draw(st.sampled_from([None, (), (ProcessReading("worker", GB, worker=w(0), pid=41),)]))
    env = draw(environments)
    return flat_sample(
        t=t, workers=workers, memory=draw(memories), processes=process, environments={} if env is None else {w(0): env}
    )


@st.composite
def streams(draw: st.DrawFn, most: int = 15) -> list[Sample]:
    """Samples of anything, each block of them repeated for a while so that windows fill."""
    t, samples = 0.0, []
    for _ in range(draw(st.integers(1, most))):
        sample = draw(ticks(t))
        spacing = draw(spacings)
        for _again in range(draw(st.sampled_from([1, 1, 1, 3, 30]))):
            samples.append(replace(sample, t=t))
            t += spacing
    found = draw(
        st.sampled_from([header(0.0, SLOTS), header(0.0, SLOTS, None), header(0.0, None, how="first sample"), None])
    )
    return [replace(samples[0], run=found), *samples[1:]]


def public(snapshot: Snapshot) -> str:
    """Everything that code outside `step` may look at, as a text: NaN is unlike itself."""
    shown = {
        name: getattr(snapshot, name) for name in snapshot.__struct_fields__ if name not in ("state", "ended_runs")
    }
    return repr(shown)


QUESTIONS = ["components", "memory", "gameplay"]


@given(streams())
@RELAXED
def test_whatever_comes_there_is_a_verdict_with_its_reasons_and_everything_is_in_order(samples: list[Sample]) -> None:
    before: Snapshot | None = None
    kept: list[tuple[Snapshot, str]] = []
    for n, sample in enumerate(samples):
        after = play([sample], before=before)[-1]
        if n % 4 == 0:
            kept.append((after, public(after)))
        verdict = after.verdict
        assert isinstance(verdict.kind, VerdictKind)
        assert verdict.because
        assert all(verdict.because)
        assert verdict.changes_when
        # While a change is held back, the branch of an early STOP may be there before or after its word.
        assert [one.id for one in verdict.nodes] in (QUESTIONS, ["early", *QUESTIONS])
        assert all(one.evidence and one.short for one in verdict.nodes)
        assert len(after.events) <= MAX_EVENTS
        known = len(before.events) if before is not None and before.run.name == after.run.name else 0
        found = after.events[known:]
        assert all(a.t <= b.t for a, b in pairwise(found)), "the events of one step are ordered"
        for view in after.workers:
            assert view.generation == len(view.resets_t) + 1
            assert view.step_rate is None or view.step_rate >= 0
            for part in view.components:
                assert part.change_5m is None or part.change_5m >= 0
                assert all(growth >= 0 for growth in part.trend)
                assert len(part.trend) <= 60
        before = after
    for snapshot, text in kept:
        assert public(snapshot) == text, "a step changes nothing of what came before"


@given(streams())
@RELAXED
def test_the_same_samples_give_the_same_verdicts(samples: list[Sample]) -> None:
    once, again = play(samples, anew=True), play(samples, anew=True)
    assert [repr(one.verdict) for one in once] == [repr(one.verdict) for one in again]
    assert public(once[-1]) == public(again[-1])


@given(streams())
@RELAXED
def test_the_judges_read_the_words_that_the_views_show(samples: list[Sample]) -> None:
    for seen in play(samples):
        assert words(seen.state.record) == words(record_of_views(seen.workers))


@given(streams())
@RELAXED
def test_no_check_passes_or_fails_on_time_that_was_not_observed(samples: list[Sample]) -> None:
    samples = [replace(samples[0], run=header(0.0, SLOTS)), *samples[1:]]
    seen = play(samples)[-1]
    if seen.ended_runs or seen.gate.began_t is None:
        return
    for one in seen.gate.checks:
        if one.result not in ("PASS", "FAIL"):
            continue
        from_t, observed_s = one.due_t - 300, 0.0
        for a, b in pairwise([sample for sample in samples if sample.workers]):
            if 0 < b.t - a.t <= 90 and any(w.status for w in b.workers.values()):
                observed_s += max(0.0, min(b.t, one.due_t) - max(a.t, from_t))
        assert observed_s >= 150
        if one.result == "PASS":
            assert any(one.due_t - 90 <= s.t <= one.due_t + 90 and s.workers for s in samples)


@given(streams())
@RELAXED
def test_the_headline_follows_the_answers(samples: list[Sample]) -> None:
    for seen in play(samples, NO_HOLD):
        verdict = seen.verdict
        ended_t = seen.gate.start_up_ended_t
        over = ended_t is not None and seen.t >= ended_t + 1800
        if seen.memory.oom_kills_in_run:
            assert verdict.kind is VerdictKind.STOP
        elif not verdict.early and verdict.kind is not VerdictKind.WAITING:
            kind = verdict.would_be or verdict.kind
            # A late gate may keep a word back; nothing else does after the first 30 minutes.
            assert over or verdict.kind is VerdictKind.VALIDATING
            assert over <= (verdict.kind is not VerdictKind.VALIDATING or seen.gate.kind == "late")
            wanted = expected(*(one.answer for one in verdict.nodes if one.id in QUESTIONS))
            assert kind is wanted or kind is VerdictKind.CONTINUE
            if kind is VerdictKind.CONTINUE:
                assert wanted in (VerdictKind.CONTINUE, VerdictKind.LAUNCH_24H, VerdictKind.SUCCESS)


# Workers whose counters only grow: here more must never come of less


@dataclass(frozen=True)
class Growth:
    """Two workers that live through the gate without a reset; each field grows from one sample to another."""

    fates: dict[tuple[int, str], tuple[float, int, int]]
    bad: str
    proof: bool
    down: tuple[int, int]
    blind: tuple[int, int]

    def samples(self) -> list[Sample]:
        """Write it down."""
        samples = []
        for n in range(70):
            if self.blind[0] < n < self.blind[1]:
                continue
            workers = {w(slot): self._seen(slot, n) for slot in range(2)}
            samples.append(flat_sample(t=n * 30.0, workers=workers, memory=room()))
        return [replace(samples[0], run=header(0.0, 2, 30.0)), *samples[1:]]

    def _seen(self, slot: int, n: int) -> Observation:
        if slot == 0 and self.down[0] < n < self.down[1]:
            return Observation(error="refused")
        values: dict[str, Any] = {"step": n * 30.0, "gameplay_started": False}
        if self.proof:
            values["dynamic_ui_text_density"] = 0.2
        for name in COUNTERS:
            rate, from_n, to_n = self.fates.get((slot, name), (0.0, 0, 0))
            values[name] = rate * 30 * max(0, min(n, to_n) - from_n)
        if self.bad in values and n % 7 == 0:
            values[self.bad] = math.nan
        # Another name of the same number: it cannot say anything else.
        values["meta_learner_sequences_learned"] = values["meta_success_sequences"]
        return Observation(status=WorkerStatus(values))


moments = st.integers(0, 70)
stretches = st.tuples(moments, moments).map(lambda pair: (min(pair), max(pair)))
growths = st.builds(
    Growth,
    st.dictionaries(
        st.tuples(st.integers(0, 1), st.sampled_from(COUNTERS)),
        st.tuples(st.sampled_from([0.001, 0.01]), moments, moments),
        max_size=6,
    ),
    st.sampled_from([*COUNTERS, "none of them"]),
    st.booleans(),
    stretches,
    stretches,
)


def without_field(samples: list[Sample], name: str, slots: frozenset[int]) -> list[Sample]:
    """The same samples with one key gone from these workers."""
    return [
        replace(
            sample,
            workers={
                ref: replace(seen, status=WorkerStatus({k: v for k, v in seen.status.fields.items() if k != name}))
                if seen.status is not None and ref.slot in slots
                else seen
                for ref, seen in sample.workers.items()
            },
        )
        for sample in samples
    ]


GO = (VerdictKind.LAUNCH_24H, VerdictKind.SUCCESS, VerdictKind.CONTINUE)


@given(growths, st.sampled_from([*COUNTERS, "dynamic_ui_text_density"]), st.sampled_from([{0}, {1}, {0, 1}]))
@RELAXED
def test_a_missing_field_never_makes_a_pass(growth: Growth, name: str, slots: set[int]) -> None:
    samples = growth.samples()
    whole, less = play(samples)[-1], play(without_field(samples, name, frozenset(slots)))[-1]
    for had, has in zip(results(whole), results(less), strict=True):
        assert not (has == "PASS" and had != "PASS")
    if less.verdict.kind in GO:
        assert whole.verdict.kind in GO
    if less.verdict.kind is VerdictKind.LAUNCH_24H:
        assert whole.verdict.kind is VerdictKind.LAUNCH_24H
    gone = [p for view in less.workers if view.slot in slots for p in view.components if p.field == name]
    if name not in ("meta_success_sequences", "meta_learner_sequences_learned"):  # each is the other's alias
        assert all((p.value, p.samples_with_key) == (None, 0) for p in gone)


ZEROES = ("dynamic_ui_exploration_actions", "intrinsic_reward_total", "system2_trigger_engaged_count")


@given(growths, st.sampled_from(ZEROES))
@RELAXED
def test_zero_in_the_place_of_nothing_is_zero_and_never_shows(growth: Growth, name: str) -> None:
    both = frozenset({0, 1})
    gone = without_field(growth.samples(), name, both)
    gone = without_field(gone, "vlm_hints_used", both)
    zero = [
        replace(
            sample,
            workers={
                ref: replace(seen, status=WorkerStatus({**seen.status.fields, name: 0})) if seen.status else seen
                for ref, seen in sample.workers.items()
            },
        )
        for sample in gone
    ]
    for absent, present in zip(play(gone), play(zero), strict=True):
        for view, other in zip(absent.workers, present.workers, strict=True):
            for one, two in zip(view.components, other.components, strict=True):
                if one.field != name:
                    assert (one.state, one.window_activity) == (two.state, two.window_activity)
                elif one.state == "ABSENT":
                    assert two.state == "ZERO"
                    assert two.window_activity == one.window_activity == "silent"
                else:
                    assert two.window_activity != "showing"
        assert absent.verdict.kind is present.verdict.kind


@given(growths, st.integers(0, 69), st.integers(2, 40))
@RELAXED
def test_less_watching_never_makes_a_pass(growth: Growth, first: int, many: int) -> None:
    """A pass needs the end of its interval to be seen: blind there, it is none, whatever is seen elsewhere."""
    from_t, to_t = first * 30.0, (first + many) * 30.0
    thinned = [sample for sample in growth.samples() if sample.run is not None or not from_t <= sample.t < to_t]
    seen = play(thinned)[-1]
    for one in seen.gate.checks:
        if from_t <= one.due_t - 120 and one.due_t < to_t and many > 4:
            assert one.result != "PASS"


@pytest.mark.parametrize("memory", [None, room(8.0)])
def test_no_launch_without_memory(memory: Any) -> None:
    samples = [
        flat_sample(
            t=n * 30.0,
            workers={w(0): Observation(status=WorkerStatus(dict.fromkeys((*COUNTERS, "dynamic_ui_text_density"), n)))},
            memory=memory,
            run=header(0.0, 1, 30.0) if n == 0 else None,
        )
        for n in range(90)
    ]  # fmt: skip
    seen = play(samples)[-1]
    assert (seen.verdict.kind is VerdictKind.LAUNCH_24H) == (memory is not None)
    assert node(seen, "memory").answer == ("unknown" if memory is None else "yes")
    assert CONFIG.verdict.hold_evaluations == 2


def test_the_cache_of_the_tests_keeps_samples_apart_that_compare_equal() -> None:
    bad, alike = BadValue("nan", "NaN"), {"why": "nan", "text": "NaN"}
    values = (
        0,
        False,
        0.0,
        -0.0,
        1,
        True,
        1.0,
        None,
        "x",
        "\ud800",
        10**30,
        10**30 + 1,
        bad,
        alike,
        [1],
        [1.0],
        math.nan,
    )
    played = [play(script(lambda _s, _t, value=value: {"step": value}, workers=1, for_s=0))[0] for value in values]
    assert len(set(map(id, played))) == len(values)
    assert play(script(lambda _s, _t: {"step": 0}, workers=1, for_s=0))[0] is played[0]
