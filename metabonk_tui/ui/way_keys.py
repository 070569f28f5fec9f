"""Maps the number keys of the page without a pool to the verbs that help there. Does not: run one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from metabonk_tui.ui.controller import Controller

HOME = "dashboard"


def verb_of(character: str | None, controller: Controller, wide: int, high: int) -> str:
    """Return the verb that a number starts after the monitor closed; "" for other keys and where none is shown."""
    if character not in ("1", "2", "3") or controller.dialog is not None or controller.screen != HOME:
        return ""
    frame = controller.frame(wide, high)
    if frame.search is None or not frame.search.runs_verbs or not frame.no_pool:
        return ""
    from metabonk_tui.core.run.no_pool import ways  # most monitors have a pool

    numbered = ways(frame.search)
    place = int(character) - 1
    return numbered[place].verb if place < len(numbered) else ""
