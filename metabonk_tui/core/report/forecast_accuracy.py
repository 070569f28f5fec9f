"""The forecast's own record: every warning it raised, what it foretold, and what came of it. Pure, from the events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from metabonk_tui.core.model.sample import Event
from metabonk_tui.core.model.snapshot import Snapshot

PredictionOutcome = Literal["came true", "called off", "overtaken", "open"]
"""overtaken: the pool was changed, or everything had to be learned anew, before it could show. open: the run ended."""
SEEN_LATE_S = 60.0
"""A kill may be told this much later than the fall that it ended."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """One warning of the forecast."""

    t: float
    state: Literal["WARNING", "CRITICAL"]
    gpu: int | None
    """Whose memory; None: the machine's."""
    zero_t: float | None
    """When memory was foretold to end; None: it was not noted."""
    zero_lo_t: float | None
    zero_hi_t: float | None
    outcome: PredictionOutcome = "open"
    ended_t: float | None = None
    """When it came true, was called off or overtaken."""
    floor_t: float | None = None
    """When available memory first fell below the floor while it stood."""

    @property
    def lead_s(self) -> float | None:
        """How long before it came true it was said; None: it did not come true."""
        return self.ended_t - self.t if self.outcome == "came true" and self.ended_t is not None else None

    @property
    def error_s(self) -> float | None:
        """How much later than foretold it came true, negative: sooner; None: it did not."""
        if self.outcome != "came true" or self.ended_t is None or self.zero_t is None:
            return None
        return self.ended_t - self.zero_t

    @property
    def within_band(self) -> bool | None:
        """Say whether it came true within its band; None: it did not come true, or there is no band."""
        if self.outcome != "came true" or self.ended_t is None or self.zero_lo_t is None or self.zero_hi_t is None:
            return None
        return self.zero_lo_t <= self.ended_t <= self.zero_hi_t


@dataclass(frozen=True, slots=True)
class ForecastRecord:
    """All it said in one run, and what it did not say."""

    raised: tuple[Prediction, ...]
    missed_t: tuple[float, ...]
    """OOM kills that nothing foretold."""
    note: str
    """Why there is nothing to judge; "" where there is."""


def forecast_record(last: Snapshot, events: Sequence[Event]) -> ForecastRecord:
    """Hold every warning against what came."""
    kills = [event.t for event in events if event.kind == "memory.oom"]
    done: list[Prediction] = []
    standing: dict[tuple[int | None, str], Prediction] = {}
    below = False
    for event in events:
        if event.kind == "memory.forecast":
            _take(event, standing, done, kills)
        elif event.kind in ("memory.low", "memory.critical"):
            fell = event.severity in ("warn", "crit") and not below
            below = event.severity in ("warn", "crit")
            for key, one in standing.items():
                if fell and one.gpu is None and one.floor_t is None:
                    standing[key] = replace(one, floor_t=event.t)
        elif event.kind == "memory.oom":
            _close(standing, done, None, ("WARNING", "CRITICAL"), "came true", event.t)
    raised = sorted((*done, *standing.values()), key=lambda one: one.t)
    foreseen = {one.ended_t for one in raised if one.outcome == "came true"}
    missed = tuple(t for t in kills if t not in foreseen)
    return ForecastRecord(tuple(raised), missed, _note(last, raised))


def _take(
    event: Event, standing: dict[tuple[int | None, str], Prediction], done: list[Prediction], kills: Sequence[float]
) -> None:
    facts = event.facts
    gpu, was = facts.get("gpu"), facts.get("was")
    if event.severity not in ("warn", "crit"):
        kill = next((t for t in kills if event.t <= t <= event.t + SEEN_LATE_S), None) if gpu is None else None
        anew = facts.get("state") in ("LEARNING", "SUSPENDED")
        outcome: PredictionOutcome = "came true" if kill is not None else "overtaken" if anew else "called off"
        _close(standing, done, gpu, ("WARNING", "CRITICAL"), outcome, event.t if kill is None else kill)
        return
    if was == "CRITICAL":
        # It eased: the louder word is taken back, the warning still stands.
        _close(standing, done, gpu, ("CRITICAL",), "called off", event.t)
        if (gpu, "WARNING") in standing:
            return
    state: Literal["WARNING", "CRITICAL"] = "CRITICAL" if event.severity == "crit" else "WARNING"
    zero_t, lo_t, hi_t = (_time(facts.get(key)) for key in ("zero_t", "zero_lo_t", "zero_hi_t"))
    standing.setdefault((gpu, state), Prediction(event.t, state, gpu, zero_t, lo_t, hi_t))


def _close(
    standing: dict[tuple[int | None, str], Prediction],
    done: list[Prediction],
    gpu: int | None,
    states: Sequence[str],
    outcome: PredictionOutcome,
    t: float,
) -> None:
    for state in states:
        one = standing.pop((gpu, state), None)
        if one is not None:
            done.append(replace(one, outcome=outcome, ended_t=t))


def _time(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _note(last: Snapshot, raised: Sequence[Prediction]) -> str:
    if raised:
        return ""
    if last.memory.min_available_bytes is None:
        return "no forecast was made: memory was not recorded"
    return "the forecast never warned"
