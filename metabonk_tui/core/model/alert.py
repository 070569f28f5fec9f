"""Declares one alert: a condition with its duration and history. Does not: define the conditions.

`core.alerts` has the rules.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from metabonk_tui.core.model.level_names import AlertSeverity
from metabonk_tui.core.model.refs import WorkerRef

AlertState = Literal["pending", "firing", "resolved"]
"""pending: the condition is true, but not for long enough yet. resolved: it fired and is over."""


class Acknowledged(Struct, frozen=True):
    """The operator's acknowledgement of an alert."""

    t: float
    by: str
    """"key", "verb"."""


class Alert(Struct, frozen=True):
    """One condition of this run, from its first moment. A condition that flaps stays one alert."""

    name: str
    """"MemLow", "ComponentAbsent": a row of the alert table."""
    about: str
    """The subject among several, for example a component's id; "": the name alone identifies the alert."""
    severity: AlertSeverity
    state: AlertState
    text: str
    """For display: "0.8 GB available, below 1.0 GB"."""
    since_t: float
    """When the condition became true."""
    firing_t: float | None = None
    """When the alert fired; None: it never fired."""
    resolved_t: float | None = None
    """When it ceased to hold, and was not back within its rest; None: it holds, or is in its rest."""
    workers: tuple[WorkerRef, ...] = ()
    """The workers that it is about; empty: the whole pool."""
    value: float | None = None
    """The last measurement, in `unit`; None: the condition has no number."""
    least: float | None = None
    most: float | None = None
    """The extremes of `value` since `since_t`."""
    unit: str = ""
    """"bytes", "s", "per s"; "": no number."""
    times: int = 1
    """How often the condition became true within this alert; above 1 it flaps."""
    acknowledged: Acknowledged | None = None
    """The acknowledgement; cleared when more workers are affected or the severity rises."""

    @property
    def id(self) -> str:
        """The name, with the subject where there is one: "ComponentAbsent:meta"."""
        return f"{self.name}:{self.about}" if self.about else self.name

    def duration_s(self, t: float) -> float:
        """Return the seconds from the start to `t`, or to the end of a resolved alert."""
        return (t if self.resolved_t is None else self.resolved_t) - self.since_t


AlertTransitionKind = Literal["firing", "louder", "resolved"]
"""louder: the alert already fired, then its severity rose or it affected more workers."""


class AlertTransition(Struct, frozen=True):
    """A change of an alert that notifiers receive."""

    kind: AlertTransitionKind
    alert: Alert


def alert_transitions(before: tuple[Alert, ...], after: tuple[Alert, ...]) -> tuple[AlertTransition, ...]:
    """Return the changes between two successive Snapshots of a run, without pending alerts."""
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
    """Return whether the severity rose, or the alert affects workers that it did not affect before."""
    raised = (was.severity, now.severity) in (("warn", "crit"), ("info", "warn"), ("info", "crit"))
    return raised or bool(set(now.workers) - set(was.workers))


class DeliveryCounts(Struct, frozen=True):
    """What one monitor delivered through one channel since it began."""

    channel: str
    """"hook", or the name of a webhook."""
    sent: int
    failed: int
    waiting: int
