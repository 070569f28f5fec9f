"""A picture of the screen keeps every character in its cell, also in viewers that drop spaces."""

from __future__ import annotations

import re

import pytest

from metabonk_tui.adapters.files.small import read_small_text
from metabonk_tui.adapters.state.package_data import themes_dir
from metabonk_tui.ui.style.spans import Span
from metabonk_tui.ui.style.svg import CELL, svg
from metabonk_tui.ui.style.theme_files import load_themes


def drawn(text: str) -> list[tuple[int, int, str]]:
    """Return (first cell, cells, text) of each piece of text in a picture of one row."""
    found_themes, _ = load_themes(themes_dir(), None, read_small_text)
    look = found_themes["dark"]
    picture = svg([(Span("x"), Span(text))], 40, look, "title")
    found = re.findall(r'<text x="([\d.]+)" y="[\d.]+" textLength="([\d.]+)"[^>]*>([^<]*)</text>', picture)
    return [(round(float(x) / CELL[0]), round(float(wide) / CELL[0]), piece) for x, wide, piece in found[1:]]


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("gen 1", [(1, 5, "gen 1")]),
        ("  NEXT  ", [(3, 4, "NEXT")]),
        ("ui expl   43 ", [(1, 7, "ui expl"), (11, 2, "43")]),
        ("世界  a", [(1, 4, "世界"), (7, 1, "a")]),
        ("   ", []),
    ],
)
def test_a_piece_has_no_space_that_a_viewer_may_drop(text: str, pieces: list[tuple[int, int, str]]) -> None:
    assert drawn(text) == pieces
