"""Alerts as the JSON that `check --json` and `report --json` print: those of one run, in the order of the screen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from metabonk_tui.core.model.alert import Alert


def alerts_json(alerts: Iterable[Alert], start: float, t: float) -> list[dict[str, Any]]:
    """Write each alert as it stands at `t`; every `*_s` but `duration_s` counts from the run's start."""

    def at(when: float | None) -> float | None:
        return None if when is None else round(when - start, 3)

    return [
        {
            "id": alert.id,
            "name": alert.name,
            "about": alert.about,
            "severity": alert.severity,
            "state": alert.state,
            "text": alert.text,
            "since_s": at(alert.since_t),
            "firing_s": at(alert.firing_t),
            "resolved_s": at(alert.resolved_t),
            "duration_s": round(alert.duration_s(t), 3),
            "value": alert.value,
            "least": alert.least,
            "most": alert.most,
            "unit": alert.unit,
            "times": alert.times,
            "workers": [ref.written for ref in alert.workers],
            "acknowledged": None
            if alert.acknowledged is None
            else {"at_s": at(alert.acknowledged.t), "by": alert.acknowledged.by},
        }
        for alert in alerts
    ]
