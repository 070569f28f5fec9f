"""Remembers which screens are open, one over another, and how far each is scrolled. Does not: draw them."""

from __future__ import annotations

from metabonk_tui.core.recordings.playback import Playback
from metabonk_tui.ui.frame import Frame, Page
from metabonk_tui.ui.style.spans import Row

HOME = "dashboard"
"""The screen below all others."""


class ScreenStack:
    """The open screens; the last one is on the terminal."""

    def __init__(self) -> None:
        self.names = [HOME]
        self._pane = ""
        """The pane of the front screen that is shown alone; each one scrolls for itself."""
        self._scroll: dict[tuple[str, str], int] = {}
        self._shown: dict[tuple[str, str], tuple[int, int] | None] = {}
        """The rows that each screen asked to have in sight; it scrolls there once for each request."""
        self._room = 1
        """The rows between the top and the bottom of the screen that was drawn last."""
        self._chapter = 0

    @property
    def front(self) -> str:
        """The name of the screen on the terminal."""
        return self.names[-1]

    def open(self, name: str) -> None:
        """Put a screen over the others, at its first row."""
        self.names = [*(other for other in self.names if other != name), name]
        self._scroll[name, ""] = 0

    def leave(self) -> None:
        """Return to the screen below."""
        self.names = self.names[:-1] or [HOME]

    def leave_all(self) -> None:
        """Return to the dashboard."""
        self.names = [HOME]

    def follow(self, playback: Playback | None) -> None:
        """Show the screen of a new chapter of a story; until the next one the operator may open others."""
        caption = playback.caption if playback is not None else None
        if caption is not None and caption.number != self._chapter:
            self._chapter = caption.number
            self.leave_all()
            if caption.screen != HOME:
                self.open(caption.screen)

    def scroll(self, command: str) -> None:
        """Scroll the screen: up, down, page_up, page_down, home; any other command goes to the end."""
        steps = {"up": -1, "down": 1, "page_up": -self._room, "page_down": self._room, "home": -(10**9)}
        place = self.front, self._pane
        self._scroll[place] = max(0, self._scroll.get(place, 0) + steps.get(command, 10**9))

    def compose(self, page: Page, frame: Frame) -> tuple[Row, ...]:
        """Return the rows of a page that are in sight."""
        self._pane = frame.state.zoom if self.front == HOME else ""
        place = self.front, self._pane
        scroll = self._scroll.get(place, 0)
        self._room = max(1, frame.height - len(page.top) - len(page.bottom))
        if page.show and page.show != self._shown.get(place):
            first, past_last = page.show
            scroll = min(max(scroll, past_last - self._room), first)
        self._shown[place] = page.show
        rows, self._scroll[place] = page.compose(frame.width, frame.height, scroll, frame.glyphs)
        return rows
