"""Runs the user's command for alerts: one JSON message on its input, with a deadline, without a shell.

Does not: choose or judge alerts. The command cannot delay the monitor; its failures are reported.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from metabonk_tui.adapters.alerts.channel import AlertChannel, DeliveryResult
from metabonk_tui.adapters.alerts.sent_alerts import SentAlerts
from metabonk_tui.adapters.process.run_command import run_command
from metabonk_tui.adapters.process.spawn import describe_exit
from metabonk_tui.adapters.state.pool_lock import PoolLock
from metabonk_tui.core.config.schema import Config, HookConfig
from metabonk_tui.core.text.clean import clean_text


def call_hook(hook: HookConfig, payload: dict[str, Any], give_up: threading.Event) -> DeliveryResult:
    """Run the command once with this message; return when it has ended or was killed at its deadline."""
    document = json.dumps({**payload, "host": clean_text(socket.gethostname())}, allow_nan=False).encode() + b"\n"
    try:
        argv = [os.path.expanduser(hook.command[0]), *hook.command[1:]]
        done = run_command(argv, timeout_s=hook.timeout_s, give_up=give_up, document=document, leave_children=True)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return DeliveryResult(clean_text(f"{hook.command[0]}: {why}"), False, 0.0)
    if done.code is not None:
        return DeliveryResult(describe_exit(done.code), done.code == 0, done.seconds, done.tail)
    how = "broken off: the monitor ended" if give_up.is_set() else f"not done within {hook.timeout_s:g} s"
    return DeliveryResult(how, False, done.seconds, done.tail)


class CommandHook(AlertChannel):
    """The command of one pool."""

    def __init__(
        self,
        config: Config,
        lock: PoolLock,
        report_fault: Callable[[str], None],
        now: Callable[[], float] = time.monotonic,
        sent: SentAlerts | None = None,
    ) -> None:
        self._hook = config.alerts.hook
        super().__init__("hook", "the alert hook", self._hook, config.pool, lock, report_fault, now, sent)

    def send(self, message: dict[str, Any], give_up: threading.Event) -> DeliveryResult:
        """Run the command once."""
        return call_hook(self._hook, message, give_up)
