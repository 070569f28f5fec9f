"""Describes the process that holds a lock or a role: "pid 4711 on pts/3 since 14:02"."""

from __future__ import annotations

import os
import time

from metabonk_tui.core.text.clean import clean_text

_TTY_CHARACTERS = 40


def holder_text(process: str, tty: object, since_t: object) -> str:
    """Return the description; parts that are empty or not valid are left out. `since_t`: Unix seconds."""
    where = clean_text(str(tty or ""), _TTY_CHARACTERS)
    return f"{process}{f' on {where}' if where else ''}{_since(since_t)}"


def terminal() -> str:
    """Return the terminal of this process: "pts/3"; "": none."""
    for fd in (0, 1, 2):
        try:
            return os.ttyname(fd).removeprefix("/dev/")
        except OSError:
            continue
    return ""


def _since(since_t: object) -> str:
    """Return " since 14:02", with the date of another day; "" where the time is not valid."""
    if isinstance(since_t, bool) or not isinstance(since_t, int | float):
        return ""
    try:
        then = time.localtime(since_t)
    except (OverflowError, ValueError, OSError):
        return ""
    day = "" if time.strftime("%F", then) == time.strftime("%F") else time.strftime("%F ", then)
    return f" since {day}{time.strftime('%H:%M', then)}"
