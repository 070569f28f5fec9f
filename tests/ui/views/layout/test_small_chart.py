"""The small chart: another run at the same minutes is a row of single dots, and the axis holds it."""

from __future__ import annotations

from metabonk_tui.ui.style.glyphs import ASCII, UNICODE
from metabonk_tui.ui.style.spans import plain
from metabonk_tui.ui.views.layout.small_chart import ExpectedBand, PlotSpan, small_chart

SPAN = PlotSpan(0.0, 600.0, 150.0)
OWN = [(60.0 * minute, 1.0) for minute in range(11)]
GHOST = [(60.0 * minute, 8.0) for minute in range(11)]


def drawn(**more: object) -> list[str]:
    return [plain(row) for row in small_chart(OWN, SPAN, ExpectedBand(), 40, 5, UNICODE, **more)]  # type: ignore[arg-type]


def test_the_axis_holds_the_ghost() -> None:
    assert drawn()[0].split()[0] == "1.0"
    assert float(drawn(ghost=GHOST)[0].split()[0]) >= 8


def test_the_ghost_is_every_second_dot_and_muted() -> None:
    rows = small_chart(OWN, SPAN, ExpectedBand(), 40, 5, UNICODE, ghost=GHOST)
    dots = [
        span
        for row in rows
        for span in row
        if span.token == "muted" and any("\u2800" < char < "\u28ff" for char in span.text)
    ]
    assert dots
    assert all(len(set(span.text)) == 1 for span in dots)
    ascii_rows = small_chart(OWN, SPAN, ExpectedBand(), 40, 5, ASCII, ghost=GHOST)
    assert any(ASCII.forecast * 10 in plain(row) for row in ascii_rows)


def test_without_own_points_there_is_no_chart() -> None:
    assert small_chart([], SPAN, ExpectedBand(), 40, 5, UNICODE, ghost=GHOST) == []
