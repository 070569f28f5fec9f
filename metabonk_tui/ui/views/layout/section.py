"""Draws the parts of every pane: title with rule, sentences broken into lines, facts that fit, names cut short.

A name that is cut in a column is whole in every text, report and recording. Does not: know what a pane shows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from metabonk_tui.core.model.refs import HostName, WorkerRef
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.style.glyphs import Glyphs
from metabonk_tui.ui.style.spans import Row, Span, cells, cropped, cut, fit, gap, join, mark, remembered, width

VALUES = 10
"""The column where values begin in the header."""
WIDE = 110
"""From this width on the header has the columns of a 120-cell terminal."""
HOST_CELLS = 16
"""A host's name in a column of its own. The names of a cluster have up to 64 letters."""
LABEL_CELLS = HOST_CELLS + 5
"""A worker's name: its host, "/w" and a slot of three digits."""


_KEY_IN_SENTENCE = re.compile(r"(?<=; )\S+(?= [a-z]+s\b)")
"""A key after a semicolon and before a verb."""


def label(name: str) -> Row:
    """Draw the label of a header row, up to column 10."""
    return (gap(1), Span(name, "muted"), gap(VALUES - 1 - len(name)))


def key_now(frame: Frame, key: str) -> str:
    """Return the key that does what this key usually does."""
    return frame.key_names.get(key, key)


def with_keys_now(frame: Frame, sentence: str) -> str:
    """Write a sentence like "paused; p resumes" with the key that does this now."""
    if not frame.key_names:
        return sentence
    return _KEY_IN_SENTENCE.sub(lambda found: key_now(frame, found[0]), sentence)


def has_hint(frame: Frame, key: str) -> bool:
    """Return whether what this key usually does is valid now. A hint can name two keys: "+ -"."""
    key = key_now(frame, key)
    return any(key == hint.key or key in hint.key.split() for hint in frame.hints)


@remembered
def muted(text: str) -> Span:
    """Make a span for labels, units and axes."""
    return Span(text, "muted")


@remembered
def plain_text(text: str) -> Span:
    """Make a span for sentences and evidence."""
    return Span(text, "text")


@remembered
def strong(text: str, bold: bool = False) -> Span:
    """Make a span for values; bold for the most important one."""
    return Span(text, "strong", bold)


def title(
    text: str,
    wide: int,
    glyphs: Glyphs,
    note: Row = (),
    end: Row = (),
    focused: bool = False,
    ruled: bool = True,
) -> Row:
    """Draw a section title of exactly `wide` cells: name, note, rule, and `end` at the right."""
    head: Row = (Span(text, "accent" if focused else "muted", True),)
    if note:
        head = (*head, gap(2), *note)
    room = wide - (width(end) + 2 if end else 0) - 1
    if room < cells(text):
        return fit(head, wide, glyphs.ellipsis)
    head = cut(head, room, glyphs.ellipsis)
    rest = room - width(head)
    rule = mark(glyphs.rule * rest, "line") if ruled else gap(rest)
    return (*head, gap(1), rule, gap(2), *end) if end else (*head, gap(1), rule)


def bracket(frame: Frame, *keys: str) -> Row:
    """Draw the keys of further screens, "[v]"; only those valid now."""
    row: list[Span] = []
    for key in keys:
        if has_hint(frame, key):
            row += [*((gap(1),) if row else ()), muted("["), strong(key_now(frame, key), True), muted("]")]
    return tuple(row)


def facts(parts: Sequence[Row], wide: int, gap_cells: int = 3) -> Row:
    """Join facts in one row; those that do not fit are left out from the right, never cut."""
    kept = [part for part in parts if part]
    while kept and width(join(kept, gap_cells)) > wide:
        kept.pop()
    return join(kept, gap_cells)


def words(text: str, wide: int) -> list[str]:
    """Break a sentence into lines of at most `wide` cells, at blanks where possible."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        while cells(word) > wide > 0:
            if line:
                lines.append(line)
                line = ""
            piece = "".join(span.text for span in cropped((Span(word),), 0, wide)).rstrip() or word[:1]
            lines.append(piece)
            word = word[len(piece) :]
        if word and line and cells(line) + 1 + cells(word) > wide:
            lines.append(line)
            line = word
        elif word:
            line = f"{line} {word}" if line else word
    return [*lines, line] if line else lines


def paragraph(text: str, wide: int, token: str = "text", bold: bool = False, indent: Row = ()) -> list[Row]:
    """Break a sentence into rows; `indent` comes before the first line, blanks of its width before the others."""
    room = max(1, wide - width(indent))
    lines = words(text, room) or [""]
    blank: Row = (gap(width(indent)),) if indent else ()
    return [(*(indent if i == 0 else blank), Span(line, token, bold)) for i, line in enumerate(lines)]


def block(rows: Iterable[Row], wide: int, high: int, ellipsis: str = "…") -> tuple[Row, ...]:
    """Make a block of exactly `wide` x `high` cells: cut or padded with blanks."""
    kept = [fit(row, wide, ellipsis) for row in list(rows)[:high]]
    return (*kept, *(((gap(wide),)) for _ in range(high - len(kept))))


def shown_host(name: HostName, snapshot: Snapshot, glyphs: Glyphs, most: int = HOST_CELLS) -> str:
    """Return the name of a host in at most this many cells."""
    if len(name) <= most:
        return name
    names = tuple(snapshot.hosts) if name in snapshot.hosts else (*snapshot.hosts, name)
    return _short_names(names, most, glyphs.ellipsis)[name]


def shown_label(ref: WorkerRef, snapshot: Snapshot, glyphs: Glyphs, most: int = LABEL_CELLS) -> str:
    """Return the name of a worker in at most this many cells, as far as its slot leaves any to its host."""
    return _with_slot(ref, ref.label, snapshot, glyphs, most)


def shown_id(ref: WorkerRef, snapshot: Snapshot, glyphs: Glyphs, most: int = LABEL_CELLS) -> str:
    """Return the same without the "w"."""
    return _with_slot(ref, str(ref.written), snapshot, glyphs, most)


def _with_slot(ref: WorkerRef, whole: str, snapshot: Snapshot, glyphs: Glyphs, most: int) -> str:
    if not ref.host or len(whole) <= most:
        return whole
    slot = whole[len(ref.host) :]
    return shown_host(ref.host, snapshot, glyphs, max(4, most - len(slot))) + slot


@lru_cache(maxsize=64)
def _short_names(names: tuple[HostName, ...], most: int, ellipsis: str) -> Mapping[HostName, str]:
    """Return a name in at most `most` cells for each host.

    The domain goes first. Then the middle goes: nodes of a cluster mostly differ in their last digits.
    """
    first = {name: name.partition(".")[0] for name in names}
    bases = first if len(set(first.values())) == len(names) else {name: name for name in names}
    room = max(1, most - len(ellipsis))
    best: dict[HostName, str] = {}
    for head in sorted(range(room), key=lambda head: abs(head - room // 3)):
        found = {name: _cut(base, head, most, ellipsis) for name, base in bases.items()}
        best = best or found
        if len(set(found.values())) == len(names):
            return found
    return best


def _cut(name: str, head: int, most: int, ellipsis: str) -> str:
    tail = most - head - len(ellipsis)
    return name if len(name) <= most or tail < 1 else f"{name[:head]}{ellipsis}{name[-tail:]}"
