"""A Snapshot as the JSON that `check --json` and `report --json` print. Every `*_s` counts from the start of its run.

Pure; knows the public names and nothing of how they come about.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from metabonk_tui.core.model.memory import BlackBox, Forecast, MemoryView, SwapView
from metabonk_tui.core.model.sample import Event
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import WorkerView
from metabonk_tui.core.report.first_seen import FirstSeen
from metabonk_tui.core.report.forecast_accuracy import ForecastRecord
from metabonk_tui.core.report.report_alerts import alerts_json
from metabonk_tui.core.report.run_history import RunHistory, histories_so_far
from metabonk_tui.core.report.summary import run_sentences

SCHEMA = 1
Report = dict[str, Any]
"""One run as JSON."""


def report(last: Snapshot) -> Report:
    """Write everything a live pool so far amounts to: the last run at the top, all under `runs`."""
    return report_histories(histories_so_far(last))


def report_histories(histories: Sequence[RunHistory]) -> Report:
    """Write several runs, oldest first. `runs` is there when there are several."""
    return join([run(one) for one in histories])


def join(reports: Sequence[Report]) -> Report:
    """Put the last of several runs at the top and all of them under `runs`."""
    last = dict(reports[-1])
    if len(reports) > 1:
        last["runs"] = list(reports)
    return last


def run(one: RunHistory) -> Report:
    """Write one run."""
    last = one.last
    start = last.run.started_at
    duration_s = max(0.0, last.t - start)

    def at(t: float | None) -> float | None:
        return None if t is None else round(t - start, 3)

    return {
        "schema": SCHEMA,
        "run": {
            "name": last.run.name,
            "started_at": start,
            "ended_at": last.t,
            "duration_s": round(duration_s, 3),
            "desired": last.run.desired,
            "source": last.run.source,
        },
        "verdict": {
            "word": last.verdict.kind.value,
            "since_s": at(last.verdict.since_t),
            "because": list(last.verdict.because),
        },
        "verdicts": [
            {"at_s": at(t), "word": word.value, "because": list(because)} for t, word, because in one.verdicts
        ],
        "in_short": list(run_sentences(one)),
        "first_seen": [_first_seen(each, last) for each in one.first_seen],
        "nodes": {node.id: node.answer for node in last.verdict.nodes},
        "checks": [
            {"n": check.n, "at_s": at(check.due_t), "result": check.result, "because": check.because}
            for check in last.gate.checks
            if check.result != "TO COME"
        ],
        "workers": [_worker(worker, start, duration_s) for worker in last.workers],
        "memory": {
            "min_available_bytes": last.memory.min_available_bytes,
            "oom_kills": last.memory.oom_kills_in_run,
            "first_warning_s": at(last.memory.first_warning_t),
            "first_critical_s": at(last.memory.first_critical_t),
            "forecast": _forecast(last.memory.forecast, start),
            "forecasts": _record(one.forecasts, start),
            "swap": _swap(last.memory.swap),
            "gpus": _gpus(last.memory, start),
            "growth": [
                {
                    "name": one.name,
                    "bytes": one.bytes,
                    "bytes_per_min": None if one.bytes_per_min is None else round(one.bytes_per_min),
                    "since_s": at(one.since_t),
                }
                for one in last.memory.growth
            ],
            "kernel_log": last.memory.kernel_log,
            "black_box": _black_box(last.memory.black_box, start),
        },
        "alerts": alerts_json(last.alerts, start, last.t),
        "events": [_event(event, start) for event in one.events],
        "gaps": [{"from_s": at(gap.from_t), "to_s": at(gap.to_t)} for gap in last.run.gaps],
        "causes": [
            {
                "id": cause.id,
                "name": cause.name,
                "workers": [ref.written for ref in cause.workers],
                "confidence": cause.confidence,
                "because": cause.because,
                "confirm": cause.confirm,
                "fix": cause.fix,
            }
            for cause in last.causes
        ],
    }


def _first_seen(one: FirstSeen, last: Snapshot) -> Report:
    return {
        "id": one.id,
        "at_s": round(one.t - last.run.started_at, 3),
        "before_end_s": round(max(0.0, last.t - one.t), 3),
        "severity": "info" if one.severity == "ok" else one.severity,
        "components": list(one.components),
        "workers": [ref.written for ref in one.workers],
        "text": one.text,
    }


def _record(record: ForecastRecord, start: float) -> Report:
    """Write what the forecast said, and what came of it."""

    def at(t: float | None) -> float | None:
        return None if t is None else round(t - start, 3)

    return {
        "note": record.note,
        "raised": [
            {
                "at_s": at(one.t),
                "state": one.state,
                "gpu": one.gpu,
                "zero_s": at(one.zero_t),
                "zero_band_s": [at(one.zero_lo_t), at(one.zero_hi_t)],
                "outcome": one.outcome,
                "ended_s": at(one.ended_t),
                "floor_s": at(one.floor_t),
                "lead_s": None if one.lead_s is None else round(one.lead_s, 3),
                "error_s": None if one.error_s is None else round(one.error_s, 3),
                "within_band": one.within_band,
            }
            for one in record.raised
        ],
        "missed_kills_s": [at(t) for t in record.missed_t],
    }


def _forecast(forecast: Forecast | None, start: float) -> Report | None:
    """Write a forecast as it stands."""
    if forecast is None:
        return None

    def at(t: float | None) -> float | None:
        return None if t is None else round(t - start, 3)

    return {
        "state": forecast.state,
        "since_s": at(forecast.since_t),
        "text": forecast.text,
        "falling_since_s": at(forecast.falling_since_t),
        "bytes_per_min": round(forecast.slope_bytes_per_min) if forecast.known else None,
        "zero_s": at(forecast.reaches_zero_t),
        "zero_band_s": [at(forecast.zero_lo_t), at(forecast.zero_hi_t)],
        "floor_s": at(forecast.reaches_floor_t),
        "floor_band_s": [at(forecast.floor_lo_t), at(forecast.floor_hi_t)],
    }


def _swap(swap: SwapView | None) -> Report | None:
    if swap is None:
        return None
    growth = None if swap.bytes_per_min is None else round(swap.bytes_per_min)
    return {
        "level": swap.level,
        "used_bytes": swap.used_bytes,
        "total_bytes": swap.total_bytes,
        "bytes_per_min": growth,
        "text": swap.text,
    }


def _gpus(memory: MemoryView, start: float) -> list[Report] | None:
    if memory.gpus is None:
        return None
    return [
        {
            "index": gpu.index,
            "used_bytes": gpu.used_bytes,
            "total_bytes": gpu.total_bytes,
            "forecast": _forecast(gpu.forecast, start),
        }
        for gpu in memory.gpus
    ]


def _black_box(box: BlackBox | None, start: float) -> Report | None:
    if box is None:
        return None
    return {
        "kill_s": round(box.kill_t - start, 3),
        "points": [
            {"at_s": round(point.t - start, 3), "available_bytes": point.available_bytes, "held": dict(point.held)}
            for point in box.points
        ],
    }


def _worker(worker: WorkerView, start: float, duration_s: float) -> Report:
    if duration_s > 0:
        observed = min(1.0, worker.observed_s / duration_s)
    else:
        observed = 1.0 if worker.status is not None else 0.0
    health = worker.health
    return {
        "slot": worker.ref.written,
        "generations": worker.generation,
        "deaths": [
            {
                "at_s": round(life.ended.t - start, 3),
                "generation": life.number,
                "pid": life.pid,
                "word": life.ended.reason,
                "text": life.ended.text,
                "exit_code": life.ended.exit_code,
                "signal": life.ended.signal,
                "evidence": life.ended.evidence,
            }
            for life in worker.generations
            if life.ended is not None
        ],
        "resets_at_s": [round(t - start, 3) for t in worker.resets_t],
        "observed": round(observed, 4),
        "components": {component.id: component.state.value for component in worker.components},
        "conduct": None
        if health is None
        else {"word": health.state.value, "since_s": round(health.since_t - start, 3), "why": health.why},
    }


def _event(event: Event, start: float) -> Report:
    return {
        "at_s": round(event.t - start, 3),
        "kind": event.kind,
        "severity": "info" if event.severity == "ok" else event.severity,
        "worker": None if event.worker is None else event.worker.written,
        "text": event.text,
    }
