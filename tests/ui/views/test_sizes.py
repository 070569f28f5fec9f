"""Every scene at every size: as many rows as asked for, none too wide, and what never goes away is there."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.ui.density import DENSITIES
from metabonk_tui.ui.style.glyphs import ASCII, UNICODE
from metabonk_tui.ui.style.spans import plain, width
from metabonk_tui.ui.style.theme import MONO
from tests.support.draw import SCREENS, SIZES, chosen, page_of, rows_of, text_of
from tests.support.examples import examples
from tests.support.rare_snapshots import ALL
from tests.support.snapshots import healthy, many, mixed, stop

SNAPSHOTS = {name: scene() for name, scene in ALL.items()}


def check_screen(snapshot: Snapshot, wide: int, high: int, screen: str, **over: object) -> str:
    """Check what must hold for whatever is drawn; return its text."""
    rows = rows_of(snapshot, wide, high, screen, **over)
    assert len(rows) == high
    for row in rows:
        assert width(row) <= wide, plain(row)
        for span in row:
            MONO.style(span)
            assert "\n" not in span.text
    screen_text = "\n".join(plain(row) for row in rows)
    word = str(snapshot.verdict.kind)
    assert word in screen_text or (wide < 40 and word[: wide - 8] in screen_text)
    if high > 2:
        reading = snapshot.memory.reading
        if reading is None or reading.available_bytes is None:
            assert "not observed" in screen_text
        else:
            assert fmt.gigabytes(reading.available_bytes) in screen_text
            assert "GB" in screen_text
    return screen_text


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("scene", ALL)
def test_every_scene_fits_every_size_also_in_ascii(scene: str, screen: str) -> None:
    for size in SIZES:
        check_screen(SNAPSHOTS[scene], *size, screen)
        screen_text = check_screen(SNAPSHOTS[scene], *size, screen, ascii=True)
        strange = set() if scene.startswith("hostile") else {c for c in screen_text if not c.isascii()}
        assert not strange, (size, strange)


@pytest.mark.parametrize("density", DENSITIES)
@pytest.mark.parametrize("scene", ["healthy", "mixed", "64", "hostile", "waiting"])
def test_every_density_can_be_forced(scene: str, density: str) -> None:
    for size in SIZES:
        snapshot = SNAPSHOTS[scene]
        for worker in (snapshot.workers[0], snapshot.workers[-1]):
            check_screen(snapshot, *size, "dashboard", state=chosen(worker.slot, density))


@settings(max_examples=examples(60), deadline=None)
@given(
    wide=st.integers(1, 260),
    high=st.integers(1, 80),
    workers=st.integers(1, 64),
    density=st.sampled_from(DENSITIES),
    which=st.sampled_from([healthy, stop, many]),
    ascii_=st.booleans(),
)
def test_any_size_and_any_number_of_workers_can_be_drawn(
    wide: int, high: int, workers: int, density: str, which: object, ascii_: bool
) -> None:
    snapshot = which(workers)  # type: ignore[operator]
    rows = rows_of(snapshot, wide, high, state=chosen(workers - 1, density), ascii=ascii_)
    assert len(rows) == high
    assert all(width(row) <= wide for row in rows)
    if ascii_:
        assert all(plain(row).isascii() for row in rows)


@settings(max_examples=examples(30), deadline=None)
@given(wide=st.integers(1, 260), high=st.integers(1, 80), screen=st.sampled_from(["worker", "verdict"]))
def test_the_other_screens_can_be_drawn_at_any_size(wide: int, high: int, screen: str) -> None:
    for snapshot in (SNAPSHOTS["mixed"], SNAPSHOTS["hostile"], SNAPSHOTS["64"]):
        rows = rows_of(snapshot, wide, high, screen)
        assert len(rows) == high
        assert all(width(row) <= wide for row in rows)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids=str)
def test_a_change_of_verdict_moves_no_worker(size: tuple[int, int]) -> None:
    calm = healthy(5)
    loud = replace(calm, verdict=stop(5).verdict)
    one, other = page_of(calm, *size), page_of(loud, *size)
    # The NEXT row comes and goes; the workers keep shape and order.
    first = [plain(row).strip() for row in (*one.top, *one.body)]
    second = [plain(row).strip() for row in (*other.top, *other.body)]
    titles = [row for row in first if "w0 :5000" in row or "w0 menu_ui" in row]
    assert titles
    assert all(row in second for row in titles)


def test_before_the_first_poll_there_is_something_to_see() -> None:
    for screen in SCREENS:
        for wide, high in SIZES:
            page = page_of(None, wide, high, screen)
            rows = page.compose(wide, high, 0, UNICODE)[0]
            assert len(rows) == high
            assert all(width(row) <= wide for row in rows)
            assert screen == "help" or "metabonk" in "".join(plain(row) for row in rows)


def test_no_workers_at_all_is_said() -> None:
    empty = replace(healthy(), workers=())
    for screen in SCREENS:
        check_screen(empty, 80, 24, screen)
    assert "no workers" in text_of(empty, 80, 24)


def test_a_filter_that_nothing_passes_is_said() -> None:
    screen_text = text_of(mixed(), 120, 40, state=chosen(filter="nothing like it"))
    assert "no worker matches" in screen_text


def test_ascii_twins_are_formatted_with_the_set_not_translated_cell_by_cell() -> None:
    assert ASCII.arrow in text_of(SNAPSHOTS["memory-watch"], 120, 40, ascii=True)
