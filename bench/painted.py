"""Replays the output of a program through a terminal emulator to find when its screen was painted.

Does not: read a terminal. The emulator is slow, so it runs after the measurement.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyte
from msgspec import Struct

FULL_SHARE = 0.8
"""The picture is full when this share of the cells that the settled screen fills is filled. Values still change, and
plots and lists fill further cells in the first seconds."""
SETTLED_S = 1.5
"""The fullest screen of so many last seconds is the settled one: some programs erase all before they draw anew."""


class Chunk(Struct, frozen=True):
    """Output that arrived together: seconds since the start, CPU seconds of the program until then, and the bytes."""

    t_s: float
    cpu_s: float
    output: bytes


class Paints(Struct, frozen=True):
    """The chunks after which a screen showed anything, and showed the full picture; None: it never did."""

    first: Chunk | None
    full: Chunk | None


def paints(chunks: Sequence[Chunk], columns: int, lines: int) -> Paints:
    """Find the first and the full paint of a screen that has settled when the last chunk arrives."""
    screen = pyte.Screen(columns, lines)
    stream = pyte.ByteStream(screen)
    frames: list[tuple[Chunk, frozenset[tuple[int, int]]]] = []
    for chunk in chunks:
        stream.feed(chunk.output)
        frames.append((chunk, _filled(screen)))
    last_s = chunks[-1].t_s if chunks else 0.0
    settled = max(
        (filled for chunk, filled in frames if chunk.t_s >= last_s - SETTLED_S), key=len, default=frozenset()
    )
    first = next((chunk for chunk, filled in frames if filled), None)
    full = next(
        (chunk for chunk, filled in frames if filled and len(filled & settled) >= FULL_SHARE * len(settled)), None
    )
    return Paints(first, full)


def _filled(screen: pyte.Screen) -> frozenset[tuple[int, int]]:
    """Return the places of the cells that show something."""
    return frozenset(
        (line, column)
        for line, text in enumerate(screen.display)
        for column, character in enumerate(text)
        if not character.isspace()
    )
