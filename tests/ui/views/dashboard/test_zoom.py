"""One pane alone: each pane at every size, its key again and Esc return, and what does not fit scrolls."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from metabonk_tui.ui.app import MonitorApp
from metabonk_tui.ui.screens.registry import all_screens
from metabonk_tui.ui.style.spans import plain, width
from tests.support import snapshots as scenes
from tests.ui.conftest import ScriptedMonitor

KEYS = {"1": "WORKERS", "2": "WHY", "3": "MEMORY OWNERS", "4": "EVENTS", "5": "no log line names a cause", "6": "GATE"}


def text_of(app: MonitorApp, wide: int, high: int) -> str:
    rows = app.controller.rows(wide, high)
    assert [width(row) for row in rows if row and width(row) > wide] == []
    assert len(rows) == high
    return "\n".join(plain(row) for row in rows)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60), (38, 50), (80, 6)])
@pytest.mark.parametrize("key", KEYS)
def test_a_pane_takes_the_screen_and_gives_it_back(
    key: str, size: tuple[int, int], make_app: Callable[..., MonitorApp]
) -> None:
    app = make_app(ScriptedMonitor(scenes.stop()), screens=all_screens())
    app.controller.update(scenes.stop())
    before = text_of(app, *size)
    app.controller.press(key, key, 1.0, *size)
    zoomed = text_of(app, *size)
    if size[1] >= 24 and not (key == "1" and size[0] < 40):
        # The chart comes first where the owners have no room.
        assert KEYS[key] in zoomed or (key == "3" and "available GB" in zoomed)
        assert [name for name in ("EVENTS", "DECISION") if name in zoomed and name != KEYS[key]] in ([], ["DECISION"])
    app.controller.press("pagedown", None, 1.0, *size)
    text_of(app, *size)
    app.controller.press("escape" if key in "135" else key, None if key in "135" else key, 1.0, *size)
    assert text_of(app, *size) == before
