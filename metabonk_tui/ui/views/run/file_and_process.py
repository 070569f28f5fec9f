"""Draws the required keys in short: the value in the env file beside the value in the processes.

Does not: draw the whole way of a key; `environment` does, on its own screen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.core.worker.environment import EnvCheckRow, shown_value
from metabonk_tui.ui.style.glyphs import Glyphs
from metabonk_tui.ui.style.spans import Row, Span, cells, clip, gap, left, mark, right, spread
from metabonk_tui.ui.views.layout.section import muted

PREFIX = "METABONK_"
FILE, PROCESS = 12, 8
"""Cells of the value in the file, and of the value in the processes."""


def key_rows(table: Sequence[EnvCheckRow], wide: int, g: Glyphs) -> list[Row]:
    """Draw a row per key, the ones that differ first; without room for both, the process counts, not the file."""
    longest = max((cells(row.key) for row in table), default=0)
    share = 2 + max((len(fmt.share(len(row.cells), len(row.cells))) for row in table), default=0)
    process = PROCESS + share
    has_file = wide >= 24 + FILE + process
    key = wide - process - (FILE if has_file else 0)
    has_prefix = longest < key
    rows: list[Row] = []
    for row in table:
        start: Row = (*_key(row.key, key, has_prefix, g), *((_file(row, g),) if has_file else ()))
        rows.append(spread(start, (*_process(row, g, share),), wide, g.ellipsis))
    return rows


def _key(name: str, wide: int, has_prefix: bool, g: Glyphs) -> Row:
    """Draw the key with its prefix muted, or without it where a key is too long: all keys share the prefix."""
    if has_prefix and name.startswith(PREFIX):
        return (muted(PREFIX), left(name.removeprefix(PREFIX), wide - len(PREFIX), "text"))
    return (left(clip(name.removeprefix(PREFIX), wide - 1, g.ellipsis), wide, "text"),)


def _file(row: EnvCheckRow, g: Glyphs) -> Span:
    if row.file == "unknown":
        return left("file unread", FILE, "unknown")
    if row.file_value is None:
        return left("not in file", FILE, "crit")
    return left(f"file {clip(g.text(shown_value(row.file_value)), FILE - 6, g.ellipsis)}", FILE, "muted")


def _process(row: EnvCheckRow, g: Glyphs, share: int) -> Row:
    """Draw what most of the differing processes hold, and in how many of all."""
    missing, wrong = row.refs("missing"), row.refs("wrong")
    total = len(row.cells)
    if wrong and len(wrong) >= len(missing):
        values = Counter(cell.value for cell in row.cells if cell.result == "wrong")
        value = shown_value(values.most_common(1)[0][0])
        glyph, word, count, token = g.bad, value, len(wrong), "crit"
    elif missing:
        glyph, word, count, token = g.absent, "unset", len(missing), "crit"
    elif row.verdict == "unknown":
        glyph, word, count, token = g.unobserved, "unread", total - row.right, "unknown"
    else:
        glyph, word, count, token = g.active, shown_value(row.cells[0].value), row.right, "ok"
    value_token = "text" if token == "ok" else token
    shown = Span(clip(g.text(word), 6, g.ellipsis), value_token, token == "crit")
    return (mark(glyph, token, token == "crit"), gap(1), shown, right(fmt.share(count, total), share, "text"))
