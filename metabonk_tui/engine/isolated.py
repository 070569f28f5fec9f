"""Runs the parts of the engine so that a bug in one part does not stop the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from metabonk_tui.engine.single_flight import FaultLog

T = TypeVar("T")


class Isolated:
    """Writes an exception of a part into the fault log, under the part's name."""

    def __init__(self, fault_log: FaultLog) -> None:
        self._fault_log = fault_log

    def run(self, part: str, function: Callable[[], T]) -> T | None:
        """Return the function's result; None: it raised."""
        try:
            return function()
        except Exception as error:
            self._fault_log.note(part, error)
            return None
