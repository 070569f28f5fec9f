"""Decides where a key moves the cursor of the run's strip, which is the moment on screen. Does not: move."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from metabonk_tui.core.ports.recordings import ReplayControls
from metabonk_tui.core.recordings.seek import EventMoment, SeekTarget, Shift
from metabonk_tui.core.run.run_strip import StripScale, marks
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.views.run.strip import newest

MINUTE_S = 60.0
_MOVES: Mapping[str, tuple[Literal["cell", "mark", "sample"], Literal[-1, 1]]] = {
    "back_cell": ("cell", -1),
    "on_cell": ("cell", 1),
    "back_mark": ("mark", -1),
    "on_mark": ("mark", 1),
    "back_one": ("sample", -1),
    "on_one": ("sample", 1),
}
"""What a command moves by, and in which direction."""


def strip_move(command: str, frame: Frame, scale: StripScale | None) -> Callable[[ReplayControls], None] | str:
    """Return where a command of `commands.STRIP_MOVES` leads, or why it leads nowhere.

    `scale` is None where the screen shows no strip: then a cell is a sample, and a mark a minute.
    """
    by, step = _MOVES[command]
    if by == "sample" or (by == "cell" and scale is None):
        return lambda past: past.step(step)
    target = strip_target(frame, scale, by, step)
    return target if isinstance(target, str) else lambda past: past.seek(target)


def strip_target(frame: Frame, scale: StripScale | None, by: str, step: int) -> SeekTarget | str:
    """Return the target of a move by a cell or a mark, or why there is none."""
    if frame.snapshot is None:
        return "no data yet"
    if scale is None:
        return Shift(step * MINUTE_S)
    if by == "cell":
        return Shift(step * scale.cell_s)
    here_t = frame.playback.t if frame.past and frame.playback is not None else frame.snapshot.t
    found = [mark.t for mark in marks(newest(frame, frame.snapshot)) if (mark.t - here_t) * step > 1.0]
    if not found:
        return "no mark before this one" if step < 0 else "no mark after this one"
    return EventMoment(found[-1] if step < 0 else found[0])
