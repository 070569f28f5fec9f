"""What waits to be told of alerts, and when it may be: no alert again and again, and not too many a minute.

Pure: real time, in seconds, comes in as an argument. Holds a bounded number of messages.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from metabonk_tui.core.model import levels
from metabonk_tui.core.model.alert import Alert, AlertTransition

MINUTE_S = 60.0
MAX_WAITING = 50
"""So many alerts wait at most; the least loud one of those that wait longest goes first."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    change: AlertTransition
    message: dict[str, Any]
    is_urgent: bool


@dataclass(frozen=True, slots=True)
class _Sent:
    alert: Alert
    at_s: float


class NotificationQueue:
    """Of each alert only what is newest waits; what it no longer says anything new about does not."""

    def __init__(self, repeat_s: float, per_minute: int) -> None:
        self._repeat_s = repeat_s
        self._per_minute = per_minute
        self._waiting: dict[str, _Waiting] = {}
        """By the alert's id, in the order in which they began to wait."""
        self._sent: dict[str, _Sent] = {}
        self._call_times_s: list[float] = []
        """When the last calls were, at most those of a minute."""
        self._left_out = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def offer(self, change: AlertTransition, message: dict[str, Any], now_s: float) -> None:
        """Let a change wait for its turn, in the place of what waits of the same alert."""
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
        """Take the message that is to be told now, critical ones first; None: there is none, or not yet.

        It says in `left_out` how many changes were not told since the last one.
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
        """Say when the next one may be told; None: nothing waits."""
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
    """Tell whether there is anything new about an alert of which this was said last."""
    if sent.state != now.state:
        return True
    is_escalated = levels.order(now.severity) > levels.order(sent.severity)
    return now.state == "firing" and (is_escalated or not set(now.workers) <= set(sent.workers))
