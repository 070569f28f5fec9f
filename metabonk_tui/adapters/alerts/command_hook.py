"""Knows how to tell a command of the user's about alerts: JSON on its input, a deadline, never a shell.

Refuses to know which alerts there are. Nothing that the command does holds up the monitor, or goes unsaid.
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

from metabonk_tui.adapters.process.run_command import run_short
from metabonk_tui.adapters.process.spawn import exit_words
from metabonk_tui.adapters.state.pool_lock import PoolLock
from metabonk_tui.core.alerts.notification_queue import Outbox
from metabonk_tui.core.alerts.payload import message, wanted
from metabonk_tui.core.config.schema import Config, HookConfig
from metabonk_tui.core.model.alert import AlertTransition
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.text.clean import clean_text

LOG = logging.getLogger(__name__)
CLOSE_S = 5.0
"""So long a monitor that ends waits for what is to be told now; then it ends the command."""
TROUBLES = 20
"""So many different failures are told; the log has them all."""


@dataclass(frozen=True, slots=True)
class Called:
    """How one call of the hook ended."""

    how: str
    """"exit code 0", "not done within 10 s", "No such file or directory"."""
    ok: bool
    seconds: float
    tail: tuple[str, ...] = ()
    """What it printed last."""


def call_hook(hook: HookConfig, told: dict[str, Any], give_up: threading.Event) -> Called:
    """Call it once with this message and wait until it has ended, by itself or by us."""
    document = json.dumps({**told, "host": clean_text(socket.gethostname())}, allow_nan=False).encode() + b"\n"
    try:
        argv = [os.path.expanduser(hook.command[0]), *hook.command[1:]]
        done = run_short(argv, timeout_s=hook.timeout_s, give_up=give_up, document=document, leave=True)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return Called(clean_text(f"{hook.command[0]}: {why}"), False, 0.0)
    if done.code is not None:
        return Called(exit_words(done.code), done.code == 0, done.seconds, done.tail)
    how = "broken off: the monitor ended" if give_up.is_set() else f"not done within {hook.timeout_s:g} s"
    return Called(how, False, done.seconds, done.tail)


class Hook:
    """The hook of one pool. Of several monitors only the one that holds `lock` calls it."""

    def __init__(
        self,
        config: Config,
        lock: PoolLock,
        complain: Callable[[str], None],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare; nothing runs yet. `complain` is told of each failure once, from a thread of ours."""
        self._hook = config.alerts.hook
        self._pool = config.pool
        self._lock = lock
        self._complain = complain
        self._now = now
        self._outbox = Outbox(self._hook.again_s, self._hook.per_minute)
        self._turn = threading.Condition()
        self._closing = False
        self._give_up = threading.Event()
        self._thread: threading.Thread | None = None
        self._told: set[str] = set()

    def deliver(self, changes: tuple[AlertTransition, ...], snapshot: Snapshot) -> None:
        """Let what the hook wants to hear wait for its turn. Returns at once."""
        heard = [change for change in changes if wanted(change, self._hook)]
        if not heard or not self._mine():
            return
        with self._turn:
            for change in heard:
                self._outbox.offer(change, message(change, snapshot, self._pool), self._now())
            if self._thread is None and not self._closing:
                self._thread = threading.Thread(target=self._work, name="alert hook", daemon=True)
                self._thread.start()
            self._turn.notify_all()

    def close(self) -> None:
        """Tell what may be told now, wait for it a bounded time, end it then."""
        with self._turn:
            self._closing = True
            self._turn.notify_all()
        if self._thread is not None:
            self._thread.join(CLOSE_S)
            self._give_up.set()
            self._thread.join(1.0)
        if len(self._outbox):
            LOG.warning("the monitor ended before the alert hook was told of %d alerts", len(self._outbox))
        self._lock.release()

    def _mine(self) -> bool:
        try:
            return self._lock.try_acquire()
        except OSError as error:
            # To be told twice is better than not at all.
            self._trouble(f"cannot know whether another monitor tells: {error.strerror or error}")
            return True

    def _work(self) -> None:
        while (told := self._next()) is not None:
            try:
                self._call(told)
            except Exception as error:
                LOG.exception("the alert hook failed")
                self._trouble(f"{type(error).__name__}; the log says where")

    def _next(self) -> dict[str, Any] | None:
        """Wait for what is to be told; None: there will be no more."""
        with self._turn:
            while True:
                told = None if self._give_up.is_set() else self._outbox.take(self._now())
                if told is not None or self._closing:
                    return told
                ready_s = self._outbox.ready_s()
                self._turn.wait(None if ready_s is None else max(0.0, ready_s - self._now()))

    def _call(self, told: dict[str, Any]) -> None:
        called = call_hook(self._hook, told, self._give_up)
        what = f"{told['alert']['id']} {told['turn']}"
        LOG.log(
            logging.INFO if called.ok else logging.ERROR,
            "the alert hook, told of %s: %s after %.2f s%s",
            what,
            called.how,
            called.seconds,
            "".join(f"\n  {line}" for line in called.tail[-12:]),
        )
        if not called.ok:
            self._trouble(called.how)

    def _trouble(self, words: str) -> None:
        if words not in self._told and len(self._told) < TROUBLES:
            self._told.add(words)
            self._complain(f"the alert hook failed: {words}")
