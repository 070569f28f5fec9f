"""The header of a demo says at every width that it is one, and how its time runs."""

from __future__ import annotations

import pytest

from tests.support.draw import text_of
from tests.support.samples import header, last, script


@pytest.mark.parametrize(
    ("wide", "high", "name", "pace"),
    [
        (80, 24, " DEMO leak  ", "LIVE 1 min = 2s"),
        (120, 40, " DEMO leak  run-0   gen 1   ", "LIVE 1 min = 2s"),
        (60, 20, " DEMO  ", "LIVE 0.3s ×30"),
        (40, 12, " DEMO  ", "LIVE 0.3s ×30"),
    ],
)
def test_a_demo_is_named_and_its_time_explained(wide: int, high: int, name: str, pace: str) -> None:
    snapshot = last(script(run=header(profile="demo: leak"), for_s=60))
    first = text_of(snapshot, wide, high, speed=30.0).splitlines()[0]
    assert first.startswith(name)
    assert pace in first


def test_training_is_no_demo_however_fast_its_clock_runs() -> None:
    first = text_of(last(script(run=header(profile="night"), for_s=60)), 120, 40, speed=30.0).splitlines()[0]
    assert "DEMO" not in first
    assert "LIVE 0.3s ×30" in first
