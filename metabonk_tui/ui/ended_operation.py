"""Keeps the end of the newest action on the pool until the operator dismisses it. Does not: draw it."""

from __future__ import annotations

from metabonk_tui.core.model.sample import Operation
from metabonk_tui.core.model.snapshot import Snapshot


class Outcome:
    """The end of the newest operation, until the operator dismisses it: the Samples drop it after a minute."""

    def __init__(self) -> None:
        self.operation: Operation | None = None
        """None: none has ended, a newer one runs, or it was dismissed."""
        self._dismissed_t: float | None = None
        self._is_first = True

    def update(self, snapshot: Snapshot) -> None:
        """Take the operation of a newer Snapshot. What had ended before the first Snapshot is no news."""
        operation, was_first, self._is_first = snapshot.pool.operation, self._is_first, False
        if operation is None:
            return
        if was_first and operation.ended_at is not None:
            self._dismissed_t = operation.started_at
        is_new = operation.ended_at is not None and operation.started_at != self._dismissed_t
        self.operation = operation if is_new else None

    def dismiss(self) -> None:
        """Stop showing it."""
        if self.operation is not None:
            self._dismissed_t, self.operation = self.operation.started_at, None
