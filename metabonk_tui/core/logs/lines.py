"""Turns the bytes of a log into lines: masked, cleaned and cut, each with its place, time and level. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import tzinfo
from typing import NamedTuple

from msgspec.structs import replace

from metabonk_tui.core.logs.levels import line_levels
from metabonk_tui.core.logs.model import LineId, LogLine
from metabonk_tui.core.logs.times import line_time
from metabonk_tui.core.text.clean import LOOKED_AT, clean_masked, without_colours
from metabonk_tui.core.text.mask import WORDS, mask_each

LINE_CHARACTERS = 4096
"""The most characters of a line that are kept; how long it is in the file is said."""
ZEROS = 8
"""So many zero bytes are counted instead of shown: a truncated log whose writer does not append begins with them."""
_ZEROS = re.compile(rb"\0{%d,}" % ZEROS)
_PREFIX = re.compile(r"\[worker:[^\]\s]+\] ?")


class Origin(NamedTuple):
    """What is the same for all lines of one reading of a log."""

    source: str
    epoch: int
    zone: tzinfo
    newest_t: float
    """The latest possible time of the last line, in real Unix seconds."""
    words: tuple[str, ...] = WORDS
    """The words that make a name secret."""
    at: Callable[[float], float] = float
    """Converts real Unix seconds to the run's clock."""


def parse_lines(
    content: bytes, begin_byte: int, origin: Origin, inside: bool = False, seen_t: float | None = None
) -> tuple[list[LogLine], bool]:
    """Parse whole lines that begin at an offset; the last one may lack its end. Empty lines are left out.

    `inside`: a traceback is open before the first line. Also returns whether one is open after the last line. `seen_t`
    (on the run's clock) is given to lines without a time.
    """
    places: list[tuple[int, int]] = []
    texts: list[str] = []
    offset = begin_byte
    for raw in content.split(b"\n"):
        if raw.strip():
            places.append((offset, len(raw)))
            texts.append(line_text(raw))
        offset += len(raw) + 1
    kept = [
        (place, clean_masked(text, LINE_CHARACTERS), len(text) > LINE_CHARACTERS or place[1] > LOOKED_AT)
        for place, text in zip(places, mask_each(texts, origin.words), strict=True)
        if text is not None
    ]
    times: list[tuple[float | None, int]] = []
    newest_t = origin.newest_t
    for _, text, _ in reversed(kept):
        found = line_time(text, origin.zone, newest_t)
        times.append((None, 0) if found is None else (found.t, found.text_begins))
        newest_t = newest_t if found is None else min(newest_t, found.t)
    times.reverse()
    messages = [text[begins:] for (_, text, _), (_, begins) in zip(kept, times, strict=True)]
    lines: list[LogLine] = []
    last = len(content) - (content.rfind(b"\n") + 1)
    for ((place, length), text, is_cut), (t, begins), (level, is_inside) in zip(
        kept, times, line_levels(messages, inside), strict=True
    ):
        inside = is_inside
        prefix = _PREFIX.match(text, begins)
        lines.append(
            LogLine(
                LineId(origin.source, origin.epoch, place),
                text,
                length,
                None if t is None else origin.at(t),
                seen_t if t is None else None,
                level,
                begins if prefix is None else prefix.end(),
                bool(last) and place + length == begin_byte + len(content),
                is_cut,
            )
        )
    return lines, inside


def line_text(raw: bytes) -> str:
    """Decode a line as a terminal would show it: without colours, and of a progress bar only its last state."""
    head = _ZEROS.sub(lambda zeros: b"[%d zero bytes]" % len(zeros[0]), raw)[:LOOKED_AT]
    text = without_colours(head.decode(errors="replace")).replace("\t", "    ").rstrip("\r ")
    return text.rpartition("\r")[2] if "\r" in text else text


def continue_traceback(lines: list[LogLine], from_place: int = 0) -> None:
    """Mark the lines, from a place on, that belong to a traceback which began in lines that were read later."""
    for i, (level, is_open) in enumerate(
        line_levels((line.text[line.begins :] for line in lines[from_place:]), True), from_place
    ):
        lines[i] = replace(lines[i], level=level)
        if not is_open:
            return


def note(source: str, epoch: int, text: str, t: float) -> LogLine:
    """Make a line of the monitor's own: what happened to the file."""
    return LogLine(LineId(source, epoch, -1), text, 0, None, t, "note")
