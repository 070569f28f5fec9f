"""Filters: each condition on a worker that meets it, one that does not, and one of which the number is not known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from metabonk_tui.core.worker.filters import NUMBERS, components_of, parse_filter
from metabonk_tui.core.worker.metrics import WORKER_METRICS
from tests.support import snapshots as scenes

SCENE = scenes.mixed()
COMPONENTS = components_of(SCENE)
KNOWN = replace(
    SCENE.workers[0],
    rss_bytes=1_500_000_000,
    step_rate=0.5,
    generation=2,
    pid=4711,
    pid_started_at=SCENE.t - 240,
    ui_state="menu_ui",
)
UNKNOWN = replace(KNOWN, rss_bytes=None, step_rate=None, pid=None, pid_started_at=None, ui_state=None)


@pytest.mark.parametrize(
    ("text", "known", "unknown"),
    [
        ("", True, True),
        ("!", True, True),
        ("rss>1g", True, None),
        ("rss>1.5g", False, None),
        ("rss>=1500mb", True, None),
        ("!rss>1g", False, None),
        ("!rss>2g", True, None),
        ("rss!=1500m", False, None),
        ("rss=?", False, True),
        ("rss!=?", True, False),
        ("rss>0", True, None),
        ("RSS>1G", True, None),
        ("up<5m", True, None),
        ("up>3m59s", True, None),
        ("up>240", False, None),
        ("rate<1", True, None),
        ("step/s=0.5", True, None),
        ("gen=2", True, True),
        ("gen>2", False, False),
        ("slot=0 pid=4711", True, None),
        ("slot=1 pid=4711", False, False),
        ("pid=?", False, True),
        ("state=menu", True, None),
        ("state!=menu", False, None),
        ("state=?", False, True),
        ("host=nowhere", False, False),
        ("w0", True, True),
        ("!w0", False, False),
        ("w0 rss>2g", False, None),
    ],
)
def test_a_condition(text: str, known: bool | None, unknown: bool | None) -> None:
    wanted = parse_filter(text, COMPONENTS)
    assert wanted.error == ""
    assert (wanted.matches(KNOWN, SCENE.t), wanted.matches(UNKNOWN, SCENE.t)) == (known, unknown)


@pytest.mark.parametrize(
    ("name", "component"),
    [
        ("ui", "ui_exploration"),
        ("ui_expl", "ui_exploration"),
        ("intr", "intrinsic_reward"),
        ("sys2", "system2"),
        ("meta", "meta"),
        ("meta-seq", "meta"),
        ("game", "ui_to_gameplay"),
    ],
)
def test_a_component_has_short_names(name: str, component: str) -> None:
    part = next(part for part in SCENE.workers[0].components if part.id == component)
    text = f"{name}={part.state.value.lower()[:4]}"
    wanted = parse_filter(text, COMPONENTS)
    assert wanted.error == ""
    same = [any(p.id == component and p.state is part.state for p in w.components) for w in SCENE.workers]
    assert [wanted.matches(worker, SCENE.t) for worker in SCENE.workers] == same
    assert parse_filter(f"{name}>-1", COMPONENTS).error == ""


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("rss>", "rss> needs a size; try rss>1g"),
        ("rss>1x", "rss: `1x` is not a size; try rss>1g"),
        ("rss>1", "rss: `1` has no unit; try rss>1g"),
        ("rss>?", "rss: only = and != ask what is not known; try rss=?"),
        ("up<5x", "up: `5x` is not a time; try up<5m"),
        ("up<5m5", "up: `5m5` is not a time; try up<5m"),
        ("gen>x", "gen: `x` is not a number; try gen>1"),
        ("state>menu", "state: only = and != compare a text; try state=menu"),
        ("state=", "state= needs a text; try state=menu"),
        ("meta=gone", "meta: `gone` is no state and no number; try meta=absent"),
        ("meta>absent", "meta: only = and != compare a state; try meta=absent"),
        ("rsss>1g", "rsss: no such field; did you mean rss?"),
        ("zzz=1", "zzz: no such field; try rss, step, rate, up, gen, pid, state, meta"),
        (">1g", ">1g: a field is missing; try rss>1g"),
    ],
)
def test_an_error_is_named_and_the_other_conditions_hold(text: str, error: str) -> None:
    wanted = parse_filter(f"w0 {text}", COMPONENTS)
    assert wanted.error == error
    assert [condition.text for condition in wanted.conditions] == ["w0"]


def test_every_number_of_a_worker_is_a_field() -> None:
    assert {metric.id for metric in WORKER_METRICS} <= set(NUMBERS)


TERMS = st.text("rsupgenmta<>=!?0123456789.kmgwo:-+ \t\N{LATIN SMALL LETTER U WITH DIAERESIS}", max_size=24)


@given(TERMS | st.text(max_size=24))
def test_no_text_raises(text: str) -> None:
    wanted = parse_filter(text, COMPONENTS)
    assert wanted.matches(KNOWN, SCENE.t) in (True, False, None)
    assert wanted.matches(UNKNOWN, SCENE.t) in (True, False, None)


def test_ill_is_every_worker_that_needs_attention_and_a_longer_word_is_text() -> None:
    def found(text: str) -> list[int]:
        asked = parse_filter(text, COMPONENTS)
        return [worker.slot for worker in SCENE.workers if asked.matches(worker, SCENE.t)]

    assert found("ill") == [1, 2, 3, 4, 5]
    assert found("!ILL") == [0]
    assert found("illness") == []
