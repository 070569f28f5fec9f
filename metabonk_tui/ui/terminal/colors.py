"""Finds out which colours the terminal shows. Imports no Textual: the first picture needs the answer before it.

Does not: ask the terminal. Rich, with which Textual draws, reads the same environment.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

COLOR_NAMES = ("standard", "256", "truecolor")
"""The names of Rich: 16 colours, 256, and 24 bits."""
_OF_TERM = {"kitty": "256", "256color": "256", "16color": "standard"}
"""By what follows the last hyphen of $TERM."""


def color_name(environ: Mapping[str, str] = os.environ) -> str:
    """Return the name of the colours that Textual will draw with, one of `COLOR_NAMES`; "": not known here."""
    chosen = environ.get("TEXTUAL_COLOR_SYSTEM") or "auto"
    if chosen != "auto":
        return chosen if chosen in COLOR_NAMES else ""
    if environ.get("COLORTERM", "").strip().lower() in ("truecolor", "24bit"):
        return "truecolor"
    return _OF_TERM.get(environ.get("TERM", "").strip().lower().rpartition("-")[2], "standard")


def is_monochrome(environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether colours are off: NO_COLOR is set, or terminfo has fewer than 8 colours for $TERM."""
    if environ.get("NO_COLOR"):
        return True
    if environ.get("COLORTERM") or environ.get("TERM", "").rpartition("-")[2] == "256color":
        return False
    try:
        import curses

        curses.setupterm(environ.get("TERM") or "dumb", sys.__stdout__.fileno() if sys.__stdout__ else 1)
        return curses.tigetnum("colors") < 8
    except (ImportError, OSError, ValueError, curses.error):
        # Without a terminfo entry, assume colours, except for terminals that never had any.
        return environ.get("TERM", "dumb") in ("dumb", "vt100", "vt102", "vt220")
