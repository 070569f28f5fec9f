"""Queues notifications of alerts, and limits repeats of one alert and calls per minute.

Pure: real time, in seconds, is an argument. The queue is bounded.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from metabonk_tui.core.model import levels
from metabonk_tui.core.model.alert import Alert, AlertTransition

MINUTE_S = 60.0
MAX_WAITING = 50
"""Most alerts that wait; above it the least severe and oldest one is dropped."""


class _Waiting(Struct, frozen=True):
    change: AlertTransition
    message: dict[str, Any]
    is_urgent: bool


class _Sent(Struct, frozen=True):
    alert: Alert
    at_s: float


class NotificationQueue:
    """Keeps at most the newest change per alert, and drops a change without news."""

    def __init__(self, repeat_s: float, per_minute: int) -> None:
        self._repeat_s = repeat_s
        self._per_minute = per_minute
        self._waiting: dict[str, _Waiting] = {}
        """Keyed by the alert's id, in the order of arrival."""
        self._sent: dict[str, _Sent] = {}
        self._call_times_s: list[float] = []
        """Times of the last calls, at most `per_minute` of them."""
        self._left_out = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def offer(self, change: AlertTransition, message: dict[str, Any], now_s: float) -> None:
        """Queue a change; it replaces a waiting change of the same alert."""
        id = change.alert.id
        self._sent = {key: sent for key, sent in self._sent.items() if now_s - sent.at_s < self._repeat_s}
        sent = self._sent.get(id)
        if id in self._waiting:
            self._left_out += 1
        if sent is not None and not _has_news(sent.alert, change.alert):
            self._waiting.pop(id, None)
            self._left_out += 1
            return
        alert = change.alert
        is_critical = alert.severity == "crit" and alert.state == "firing"
        is_urgent = is_critical and (sent is None or sent.alert.severity != "crit")
        self._waiting[id] = _Waiting(change, message, is_urgent)
        if len(self._waiting) > MAX_WAITING:
            least_severe = min(self._waiting, key=lambda key: levels.order(self._waiting[key].change.alert.severity))
            del self._waiting[least_severe]
            self._left_out += 1

    def take(self, now_s: float) -> dict[str, Any] | None:
        """Return the message that is due now, critical first; None: none is due.

        Its `left_out` counts the changes dropped since the last message.
        """
        id = self._next(now_s)
        if id is None or self._ready_s(id) > now_s:
            return None
        waiting = self._waiting.pop(id)
        self._sent[id] = _Sent(waiting.change.alert, now_s)
        self._call_times_s = [*self._call_times_s, now_s][-self._per_minute :]
        left_out, self._left_out = self._left_out, 0
        return {**waiting.message, "left_out": left_out}

    def ready_s(self) -> float | None:
        """Return the real time of the next due message; None: nothing waits."""
        return min((self._ready_s(id) for id in self._waiting), default=None)

    def _next(self, now_s: float) -> str | None:
        def order(id: str) -> tuple[float, int]:
            return max(now_s, self._ready_s(id)), -levels.order(self._waiting[id].change.alert.severity)

        return min(self._waiting, key=order, default=None)

    def _ready_s(self, id: str) -> float:
        full = len(self._call_times_s) >= self._per_minute
        free_s = self._call_times_s[0] + MINUTE_S if full else 0.0
        sent = self._sent.get(id)
        repeat_at_s = 0.0 if sent is None or self._waiting[id].is_urgent else sent.at_s + self._repeat_s
        return max(free_s, repeat_at_s)


def _has_news(sent: Alert, now: Alert) -> bool:
    """Return whether `now` has news against the last sent state: another state, severity or worker."""
    if sent.state != now.state:
        return True
    is_escalated = levels.order(now.severity) > levels.order(sent.severity)
    return now.state == "firing" and (is_escalated or not set(now.workers) <= set(sent.workers))
