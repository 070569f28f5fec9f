"""Turns signals that end a verb without a screen into an exception, so that the engine is stopped in order."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Signalled(Exception):
    """A signal asked the verb to end."""


@contextmanager
def raise_on_signals() -> Iterator[None]:
    """Raise `Signalled` at the first SIGTERM, SIGINT or SIGHUP; ignore later ones, so that the shutdown completes."""

    def handle_signal(number: int, frame: FrameType | None) -> None:
        for one in numbers:
            signal.signal(one, signal.SIG_IGN)
        raise Signalled

    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = {number: signal.signal(number, handle_signal) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
