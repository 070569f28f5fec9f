"""Draws rows of spans as an SVG picture that needs no font, file or address from elsewhere.

Does not: know what the rows mean.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from rich.color import Color
from rich.style import Style

from metabonk_tui.ui.style.spans import Row, cells, fit
from metabonk_tui.ui.style.theme import Theme

CELL = (8.4, 17.0)
"""Width and height of a cell in pixels."""
BASELINE = 12.5
SIZE = 14
PLAIN = ("#d8dee9", "#101216")
"""Text and background where the theme leaves both to the terminal."""
DIM = 0.6
_WORDS = re.compile(r"\S+(?: \S+)*")


def svg(rows: Sequence[Row], wide: int, theme: Theme, name: str) -> str:
    """Draw rows of at most `wide` cells; `name` is the picture's title."""
    across, down = CELL
    width, height = wide * across, len(rows) * down
    ground = _hex(theme.words["bg"].color) or PLAIN[1]
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'height="{height:g}" font-family="monospace" font-size="{SIZE}" xml:space="preserve">',
        f"<title>{escape(name)}</title>",
        f'<rect width="100%" height="100%" fill="{ground}"/>',
    ]
    for y, row in enumerate(rows):
        x = 0
        for span in fit(row, wide):
            across_cells = cells(span.text)
            if across_cells:
                drawn += _span(span.text, theme.style(span), x * across, y * down, across_cells * across, ground)
            x += across_cells
    return "\n".join([*drawn, "</svg>\n"])


def _span(text: str, style: Style, x: float, y: float, wide: float, ground: str) -> list[str]:
    fore, back = _color(style.color) or PLAIN[0], _color(style.bgcolor)
    if style.reverse:
        fore, back = back or ground, fore
    drawn = [f'<rect x="{x:g}" y="{y:g}" width="{wide:g}" height="{CELL[1]:g}" fill="{back}"/>'] if back else []
    looks = ' font-weight="bold"' if style.bold else ""
    looks += ' text-decoration="underline"' if style.underline else ""
    looks += f' opacity="{DIM}"' if style.dim else ""
    for words in _WORDS.finditer(text):
        # Some viewers drop a space at an end and a second one in a row, and stretch the rest over it.
        clean = "".join([c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in words[0]])
        begins, length = cells(text[: words.start()]) * CELL[0], cells(words[0]) * CELL[0]
        drawn.append(
            f'<text x="{x + begins:g}" y="{y + BASELINE:g}" textLength="{length:g}" lengthAdjust="spacingAndGlyphs" '
            f'fill="{fore}"{looks}>{escape(clean)}</text>'
        )
    return drawn


def _color(color: Color | None) -> str:
    return "" if color is None or color.is_default else color.get_truecolor().hex


def _hex(name: str) -> str:
    return _color(Color.parse(name)) if name else ""
