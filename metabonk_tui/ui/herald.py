"""What is said beyond the screen: the window's title carries the verdict, the bell rings when it turns critical."""

from __future__ import annotations

from collections.abc import Callable

from metabonk_tui.core.snapshot import Snapshot
from metabonk_tui.ui.terminal import title_sequence
from metabonk_tui.ui.words import window_title


class Herald:
    """Remembers what was said last, so that nothing is said twice."""

    def __init__(self, write: Callable[[str], None], ring: Callable[[], None], *, replay: bool = False) -> None:
        """Write with `write`, ring with `ring`; a replay wakes nobody."""
        self._write = write
        self._replay = replay
        self._ring = ring
        self._title = ""
        self._critical: bool | None = None

    def tell(self, snapshot: Snapshot | None) -> None:
        """Say what is new. The first Snapshot never rings: whoever opens the monitor is looking."""
        title = window_title(snapshot, self._replay)
        if title != self._title:
            self._title = title
            self._write(title_sequence(title))
        if snapshot is not None and not self._replay:
            critical = snapshot.verdict.word.level == "stop" or snapshot.memory.level == "crit"
            if critical and self._critical is False:
                self._ring()
            self._critical = critical
