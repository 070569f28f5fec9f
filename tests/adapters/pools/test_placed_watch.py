"""How often an engine is asked: it serves others too."""

from __future__ import annotations

import time

import pytest

from metabonk_tui.adapters.pools.placed_watch import PlacedWatch
from metabonk_tui.adapters.ray.actors import Actor, Record
from metabonk_tui.engine.clock import RunClock


class Slow(PlacedWatch[Actor, Record]):
    """An engine that takes some seconds for each answer, or fails."""

    def __init__(self, now_s: list[float], took_s: float, problem: str) -> None:
        super().__init__(RunClock(), 180.0)
        self.asked: list[float] = []
        self._now_s, self._took_s, self._problem = now_s, took_s, problem

    def _ask(self, limit_s: float) -> str:
        self.asked.append(self._now_s[0])
        self._now_s[0] += self._took_s
        return self._problem


@pytest.mark.parametrize(
    ("took_s", "problem", "asked"),
    [
        (0.0, "", [0, 5, 10, 15]),
        (0.25, "", [0.0, 5.25, 10.5, 15.75]),
        # Twenty times its length, and never less often than once a minute.
        (1.0, "", [0, 21, 42, 63]),
        (9.0, "", [0, 69, 138, 207]),
        (0.0, "down", [0, 10, 30, 70]),
        # The time of a question that was not answered says nothing of its cost.
        (1.0, "down", [0, 11, 32, 73]),
    ],
)
def test_a_slow_or_failing_engine_is_asked_less_often(
    monkeypatch: pytest.MonkeyPatch, took_s: float, problem: str, asked: list[float]
) -> None:
    now_s = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now_s[0])
    watch = Slow(now_s, took_s, problem)
    for _ in range(1000):
        watch.look_if_due()
        now_s[0] += 0.25
    assert watch.asked[:4] == pytest.approx(asked, abs=0.26)
