"""What is read beside the screen: the verdict in the window's title, alerts in the desktop's notifications.

Refuses to know glyph sets and tokens.
"""

from __future__ import annotations

from collections.abc import Iterable

from metabonk_tui.core.model.alert import AlertTransition
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.ui.style.glyphs import UNICODE


def window_title(snapshot: Snapshot | None, replay: bool = False) -> str:
    """Name the window: the verdict first, because a tab shows only its beginning; before it, that it is past."""
    past = "REPLAY " if replay else ""
    if snapshot is None:
        return f"{past}metabonk-tui"
    word = snapshot.verdict.kind
    return f"{past}{UNICODE.level(word.level)} {word} {snapshot.run.name} metabonk-tui"


def notification_text(changes: Iterable[AlertTransition]) -> tuple[str, str] | None:
    """Say in a title and a text what somebody who looks elsewhere should know; None: nothing.

    Told are warnings and critical ones that begin to fire or grow, and the end of critical ones.
    """
    notified = [change for change in changes if _is_notified(change)]
    if not notified:
        return None
    notified.sort(key=lambda change: (change.kind == "resolved", change.alert.severity != "crit"))
    kind, alert = notified[0].kind, notified[0].alert
    title = "MetaBonk resolved" if kind == "resolved" else f"MetaBonk {alert.severity.upper()}"
    more = f" (and {len(notified) - 1} more)" if len(notified) > 1 else ""
    return title, f"{alert.id}: {alert.text}{more}"


def _is_notified(change: AlertTransition) -> bool:
    if change.kind == "resolved":
        return change.alert.severity == "crit"
    return change.alert.severity != "info" and change.alert.acknowledged is None
