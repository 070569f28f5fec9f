"""Declares what only the app can do for a key: quit, redraw, suspend, copy, show another theme, run a command."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple


class Effect(NamedTuple):
    """What only the app can do for a key."""

    do: Literal["", "quit", "redraw", "suspend", "picture"] = ""
    copy: str = ""
    """A text for the clipboard."""
    theme: str = ""
    """The theme to show now."""
    run: tuple[str, ...] = ()
    """The words of a command that the program runs after the monitor is closed; (): it stays open."""


NO_EFFECT = Effect()
PLAIN_EFFECTS: Mapping[str, Callable[[object], Effect]] = {
    "quit": lambda _: Effect("quit"),
    "redraw": lambda _: Effect("redraw"),
    "suspend": lambda _: Effect("suspend"),
    "picture": lambda _: Effect("picture"),
}
"""What the commands do that only the app can carry out."""
