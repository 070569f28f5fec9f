"""The verdict in the window's title.

Refuses to know glyph sets and tokens: a title is read elsewhere.
"""

from __future__ import annotations

from metabonk_tui.core.snapshot import Snapshot

_SHAPES = {"go": "●", "caution": "▲", "stop": "■", "unknown": "◌"}


def window_title(snapshot: Snapshot | None, replay: bool = False) -> str:
    """Name the window: the verdict first, because a tab shows only its beginning; before it, that it is past."""
    past = "REPLAY " if replay else ""
    if snapshot is None:
        return f"{past}metabonk-tui"
    word = snapshot.verdict.word
    return f"{past}{_SHAPES[word.level]} {word} {snapshot.run.name} metabonk-tui"
