"""What real recordings amount to: the failed run that was not understood, a real pool, a kill by the kernel."""

from functools import cache
from pathlib import Path

import pytest

from metabonk_tui.adapters.recordings.jsonl_reader import read_jsonl
from metabonk_tui.adapters.recordings.metabonk_csv import read_folder
from metabonk_tui.core.model.snapshot import RunSummary, Snapshot, VerdictKind
from metabonk_tui.core.model.worker import ComponentState as S
from tests.support.paths import SHARED_DATA as DATA
from tests.support.refs import w
from tests.support.samples import changes, last, node, part, results, state, worker

FAILED, REAL, KILL = (
    DATA / "failed-run",
    DATA / "real" / "three-workers.jsonl",
    DATA / "memory" / "oom-reenacted.jsonl",
)


def there(path: Path) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not path.exists(), reason=f"the recording {path.name} is not on this machine")


# The failed run


@cache
def failed() -> Snapshot:
    return last(read_folder(sorted(FAILED.glob("*.csv")), []))


def first() -> RunSummary:
    return failed().ended_runs[0]


@there(FAILED)
def test_the_failed_run_was_two_runs_with_a_hole_of_over_six_hours() -> None:
    assert len(failed().ended_runs) == 1
    assert [(gap.from_t, gap.to_t) for gap in first().last.run.gaps] == [(4500.0, 27300.0)]
    assert first().last.run.elapsed_s == 4500
    assert (failed().run.started_at, failed().run.how) == (27300.0, "relaunch seen")
    assert failed().run.elapsed_s == 3900


@there(FAILED)
def test_it_was_a_stop_from_the_end_of_its_gate_on() -> None:
    assert changes(first().last) == [(0.0, "VALIDATING"), (1800.0, "STOP")]
    assert results(first().last) == ["FAIL"] * 6
    assert first().last.verdict.because[0].startswith("UI exploration, intrinsic reward, meta-sequences ABSENT on 5/5")
    assert node(first().last, "components").answer == "yes"


@there(FAILED)
def test_its_components_were_absent_and_not_zero_and_system2_was_asked_for_under_a_wrong_name() -> None:
    for slot in range(5):
        assert [view.state for view in worker(first().last, slot).components] == [
            S.ABSENT, S.ABSENT, S.UNOBSERVED, S.ABSENT, S.ZERO,
        ]  # fmt: skip
        assert part(first().last, "intrinsic_reward", slot).value is None
    assert "system2_engagements" in first().last.verdict.because[2]


@there(FAILED)
def test_every_reset_of_its_counters_is_found() -> None:
    assert [worker(first().last, slot).resets_t for slot in range(5)] == [
        (1800, 3900, 4500), (1500, 3900), (3600, 4500), (4200,), (3900, 4500),
    ]  # fmt: skip
    assert all(worker(failed(), slot).resets_t == () for slot in range(5))


@there(FAILED)
def test_its_two_hundredfold_jump_of_the_step_rate_is_an_event() -> None:
    found = [event for event in first().events if event.kind == "worker.rate" and event.worker == w(2)]
    assert any("×220 of its own past" in event.text for event in found)
    assert not [
        event for event in first().events if event.kind == "worker.rate" and event.worker in (w(0), w(1), w(3))
    ]


@there(FAILED)
def test_its_relaunch_showed_one_component_and_named_what_was_missing() -> None:
    assert failed().verdict.kind is VerdictKind.PARTIAL
    assert failed().verdict.because[0] == "never shown on any worker: intrinsic reward"
    assert state(failed(), "ui_exploration") is S.ACTIVE, "a proof that was not recorded does not count against it"
    assert (failed().gate.kind, results(failed())[0]) == ("late", "PARTIAL")


# A real pool


@there(REAL)
def test_a_real_pool_of_three_with_the_components_of_one_off() -> None:
    seen = last(read_jsonl(str(REAL), []))
    for slot in (0, 1):
        assert {view.state for view in worker(seen, slot).components} == {S.ACTIVE}
        assert worker(seen, slot).gameplay.corroborated
    # Its gameplay_started is true, and nothing corroborates it.
    assert [view.state for view in worker(seen, 2).components] == [
        S.UNPROVEN, S.ABSENT, S.ABSENT, S.ABSENT, S.UNPROVEN,
    ]  # fmt: skip
    assert not worker(seen, 2).gameplay.corroborated
    assert part(seen, "ui_exploration", 2).value == 94, "it climbs with the component off"
    assert seen.verdict.kind is VerdictKind.VALIDATING
    assert seen.run.gaps == ()
    assert all(view.generation == 1 for view in seen.workers)


# A kill by the kernel


@there(KILL)
def test_the_reenacted_crash_is_a_stop_that_stays() -> None:
    seen = last(read_jsonl(str(KILL), []))
    assert seen.verdict.kind is VerdictKind.STOP
    assert (seen.memory.oom_kills_in_run, seen.memory.oom_victims) == (1, ("ollama",))
    assert seen.memory.oom_since_t == 4010
    assert [kind for t, kind in changes(seen) if t >= 4010] == ["STOP"]
    assert (seen.memory.first_warning_t or 0) < 4010, "low memory was told before the kill"
    assert node(seen, "memory").answer == "no"
