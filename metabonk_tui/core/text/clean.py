"""Cleans text from outside the program: control characters become U+FFFD, long text is cut."""

from __future__ import annotations

import unicodedata

MAX_TEXT = 200


_UNSAFE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def clean_text(text: str, limit: int = MAX_TEXT) -> str:
    """Replace characters that a terminal could act on by U+FFFD, white space by spaces; cut to `limit` characters."""
    cut = text if len(text) <= limit else text[: max(limit - 1, 0)] + "…"
    if cut.isprintable():
        return cut
    return "".join(map(_clean_character, cut))


def _clean_character(character: str) -> str:
    if character in "\t\n\r":
        return " "
    return "\ufffd" if unicodedata.category(character) in _UNSAFE else character
