"""Runs the parts of the engine so that a bug in one of them costs what that part was to do, and no more."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from metabonk_tui.engine.single_flight import FaultLog

T = TypeVar("T")


class Isolated:
    """Notes what a part raises in the log of faults, under the name of the part."""

    def __init__(self, fault_log: FaultLog) -> None:
        self._fault_log = fault_log

    def run(self, part: str, function: Callable[[], T]) -> T | None:
        """Return what the function returns; None when it raised."""
        try:
            return function()
        except Exception as error:
            self._fault_log.note(part, error)
            return None
