"""Judges the forecast of a run: each warning with its prediction and outcome. Pure; derived from events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.model.sample import Event
from metabonk_tui.core.model.snapshot import Snapshot

PredictionOutcome = Literal["came true", "called off", "overtaken", "open"]
"""overtaken: a pool change or new learning came first. open: the run ended first."""
OF_MEMORY = (EventKind.MEMORY_FORECAST, EventKind.MEMORY_LOW, EventKind.MEMORY_CRITICAL, EventKind.MEMORY_OOM)
MAX_KILL_DELAY_S = 60.0
"""The kernel may report a kill this much later than the fall that it ended."""


class Prediction(Struct, frozen=True):
    """One warning of the forecast."""

    t: float
    state: Literal["WARNING", "CRITICAL"]
    gpu: int | None
    """Index of the GPU; None: the host's memory."""
    zero_t: float | None
    """The predicted time at which memory runs out; None: not in the event."""
    zero_lo_t: float | None
    zero_hi_t: float | None
    outcome: PredictionOutcome = "open"
    ended_t: float | None = None
    """When the outcome was decided; None: open."""
    floor_t: float | None = None
    """When available memory first fell below the floor during the warning."""

    @property
    def lead_s(self) -> float | None:
        """Seconds from the warning to the kill; None: it did not come true."""
        return self.ended_t - self.t if self.outcome == "came true" and self.ended_t is not None else None

    @property
    def error_s(self) -> float | None:
        """Seconds from the predicted to the actual time, negative if sooner; None: it did not come true."""
        if self.outcome != "came true" or self.ended_t is None or self.zero_t is None:
            return None
        return self.ended_t - self.zero_t

    @property
    def within_band(self) -> bool | None:
        """Whether the kill was within the band; None: it did not come true, or there is no band."""
        if self.outcome != "came true" or self.ended_t is None or self.zero_lo_t is None or self.zero_hi_t is None:
            return None
        return self.zero_lo_t <= self.ended_t <= self.zero_hi_t


class ForecastRecord(Struct, frozen=True):
    """The warnings of one run, and the kills without a warning."""

    raised: tuple[Prediction, ...]
    missed_t: tuple[float, ...]
    """Times of OOM kills that no warning predicted."""
    note: str
    """Why nothing can be judged; "": something can."""


def forecast_record(last: Snapshot, events: Sequence[Event]) -> ForecastRecord:
    """Match every warning with its outcome: each host's warnings with what happened on that host."""
    by_host: dict[str, list[Event]] = {}
    for event in events:
        if event.kind in OF_MEMORY:
            by_host.setdefault(str(event.facts.get("host", "")), []).append(event)
    found = [_of_host(each) for each in by_host.values()]
    raised = tuple(sorted((each for of_one, _ in found for each in of_one), key=lambda prediction: prediction.t))
    missed = tuple(sorted(t for _, of_one in found for t in of_one))
    return ForecastRecord(raised, missed, _note(last, raised))


def _of_host(events: Sequence[Event]) -> tuple[tuple[Prediction, ...], tuple[float, ...]]:
    """Return the warnings of one host, and the times of its kills that no warning predicted."""
    kills = [event.t for event in events if event.kind == EventKind.MEMORY_OOM]
    closed: list[Prediction] = []
    open_predictions: dict[tuple[int | None, str], Prediction] = {}
    below = False
    for event in events:
        if event.kind == EventKind.MEMORY_FORECAST:
            _apply_event(event, open_predictions, closed, kills)
        elif event.kind in (EventKind.MEMORY_LOW, EventKind.MEMORY_CRITICAL):
            fell = event.severity in ("warn", "crit") and not below
            below = event.severity in ("warn", "crit")
            for key, prediction in open_predictions.items():
                if fell and prediction.gpu is None and prediction.floor_t is None:
                    open_predictions[key] = replace(prediction, floor_t=event.t)
        elif event.kind == EventKind.MEMORY_OOM:
            _close(open_predictions, closed, None, ("WARNING", "CRITICAL"), "came true", event.t)
    raised = sorted((*closed, *open_predictions.values()), key=lambda prediction: prediction.t)
    predicted_t = {prediction.ended_t for prediction in raised if prediction.outcome == "came true"}
    missed = tuple(t for t in kills if t not in predicted_t)
    return tuple(raised), missed


def _apply_event(
    event: Event,
    open_predictions: dict[tuple[int | None, str], Prediction],
    closed: list[Prediction],
    kills: Sequence[float],
) -> None:
    facts = event.facts
    gpu, was = facts.get("gpu"), facts.get("was")
    gpu = gpu if isinstance(gpu, int) else None
    if event.severity not in ("warn", "crit"):
        kill = next((t for t in kills if event.t <= t <= event.t + MAX_KILL_DELAY_S), None) if gpu is None else None
        is_relearning = facts.get("state") in ("LEARNING", "SUSPENDED")
        outcome: PredictionOutcome = (
            "came true" if kill is not None else "overtaken" if is_relearning else "called off"
        )
        _close(open_predictions, closed, gpu, ("WARNING", "CRITICAL"), outcome, event.t if kill is None else kill)
        return
    if was == "CRITICAL":
        # The forecast eased: CRITICAL is called off, WARNING stays.
        _close(open_predictions, closed, gpu, ("CRITICAL",), "called off", event.t)
        if (gpu, "WARNING") in open_predictions:
            return
    state: Literal["WARNING", "CRITICAL"] = "CRITICAL" if event.severity == "crit" else "WARNING"
    zero_t, lo_t, hi_t = (_time(facts.get(key)) for key in ("zero_t", "zero_lo_t", "zero_hi_t"))
    open_predictions.setdefault((gpu, state), Prediction(event.t, state, gpu, zero_t, lo_t, hi_t))


def _close(
    open_predictions: dict[tuple[int | None, str], Prediction],
    closed: list[Prediction],
    gpu: int | None,
    states: Sequence[str],
    outcome: PredictionOutcome,
    t: float,
) -> None:
    for state in states:
        prediction = open_predictions.pop((gpu, state), None)
        if prediction is not None:
            closed.append(replace(prediction, outcome=outcome, ended_t=t))


def _time(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _note(last: Snapshot, raised: Sequence[Prediction]) -> str:
    if raised:
        return ""
    if last.run_memory.min_available_bytes is None:
        return "no forecast was made: memory was not recorded"
    return "the forecast never warned"
