"""Finds what bash does not read as the writer of an env file meant it: other encodings, line ends, dotenv forms.

Reads the file's bytes. Does not: decide what the file sets; bash does.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import Path

from metabonk_tui.core.text.phrases import cut_list

MAX_BYTES = 1 << 20
_NAME = rb"(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)"
_SPACE = re.compile(rb"[ \t]*" + _NAME + rb"(?:[ \t]+=|=[ \t]+[^ \t#\r])")
_COLON = re.compile(rb"[ \t]*" + _NAME + rb"[ \t]*:[ \t]")
_WORDS = re.compile(rb"[ \t]*" + _NAME + rb"=[^ \t\"'`$#;&|()<>\\]+[ \t]+[^ \t#;&|=\r]+(?:[ \t]+[^=]*)?\r?$")


def why_unreadable(head: bytes) -> str:
    """Return why bash cannot read a file that begins like this; "" when it can."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "is written in UTF-16: save it as UTF-8 without a byte order mark"
    if b"\0" in head:
        return "has NUL bytes, so it is no text: save it as UTF-8"
    return ""


def read_head(path: Path) -> bytes:
    """Return at most 1 MiB of a file; nothing when it cannot be read, which bash then reports."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES)
    except OSError:
        return b""


def encoding_faults(text: bytes, ends_with_cr: list[str]) -> Iterator[str]:
    """Yield what an editor of another system did; `ends_with_cr`: the variables whose value ends with a CR."""
    if text.startswith(codecs.BOM_UTF8):
        yield "it begins with a byte order mark (BOM), which bash takes as part of the first name: save without it"
    if ends_with_cr:
        ends = "CR LF" if b"\r\n" in text else "CR alone, so bash sees one line"
        verb = "ends" if len(ends_with_cr) == 1 else "end"
        yield f"its lines end with {ends}: {cut_list(ends_with_cr, 3)} {verb} with a CR"


def dialect_hints(text: bytes) -> tuple[str, ...]:
    """Name the lines that dotenv understands and bash does not, at most three of each kind."""
    lines = text.removeprefix(codecs.BOM_UTF8).split(b"\n")
    kinds = (
        (_SPACE, 'a space beside "=": write KEY=value'),
        (_COLON, '":" in place of "=": write KEY=value'),
        (_WORDS, "a value of several words without quotes"),
    )
    hints = []
    for pattern, what in kinds:
        found = [str(number) for number, line in enumerate(lines, 1) if pattern.match(line)]
        if found:
            hints.append(f"line {cut_list(found, 3)}: {what}")
    return tuple(hints)
