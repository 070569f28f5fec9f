"""Drives the terminal: output, title, notifications, colours, and a clean exit on signals.

Does not: know what is drawn.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import signal
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

from metabonk_tui.ui.terminal.diff import ScreenDiff
from metabonk_tui.ui.terminal.keyboard import KeyboardInput
from metabonk_tui.ui.terminal.textual_private import key_parser, write_to

LOG = logging.getLogger(__name__)
SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
STALL_S = 3.0
"""An exit that takes longer is blocked by a terminal that takes no output (Ctrl-S, a frozen SSH connection)."""
CLEANUP_S = 30.0
"""Time limit of the emergency cleanup after that."""

Notify = Literal["off", "osc9", "osc777", "both"]
SAVE_TITLE, RESTORE_TITLE = "\x1b[22;2t", "\x1b[23;2t"
_DRAWING_MODES = "\x1b[m\x1b(B\x0f\x1b[?6l\x1b[r\x1b[?7l\x1b[?25l"
"""No style, the normal character set, the whole screen as scrolling region, no line wrap, no cursor."""
_SCREEN_MODES = "\x1b[?1049h\x1b[?1004h\x1b[?2004h"
"""The alternate screen, reports of the focus, marks around pasted text."""
INPUT_WAIT_MS = 100
"""The reader of the keyboard looks this often whether the monitor ends, and whether an Escape stands alone."""


class Driver(LinuxDriver):
    """Writes to standard output, so that standard error can go to a file; Textual's own driver writes to the latter.

    Textual sends whole rows; the driver writes only the cells that changed. It reads the keyboard itself, because
    the reader of Textual ends the program at the first byte that is not UTF-8.
    """

    class Resumed(Message):
        """The process was stopped and runs again: the terminal shows what others wrote meanwhile."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if sys.__stdout__ is not None and sys.__stdout__.isatty():
            write_to(self, sys.__stdout__)
        self._screen_diff = ScreenDiff()
        self._running_modes: list[Any] | None = None
        self._left_for_stop = False
        signal.signal(signal.SIGTSTP, lambda *_: self._leave_and_stop())
        signal.signal(signal.SIGCONT, lambda *_: self._come_back())

    def write(self, data: str) -> None:
        """Write the cells of `data` that the terminal does not show yet."""
        super().write(self._screen_diff.difference(data))

    def forget(self) -> None:
        """Write the next output whole, because the terminal may show something else than was written."""
        self._screen_diff.forget()
        super().write(_DRAWING_MODES)

    def start_application_mode(self) -> None:
        """Take the terminal, and keep its modes for a return after SIGSTOP."""
        super().start_application_mode()  # type: ignore[no-untyped-call]
        self._running_modes = _modes(self.fileno)

    def stop_application_mode(self) -> None:
        """Give the terminal back."""
        self._running_modes = None
        super().stop_application_mode()

    def run_input_thread(self) -> None:
        """Read keys until the monitor ends."""
        keyboard, parser = KeyboardInput(), key_parser()
        poll = select.poll()
        poll.register(self.fileno, select.POLLIN)
        while not self.exit_event.is_set():
            data = b""
            if poll.poll(INPUT_WAIT_MS):
                # A terminal that is gone raises OSError or reads as empty; SIGHUP ends the monitor then.
                with contextlib.suppress(OSError):
                    data = os.read(self.fileno, 4096)
                if not data:
                    self.exit_event.wait(INPUT_WAIT_MS / 1000)
            text = keyboard.feed(data, time.monotonic()) if data else ""
            try:
                for event in (*(parser.feed(text) if text else ()), *parser.tick()):
                    self.process_message(event)
            except Exception:
                # Numbers that are no characters (ESC [ 99999999 ; 1 u) make the parser raise, and end it.
                LOG.warning("unreadable input from the terminal was dropped", exc_info=True)
                parser = key_parser()

    def _leave_and_stop(self) -> None:
        """Give the terminal back and stop, on SIGTSTP. The next SIGCONT calls `_come_back`."""
        if self._running_modes is not None:
            self._left_for_stop = True
            self.suspend_application_mode()
        os.kill(os.getpid(), signal.SIGSTOP)

    def _come_back(self) -> None:
        """Take the terminal again, on SIGCONT: after SIGTSTP, or after a SIGSTOP that changed nothing before it."""
        if not self._left_for_stop and self._running_modes is None:
            return
        if _is_in_background(self.fileno):
            # `bg`: the terminal belongs to the shell. `fg` sends the next SIGCONT.
            os.kill(os.getpid(), signal.SIGSTOP)
            return
        if self._left_for_stop:
            self._left_for_stop = False
            self.resume_application_mode()
        elif self._running_modes is not None:
            with contextlib.suppress(OSError, termios.error):
                termios.tcsetattr(self.fileno, termios.TCSANOW, self._running_modes)
            super().write(_SCREEN_MODES)
        self.send_message(self.Resumed())


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


def _is_in_background(fd: int) -> bool:
    """Return whether another process group has the terminal."""
    try:
        return os.tcgetpgrp(fd) != os.getpgrp()
    except OSError:
        # Not the controlling terminal: no shell takes it away.
        return False


def _modes(fd: int) -> list[Any] | None:
    try:
        return termios.tcgetattr(fd)
    except (OSError, ValueError, termios.error):
        return None


def _terminal_modes() -> tuple[int, list[Any]] | None:
    fd = sys.__stdin__.fileno() if sys.__stdin__ else 0
    modes = _modes(fd)
    return None if modes is None else (fd, modes)


def _restore(saved: tuple[int, list[Any]] | None) -> None:
    if saved is not None:
        with contextlib.suppress(OSError, termios.error):
            termios.tcsetattr(saved[0], termios.TCSANOW, saved[1])
