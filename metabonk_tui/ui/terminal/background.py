"""Asks the terminal for the colour of its background (OSC 11), and reads the answer without losing keys.

Imports little, because the first frame asks. Does not: choose a theme.
"""

from __future__ import annotations

import os
import time

QUERY = "\x1b]11;?\x1b\\"
ANSWER_S = 0.1
"""A terminal that has not answered by then is taken for a dark one: nothing waits for it."""
TORN_S = 0.1
"""The parts of a torn answer follow each other sooner. The key parser waits as long for what follows an Escape."""
FOCUS_IN_REST = b"[I"
"""Completes an Escape that the key parser has to a report of the focus, which only draws the screen again."""
_SILENT = ("linux", "vt", "ansi", "cons", "sun", "hurd", "mach", "dumb")
"""Terminals that do not know the question, and may show a part of it."""

_asked_s: float | None = None
typed = bytearray()
"""What was read with the answer: keys for the screens."""


def question(term: str) -> str:
    """Return what asks a terminal of this $TERM, and note the time; "" where it would not answer."""
    global _asked_s
    if term.startswith(_SILENT):
        return ""
    _asked_s = time.monotonic()
    return QUERY


def is_light(descriptor: int = 0) -> bool | None:
    """Return whether the background is light; None: the terminal was not asked, or has not said by `ANSWER_S`.

    The terminal must hand over bytes as they come, without lines. Other bytes are kept in `typed`.
    """
    global _asked_s
    if _asked_s is None:
        return None
    ends_s, _asked_s = _asked_s + ANSWER_S, None
    import re
    import select

    answer = re.compile(
        rb"\x1b\]11;rgba?:([0-9a-f]{1,4})/([0-9a-f]{1,4})/([0-9a-f]{1,4})[^\x07\x1b]*(?:\x07|\x1b\\)", re.I
    )
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    while True:
        # What lies there already is read after the time, too: the imports may have taken longer.
        if not poll.poll(max(0.0, ends_s - time.monotonic()) * 1000):
            return None
        try:
            data = os.read(descriptor, 4096)
        except OSError:
            return None
        if not data:
            return None
        typed.extend(data)
        if found := answer.search(bytes(typed)):
            del typed[found.start() : found.end()]
            red, green, blue = (int(part, 16) / (16 ** len(part) - 1) for part in found.groups())
            return bool(0.299 * red + 0.587 * green + 0.114 * blue > 0.5)


class AnswerFilter:
    """Removes late answers from what the terminal sends, wherever a read tears them: none of their bytes is a key."""

    def __init__(self) -> None:
        import re

        self._whole = re.compile(rb"\x1b\]11;[^\x07\x1b]{0,60}(?:\x07|\x1b\\)")
        self._torn = re.compile(rb"\x1b\](?:1(?:1(?:;[^\x07\x1b]{0,60}\x1b?)?)?)?\Z")
        self._held = b""
        self._fed_s = 0.0
        self._ends_in_escape = False

    def feed(self, data: bytes, now_s: float) -> bytes:
        """Return the other bytes of one read; `now_s` is a monotonic time."""
        is_old = now_s - self._fed_s > TORN_S
        held, self._held, self._fed_s = b"" if is_old else self._held, b"", now_s
        # An Escape at the end of the last read was passed on: it may be a key. Here it may turn out that it was none.
        escaped = self._ends_in_escape and not is_old and data.startswith(b"]")
        text = held + (b"\x1b" if escaped else b"") + data
        kept = self._whole.sub(b"", text)
        if torn := self._torn.search(kept):
            kept, self._held = kept[: torn.start()], torn[0]
        self._ends_in_escape = kept.endswith(b"\x1b")
        if not escaped:
            return kept
        return kept[1:] if kept.startswith(b"\x1b]") else FOCUS_IN_REST + kept


def take_typed() -> bytes:
    """Return the keys that were read with the answer, once."""
    data = bytes(typed)
    typed.clear()
    return data
