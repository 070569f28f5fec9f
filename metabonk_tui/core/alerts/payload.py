"""Builds the JSON that a command or a webhook receives for one alert: docs/alerts.md. Pure."""

from __future__ import annotations

from typing import Any

from metabonk_tui.core.config.schema import Config, NotifierConfig, PoolConfig
from metabonk_tui.core.model import levels
from metabonk_tui.core.model.alert import Alert, AlertTransition
from metabonk_tui.core.model.snapshot import Snapshot, VerdictKind
from metabonk_tui.core.model.worker import Reach

SCHEMA = 1
MADE_UP = "made-up"
"""The name of the run in a test: nothing in the message was observed."""

Message = dict[str, Any]


def is_wanted(change: AlertTransition, notifier: NotifierConfig) -> bool:
    """Return whether the severity and `resolved` settings of a command or a webhook accept this change."""
    is_severe_enough = levels.order(change.alert.severity) >= levels.order(notifier.severity)
    return is_severe_enough and (notifier.resolved or change.kind != "resolved")


def make_message(change: AlertTransition, snapshot: Snapshot, pool: PoolConfig) -> Message:
    """Return the message for a change, with the state of run, pool and memory. All times are Unix seconds."""
    run, memory = snapshot.run, snapshot.memory
    return {
        "schema": SCHEMA,
        "turn": change.kind,
        "alert": alert_document(change.alert, snapshot.t),
        "run": {"name": run.name, "started_at": run.started_at, "elapsed_s": round(run.elapsed_s, 3)},
        "verdict": {"word": snapshot.verdict.kind.value, "because": list(snapshot.verdict.because)},
        "pool": {
            "host": pool.host,
            "base_port": pool.base_port,
            "desired": run.desired,
            "up": sum(worker.reach is Reach.UP for worker in snapshot.workers),
        },
        "memory": {
            "available_bytes": memory.available_bytes,
            "floor_bytes": memory.floor_bytes,
        },
    }


def alert_document(alert: Alert, t: float) -> Message:
    """Return an alert's fields, with its duration at `t`."""
    seen = alert.acknowledged
    return {
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
        "workers": [ref.written for ref in alert.workers],
        "value": alert.value,
        "least": alert.least,
        "most": alert.most,
        "unit": alert.unit,
        "times": alert.times,
        "acknowledged": None if seen is None else {"t": seen.t, "by": seen.by},
    }


def make_example(t: float, config: Config) -> Message:
    """Return a made-up message of the same shape, to test a hook."""
    floor_bytes = config.memory.floor_bytes
    value = float(floor_bytes // 2)
    text = "this is a test: no worker was asked, and every value is made up"
    alert = Alert(
        "Test", "", "warn", "firing", text, t - 60.0, firing_t=t, value=value, least=value, most=value, unit="bytes"
    )
    return {
        "schema": SCHEMA,
        "turn": "firing",
        "alert": alert_document(alert, t),
        "run": {"name": MADE_UP, "started_at": t - 3600.0, "elapsed_s": 3600.0},
        "verdict": {"word": VerdictKind.WAITING.value, "because": [text]},
        "pool": {
            "host": config.pool.host,
            "base_port": config.pool.base_port,
            "desired": config.pool.workers,
            "up": 0,
        },
        "memory": {"available_bytes": int(value), "floor_bytes": floor_bytes},
        "left_out": 0,
    }
