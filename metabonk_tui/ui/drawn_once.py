"""Keeps what was drawn of a Snapshot, so that a key draws only what it changes, and draws rows when they are in sight.

Does not: keep anything of an older Snapshot, or know what is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import update_wrapper
from typing import Any, Concatenate, ParamSpec, TypeVar, overload

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.style.spans import EMPTY, Row

P = ParamSpec("P")
T = TypeVar("T")
Drawing = Callable[Concatenate[Frame, Snapshot, P], T]


def once_a_snapshot(draw: Drawing[P, T]) -> Drawing[P, T]:
    """Draw once a Snapshot and size for the same further arguments, which must be hashable.

    For functions that read nothing of the frame but what `_is_same` compares: choices of the operator (`state`), the
    notice is an argument, or not used.
    """
    held: list[tuple[Frame, Snapshot, dict[Hashable, Any]]] = []

    def drawn(frame: Frame, snapshot: Snapshot, /, *args: P.args, **options: P.kwargs) -> T:
        if not held or snapshot is not held[0][1] or not _is_same(frame, held[0][0]):
            held[:] = [(frame, snapshot, {})]
        results = held[0][2]
        key = (args, tuple(options.items()))
        if key not in results:
            results[key] = draw(frame, snapshot, *args, **options)
        result: T = results[key]
        return result

    return update_wrapper(drawn, draw)


def _is_same(frame: Frame, before: Frame) -> bool:
    """Return whether two frames draw one Snapshot alike, whatever the operator has chosen."""
    return frame is before or (
        frame.config is before.config
        and frame.glyphs is before.glyphs
        and frame.zone is before.zone
        and frame.width == before.width
        and frame.height == before.height
        and frame.mode == before.mode
        and frame.late_s == before.late_s
        and frame.speed == before.speed
        and frame.read_only == before.read_only
        and frame.playback is before.playback
        and frame.outcome is before.outcome
        and frame.ghost is before.ghost
        and frame.comparing.comparison is before.comparing.comparison
        and frame.hints == before.hints
    )


class LazyRows(Sequence[Row]):
    """Rows in blocks of known heights; a block is drawn when one of its rows is read."""

    def __init__(self) -> None:
        self._at: list[tuple[int, Callable[[], Sequence[Row]]]] = []
        """For every row, its place in its block and the block."""

    def add(self, high: int, block: Callable[[], Sequence[Row]]) -> None:
        """Append a block of this many rows."""
        self._at += [(y, block) for y in range(high)]

    def __len__(self) -> int:
        return len(self._at)

    @overload
    def __getitem__(self, at: int) -> Row: ...

    @overload
    def __getitem__(self, at: slice) -> tuple[Row, ...]: ...

    def __getitem__(self, at: int | slice) -> Row | tuple[Row, ...]:
        if isinstance(at, slice):
            return tuple(self._rows(self._at[at]))
        return next(self._rows([self._at[at]]))

    def __iter__(self) -> Iterator[Row]:
        return self._rows(self._at)

    def __eq__(self, other: object) -> bool:
        return tuple(self) == (tuple(other) if isinstance(other, LazyRows) else other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    @staticmethod
    def _rows(places: Sequence[tuple[int, Callable[[], Sequence[Row]]]]) -> Iterator[Row]:
        last: Callable[[], Sequence[Row]] | None = None
        rows: Sequence[Row] = ()
        for y, block in places:
            if block is not last:
                last, rows = block, block()
            yield rows[y] if y < len(rows) else EMPTY
