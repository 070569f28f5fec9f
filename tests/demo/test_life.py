"""What a worker reports, as pure functions: MetaBonk's names, types and absences, and counters that only grow."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metabonk_tui.demo.document import document
from metabonk_tui.demo.envfile import flags_of
from metabonk_tui.demo.flags import Flags
from metabonk_tui.demo.launcher import PROFILE
from metabonk_tui.demo.life import Life
from metabonk_tui.demo.numbers import oscillating, rising, unit
from metabonk_tui.demo.pool import PoolLocation
from metabonk_tui.demo.system2 import System2
from tests.support.paths import SHARED_DATA

REAL = SHARED_DATA / "real"
ON = flags_of(PoolLocation(Path("/nowhere"), 20_000), enabled=True) | PROFILE
COUNTERS = (
    "step",
    "actions_total",
    "dynamic_ui_exploration_actions",
    "intrinsic_reward_total",
    "meta_success_sequences",
    "scenes_discovered",
    "system2_trigger_engaged_count",
    "vlm_hints_used",
)
MINUTE = 60.0


def status(environ: dict[str, str], t: float, slot: int = 0, *, answers: bool = True) -> dict[str, Any]:
    """What a worker of this environment says at a run second, as JSON brings it."""
    flags = Flags.read(environ)
    system2 = System2(slot, flags, lambda text: None)
    system2.update(t, 1000.0 + t, answers=answers and bool(flags.ollama))
    return json.loads(json.dumps(document(Life(slot, flags), system2.fields(t), t, 1000.0 + t, "/run")))


def without(*keys: str, **changed: str) -> dict[str, str]:
    return {key: value for key, value in ON.items() if key not in keys} | changed


@given(slot=st.integers(0, 63), times=st.lists(st.floats(0, 200_000), min_size=2, max_size=8), on=st.booleans())
def test_no_counter_ever_falls(slot: int, times: list[float], on: bool) -> None:
    environ = ON if on else dict(PROFILE)
    seen = [status(environ, t, slot) for t in sorted(times)]
    for name in COUNTERS:
        values = [fields[name] for fields in seen if name in fields]
        assert values == sorted(values)
    latch = [fields["gameplay_started"] for fields in seen]
    assert latch == sorted(latch)


@given(slot=st.integers(0, 63))
def test_every_life_starts_at_zero(slot: int) -> None:
    fields = status(ON, 0.0, slot)
    assert {name: fields[name] for name in COUNTERS} == dict.fromkeys(COUNTERS, 0)
    assert fields["gameplay_started"] is False


@given(t=st.floats(0, 1e6), rate=st.floats(0.01, 1000), key=st.integers())
def test_a_rising_number_keeps_its_pace(t: float, rate: float, key: int) -> None:
    assert 0 <= rising(t, rate, key) <= rising(t + 1, rate, key)
    assert rising(t, rate, key) == pytest.approx(rate * t / 60, abs=rate / 60 * 150)


@given(t=st.floats(0, 1e6), key=st.integers())
def test_a_swaying_number_stays_in_its_range(t: float, key: int) -> None:
    assert 2.0 <= oscillating(t, 2.0, 3.0, key) <= 3.0
    assert 0 <= unit(t, key) <= 1


@pytest.mark.parametrize("slot", range(16))
def test_a_healthy_worker_is_in_its_expected_ranges_after_the_gate(slot: int) -> None:
    fields = status(ON, 30 * MINUTE, slot)
    assert 5 <= fields["dynamic_ui_exploration_actions"] <= 20
    assert 0.05 <= fields["intrinsic_reward_total"] <= 0.5
    assert 2 <= fields["system2_trigger_engaged_count"] <= 10
    assert 0 < fields["vlm_hints_used"] <= fields["system2_trigger_engaged_count"]
    assert 0.2 <= fields["step"] / (30 * MINUTE) <= 0.6


@pytest.mark.parametrize("slot", range(8))
def test_components_that_are_due_grow_in_every_ten_minutes(slot: int) -> None:
    names = ("dynamic_ui_exploration_actions", "intrinsic_reward_total", "system2_trigger_engaged_count")
    for begin in range(0, 240, 10):
        before, after = status(ON, begin * MINUTE, slot), status(ON, (begin + 10) * MINUTE, slot)
        for name in names:
            assert after[name] > before[name], (name, begin)


@pytest.mark.parametrize("slot", range(16))
def test_gameplay_comes_after_the_gate_and_well_within_two_hours_with_other_signs_of_it(slot: int) -> None:
    at = Life(slot, Flags.read(ON)).gameplay_at_s
    assert at is not None
    assert 36 * MINUTE <= at <= 60 * MINUTE
    before, after = status(ON, at - 1, slot), status(ON, at + 1, slot)
    assert (before["gameplay_started"], after["gameplay_started"]) == (False, True)
    assert (before["hud_present"], after["hud_present"]) == (False, True)
    assert after["dynamic_ui_state_type"] == "gameplay"
    assert 1.1 < after["intrinsic_reward_total"] - before["intrinsic_reward_total"] < 1.2
    assert after["reward"] > 10 * before["reward"]
    assert status(ON, at + 2 * MINUTE, slot)["meta_success_sequences"] >= 1
    day = status(ON, 24 * 3600.0, slot)
    assert 20 <= day["intrinsic_reward_total"] // 1.15 <= 80


def test_classifier_inputs_vary_from_poll_to_poll() -> None:
    seen = {status(ON, 600 + second, 0)["dynamic_ui_text_density"] for second in range(50)}
    assert len(seen) > 40


GATED = {
    "METABONK_DYNAMIC_UI_EXPLORATION": ["dynamic_ui_text_density", "dynamic_ui_motion", "dynamic_ui_ui_shape_count"],
    "METABONK_INTRINSIC_REWARD": ["intrinsic_reward", "intrinsic_reward_total", "intrinsic_ui_context"],
    "METABONK_META_LEARNING": ["meta_success_sequences", "meta_learner_sequences_learned", "meta_learning_enabled"],
    "METABONK_SYSTEM2_ENABLED": ["system2_trigger_engaged_count", "system2_trigger_mode"],
}


@pytest.mark.parametrize("flag", GATED)
@pytest.mark.parametrize("value", [None, "0", "false", "", "2"])
def test_a_component_is_absent_unless_its_flag_is_on(flag: str, value: str | None) -> None:
    off = status(without(flag) if value is None else without(**{flag: value}), 3600)
    on = status(ON, 3600)
    for name in GATED[flag]:
        assert name in on
        assert name not in off
    others = [name for other, names in GATED.items() if other != flag for name in names]
    assert all(name in off for name in others)


@pytest.mark.parametrize("value", ["1", "true", "YES", "on", " On "])
def test_flags_are_truthy_as_in_metabonk(value: str) -> None:
    assert "meta_success_sequences" in status(without(METABONK_META_LEARNING=value), 60)


def test_intrinsic_reward_is_silently_not_applied_in_pure_vision() -> None:
    fields = status(without("METABONK_INTRINSIC_APPLY_IN_PURE_VISION"), 7200)
    assert fields["intrinsic_reward_total"] == 0.0
    assert "intrinsic_ui_context" not in fields
    elsewhere = status(without("METABONK_INTRINSIC_APPLY_IN_PURE_VISION", METABONK_PURE_VISION_MODE="0"), 7200)
    assert elsewhere["intrinsic_reward_total"] > 0


def test_exploration_actions_climb_with_the_component_off() -> None:
    fields = status(without("METABONK_DYNAMIC_UI_EXPLORATION"), 1800)
    assert fields["dynamic_ui_exploration_actions"] > 20
    assert fields["dynamic_ui_epsilon"] == 0.9
    assert fields["dynamic_ui_state_type"] == "uncertain"
    assert status(without("METABONK_DYNAMIC_UI_EXPLORATION"), 24 * 3600)["gameplay_started"] is False


def test_the_epsilons_are_those_of_the_environment() -> None:
    ours = without(METABONK_DYNAMIC_EPS_UI="0.7", METABONK_DYNAMIC_EPS_BASE="0.2")
    assert status(ours, 1800)["dynamic_ui_epsilon"] == 0.7
    assert status(ours, 50 * MINUTE)["dynamic_ui_epsilon"] == 0.2


def test_mode_always_never_counts_engagements_but_uses_hints() -> None:
    fields = status(without("METABONK_SYSTEM2_TRIGGER_MODE"), 3600)
    assert fields["system2_trigger_engaged_count"] == 0.0
    assert fields["system2_trigger_reason"] == "always"
    assert fields["vlm_hints_used"] > 0


def test_without_ollama_engagements_rise_and_hints_do_not() -> None:
    fields = status(ON, 3600, answers=False)
    assert fields["system2_trigger_engaged_count"] > 0
    assert fields["vlm_hints_used"] == 0
    assert fields["system2_reasoning"] is None


def test_meta_learns_once_per_process_with_the_code_defaults() -> None:
    fields = status(without("METABONK_META_LEARNER_PRE_GAMEPLAY_ONLY"), 24 * 3600)
    assert fields["meta_success_sequences"] == 1.0
    assert status(ON, 24 * 3600)["meta_success_sequences"] > 3


def test_episodes_follow_each_other() -> None:
    life = Life(0, Flags.read(ON))
    times = [minute * MINUTE for minute in range(0, 600, 3)]
    indices = [life.episodes(t)[0] for t in times]
    assert indices == sorted(indices)
    assert indices[0] == 0
    assert indices[-1] > 10
    assert all(life.episodes(t)[1] >= 0 for t in times)


@pytest.mark.parametrize(
    ("name", "environ"),
    [
        ("full", ON),
        ("code-defaults", dict(PROFILE)),
        ("intrinsic-not-applied-in-pure-vision", without("METABONK_INTRINSIC_APPLY_IN_PURE_VISION")),
        ("bad-system2-backend", without(METABONK_SYSTEM2_BACKEND="none")),
    ],
)
def test_the_document_has_the_real_ones_fields_and_types(name: str, environ: dict[str, str]) -> None:
    source = REAL / f"status-{name}.json"
    if not source.exists():
        pytest.skip("the recordings of the real worker are not beside this checkout")
    real = json.loads(source.read_text())
    ours = status(environ, 50 * MINUTE)
    assert ours.keys() == real.keys()
    for key, value in real.items():
        if value is not None and ours[key] is not None:
            assert type(ours[key]) is type(value), key
    assert all(math.isfinite(value) for value in ours.values() if isinstance(value, float))
