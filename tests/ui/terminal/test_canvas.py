"""The canvas repaints what changed and nothing else; rows of spans keep their width whatever is cut or laid over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from textual.geometry import Region

from metabonk_tui.ui.app import MonitorApp
from metabonk_tui.ui.frame import Page
from metabonk_tui.ui.style.glyphs import ASCII, UNICODE, choose_glyphs
from metabonk_tui.ui.style.spans import (
    Row,
    Span,
    cells,
    clip,
    cropped,
    cut,
    fit,
    join,
    left,
    overlay,
    plain,
    right,
    side_by_side,
    spread,
    width,
)
from metabonk_tui.ui.terminal.canvas import Canvas
from tests.support import snapshots as scenes
from tests.support.waiting import wait_for_async
from tests.ui.conftest import ScriptedMonitor

Make = Callable[..., MonitorApp]


class Spy:
    """Counts what a canvas asks to be repainted and what it renders."""

    def __init__(self, canvas: Canvas) -> None:
        self.asked: list[int] = []
        self.rendered: list[int] = []
        refresh, render = canvas.refresh, canvas.render_line

        def spy_refresh(*regions: Region, **options: bool) -> Canvas:
            for region in regions or (Region(0, 0, *canvas.size),):
                self.asked += list(region.line_range)
            return refresh(*regions, **options)

        def spy_render(y: int) -> object:
            self.rendered.append(y)
            return render(y)

        canvas.refresh = spy_refresh  # type: ignore[method-assign, assignment]
        canvas.render_line = spy_render  # type: ignore[method-assign, assignment]


async def quiet(spy: Spy) -> None:
    """Wait until the first picture is painted and nothing more is due."""
    while True:
        spy.rendered.clear()
        await asyncio.sleep(0.1)
        if not spy.rendered:
            spy.asked.clear()
            return


async def test_only_changed_rows_are_repainted(make_app: Make) -> None:
    app = make_app(ScriptedMonitor(scenes.healthy()))
    async with app.run_test(size=(80, 24)):
        spy = Spy(app.canvas)
        await quiet(spy)
        before = [app.canvas.render_line(y) for y in range(24)]
        rows = list(app.canvas.rows)
        rows[7] = (Span("changed"),)
        rows[20] = (Span("changed too", "crit"),)
        app.canvas.show(tuple(rows))
        assert spy.asked == [7, 20]
        # Textual may ask for the other rows, too; those come from the cache.
        await wait_for_async(lambda: spy.rendered)
        after = [app.canvas.render_line(y) for y in range(24)]
        assert [y for y in range(24) if before[y] is not after[y]] == [7, 20]
        spy.asked.clear()
        # Equal rows that are other objects are not news.
        app.canvas.show(tuple(tuple(Span(*span) for span in row) for row in rows))
        assert spy.asked == []
        app.canvas.show(tuple(rows[:-1]))
        assert spy.asked == [23]


async def test_a_new_snapshot_repaints_only_what_it_changes(make_app: Make) -> None:
    monitor = ScriptedMonitor(scenes.healthy())
    app = make_app(monitor)
    async with app.run_test(size=(120, 40)):
        spy = Spy(app.canvas)
        await quiet(spy)
        scene = scenes.healthy()
        shown = app.canvas.rows
        monitor.set(replace(scene, t=scene.t + 1, tick=scene.tick + 1))
        await wait_for_async(lambda: app.controller.snapshot is monitor.latest() and app.canvas.rows is not shown)
        assert spy.asked
        assert set(spy.asked) <= {0, 1}


async def test_strips_are_kept_until_the_theme_changes(make_app: Make) -> None:
    app = make_app(ScriptedMonitor(scenes.healthy()))
    async with app.run_test(size=(80, 24)) as pilot:
        strip = app.canvas.render_line(3)
        assert app.canvas.render_line(3) is strip
        await pilot.press("T")
        assert app.canvas.render_line(3) is not strip


async def test_every_cell_has_the_themes_background(make_app: Make) -> None:
    app = make_app(ScriptedMonitor(scenes.healthy()))
    async with app.run_test(size=(80, 24)):
        for y in range(24):
            strip = app.canvas.render_line(y)
            assert strip.cell_length == 80
            assert all(segment.style and segment.style.bgcolor for segment in strip)


texts = st.text(st.sampled_from("ab ●━▁漢字é─…"), max_size=12)
rows = st.lists(texts.map(Span), max_size=5).map(tuple)


@given(rows, st.integers(0, 40))
def test_fit_is_exact(row: Row, wide: int) -> None:
    assert width(fit(row, wide)) == wide


@given(rows, st.integers(0, 40))
def test_cut_never_exceeds_and_keeps_what_fits(row: Row, wide: int) -> None:
    short = cut(row, wide)
    assert width(short) <= wide
    if width(row) <= wide:
        assert plain(short) == plain(row)


@given(texts, st.integers(0, 20), st.sampled_from(["…", ".."]))
def test_clip_and_columns(text: str, wide: int, ellipsis: str) -> None:
    assert cells(clip(text, wide, ellipsis)) <= wide
    assert cells(left(text, wide, ellipsis=ellipsis).text) == wide
    assert cells(right(text, wide, ellipsis=ellipsis).text) == wide


@given(rows, rows, st.integers(0, 60))
def test_spread_is_exact_and_keeps_the_right_end(start: Row, end: Row, wide: int) -> None:
    row = spread(start, end, wide)
    assert width(row) == wide
    if width(end) < wide:
        assert plain(row).endswith(plain(end))


@given(rows, rows, st.integers(0, 30), st.integers(0, 60))
def test_overlay_is_exact(under: Row, over: Row, x: int, wide: int) -> None:
    x = min(x, wide)
    assert width(overlay(under, over, x, wide)) == wide


@given(rows, st.integers(0, 30), st.integers(0, 30))
def test_cropped_takes_that_many_cells(row: Row, start: int, more: int) -> None:
    whole = fit(row, 60)
    assert width(cropped(whole, start, start + more)) == more


def test_join_and_beside() -> None:
    a, b = (Span("a"),), (Span("b"),)
    assert plain(join([a, (), b], 2)) == "a  b"
    assert [plain(row) for row in side_by_side([([a, a], 3), ([b], 2)], 1)] == ["a   b ", "a     "]


@given(st.integers(0, 8), st.integers(0, 60), st.integers(0, 4), st.integers(1, 50), st.integers(-5, 99))
def test_a_page_fills_any_height_and_keeps_its_ends(top: int, body: int, bottom: int, high: int, scroll: int) -> None:
    page = Page(
        tuple((Span(f"top {i}"),) for i in range(top)),
        tuple((Span(f"body {i}"),) for i in range(body)),
        tuple((Span(f"bottom {i}"),) for i in range(bottom)),
    )
    composed, real = page.compose(20, high, scroll, UNICODE)
    assert len(composed) == high
    assert 0 <= real <= max(0, body - 1) or body == 0
    if top:
        assert plain(composed[0]) == "top 0"
    if bottom and high > 3:
        assert plain(composed[-1]) == f"bottom {bottom - 1}"


def test_every_glyph_is_one_cell_in_unicode_and_ascii_is_ascii() -> None:
    for name in UNICODE.__slots__:
        one, other = getattr(UNICODE, name), getattr(ASCII, name)
        if isinstance(one, str):
            assert cells(one) == (8 if name == "sparks" else 1), name
            assert other.isascii(), name
    assert ASCII.text("ui→game ±6m ²") == "ui->game +-6m ^2"
    assert ASCII.text("漢") == "?"
    assert UNICODE.text("ui→game") == "ui→game"


def test_glyphs_are_chosen_by_locale() -> None:
    assert choose_glyphs("auto", {"LANG": "en_US.UTF-8"}) is UNICODE
    assert choose_glyphs("auto", {"LANG": "ja_JP.UTF-8"}) is ASCII
    assert choose_glyphs("auto", {"LANG": "en_US.UTF-8", "LC_ALL": "zh_CN.UTF-8"}) is ASCII
    assert choose_glyphs("auto", {}, "ascii") is ASCII
    assert choose_glyphs("auto", {"LANG": "C"}) is ASCII
    assert choose_glyphs("auto", {"LANG": "en_US.ISO-8859-1"}, "iso8859-1") is ASCII
    assert choose_glyphs("auto", {"LANG": "en_US.UTF-8", "TERM": "xterm-256color"}) is UNICODE
    assert choose_glyphs("auto", {"LANG": "en_US.UTF-8", "TERM": "linux"}) is ASCII
    assert choose_glyphs("auto", {"LANG": "en_US.UTF-8", "TERM": "vt100-w"}) is ASCII
    assert choose_glyphs("unicode", {"LANG": "en_US.UTF-8", "TERM": "linux"}) is UNICODE
    assert choose_glyphs("ascii", {"LANG": "en_US.UTF-8"}) is ASCII
    assert choose_glyphs("unicode", {"LANG": "ja_JP.UTF-8"}, "ascii") is UNICODE
