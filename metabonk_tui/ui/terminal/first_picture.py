"""Turns rows into what a terminal shows, without Textual, which takes longer to import than the pool to answer.

Does not: write. `Canvas` draws every later picture, and these rows the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from rich.color import ColorSystem

from metabonk_tui.ui.style.spans import Row, fit, printable
from metabonk_tui.ui.style.theme import Theme


def sequence_of(rows: Sequence[Row], wide: int, theme: Theme, colors: str) -> str:
    """Return the escape sequences that draw the rows from the top; `colors` is one of `colors.COLOR_NAMES`."""
    system = ColorSystem[{"256": "EIGHT_BIT"}.get(colors, colors.upper())]
    return "".join(
        f"\x1b[{y};1H"
        + "".join(
            style.render("".join(span.text for span in spans), color_system=system)
            for style, spans in groupby(fit(printable(row), wide), theme.style)
        )
        for y, row in enumerate(rows, 1)
    )
