"""Draws the fields of a worker's last status by name, in columns or each whole, all or those with a searched text."""

from __future__ import annotations

from collections.abc import Mapping

from metabonk_tui.core.model.sample import BadValue
from metabonk_tui.core.model.worker import WorkerView
from metabonk_tui.ui.style.glyphs import Glyphs
from metabonk_tui.ui.style.spans import Row, Span, clip, fit, gap, left, mark, width
from metabonk_tui.ui.views.layout.section import muted, paragraph, strong
from metabonk_tui.ui.views.layout.section import plain_text as text

NAME_CELLS = 36


def status_rows(worker: WorkerView, wide: int, g: Glyphs, whole: bool = False, wanted: str = "") -> list[Row]:
    """Draw every field by name, bad ones marked, in up to three columns; `whole`: one below the other, in full.

    `wanted`: only the fields whose name or value has this text.
    """
    if worker.status is None:
        return [(Span("no status", "unknown"),)]
    fields = [
        (str(name), value)
        for name, value in sorted(worker.status.fields.items())
        if wanted.lower() in f"{name} {value}".lower()
    ]
    if not fields:
        return [(muted("no field has this text" if wanted else "empty status"),)]
    if whole:
        return [row for name, value in fields for row in _whole(name, value, wide, g)]
    columns = max(1, min(3, wide // 58))
    cell = (wide - 3 * (columns - 1)) // columns
    entries = [_field(name, value, cell, g) for name, value in fields]
    high = -(-len(entries) // columns)
    rows: list[Row] = []
    for y in range(high):
        row: list[Span] = []
        for x in range(columns):
            if x * high + y < len(entries):
                row += [*((gap(3),) if x else ()), *fit(entries[x * high + y], cell, g.ellipsis)]
        rows.append(tuple(row))
    return rows


def variable_rows(variables: Mapping[str, str], wide: int, g: Glyphs) -> list[Row]:
    """Draw variables of the process, each whole."""
    if not variables:
        return [(muted("no variable that was read has this text"),)]
    return [row for name, value in sorted(variables.items()) for row in _whole(name, value, wide, g)]


def _whole(name: str, value: object, wide: int, g: Glyphs) -> list[Row]:
    """Draw one field in as many rows as its value needs."""
    head = _head(name, min(NAME_CELLS, max(8, wide // 2)), g)
    marked, shown = _value(value, g)
    return paragraph(shown.text or " ", wide, shown.token, shown.bold, (*head, *marked))


def _field(name: str, value: object, cell: int, g: Glyphs) -> Row:
    head = _head(name, min(NAME_CELLS, max(8, cell * 2 // 3)), g)
    marked, shown = _value(value, g)
    room = max(4, cell - width(head) - width(marked))
    return (*head, *marked, shown._replace(text=clip(shown.text, room, g.ellipsis)))


def _head(name: str, name_cells: int, g: Glyphs) -> Row:
    return (left(g.text(name), name_cells, "muted", False, g.ellipsis), gap(1))


def _value(value: object, g: Glyphs) -> tuple[Row, Span]:
    """Return the mark of a bad value, and the value."""
    if isinstance(value, BadValue):
        return (mark(g.bad, "crit", True), gap(1)), Span(g.text(f"BAD {value.why} {value.text}"), "crit", True)
    if value is None:
        return (), Span("null", "unknown")
    if isinstance(value, bool):
        return (), text("true" if value else "false")
    if isinstance(value, float):
        return (), strong(f"{value:.10g}")
    if isinstance(value, int):
        return (), strong(str(value)[:24])
    return (), text(g.text(str(value)))
