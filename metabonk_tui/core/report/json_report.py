"""Writes a run as the JSON of `check --json` and `report --json`. Every `*_s` counts from the run's start.

Pure. Does not: judge; it only names the fields.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from metabonk_tui.core.model.alert import Alert
from metabonk_tui.core.model.ending import RunEnd
from metabonk_tui.core.model.memory import BlackBox, Forecast, MemoryView, SwapView
from metabonk_tui.core.model.sample import Event, known_waiting
from metabonk_tui.core.model.snapshot import Snapshot, source_of
from metabonk_tui.core.model.worker import ComponentView, WorkerView
from metabonk_tui.core.report.first_seen import FirstSeen
from metabonk_tui.core.report.forecast_accuracy import ForecastRecord
from metabonk_tui.core.report.obituary_json import obituaries
from metabonk_tui.core.report.run_history import RunHistory, histories_so_far
from metabonk_tui.core.report.summary import run_sentences
from metabonk_tui.core.worker.metrics import WORKER_METRICS

SCHEMA = 1
Report = dict[str, Any]
"""One run as JSON."""


def report(last: Snapshot) -> Report:
    """Return the report of a live pool: the last run at the top, several runs under `runs`."""
    return report_histories(histories_so_far(last))


def report_histories(histories: Sequence[RunHistory]) -> Report:
    """Return the report of runs given oldest first. `runs` is present only for several."""
    return join([run(one) for one in histories])


def join(reports: Sequence[Report]) -> Report:
    """Return the last report with all of several reports under `runs`."""
    last = dict(reports[-1])
    if len(reports) > 1:
        last["runs"] = list(reports)
    return last


def run(history: RunHistory) -> Report:
    """Return the report of one run."""
    last = history.last
    start = last.run.started_at
    duration_s = max(0.0, ended_t(last) - start)

    tree = {
        "schema": SCHEMA,
        "run": {
            "name": last.run.name,
            "started_at": start,
            "ended_at": ended_t(last),
            "duration_s": round(duration_s, 3),
            "desired": last.run.desired,
            "source": source_of(last.run.source, last.run.profile),
        },
        "verdict": {
            "word": last.verdict.kind.value,
            "since_t": last.verdict.since_t,
            "because": list(last.verdict.because),
        },
        **_end(last.verdict.ended),
        "verdicts": [
            {"at_t": t, "word": word.value, "because": list(because)} for t, word, because in history.verdicts
        ],
        "in_short": list(run_sentences(history)),
        "first_seen": [_first_seen(each, last) for each in history.first_seen],
        "nodes": {node.id: node.answer for node in last.verdict.nodes},
        "gate": {"kind": last.gate.kind, "began_t": last.gate.began_t, "passed": last.gate.count("PASS")},
        "checks": [
            {"n": check.n, "at_t": check.due_t, "result": check.result, "because": check.because}
            for check in last.gate.checks
            if check.result != "TO COME"
        ],
        "workers": [_worker(worker, duration_s) for worker in last.workers],
        "obituaries": obituaries(last),
        "earlier_obituaries": last.earlier_obituaries,
        "memory": {
            "min_available_bytes": last.run_memory.min_available_bytes,
            "oom_kills": last.run_memory.known_kills,
            "first_warning_t": last.run_memory.first_warning_t,
            "first_critical_t": last.run_memory.first_critical_t,
            "forecast": _forecast(last.run_memory.forecast),
            "forecasts": _record(history.forecasts),
            "swap": _swap(last.run_memory.swap),
            "gpus": _gpus(last.run_memory),
            "growth": [
                {
                    "name": history.name,
                    "bytes": history.bytes,
                    "bytes_per_min": None if history.bytes_per_min is None else round(history.bytes_per_min),
                    "since_t": history.since_t,
                }
                for history in last.run_memory.growth
            ],
            "kernel_log": last.run_memory.kernel_log,
            "black_box": _black_box(last.run_memory.black_box),
        },
        **_hosts(last),
        **_waiting(last),
        "alerts": _alerts(last.alerts, last.t),
        "events": [_event(event) for event in history.events],
        "gaps": [{"from_t": gap.from_t, "to_t": gap.to_t} for gap in last.run.gaps],
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
    return {key: relative_times(value, start) for key, value in tree.items()}


def ended_t(last: Snapshot) -> float:
    """Return when a run was last seen, which is before the last samples of a run that is over."""
    return last.t if last.verdict.ended is None else last.verdict.ended.last_seen_t


def _hosts(last: Snapshot) -> Report:
    """Return each host of a pool on several: how it answered at the end, and its memory."""
    if not last.has_several_hosts:
        return {}
    return {
        "hosts": [
            {
                "name": name,
                "state": "UP" if host.link is None else host.link.state,
                "since_t": None if host.link is None else host.link.since_t,
                "reason": "" if host.link is None else host.link.reason,
                "available_bytes": host.memory.available_bytes,
                "min_available_bytes": host.memory.min_available_bytes,
                "oom_kills": host.memory.known_kills,
            }
            for name, host in sorted(last.hosts.items())
        ]
    }


def _waiting(last: Snapshot) -> Report:
    """Return the workers of a cluster that wait for a place at the end; None: its engine did not answer then."""
    if not last.pool.placed:
        return {}
    waiting = known_waiting(last.pool)
    if waiting is None:
        return {"waiting": None}
    return {
        "waiting": [
            {
                "slot": each.slot,
                "job": each.job,
                "state": each.state,
                "reason": each.reason,
                "since_t": each.since_t,
            }
            for each in waiting
        ]
    }


def _end(end: RunEnd | None) -> Report:
    """Return how the run ended, if it is over."""
    if end is None:
        return {}
    return {"end": {"reason": end.reason, "text": end.text, "missing_t": end.t, "last_seen_t": end.last_seen_t}}


def relative_times(tree: Any, start: float) -> Any:
    """Rename keys `*_t` to `*_s` and make their times relative to `start`. Text values stay unchanged."""
    if isinstance(tree, dict):
        return dict(_relative(key, value, start) for key, value in tree.items())
    return [relative_times(each, start) for each in tree] if isinstance(tree, list) else tree


def _relative(key: str, value: Any, start: float) -> tuple[str, Any]:
    if not key.endswith("_t") or isinstance(value, str | dict):
        return key, relative_times(value, start)
    return f"{key.removesuffix('_t')}_s", [_since(t, start) for t in value] if isinstance(value, list) else _since(
        value, start
    )


def _since(t: float | None, start: float) -> float | None:
    return None if t is None else round(t - start, 3)


def _first_seen(first_seen: FirstSeen, last: Snapshot) -> Report:
    return {
        "id": first_seen.id,
        "at_t": first_seen.t,
        "before_end_s": round(max(0.0, last.t - first_seen.t), 3),
        "severity": "info" if first_seen.severity == "ok" else first_seen.severity,
        "components": list(first_seen.components),
        "workers": [ref.written for ref in first_seen.workers],
        "text": first_seen.text,
    }


def _record(record: ForecastRecord) -> Report:
    """Return the warnings of the forecast and their outcomes."""

    return {
        "note": record.note,
        "raised": [
            {
                "at_t": one.t,
                "state": one.state,
                "gpu": one.gpu,
                "zero_t": one.zero_t,
                "zero_band_t": [one.zero_lo_t, one.zero_hi_t],
                "outcome": one.outcome,
                "ended_t": one.ended_t,
                "floor_t": one.floor_t,
                "lead_s": None if one.lead_s is None else round(one.lead_s, 3),
                "error_s": None if one.error_s is None else round(one.error_s, 3),
                "within_band": one.within_band,
            }
            for one in record.raised
        ],
        "missed_kills_t": list(record.missed_t),
    }


def _forecast(forecast: Forecast | None) -> Report | None:
    if forecast is None:
        return None

    return {
        "state": forecast.state,
        "since_t": forecast.since_t,
        "text": forecast.text,
        "falling_since_t": forecast.falling_since_t,
        "bytes_per_min": round(forecast.slope_bytes_per_min) if forecast.known else None,
        "zero_t": forecast.reaches_zero_t,
        "zero_band_t": [forecast.zero_lo_t, forecast.zero_hi_t],
        "floor_t": forecast.reaches_floor_t,
        "floor_band_t": [forecast.floor_lo_t, forecast.floor_hi_t],
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


def _gpus(memory: MemoryView) -> list[Report] | None:
    if memory.gpus is None:
        return None
    return [
        {
            "index": gpu.index,
            "used_bytes": gpu.used_bytes,
            "total_bytes": gpu.total_bytes,
            "forecast": _forecast(gpu.forecast),
        }
        for gpu in memory.gpus
    ]


def _black_box(box: BlackBox | None) -> Report | None:
    if box is None:
        return None
    return {
        "kill_t": box.kill_t,
        "points": [
            {"at_t": point.t, "available_bytes": point.available_bytes, "held": dict(point.held)}
            for point in box.points
        ],
    }


def _worker(worker: WorkerView, duration_s: float) -> Report:
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
                "at_t": life.ended.t,
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
        "resets_at_t": list(worker.resets_t),
        "observed": round(observed, 4),
        "components": {component.id: component.state.value for component in worker.components},
        "conduct": None
        if health is None
        else {"word": health.state.value, "since_t": health.since_t, "why": health.why},
        "reach": worker.reach.value,
        "error": worker.error,
        "port": worker.port,
        "pid": worker.pid,
        "ui_state": worker.ui_state,
        "last_good_t": worker.last_good_t,
        "gameplay": {
            "started": worker.gameplay.started,
            "corroborated": worker.gameplay.corroborated,
            "reached_t": worker.gameplay.reached_t,
        },
        "metrics": {metric.id: metric.read(worker) for metric in WORKER_METRICS},
        "values": {component.id: _component_values(component) for component in worker.components},
    }


def _component_values(component: ComponentView) -> Report:
    return {
        "value": component.value,
        "last_value": component.last_value,
        "change_5m": component.change_5m,
        "bad": None if component.bad is None else component.bad.text,
        "last_grew_t": component.last_grew_t,
        "companion": None if component.companion is None else dict([component.companion]),
    }


def _event(event: Event) -> Report:
    return {
        "at_t": event.t,
        "kind": event.kind,
        "severity": "info" if event.severity == "ok" else event.severity,
        "worker": None if event.worker is None else event.worker.written,
        "text": event.text,
    }


def _alerts(alerts: Iterable[Alert], t: float) -> list[Report]:
    """Return the alerts with their durations at `t`, in the order of the screen."""

    return [
        {
            "id": alert.id,
            "name": alert.name,
            "about": alert.about,
            "severity": alert.severity,
            "state": alert.state,
            "text": alert.text,
            "since_t": alert.since_t,
            "firing_t": alert.firing_t,
            "resolved_t": alert.resolved_t,
            "duration_s": round(alert.duration_s(t), 3),
            "value": alert.value,
            "least": alert.least,
            "most": alert.most,
            "unit": alert.unit,
            "times": alert.times,
            "workers": [ref.written for ref in alert.workers],
            "acknowledged": None
            if alert.acknowledged is None
            else {"at_t": alert.acknowledged.t, "by": alert.acknowledged.by},
        }
        for alert in alerts
    ]
