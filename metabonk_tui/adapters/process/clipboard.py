"""Judges whether a text that is sent to the terminal (OSC 52) can reach a clipboard.

Does not: copy. No terminal answers whether it took a text.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping

from metabonk_tui.adapters.process.run_command import run_command
from metabonk_tui.core.ports.moments import ClipboardProblem
from metabonk_tui.core.text.clean import clean_text

TMUX_LIMIT_S = 2.0
WITHOUT = ("linux", "dumb", "vt52", "vt100", "vt102", "vt220", "ansi", "cons25")
"""Values of TERM of terminals that have no clipboard, or take no text for it."""


def clipboard_problem(environ: Mapping[str, str] = os.environ) -> ClipboardProblem | None:
    """Return why no text reaches a clipboard; None where it may. In tmux it asks tmux, for up to 2 s."""
    term = environ.get("TERM", "")
    if environ.get("TMUX"):
        return _tmux_problem(environ)
    if term in WITHOUT or not term:
        return ClipboardProblem(clean_text(term, 20) or "no TERM", "this terminal has no clipboard")
    if environ.get("STY") or term == "screen" or term.startswith("screen."):
        return ClipboardProblem("GNU screen", "it passes no text to the clipboard")
    return None


def _tmux_problem(environ: Mapping[str, str]) -> ClipboardProblem | None:
    try:
        asked = run_command(
            ("tmux", "show-options", "-sqv", "set-clipboard"),
            timeout_s=TMUX_LIMIT_S,
            give_up=threading.Event(),
            environment=environ,
        )
        value = asked.tail[-1].strip() if asked.tail else "not known"
    except (OSError, ValueError):
        value = "not known"
    if value == "on":
        return None
    return ClipboardProblem("tmux", f"its set-clipboard is {value}; tmux set -s set-clipboard on")
