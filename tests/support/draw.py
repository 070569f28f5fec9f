"""Draws a screen without a terminal, as rows of spans or as text."""

from __future__ import annotations

from functools import lru_cache

from msgspec.structs import replace

from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.ui.command_context import CommandContext
from metabonk_tui.ui.frame import Frame, Page, UiState
from metabonk_tui.ui.hints import hints
from metabonk_tui.ui.screens.registry import all_screens
from metabonk_tui.ui.style.glyphs import ASCII, UNICODE
from metabonk_tui.ui.style.spans import Row, plain
from tests.support.refs import w
from tests.ui.conftest import read_config

SCREENS = all_screens()
SIZES = ((80, 24), (120, 40), (200, 60), (40, 12), (20, 5))


@lru_cache
def defaults() -> Config:
    """Return the packaged configuration, read once."""
    return read_config()


def frame_of(snapshot: Snapshot | None, wide: int, high: int, screen: str = "dashboard", **over: object) -> Frame:
    """Build a Frame as the desk does, with the keys that work in its state."""
    ascii_ = bool(over.pop("ascii", False))
    frame = Frame(snapshot, wide, high, defaults(), glyphs=ASCII if ascii_ else UNICODE)
    frame = replace(frame, **over)  # type: ignore[arg-type]
    searching = bool(frame.state.log.wanted)
    now = CommandContext(
        snapshot,
        screen,
        frame.worker,
        frame.read_only,
        frame.mode,
        frame.alert,
        has_log_files=frame.logs.available,
        is_searching=searching,
        is_last_run=screen == "dashboard" and frame.is_last_run,
    )
    return replace(frame, hints=hints(now))


def page_of(snapshot: Snapshot | None, wide: int, high: int, screen: str = "dashboard", **over: object) -> Page:
    """Draw a screen; return its page before it is cut to the height."""
    return SCREENS[screen].page(frame_of(snapshot, wide, high, screen, **over))


def rows_of(snapshot: Snapshot, wide: int, high: int, screen: str = "dashboard", **over: object) -> tuple[Row, ...]:
    """Draw a screen; return the rows that are visible."""
    scroll = int(str(over.pop("scroll", 0)))
    frame = frame_of(snapshot, wide, high, screen, **over)
    page = SCREENS[screen].page(frame)
    if page.show:
        room = max(1, high - len(page.top) - len(page.bottom))
        scroll = min(max(scroll, page.show[1] - room), page.show[0])
    return page.compose(wide, high, scroll, frame.glyphs)[0]


def text_of(snapshot: Snapshot, wide: int, high: int, screen: str = "dashboard", **over: object) -> str:
    """Draw a screen; return its visible rows as text."""
    return "\n".join(plain(row).rstrip() for row in rows_of(snapshot, wide, high, screen, **over)) + "\n"


def chosen(slot: int | None = None, density: str = "automatic", **over: object) -> UiState:
    """Return a UiState with the user's choices."""
    return replace(UiState(), ref=None if slot is None else w(slot), density=density, **over)  # type: ignore[arg-type]
