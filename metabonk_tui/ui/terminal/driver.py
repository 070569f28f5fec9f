"""Drives the terminal: output, title, notifications, colours, and a clean exit on signals.

Does not: know what is drawn.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import termios
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

from textual.drivers.linux_driver import LinuxDriver

from metabonk_tui.ui.terminal.diff import ScreenDiff
from metabonk_tui.ui.terminal.suspension import with_hooks
from metabonk_tui.ui.terminal.textual_private import write_to

SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
STALL_S = 3.0
"""An exit that takes longer is blocked by a terminal that takes no output (Ctrl-S, a frozen SSH connection)."""
CLEANUP_S = 30.0
"""Time limit of the emergency cleanup after that."""

Notify = Literal["off", "osc9", "osc777", "both"]
SAVE_TITLE, RESTORE_TITLE = "\x1b[22;2t", "\x1b[23;2t"


class Driver(LinuxDriver):
    """Writes to standard output, so that standard error can go to a file; Textual's own driver writes to the latter.

    Textual sends whole rows; the driver writes only the cells that changed.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if sys.__stdout__ is not None and sys.__stdout__.isatty():
            write_to(self, sys.__stdout__)
        stop = signal.getsignal(signal.SIGTSTP)
        if callable(stop):
            # Textual has set its own handler just now: it restores the terminal and stops the process.
            signal.signal(signal.SIGTSTP, with_hooks(stop))
        self._screen_diff = ScreenDiff()

    def write(self, data: str) -> None:
        """Write the cells of `data` that the terminal does not show yet."""
        super().write(self._screen_diff.difference(data))

    def forget(self) -> None:
        """Write the next output whole, because the terminal may show something else than was written."""
        self._screen_diff.forget()


def title_sequence(title: str, limit: int = 120) -> str:
    """Return the escape sequence (OSC 2) of a window title; unprintable characters are replaced."""
    clean = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in title)
    return f"\x1b]2;{clean[:limit]}\x07"


def notification(how: Notify, title: str, body: str, environ: Mapping[str, str] = os.environ) -> str:
    """Return the escape sequences (OSC 9, OSC 777) by which a terminal notifies its desktop; "" for "off".

    Inside tmux they are wrapped, so that tmux passes them on where `allow-passthrough` is on.
    """
    title, body = _plain(title, 60), _plain(body, 200)
    # ConEmu reads an OSC 9 text that begins with a number as a command; the title never does.
    sequences = {"osc9": f"\x1b]9;{title}: {body}\x07", "osc777": f"\x1b]777;notify;{title};{body}\x07"}
    chosen = [sequence for name, sequence in sequences.items() if how in (name, "both")]
    if environ.get("TMUX") or environ.get("TERM", "").startswith("tmux"):
        chosen = ["\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\" for sequence in chosen]
    return "".join(chosen)


def _plain(text: str, limit: int) -> str:
    """Remove the characters that end or split an escape sequence."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[:limit]).replace(";", ",")


def is_monochrome(environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether colours are off: NO_COLOR is set, or terminfo has fewer than 8 colours for $TERM."""
    if environ.get("NO_COLOR"):
        return True
    if environ.get("COLORTERM"):
        return False
    try:
        import curses

        curses.setupterm(environ.get("TERM") or "dumb", sys.__stdout__.fileno() if sys.__stdout__ else 1)
        return curses.tigetnum("colors") < 8
    except (ImportError, OSError, ValueError, curses.error):
        # Without a terminfo entry, assume colours, except for terminals that never had any.
        return environ.get("TERM", "dumb") in ("dumb", "vt100", "vt102", "vt220")


@contextlib.contextmanager
def leave_on_signals(leave: Callable[[int], None], emergency_cleanup: Callable[[], None]) -> Iterator[None]:
    """Inside the block, a SIGTERM, SIGHUP or SIGINT calls `leave(exit code)` from another thread. Main thread only.

    A signal handler in Python needs the main thread, which a stalled terminal blocks. So a thread reads the signal's
    number from the wakeup descriptor. If the block does not end within `STALL_S`, the thread runs `emergency_cleanup`
    and ends the process.
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    left = threading.Event()
    saved = _terminal_modes()

    def read() -> None:
        while data := os.read(reading, 64):
            for number in data:
                if number in SIGNALS:
                    leave(128 + number)
                    if not left.wait(STALL_S):
                        ending = threading.Thread(target=emergency_cleanup, name="last words", daemon=True)
                        ending.start()
                        ending.join(CLEANUP_S)
                        _restore(saved)
                        os._exit(128 + number)
                    return

    before = {number: signal.signal(number, lambda *_: None) for number in SIGNALS}
    old = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    thread = threading.Thread(target=read, name="signals", daemon=True)
    thread.start()
    try:
        yield
    finally:
        left.set()
        signal.set_wakeup_fd(old)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(writing)
        thread.join()
        os.close(reading)


def _terminal_modes() -> tuple[int, list[object]] | None:
    try:
        fd = sys.__stdin__.fileno() if sys.__stdin__ else 0
        return fd, termios.tcgetattr(fd)
    except (OSError, ValueError, termios.error):
        return None


def _restore(saved: tuple[int, list[object]] | None) -> None:
    if saved is not None:
        with contextlib.suppress(OSError, termios.error):
            termios.tcsetattr(saved[0], termios.TCSANOW, saved[1])  # type: ignore[arg-type]
