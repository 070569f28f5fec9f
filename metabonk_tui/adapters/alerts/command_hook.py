"""Runs the user's command for alerts: one JSON message on its input, with a deadline, without a shell.

Does not: choose or judge alerts. The command cannot delay the monitor; its failures are reported.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from metabonk_tui.adapters.process.run_command import run_command
from metabonk_tui.adapters.process.spawn import describe_exit
from metabonk_tui.adapters.state.pool_lock import PoolLock
from metabonk_tui.core.alerts.notification_queue import NotificationQueue
from metabonk_tui.core.alerts.payload import is_wanted, make_message
from metabonk_tui.core.config.schema import Config, HookConfig
from metabonk_tui.core.model.alert import AlertTransition
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.text.clean import clean_text

LOG = logging.getLogger(__name__)
CLOSE_S = 5.0
"""Seconds for which an ending monitor waits for due notifications; then it ends the command."""
MAX_REPORTED = 20
"""The most different failures that are reported; the log has all of them."""


@dataclass(frozen=True, slots=True)
class HookResult:
    """How one call of the hook ended."""

    how: str
    """For people: "exit code 0", "not done within 10 s", "No such file or directory"."""
    ok: bool
    seconds: float
    tail: tuple[str, ...] = ()
    """The last lines of its output."""


def call_hook(hook: HookConfig, payload: dict[str, Any], give_up: threading.Event) -> HookResult:
    """Run the command once with this message; return when it has ended or was killed at its deadline."""
    document = json.dumps({**payload, "host": clean_text(socket.gethostname())}, allow_nan=False).encode() + b"\n"
    try:
        argv = [os.path.expanduser(hook.command[0]), *hook.command[1:]]
        done = run_command(argv, timeout_s=hook.timeout_s, give_up=give_up, document=document, leave_children=True)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return HookResult(clean_text(f"{hook.command[0]}: {why}"), False, 0.0)
    if done.code is not None:
        return HookResult(describe_exit(done.code), done.code == 0, done.seconds, done.tail)
    how = "broken off: the monitor ended" if give_up.is_set() else f"not done within {hook.timeout_s:g} s"
    return HookResult(how, False, done.seconds, done.tail)


class CommandHook:
    """The hook of one pool. Of several monitors only the owner of `lock` calls it."""

    def __init__(
        self,
        config: Config,
        lock: PoolLock,
        report_fault: Callable[[str], None],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare; the first alert starts the thread, which calls `report_fault` once for each failure."""
        self._hook = config.alerts.hook
        self._pool = config.pool
        self._lock = lock
        self._report_fault = report_fault
        self._now = now
        self._queue = NotificationQueue(self._hook.again_s, self._hook.per_minute)
        self._condition = threading.Condition()
        self._closing = False
        self._give_up = threading.Event()
        self._thread: threading.Thread | None = None
        self._reported: set[str] = set()

    def deliver(self, changes: tuple[AlertTransition, ...], snapshot: Snapshot) -> None:
        """Queue the changes that the configuration selects. Returns at once."""
        wanted_changes = [change for change in changes if is_wanted(change, self._hook)]
        if not wanted_changes or not self._holds_lock():
            return
        with self._condition:
            for change in wanted_changes:
                self._queue.offer(change, make_message(change, snapshot, self._pool), self._now())
            if self._thread is None and not self._closing:
                self._thread = threading.Thread(target=self._work, name="alert hook", daemon=True)
                self._thread.start()
            self._condition.notify_all()

    def close(self) -> None:
        """Send the notifications due now, wait at most `CLOSE_S`, then kill the command."""
        with self._condition:
            self._closing = True
            self._condition.notify_all()
        if self._thread is not None:
            self._thread.join(CLOSE_S)
            self._give_up.set()
            self._thread.join(1.0)
        if len(self._queue):
            LOG.warning("the monitor ended before the alert hook was told of %d alerts", len(self._queue))
        self._lock.release()

    def _holds_lock(self) -> bool:
        try:
            return self._lock.try_acquire()
        except OSError as error:
            # Two notifications are better than none.
            self._report_failure(f"cannot know whether another monitor tells: {error.strerror or error}")
            return True

    def _work(self) -> None:
        while (payload := self._next()) is not None:
            try:
                self._call(payload)
            except Exception as error:
                LOG.exception("the alert hook failed")
                self._report_failure(f"{type(error).__name__}; the log says where")

    def _next(self) -> dict[str, Any] | None:
        """Wait for the next message that may be sent; None: the hook closes."""
        with self._condition:
            while True:
                payload = None if self._give_up.is_set() else self._queue.take(self._now())
                if payload is not None or self._closing:
                    return payload
                ready_s = self._queue.ready_s()
                self._condition.wait(None if ready_s is None else max(0.0, ready_s - self._now()))

    def _call(self, payload: dict[str, Any]) -> None:
        result = call_hook(self._hook, payload, self._give_up)
        what = f"{payload['alert']['id']} {payload['turn']}"
        LOG.log(
            logging.INFO if result.ok else logging.ERROR,
            "the alert hook, told of %s: %s after %.2f s%s",
            what,
            result.how,
            result.seconds,
            "".join(f"\n  {line}" for line in result.tail[-12:]),
        )
        if not result.ok:
            self._report_failure(result.how)

    def _report_failure(self, text: str) -> None:
        if text not in self._reported and len(self._reported) < MAX_REPORTED:
            self._reported.add(text)
            self._report_fault(f"the alert hook failed: {text}")
