"""Provides a person at a monitor that shows one Snapshot, for the pages of the dashboard without a live pool."""

from __future__ import annotations

from metabonk_tui.core.model.pool import PoolSearch
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.ui.controller import Controller
from metabonk_tui.ui.screens.registry import all_screens
from metabonk_tui.ui.style.spans import plain, width
from tests.support.samples import CONFIG
from tests.ui.conftest import ScriptedMonitor


class SittingAt:
    """A person at a monitor that shows this Snapshot, and searched for a pool in this way."""

    def __init__(self, snapshot: Snapshot, search: PoolSearch | None, **how: object) -> None:
        self.controller = Controller(ScriptedMonitor(snapshot), CONFIG, all_screens(), search=search, **how)  # type: ignore[arg-type]
        self.controller.update(snapshot)

    def text(self, wide: int = 80, high: int = 24) -> str:
        rows = self.controller.rows(wide, high)
        assert len(rows) == high
        assert [plain(row) for row in rows if width(row) > wide] == []
        return "\n".join(plain(row).rstrip() for row in rows)

    def press(self, key: str) -> str:
        """Return the notice of a key, written as people write it."""
        named = {"Enter": "enter", "Tab": "tab"}.get(key, key)
        self.controller.press(named, key if len(key) == 1 else None, 1.0, 80, 24)
        return self.controller.notice
