"""Notifies outside the screen: verdict in the window title, bell when a run turns critical, alerts on the desktop.

Does not: use tokens; a title and a notification are plain text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from metabonk_tui.core.model.alert import AlertTransition, alert_transitions
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.ui.style.glyphs import UNICODE, Glyphs
from metabonk_tui.ui.terminal.driver import title_sequence

RING_ONCE_S = 60.0
"""On the run's clock: a verdict and an alert that turn critical within this time ring the bell once."""


class Notifier:
    """Compares each Snapshot with the previous one, so that nothing is sent twice."""

    def __init__(
        self,
        write: Callable[[str], None],
        ring: Callable[[], None],
        notification: Callable[[str, str], str] = lambda title, text: "",
        *,
        replay: bool = False,
        glyphs: Glyphs = UNICODE,
    ) -> None:
        """Prepare; `notification` makes an escape sequence of a title and a text, "" to send none.

        In a replay, only the window's title is set.
        """
        self._write = write
        self._replay = replay
        self._glyphs = glyphs
        self._ring = ring
        self._notification = notification
        self._title = ""
        self._before: Snapshot | None = None
        self._rang_t: float | None = None
        self._rang_for_alert_t: float | None = None

    def notify(self, snapshot: Snapshot | None) -> None:
        """Notify about changes. The first Snapshot only sets the title: the operator has just opened the monitor."""
        title = window_title(snapshot, self._replay, self._glyphs)
        if title != self._title:
            self._title = title
            self._write(title_sequence(title))
        before, self._before = self._before, snapshot or self._before
        if snapshot is None or before is None or snapshot is before or self._replay:
            return
        found = alert_transitions(before.alerts, snapshot.alerts)
        title_and_text = notification_text(found)
        sequence = self._notification(*title_and_text) if title_and_text is not None else ""
        if sequence:
            self._write(sequence)
        turned = _is_critical(snapshot) and not _is_critical(before)
        alerted = any(_turned_critical(change, before) for change in found)
        t = snapshot.t
        if (turned and not _is_recent(self._rang_for_alert_t, t)) or (alerted and not _is_recent(self._rang_t, t)):
            self._ring()
            self._rang_t = t
            self._rang_for_alert_t = t if alerted else None


def _is_critical(snapshot: Snapshot) -> bool:
    return snapshot.verdict.level == "stop" or snapshot.memory.level == "crit"


def _turned_critical(change: AlertTransition, before: Snapshot) -> bool:
    """Return whether an unacknowledged alert has just become critical."""
    now = change.alert
    if change.kind == "resolved" or now.severity != "crit" or now.acknowledged is not None:
        return False
    was = [alert.severity for alert in before.alerts if (alert.id, alert.since_t) == (now.id, now.since_t)]
    return change.kind == "firing" or was != ["crit"]


def _is_recent(rang_t: float | None, t: float) -> bool:
    return rang_t is not None and 0 <= t - rang_t < RING_ONCE_S


def window_title(snapshot: Snapshot | None, replay: bool = False, glyphs: Glyphs = UNICODE) -> str:
    """Return the window's title. The verdict stands first because a tab shows only the beginning."""
    past = "REPLAY " if replay else ""
    if snapshot is None:
        return f"{past}metabonk-tui"
    kind = snapshot.verdict.kind
    return f"{past}{glyphs.level(snapshot.verdict.level)} {kind} {snapshot.run.name} metabonk-tui"


def notification_text(changes: Iterable[AlertTransition]) -> tuple[str, str] | None:
    """Return title and text of a desktop notification for these changes; None for no notification.

    Warnings and critical alerts notify when they fire or grow more severe, critical ones also when they end.
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
