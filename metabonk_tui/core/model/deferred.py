"""Declares sequences that are computed when they are first read. Does not: know what they hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar, overload

Element = TypeVar("Element")


class Deferred(Sequence[Element]):
    """A tuple that is computed when it is first read, and then kept. It equals the tuple.

    `compute` must be pure: two threads may call it at once.
    """

    __slots__ = ("_compute", "_items", "_length")

    def __init__(self, compute: Callable[[], tuple[Element, ...]], length: int | None = None) -> None:
        """Keep `compute` until the first read; `length`: of what it will return, where that is known."""
        self._compute: Callable[[], tuple[Element, ...]] | None = compute
        self._items: tuple[Element, ...] = ()
        self._length = length

    @property
    def items(self) -> tuple[Element, ...]:
        """The tuple itself."""
        compute = self._compute
        if compute is not None:
            self._items = compute()
            # What it was computed from is not kept.
            self._compute = None
        return self._items

    @overload
    def __getitem__(self, place: int) -> Element: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[Element, ...]: ...

    def __getitem__(self, place: int | slice) -> Element | tuple[Element, ...]:
        return self.items[place]

    def __len__(self) -> int:
        return len(self.items) if self._length is None else self._length

    def __iter__(self) -> Iterator[Element]:
        return iter(self.items)

    def __eq__(self, other: object) -> bool:
        return self.items == (other.items if isinstance(other, Deferred) else other)

    def __hash__(self) -> int:
        return hash(self.items)

    def __repr__(self) -> str:
        return repr(self.items)
