"""What is said beyond the screen: the window's title carries the verdict, the bell rings when it turns critical.

Alerts go to the desktop, as far as the terminal hands them on.
"""

from __future__ import annotations

from collections.abc import Callable

from metabonk_tui.core.model.alert import AlertTransition, alert_transitions
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.ui.terminal.driver import title_sequence
from metabonk_tui.ui.words import notification_text, window_title

RING_ONCE_S = 60.0
"""On the run's clock: a verdict and an alert that turn critical so close to each other ring once."""


class Notifier:
    """Remembers what was said last, so that nothing is said twice."""

    def __init__(
        self,
        write: Callable[[str], None],
        ring: Callable[[], None],
        notification: Callable[[str, str], str] = lambda title, text: "",
        *,
        replay: bool = False,
    ) -> None:
        """Prepare; `notification` makes a sequence of a title and a text, "" where none is wanted.

        A replay wakes nobody.
        """
        self._write = write
        self._replay = replay
        self._ring = ring
        self._notification = notification
        self._title = ""
        self._before: Snapshot | None = None
        self._rang_t: float | None = None
        self._rang_for_alert_t: float | None = None

    def notify(self, snapshot: Snapshot | None) -> None:
        """Say what is new. The first Snapshot only names the window: whoever opens the monitor is looking."""
        title = window_title(snapshot, self._replay)
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
    return snapshot.verdict.kind.level == "stop" or snapshot.memory.level == "crit"


def _turned_critical(change: AlertTransition, before: Snapshot) -> bool:
    """Tell whether an alert that nobody has seen yet is critical now, and was not."""
    now = change.alert
    if change.kind == "resolved" or now.severity != "crit" or now.acknowledged is not None:
        return False
    was = [alert.severity for alert in before.alerts if (alert.id, alert.since_t) == (now.id, now.since_t)]
    return change.kind == "firing" or was != ["crit"]


def _is_recent(rang_t: float | None, t: float) -> bool:
    return rang_t is not None and 0 <= t - rang_t < RING_ONCE_S
