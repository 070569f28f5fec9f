"""Does what the keys beside the commands of the pages without a pool say. Does not: run a command; the app does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metabonk_tui.ui.effect import NO_EFFECT, Effect

if TYPE_CHECKING:
    from metabonk_tui.core.run.no_pool import Way
    from metabonk_tui.ui.controller import Controller
    from metabonk_tui.ui.frame import Frame

HOME = "dashboard"
SURE = "Enter again closes the monitor and prints the report"
KEYS = {"1": "1", "2": "2", "3": "3", "enter": "Enter"}
"""The keys that no command of the table has there, as the page writes them."""


def way_effect(
    key: str, character: str | None, at_s: float, controller: Controller, wide: int, high: int
) -> Effect | None:
    """Return what a key of a command on screen does; None: it is none, and the table of commands has its meaning."""
    shown = KEYS.get(character or "") or KEYS.get(key)
    if shown is None or controller.dialog is not None or controller.screen != HOME:
        return None
    frame = controller.frame(wide, high)
    way = next((way for way in _ways(frame) if way.key == shown), None)
    if way is None:
        return None
    controller.absences.press(at_s)
    if shown == "Enter" and controller.notice != SURE:
        # An Enter too many, typed while the monitor opened, must not close it.
        controller.show_notice(SURE, at_s)
        return NO_EFFECT
    if way.words:
        return Effect(run=way.words)
    from metabonk_tui.ui.dialogs.other_pool import OtherPoolDialog  # few monitors ask for another pool

    controller.dialog = OtherPoolDialog(frame.snapshot)
    return NO_EFFECT


def _ways(frame: Frame) -> tuple[Way, ...]:
    """Return the commands on screen; () where the dashboard shows a pool, or no key can start one."""
    if frame.search is None or frame.snapshot is None or not frame.search.runs_verbs:
        return ()
    if frame.is_last_run:
        from metabonk_tui.core.report.last_run import ways_after_end

        return ways_after_end(frame.snapshot, frame.config, frame.search)
    if not frame.no_pool:
        return ()
    from metabonk_tui.core.run.no_pool import ways  # most monitors have a pool

    return ways(frame.search)
