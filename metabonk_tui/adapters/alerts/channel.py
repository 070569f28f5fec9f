"""Delivers alerts on a thread of its own: a bounded queue, one monitor of several, failures reported once.

Does not: choose or judge alerts, or know what receives them; `command_hook` and `webhook` do.
"""

from __future__ import annotations

import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from metabonk_tui.adapters.alerts.sent_alerts import SentAlerts
from metabonk_tui.adapters.state.pool_lock import PoolLock
from metabonk_tui.core.alerts.notification_queue import NotificationQueue
from metabonk_tui.core.alerts.payload import is_wanted, make_message
from metabonk_tui.core.config.schema import NotifierConfig, PoolConfig
from metabonk_tui.core.model.alert import AlertTransition, DeliveryCounts
from metabonk_tui.core.model.snapshot import Snapshot

LOG = logging.getLogger(__name__)
CLOSE_S = 5.0
"""Seconds for which an ending monitor waits for due notifications; then it ends the delivery."""
MAX_REPORTED = 20
"""The most different failures that are reported; the log has all of them."""
LONGEST_PAUSE_S = 3600.0


class DeliveryResult(Struct, frozen=True):
    """How the delivery of one message ended."""

    how: str
    """For people: "exit code 0", "not done within 10 s", "answered 404"."""
    ok: bool
    seconds: float
    tail: tuple[str, ...] = ()
    """The last lines of the command's output, or the begin of the answer."""
    attempts: int = 1
    """0: nothing was sent."""
    pause_s: float = 0.0
    """Seconds for which the receiver wants no other message."""


