"""The verdict in the window's title.

Refuses to know glyph sets and tokens: a title is read elsewhere.
"""

from __future__ import annotations

from metabonk_tui.core.snapshot import Snapshot

_SHAPES = {"go": "●", "caution": "▲", "stop": "■", "unknown": "◌"}


def window_title(snapshot: Snapshot | None) -> str:
    """Name the window: the verdict first, because a tab shows only its beginning."""
    if snapshot is None:
        return "metabonk-tui"
    word = snapshot.verdict.word
    return f"{_SHAPES[word.level]} {word} {snapshot.run.name} metabonk-tui"
