"""The mouse: the wheel moves, a click selects the worker that is drawn there, in every density."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from metabonk_tui.ui import pointer
from metabonk_tui.ui.app import MonitorApp
from metabonk_tui.ui.frame import Density
from metabonk_tui.ui.screens.registry import all_screens
from metabonk_tui.ui.style.spans import cells, plain
from tests.support import snapshots as scenes
from tests.ui.conftest import ScriptedMonitor


@pytest.mark.parametrize("density", ["panels", "table", "grid"])
def test_a_click_selects_the_worker_and_the_wheel_the_next_one(
    density: Density, make_app: Callable[..., MonitorApp]
) -> None:
    app = make_app(ScriptedMonitor(scenes.mixed()), screens=all_screens())
    controller = app.controller
    controller.update(scenes.mixed())
    controller.state = replace(controller.state, density=density)
    rows = [plain(row) for row in controller.rows(120, 40)]
    y = next(i for i, row in enumerate(rows) if "w4" in row.split())
    x = cells(rows[y][: rows[y].index("w4 ")])
    pointer.click(controller, x + 3, y + (2 if density == "panels" else 0), 120, 40)
    assert controller.frame(120, 40).worker.ref.label == "w4"  # type: ignore[union-attr]
    pointer.click(controller, 5, 0, 120, 40)
    assert controller.frame(120, 40).worker.ref.label == "w4", "no worker is drawn in the header"  # type: ignore[union-attr]
    pointer.scroll(controller, -1, 1.0, 120, 40)
    assert controller.frame(120, 40).worker.ref.label != "w4" or density == "grid"  # type: ignore[union-attr]