class AlertChannel(ABC):
    """One receiver of the alerts of one pool. Of several monitors only the owner of `lock` delivers."""

    def __init__(
        self,
        name: str,
        title: str,
        settings: NotifierConfig,
        pool: PoolConfig,
        lock: PoolLock,
        report_fault: Callable[[str], None],
        now: Callable[[], float] = time.monotonic,
        sent: SentAlerts | None = None,
    ) -> None:
        """Prepare; the first alert starts the thread, which calls `report_fault` once for each failure.

        `title` names it in texts. `sent` remembers across monitors what was sent; None: nothing is remembered.
        """
        self.name = name
        self._title = title
        self._settings = settings
        self._pool = pool
        self._lock = lock
        self._report_fault = report_fault
        self._now = now
        self._sent = sent or SentAlerts(None)
        self._has_caught_up = False
        self._queue = NotificationQueue(settings.again_s, settings.per_minute)
        self._condition = threading.Condition()
        self._closing = threading.Event()
        self._give_up = threading.Event()
        self._thread: threading.Thread | None = None
        self._reported: set[str] = set()
        self._paused_until_s = float("-inf")
        self._delivered = self._failed = 0

    @abstractmethod
    def send(self, message: dict[str, Any], give_up: threading.Event) -> DeliveryResult:
        """Deliver one message; return when that has ended, soon after `give_up` is set."""

    def problem(self) -> str:
        """Return why nothing can be delivered at all; "": nothing is known against it."""
        return ""

    @property
    def counts(self) -> DeliveryCounts:
        """The deliveries since this monitor began, for the metrics."""
        with self._condition:
            return DeliveryCounts(self.name, self._delivered, self._failed, len(self._queue))

    def deliver(self, changes: tuple[AlertTransition, ...], snapshot: Snapshot) -> None:
        """Queue the changes that the configuration selects. Returns at once."""
        wanted_changes = [change for change in changes if is_wanted(change, self._settings)]
        if not wanted_changes or not self._holds_lock():
            return
        with self._condition:
            for change in wanted_changes:
                self._queue.offer(change, make_message(change, snapshot, self._pool), self._now())
            if self._thread is None and not self._closing.is_set():
                self._thread = threading.Thread(target=self._work, name=self._title[:15], daemon=True)
                self._thread.start()
            self._condition.notify_all()

    def catch_up(self, snapshot: Snapshot) -> None:
        """Deliver once what fires already and was never sent: the monitor that saw it begin had no such channel.

        Of a run that is over nothing is delivered: it happened before.
        """
        if self._has_caught_up:
            return
        self._has_caught_up = True
        if snapshot.verdict.ended is None:
            with self._condition:
                # What fires in this very tick is delivered as its transition.
                earlier = (alert for alert in snapshot.alerts if alert.firing_t != snapshot.t)
                unsent = self._sent.unsent(snapshot.run.name, earlier)
            self.deliver(tuple(AlertTransition("firing", alert) for alert in unsent), snapshot)

    def report_problem(self) -> None:
        """Report at the start what would let every delivery fail."""
        if text := self.problem():
            self._report_failure(text)

    def close(self) -> None:
        """Send the notifications due now, wait at most `CLOSE_S`, then give up."""
        close_all((self,))

    def begin_close(self) -> None:
        """Accept no more; the thread ends after the notifications due now."""
        with self._condition:
            self._closing.set()
            self._condition.notify_all()

    def end_close(self, due_s: float) -> None:
        """Wait for the thread until `due_s` of the monotonic clock, then give up."""
        if self._thread is not None:
            self._thread.join(max(0.0, due_s - time.monotonic()))
            self._give_up.set()
            self._thread.join(1.0)
        if len(self._queue):
            LOG.warning("the monitor ended before %s received %d alerts", self._title, len(self._queue))
        self._lock.release()

    def _holds_lock(self) -> bool:
        try:
            return self._lock.try_acquire()
        except OSError as error:
            # Two notifications are better than none.
            self._report_failure(f"cannot see whether another monitor sends the alerts: {error.strerror or error}")
            return True

    def _work(self) -> None:
        while (message := self._next()) is not None:
            try:
                self._send(message)
            except Exception as error:
                LOG.exception("%s failed", self._title)
                self._count(ok=False)
                self._report_failure(f"{type(error).__name__}; the log says where")

    def _next(self) -> dict[str, Any] | None:
        """Wait for the next message that may be sent; None: the channel closes."""
        with self._condition:
            while True:
                is_paused = self._give_up.is_set() or self._now() < self._paused_until_s
                message = None if is_paused else self._queue.take(self._now())
                if message is not None or self._closing.is_set():
                    return message
                ready_s = self._queue.ready_s()
                due_s = None if ready_s is None else max(ready_s, self._paused_until_s)
                self._condition.wait(None if due_s is None else max(0.0, due_s - self._now()))

    def _send(self, message: dict[str, Any]) -> None:
        result = self.send(message, self._give_up)
        what = f"{message['alert']['id']} {message['turn']}"
        LOG.log(
            logging.INFO if result.ok else logging.ERROR,
            "%s, notified of %s: %s after %.2f s%s",
            self._title,
            what,
            result.how,
            result.seconds,
            "".join(f"\n  {line}" for line in result.tail[-12:]),
        )
        self._count(ok=result.ok)
        with self._condition:
            self._paused_until_s = self._now() + min(result.pause_s, LONGEST_PAUSE_S)
        if not result.ok:
            self._report_failure(result.how)
            return
        with self._condition:
            fires = message["turn"] != "resolved"
            self._sent.note(message["run"]["name"], message["alert"]["id"], fires=fires)

    def _count(self, *, ok: bool) -> None:
        with self._condition:
            self._delivered += ok
            self._failed += not ok

    def _report_failure(self, text: str) -> None:
        if text not in self._reported and len(self._reported) < MAX_REPORTED:
            self._reported.add(text)
            self._report_fault(f"{self._title} failed: {text}")


def close_all(channels: Sequence[AlertChannel]) -> None:
    """Close several channels at the same time: together they wait at most `CLOSE_S`, and 1 s for each that hangs."""
    for channel in channels:
        channel.begin_close()
    due_s = time.monotonic() + CLOSE_S
    for channel in channels:
        channel.end_close(due_s)
