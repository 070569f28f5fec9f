"""The first picture, drawn without Textual, shows what the canvas shows when Textual takes over."""

from __future__ import annotations

import io
from collections.abc import Mapping

import pyte
import pytest
from rich.console import Console
from textual.strip import Strip

from metabonk_tui.ui.style.spans import Row, Span
from metabonk_tui.ui.style.theme import MONO, Theme, fitted
from metabonk_tui.ui.terminal.canvas import Canvas
from metabonk_tui.ui.terminal.colors import COLOR_NAMES, color_name
from metabonk_tui.ui.terminal.first_picture import sequence_of

WIDE = 24
ROWS: tuple[Row, ...] = (
    (Span("metabonk-tui", "strong", True), Span("  connecting", "muted")),
    (),
    (Span("■ STOP", "oncrit", True, "critband", True), Span(" 日本 \x1b[31m\t!", "text", reverse=True)),
    (Span("x" * 40, "warn"), Span("never seen")),
    (Span("w0", "text", on="selectid"), Span(" behind", "ok", dim=True), Span(" it", "ok", dim=True)),
)


def shown(sequence: str) -> list[list[tuple[object, ...]]]:
    """Return what a terminal shows: of every cell its character, colours and attributes."""
    screen = pyte.Screen(WIDE, len(ROWS))
    pyte.Stream(screen).feed(sequence)
    return [[tuple(screen.buffer[y][x]) for x in range(WIDE)] for y in range(len(ROWS))]


@pytest.mark.parametrize("colors", COLOR_NAMES)
@pytest.mark.parametrize("name", ["dark", "ansi-16", MONO.name])
def test_it_is_the_picture_of_the_canvas(
    name: str, colors: str, themes: dict[str, Theme], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fresh_theme() -> Theme:
        # A style remembers its sequence, which must not make the comparison one of a thing with itself.
        theme = {**themes, MONO.name: MONO}[name]
        return fitted({name: Theme(theme.name, theme.words, theme.glyphs)}, colors).get(name, MONO)

    monkeypatch.setattr(Canvas, "size", pyte.Screen(WIDE, len(ROWS)))
    monkeypatch.setattr(pyte.Screen, "width", WIDE, raising=False)
    canvas = Canvas(fresh_theme(), ROWS)
    console = Console(file=io.StringIO(), color_system=colors, force_terminal=True, _environ={})  # type: ignore[arg-type]
    strips: list[Strip] = [canvas.render_line(y) for y in range(len(ROWS))]
    drawn_by_textual = "".join(f"\x1b[{y};1H{strip.render(console)}" for y, strip in enumerate(strips, 1))
    assert shown(sequence_of(ROWS, WIDE, fresh_theme(), colors)) == shown(drawn_by_textual)


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"TERM": "xterm"},
        {"TERM": "xterm-256color"},
        {"TERM": "XTERM-256COLOR "},
        {"TERM": "xterm-kitty"},
        {"TERM": "linux-16color"},
        {"TERM": "screen-256color-bce"},
        {"TERM": "xterm", "COLORTERM": "truecolor"},
        {"TERM": "xterm", "COLORTERM": " 24BIT"},
        {"TERM": "xterm-256color", "COLORTERM": "yes"},
    ],
    ids=str,
)
def test_the_colours_are_those_that_textual_will_draw_with(environ: Mapping[str, str]) -> None:
    assert color_name(environ) == Console(force_terminal=True, _environ=environ).color_system


@pytest.mark.parametrize(("chosen", "name"), [("auto", "256"), ("standard", "standard"), ("windows", "")])
def test_a_choice_for_textual_counts(chosen: str, name: str) -> None:
    assert color_name({"TERM": "xterm-256color", "TEXTUAL_COLOR_SYSTEM": chosen}) == name
