"""One alert: a condition that has lasted, with its history. What the conditions are is `core.alerts`' to know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from metabonk_tui.core.model.level_names import AlertSeverity
from metabonk_tui.core.model.refs import WorkerRef

AlertState = Literal["pending", "firing", "resolved"]
"""pending: the condition holds, not yet for long enough. resolved: it held, and no longer does."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """Somebody has seen it."""

    t: float
    by: str
    """"key", "verb"."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One condition of this run, from when it began to hold; a condition that flaps is one alert."""

    name: str
    """"MemLow", "ComponentAbsent": a row of the table of alerts."""
    about: str
    """What of several it is about: a component's id; "" where there is only one."""
    severity: AlertSeverity
    state: AlertState
    text: str
    """A clause for people: "0.8 GB available, below 1.0 GB"."""
    since_t: float
    """When the condition began to hold."""
    firing_t: float | None = None
    """When it had held for long enough; None: it never has."""
    resolved_t: float | None = None
    """When it ceased to hold, and was not back within its rest; None: it holds, or is in its rest."""
    workers: tuple[WorkerRef, ...] = ()
    """The workers that it is about; empty: the whole pool."""
    value: float | None = None
    """What was measured last, in `unit`; None: it has no number."""
    least: float | None = None
    most: float | None = None
    """The extremes of `value` since `since_t`."""
    unit: str = ""
    """"bytes", "s", "per s"; "" without a number."""
    times: int = 1
    """How often the condition came back within one alert: above 1 it flaps."""
    acknowledged: Acknowledged | None = None
    """Who has seen it; lifted when it grows: more workers, or louder."""

    @property
    def id(self) -> str:
        """By which it is named: "ComponentAbsent:meta"."""
        return f"{self.name}:{self.about}" if self.about else self.name

    def duration_s(self, t: float) -> float:
        """How long it has lasted at a time, or did."""
        return (t if self.resolved_t is None else self.resolved_t) - self.since_t


AlertTransitionKind = Literal["firing", "louder", "resolved"]
"""louder: it fires already, and became critical or concerns more workers."""


@dataclass(frozen=True, slots=True)
class AlertTransition:
    """Something of an alert that somebody should be told."""

    kind: AlertTransitionKind
    alert: Alert


def alert_transitions(before: tuple[Alert, ...], after: tuple[Alert, ...]) -> tuple[AlertTransition, ...]:
    """Say what of the alerts is to be told, between one Snapshot of a run and the next; pending ones are not."""
    known = {(alert.id, alert.since_t): alert for alert in before}
    found: list[AlertTransition] = []
    for alert in after:
        was = known.get((alert.id, alert.since_t))
        fired = was is not None and was.state == "firing"
        if alert.state == "firing" and not fired:
            found.append(AlertTransition("firing", alert))
        elif alert.state == "firing" and was is not None and has_escalated(was, alert):
            found.append(AlertTransition("louder", alert))
        elif alert.state == "resolved" and fired:
            found.append(AlertTransition("resolved", alert))
    return tuple(found)


def has_escalated(was: Alert, now: Alert) -> bool:
    """Say whether an alert became louder, or concerns workers that it did not before."""
    raised = (was.severity, now.severity) in (("warn", "crit"), ("info", "warn"), ("info", "crit"))
    return raised or bool(set(now.workers) - set(was.workers))
