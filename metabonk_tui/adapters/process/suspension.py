"""Calls hooks around the time for which Ctrl-Z (SIGTSTP) stops this process. Imports no Textual: `record` uses it.

Does not: know what the hooks do. SIGSTOP cannot be caught.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

Handler = Callable[[int, FrameType | None], object]

_hooks: list[tuple[Callable[[], None], Callable[[], None]]] = []


@contextmanager
def around_suspension(before: Callable[[], None], after: Callable[[], None]) -> Iterator[None]:
    """Inside the block, call `before` when the process is about to stop, and `after` when it continues."""
    hook = (before, after)
    # A shell without job control ignores SIGTSTP for its commands: that stays so.
    is_ours = (
        threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTSTP) == signal.SIG_DFL
    )
    _hooks.append(hook)
    if is_ours:
        signal.signal(signal.SIGTSTP, with_hooks(_stop_itself))
    try:
        yield
    finally:
        _hooks.remove(hook)
        if is_ours:
            signal.signal(signal.SIGTSTP, signal.SIG_DFL)


def with_hooks(stop: Handler) -> Handler:
    """Return a handler that calls the hooks around `stop`, which returns when the process continues."""

    def handle(number: int, frame: FrameType | None) -> None:
        hooks = tuple(_hooks)
        for before, _ in hooks:
            before()
        try:
            stop(number, frame)
        finally:
            for _, after in hooks:
                after()

    return handle


def _stop_itself(number: int, frame: FrameType | None) -> None:
    ours = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
    signal.raise_signal(signal.SIGTSTP)
    signal.signal(signal.SIGTSTP, ours)
