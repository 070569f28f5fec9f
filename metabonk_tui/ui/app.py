"""The app: keys and news go to the desk, what the desk answers goes to the canvas. No more than that.

Refuses to decide anything: what a state means is in the Snapshot, what a key means in `commands` and `desk`.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, tzinfo

from textual import events
from textual.app import App, ComposeResult
from textual.screen import Screen

from metabonk_tui.core.config import Config
from metabonk_tui.core.ports import Monitor
from metabonk_tui.ui.canvas import Canvas
from metabonk_tui.ui.desk import Desk
from metabonk_tui.ui.glyphs import UNICODE, Glyphs
from metabonk_tui.ui.herald import Herald
from metabonk_tui.ui.screens.base import MonitorScreen
from metabonk_tui.ui.terminal import RESTORE_TITLE, SAVE_TITLE, leave_on_signals
from metabonk_tui.ui.tokens import Theme

DRAW_S = 0.5
"""News is drawn at most this often; what a key changes is drawn at once."""
NOTICE_S = 6.0
LATE_S = 5.0
"""Nothing new for this long, and for three intervals: the screen says so."""


class Stage(Screen[None], inherit_bindings=False):
    """The one Textual screen: a canvas and nothing else."""

    AUTO_FOCUS = ""

    def __init__(self, canvas: Canvas) -> None:
        super().__init__()
        self._canvas = canvas

    def compose(self) -> ComposeResult:
        """Show the canvas."""
        yield self._canvas


class MonitorApp(App[None], inherit_bindings=False):
    """The terminal monitor. Quitting it never touches the pool."""

    ENABLE_COMMAND_PALETTE = False
    ALLOW_SELECT = False
    CSS = "Screen { layout: vertical; overflow: hidden; }"

    def __init__(
        self,
        monitor: Monitor,
        config: Config,
        screens: Mapping[str, MonitorScreen],
        *,
        themes: Mapping[str, Theme],
        glyphs: Glyphs = UNICODE,
        read_only: bool = False,
        speed: float = 1.0,
        notices: tuple[str, ...] = (),
        zone: tzinfo | None = None,
    ) -> None:
        """Watch a monitor. `notices` (broken themes, say) are shown one by one at the start."""
        super().__init__()
        self._monitor = monitor
        self._themes = dict(themes)
        self._theme = config.ui.theme if config.ui.theme in themes else next(iter(themes))
        self._notices = list(notices)
        self.canvas = Canvas(self._themes[self._theme])
        zone = zone or datetime.now(UTC).astimezone().tzinfo or UTC
        self.desk = Desk(
            monitor, config, screens, glyphs=glyphs, read_only=read_only, speed=speed, zone=zone, themes=tuple(themes)
        )
        self._herald = Herald(self._write, self.bell if config.ui.bell else lambda: None)
        self._speed = speed
        self._ui_loop: asyncio.AbstractEventLoop | None = None
        self._ui_context: contextvars.Context | None = None
        self._woken = False
        self._arrived_s = self._drawn_s = 0.0
        self._draw_due = False

    def get_default_screen(self) -> Screen[None]:
        """Return the stage."""
        return Stage(self.canvas)

    def on_mount(self) -> None:
        """Begin to listen."""
        self._ui_loop = asyncio.get_running_loop()
        self._ui_context = contextvars.copy_context()
        self._write(SAVE_TITLE)
        self._monitor.subscribe(self._wake)
        self._take()
        self.set_interval(1.0, self._look_at_the_clock)
        if self._notices:
            self._notify_all()

    def on_unmount(self) -> None:
        """Give the window its name back."""
        self._ui_loop = None
        self._write(RESTORE_TITLE)

    def on_canvas_resized(self) -> None:
        """Draw for the new size."""
        self.draw()

    def on_key(self, event: events.Key) -> None:
        """Hand a key to the desk and do what only the app can do."""
        event.stop()
        event.prevent_default()
        before = self.desk.notice
        effect = self.desk.press(event.key, event.character, event.time, *self.canvas.size)
        if effect.copy:
            self.copy_to_clipboard(effect.copy)
        if effect.do == "quit":
            self.exit()
        elif effect.do == "theme":
            self._dress(effect.theme)
        elif effect.do == "redraw":
            self.refresh(layout=True)
            self.canvas.dress(self._themes[self._theme])
        if self.desk.notice and self.desk.notice != before:
            self._clear_later()
        self.draw()

    def draw(self) -> None:
        """Draw now."""
        wide, high = self.canvas.size
        if self._ui_loop is not None and wide and high:
            self._drawn_s = self._ui_loop.time()
            self._draw_due = False
            self.canvas.show(self.desk.rows(wide, high))

    def leave(self, code: int) -> None:
        """Close the monitor with this exit code; from any thread."""
        if self._ui_loop is not None:
            self._ui_loop.call_soon_threadsafe(lambda: self.exit(return_code=code))

    def _wake(self) -> None:
        """Hear from the engine's thread that there is news. Never blocks it; one call waits at most."""
        loop = self._ui_loop
        if loop is not None and not self._woken and not loop.is_closed():
            self._woken = True
            # Timers find the app through their context; the calling thread's would be the engine's.
            loop.call_soon_threadsafe(self._take, context=self._ui_context)

    def _take(self) -> None:
        self._woken = False
        if self._ui_loop is None:
            return
        self._arrived_s = self._ui_loop.time()
        self.desk.late_s = 0.0
        newest = self._monitor.latest()
        self._herald.tell(newest)
        if self.desk.news(newest) and not self._draw_due:
            wait_s = self._drawn_s + DRAW_S - self._ui_loop.time()
            if wait_s <= 0:
                self.draw()
            else:
                self._draw_due = True
                self.set_timer(wait_s, self.draw)

    def _look_at_the_clock(self) -> None:
        """Notice that nothing arrives any more: a picture that stands still must not look alive."""
        if self._ui_loop is None:
            return
        shown = self.desk.snapshot
        silent_s = self._ui_loop.time() - self._arrived_s
        patience_s = max(LATE_S, 3 * shown.run.interval_s / self._speed if shown else 0.0)
        late_s = silent_s if silent_s > patience_s else 0.0
        if late_s or self.desk.late_s:
            self.desk.late_s = late_s
            self.draw()

    def _dress(self, name: str) -> None:
        names = list(self._themes)
        self._theme = name or names[(names.index(self._theme) + 1) % len(names)]
        self.desk.notice = f"theme {self._theme}" if len(names) > 1 else "this terminal shows no colours"
        self.canvas.dress(self._themes[self._theme])

    def _notify_all(self) -> None:
        self.desk.notice = self._notices.pop(0)
        self._clear_later(self._notify_all if self._notices else None)
        self.draw()

    def _clear_later(self, then: Callable[[], None] | None = None) -> None:
        notice = self.desk.notice

        def clear() -> None:
            if self.desk.notice == notice:
                self.desk.notice = ""
                self.draw()
            if then:
                then()

        self.set_timer(NOTICE_S, clear)

    def _write(self, sequence: str) -> None:
        if self._driver is not None and not self.is_headless:
            self._driver.write(sequence)


def run_app(app: MonitorApp, last_words: Callable[[], None] = lambda: None) -> int:
    """Run the monitor until it is closed; return the exit code. Main thread only.

    `last_words` is called instead of returning when a signal cannot end the program because the terminal takes no
    output; whatever must not be left behind is stopped there.
    """
    with leave_on_signals(app.leave, last_words):
        app.run(mouse=False)
    return app.return_code or 0
