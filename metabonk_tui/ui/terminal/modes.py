"""Reads and sets the modes of a terminal, and finds the ones in which a shell works.

Does not: write to the terminal.
"""

from __future__ import annotations

import sys
import termios
from contextlib import suppress
from typing import Any

_INPUT = termios.ICRNL | termios.IXON
_OUTPUT = termios.OPOST | termios.ONLCR
_LOCAL = termios.ISIG | termios.ICANON | termios.IEXTEN | termios.ECHO | termios.ECHOE | termios.ECHOK
_READ_RETURNS = {termios.VMIN: 1, termios.VTIME: 0}


def terminal_modes(descriptor: int) -> list[Any] | None:
    """Return the modes as termios gives them; None: not a terminal."""
    try:
        return termios.tcgetattr(descriptor)
    except (OSError, ValueError, termios.error):
        return None


def modes_of_stdin() -> tuple[int, list[Any]] | None:
    """Return the descriptor of standard input and its modes; None: not a terminal."""
    descriptor = sys.__stdin__.fileno() if sys.__stdin__ else 0
    modes = terminal_modes(descriptor)
    return None if modes is None else (descriptor, modes)


def sane(modes: list[Any]) -> list[Any]:
    """Return the modes, or some in which a shell works where they are raw: a killed program left them behind.

    A shell that reads lines itself sets its own modes again; one that does not would echo nothing.
    """
    input_modes, output_modes, control, local, *speeds, characters = modes
    if local & (termios.ICANON | termios.ECHO):
        return modes
    characters = list(characters)
    for place, value in _READ_RETURNS.items():
        characters[place] = value
    input_modes = (input_modes | _INPUT) & ~(termios.INLCR | termios.IGNCR)
    return [input_modes, output_modes | _OUTPUT, control, local | _LOCAL, *speeds, characters]


def make_sane(descriptor: int) -> None:
    """Set the modes in which a shell works where the terminal's are raw."""
    modes = terminal_modes(descriptor)
    if modes is not None and (wanted := sane(modes)) is not modes:
        set_modes(descriptor, wanted)


def set_modes(descriptor: int, modes: list[Any]) -> None:
    """Set the modes; nothing happens when the terminal is gone."""
    with suppress(OSError, termios.error):
        termios.tcsetattr(descriptor, termios.TCSANOW, modes)
