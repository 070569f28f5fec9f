"""Puts a first frame on the terminal before anything is imported, and a first picture before Textual is.

Does not: know anything of the pool. The screens draw over every cell of it.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

VALUED = ("--config", "--workers", "--base-port", "--host", "--speed")
"""The options of the monitor that take a value."""
BARE = ("--read-only", "--ascii", "--slow", "--mouse")
MORE_VALUED = {"watch": (), "replay": ("--at",), "demo": ("--scenario",)}
"""The verbs that open the screens, and their own options that take a value."""
LEAST_CELLS, LEAST_ROWS = 30, 3

_showing = False
_modes: list[Any] | None = None
"""The modes of the terminal as the shell set them; None: they are as the shell set them."""
_must_unwind = False


def opens_monitor(words: list[str]) -> bool:
    """Return whether a command line opens the monitor; False where that is not sure."""
    rest = iter(words)
    verb, recording = "", ""
    for word in rest:
        name, equals, value = word.partition("=")
        if name in VALUED or name in MORE_VALUED.get(verb, ()):
            value = value if equals else next(rest, "")
            if not value or value.startswith("-"):
                return False
        elif not verb and word in MORE_VALUED:
            verb = word
        elif verb == "replay" and not recording and not word.startswith("-"):
            recording = word
        elif word not in BARE and (verb, word) != ("demo", "--story"):
            return False
    return verb != "replay" or bool(recording)


def show(words: list[str]) -> None:
    """Draw the frame where the monitor will open and can be drawn. `leave` or `hand_over` must follow."""
    if not opens_monitor(words) or (os.environ.get("TERM") or "dumb") == "dumb":
        return
    try:
        drawable = os.isatty(0) and os.isatty(1)
        wide, high = os.get_terminal_size(1) if drawable else (0, 0)
    except OSError:
        return
    if wide < LEAST_CELLS or high < LEAST_ROWS:
        return
    import gc
    import signal  # imported late: `status` needs nothing of it

    from metabonk_tui.ui.terminal.background import question

    # Nothing that is imported becomes garbage: a search there finds nothing. `hand_over` enables it.
    gc.disable()
    global _showing
    _showing = True
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    _keep_keys()
    # The alternate screen, no cursor, and the first row of every screen; no colour, because no theme is read yet.
    # What a terminal shows of a question that it does not know is cleared.
    _write(
        "\x1b[?1049h"
        + question(os.environ["TERM"])
        + "\x1b[?25l\x1b[2J\x1b[1;2H\x1b[1mmetabonk-tui\x1b[0m  connecting\x1b["
        + f"{high};2H"
        + "q quit"
    )


def is_showing() -> bool:
    """Return whether the frame is on the terminal."""
    return _showing


def size() -> tuple[int, int]:
    """Return the columns and rows that Textual will draw, by COLUMNS and LINES where they are set; (0, 0): unknown."""
    import shutil

    return shutil.get_terminal_size((0, 0))


def draw(sequence: str) -> None:
    """Draw a picture over the frame: escape sequences and text, in the encoding of standard output."""
    _write(sequence)


def unwind_on_signals() -> None:
    """From now on something runs that must be stopped: SIGTERM and SIGHUP raise SystemExit in the main thread."""
    global _must_unwind
    _must_unwind = True


def hand_over() -> None:
    """The screens own the picture from here on, and garbage is collected. They take the modes with `take_modes`."""
    import gc

    global _showing, _must_unwind
    _showing = _must_unwind = False
    gc.freeze()
    gc.enable()


def take_modes() -> list[Any] | None:
    """Return, once, the modes of the terminal as the shell set them; None: they are set now.

    The screens restore them at their end. Restored before the screens begin, they would echo a key that is typed
    meanwhile and turn its Enter into another key.
    """
    global _modes
    modes, _modes = _modes, None
    return modes


def settle() -> None:
    """Keep what was imported out of every search for garbage. Call it after the first picture."""
    import gc

    gc.freeze()


def leave() -> None:
    """Show what the terminal showed before, and set its modes, unless the screens own them by now."""
    global _showing
    if _showing:
        _showing = False
        # Below the frame, where the terminal has no second screen.
        _write("\x1b[999;1H\r\n\x1b[?25h\x1b[?1049l")
    _restore_modes()


def _end(number: int, _: object) -> None:
    """Leave the frame, and end by the signal where nothing runs yet that must be stopped."""
    import signal

    leave()
    if _must_unwind:
        raise SystemExit(128 + number)
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _keep_keys() -> None:
    """Keep what is typed for the screens, which read it: no echo, no lines. Ctrl-C still interrupts."""
    import termios

    from metabonk_tui.ui.terminal.modes import make_sane

    global _modes
    try:
        make_sane(0)
        _modes = termios.tcgetattr(0)
        modes = termios.tcgetattr(0)
        modes[0] &= ~(termios.ICRNL | termios.INLCR | termios.IGNCR)
        modes[3] &= ~(termios.ECHO | termios.ICANON | termios.IEXTEN)
        termios.tcsetattr(0, termios.TCSANOW, modes)
    except termios.error:
        _modes = None


def _restore_modes() -> None:
    modes = take_modes()
    if modes is not None:
        import termios

        try:
            termios.tcsetattr(0, termios.TCSANOW, modes)
        except termios.error:
            return  # the terminal is gone


def _write(sequence: str) -> None:
    try:
        sys.stdout.flush()
        # Not through sys.stdout: a signal handler writes too, perhaps while a write is under way.
        data = sequence.encode(sys.stdout.encoding, "replace")
        while data:
            data = data[os.write(1, data) :]
    except OSError:
        return  # the terminal is gone; what opens next says so
