"""The life span of the pool's servers: until they are stopped, or orphaned and forgotten."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

from metabonk_tui.demo.serve import Server

FORGOTTEN_S = 900.0
"""A server whose launcher was killed and that nobody asked for this long ends itself."""


def live(server: Server, tick: Callable[[], None], every_s: float) -> None:
    """Serve and tick until the end; SIGTERM ends the process at once."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    parent = os.getppid()
    server.start()
    while os.getppid() == parent or time.monotonic() - server.last_request < FORGOTTEN_S:
        tick()
        time.sleep(every_s)
