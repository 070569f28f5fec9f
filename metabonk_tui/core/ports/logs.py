"""Declares the interface to the log files of the pool's processes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from msgspec import Struct

from metabonk_tui.core.logs.model import LogPlace, LogWindow

MoveKind = Literal["follow", "hold", "older", "newer", "start", "time", "hit before", "hit after"]


class LogMove(Struct, frozen=True):
    """Which part of the logs is wanted next.

    "follow": the end, with what was added; old lines go. "hold": the same part, with what was added. "older" and
    "newer": more before or after it. "start": the begin of the files. "time": the lines around a time. "hit before"
    and "hit after": the lines around the nearest line outside the part that contains a text.
    """

    kind: MoveKind = "follow"
    number: int = 0
    """Numbers the moves, so that a second move of a kind is a new one."""
    t: float | None = None
    """For "time", and the bound of a search in several logs: Unix seconds on the run's clock."""
    text: str = ""
    """What is searched, in any case of letters."""


class LogFileReader(Protocol):
    """Reads parts of log files on this machine, in bounded memory. One thread at a time; may block."""

    def read(self, places: Sequence[LogPlace], move: LogMove) -> tuple[LogWindow, ...]:
        """Return the wanted part of each log. What was read of other places before is forgotten. Never raises."""
        ...
