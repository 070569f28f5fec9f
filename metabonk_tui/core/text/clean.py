"""Cleans text from outside the program: secrets are masked, control characters become U+FFFD, long text is cut."""

from __future__ import annotations

import re
import unicodedata

from metabonk_tui.core.text.mask import mask_text

MAX_TEXT = 200
LOOKED_AT = 8192
"""The most characters that are looked at; a secret is found before the text is cut, and a cut one is masked."""


_TERMINAL = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # colours, cursor, erasing
    r"|(?:\x1b\]|\x9d)[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)"  # titles, links
    r"|\x1b[ -/]+[0-~]"  # character sets
    r"|\x1b[0-Z\\^-~]"
)
"""A whole escape sequence of a terminal. What is no whole one stays, and is cleaned like other control characters."""
_UNSAFE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def show_cr(value: str) -> str:
    r"""Write a carriage return as \r: cleaned to a space it would look like the right value."""
    return value.replace("\r", r"\r")


def without_colours(text: str) -> str:
    """Drop the escape sequences of a command that wrote for a terminal: colours, cursor movements, titles."""
    return _TERMINAL.sub("", text) if "\x1b" in text or "\x9b" in text or "\x9d" in text else text


def clean_text(text: str, limit: int = MAX_TEXT) -> str:
    """Mask secrets; replace characters that a terminal could act on by U+FFFD, white space by spaces; cut the text."""
    looked_at = max(LOOKED_AT, limit)
    more = "…" if len(text) > looked_at else ""
    return clean_masked(mask_text(text[:looked_at]) + more, limit)


def clean_masked(text: str, limit: int = MAX_TEXT) -> str:
    """Clean a text whose secrets are masked: replace control characters, cut to `limit` characters."""
    cut = text if len(text) <= limit else text[: max(limit - 1, 0)] + "…"
    if cut.isprintable():
        return cut
    return "".join(map(_clean_character, cut))


def _clean_character(character: str) -> str:
    if character in "\t\n\r":
        return " "
    return "\ufffd" if unicodedata.category(character) in _UNSAFE else character
