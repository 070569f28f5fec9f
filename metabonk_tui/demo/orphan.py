"""Keeps a pool's server running until a signal, or until it is orphaned and unused."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

from metabonk_tui.demo.serve import Server

FORGOTTEN_S = 900.0
"""A server with a dead launcher ends after this time without a request."""


def live(server: Server, tick: Callable[[], None], every_s: float) -> None:
    """Serve, and call `tick` every `every_s` seconds. SIGTERM and SIGINT end the process at once."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    parent = os.getppid()
    server.start()
    while os.getppid() == parent or time.monotonic() - server.last_request < FORGOTTEN_S:
        tick()
        time.sleep(every_s)
