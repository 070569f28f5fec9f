"""What is read beside the screen: the verdict in the window's title, alerts in the desktop's notifications.

Refuses to know glyph sets and tokens.
"""

from __future__ import annotations

from collections.abc import Iterable

from metabonk_tui.core.model.alert import Change
from metabonk_tui.core.model.snapshot import Snapshot

_SHAPES = {"go": "●", "caution": "▲", "stop": "■", "unknown": "◌"}


def window_title(snapshot: Snapshot | None, replay: bool = False) -> str:
    """Name the window: the verdict first, because a tab shows only its beginning; before it, that it is past."""
    past = "REPLAY " if replay else ""
    if snapshot is None:
        return f"{past}metabonk-tui"
    word = snapshot.verdict.word
    return f"{past}{_SHAPES[word.level]} {word} {snapshot.run.name} metabonk-tui"


def tidings(changes: Iterable[Change]) -> tuple[str, str] | None:
    """Say in a title and a text what somebody who looks elsewhere should know; None: nothing.

    Told are warnings and critical ones that begin to fire or grow, and the end of critical ones.
    """
    told = [change for change in changes if _is_told(change)]
    if not told:
        return None
    told.sort(key=lambda change: (change.turn == "resolved", change.alert.severity != "crit"))
    turn, alert = told[0].turn, told[0].alert
    title = "MetaBonk resolved" if turn == "resolved" else f"MetaBonk {alert.severity.upper()}"
    more = f" (and {len(told) - 1} more)" if len(told) > 1 else ""
    return title, f"{alert.id}: {alert.text}{more}"


def _is_told(change: Change) -> bool:
    if change.turn == "resolved":
        return change.alert.severity == "crit"
    return change.alert.severity != "info" and change.alert.acknowledged is None
