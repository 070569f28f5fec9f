"""The app: passes keys and Snapshots to the controller, and the controller's rows to the canvas.

Does not: decide anything. What a state means is in the Snapshot, what a key means in `commands` and `controller`.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, tzinfo
from functools import partial

from rich.text import Text
from textual import events
from textual.app import App, ComposeResult
from textual.geometry import Size
from textual.screen import Screen

from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.ports.live import Monitor
from metabonk_tui.core.ports.recordings import ReplayControls, ReplayOpener, RunArchive
from metabonk_tui.core.text.clean import clean_text
from metabonk_tui.ui.controller import Controller
from metabonk_tui.ui.frame import MonitorScreen
from metabonk_tui.ui.notifier import Notifier
from metabonk_tui.ui.style.glyphs import UNICODE, Glyphs
from metabonk_tui.ui.style.theme import Theme, fitted
from metabonk_tui.ui.terminal.canvas import Canvas
from metabonk_tui.ui.terminal.driver import RESTORE_TITLE, SAVE_TITLE, Driver, leave_on_signals, notification
from metabonk_tui.ui.terminal.textual_private import close_with, driver_of

LOG = logging.getLogger(__name__)
FAULT = 70
"""The exit code of an internal error."""
DRAW_S = 0.5
"""Newer Snapshots are drawn at most this often; the effect of a key at once."""
LARGEST = Size(1000, 500)
"""A larger terminal is drawn in part: 65535x65535, which a broken terminal reports, would take gigabytes."""
REPAINT_S = 60.0
"""The whole screen is written this often: wall(1), the kernel and background jobs write over it."""


class CanvasScreen(Screen[None], inherit_bindings=False):
    """The one Textual screen: a canvas and nothing else."""

    AUTO_FOCUS = ""

    def __init__(self, canvas: Canvas) -> None:
        super().__init__()
        self._canvas = canvas

    def compose(self) -> ComposeResult:
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
        replay_controls: ReplayControls | None = None,
        replay_opener: ReplayOpener | None = None,
        archive: RunArchive | None = None,
    ) -> None:
        """Watch a monitor. `notices` (broken themes, for example) are shown one by one at the start.

        `replay_controls`: the app shows a replay. `replay_opener`: opens the past of the watched run. `archive`: the
        recorded runs to compare with.
        """
        super().__init__(driver_class=Driver)
        self._monitor = monitor
        self._themes = dict(themes)
        self.controller = Controller(
            monitor,
            config,
            screens,
            glyphs=glyphs,
            read_only=read_only,
            speed=speed,
            zone=zone or datetime.now(UTC).astimezone().tzinfo or UTC,
            themes=tuple(themes),
            notices=notices,
            replay_controls=replay_controls,
            replay_opener=replay_opener,
            archive=archive,
        )
        self.controller.time_travel.wake = self._wake
        self.canvas = Canvas(self._themes[self.controller.theme])
        ring = self.bell if config.ui.bell else lambda: None
        notify = partial(notification, config.ui.notify)
        self._notifier = Notifier(partial(send, self), ring, notify, replay=replay_controls is not None)
        self._ui_loop: asyncio.AbstractEventLoop | None = None
        self._ui_context: contextvars.Context | None = None
        self._woken = False
        self._drawn_s = 0.0
        self._draw_due = False
        self._repainted_s = 0.0

    def get_default_screen(self) -> Screen[None]:
        return CanvasScreen(self.canvas)

    @property
    def size(self) -> Size:
        return drawn_size(super().size)

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Resize):
            event.size, event.virtual_size = drawn_size(event.size), drawn_size(event.virtual_size)
        await super().on_event(event)

    def on_mount(self) -> None:
        """Subscribe to the monitor."""
        self._ui_loop = asyncio.get_running_loop()
        self._ui_context = contextvars.copy_context()
        if not self.is_headless:
            self._themes = fitted(self._themes, self.console.color_system)
            self.controller.set_themes(tuple(self._themes))
            self.canvas.set_theme(self._themes[self.controller.theme])
        send(self, SAVE_TITLE)
        self._monitor.subscribe(self._wake)
        self._take()
        self._tick()
        self.set_interval(1.0, self._tick)

    def on_unmount(self) -> None:
        """Restore the window's title."""
        self._ui_loop = None
        self.controller.time_travel.back_to_now()
        send(self, RESTORE_TITLE)

    def on_canvas_resized(self) -> None:
        """Draw for the new size."""
        self.draw()

    def on_resize(self, event: events.Resize) -> None:
        """Redraw everything, for the same size too: the terminal may have rewrapped its rows."""
        self.repaint()

    def on_app_focus(self) -> None:
        """Redraw everything: the user looks at the screen again."""
        self.repaint()

    def on_driver_resumed(self) -> None:
        """Redraw everything: the shell wrote while the monitor was stopped."""
        self.repaint()

    def on_key(self, event: events.Key) -> None:
        """Pass a key to the controller and do what only the app can do."""
        event.stop()
        event.prevent_default()
        effect = self.controller.press(event.key, event.character, event.time, *self.canvas.size)
        if effect.copy:
            self.copy_to_clipboard(effect.copy)
        if effect.do == "quit":
            self.exit()
        if effect.do == "redraw":
            self.repaint()
        elif effect.theme:
            self.canvas.set_theme(self._themes[self.controller.theme])
        self.draw()

    def draw(self) -> None:
        """Draw the rows for the current size, at once."""
        wide, high = self.canvas.size
        if self._ui_loop is not None and wide and high:
            self._drawn_s = self._ui_loop.time()
            self._draw_due = False
            self.canvas.show(self.controller.rows(wide, high))

    def leave(self, code: int) -> None:
        """Close the monitor with this exit code; from any thread."""
        if self._ui_loop is not None:
            self._ui_loop.call_soon_threadsafe(lambda: self.exit(return_code=code), context=self._ui_context)

    def repaint(self) -> None:
        """Write every cell: the terminal may show something else than the monitor wrote."""
        driver = driver_of(self)
        if self._ui_loop is None:
            return
        self._repainted_s = self._ui_loop.time()
        if isinstance(driver, Driver):
            driver.forget()
        self.refresh(layout=True)
        self.canvas.set_theme(self._themes[self.controller.theme])

    def _wake(self) -> None:
        """Schedule a look at the newest Snapshot. Called by the engine's thread; never blocks it."""
        loop = self._ui_loop
        if loop is not None and not self._woken and not loop.is_closed():
            self._woken = True
            # Timers find the app through their context; the calling thread's would be the engine's.
            loop.call_soon_threadsafe(self._take, context=self._ui_context)

    def _take(self) -> None:
        self._woken = False
        if self._ui_loop is None:
            return
        self.controller.mark_alive(self._ui_loop.time())
        newest = self._monitor.latest()
        self._notifier.notify(newest)
        asked = self.controller.time_travel.asked
        if self.controller.update(newest) and (asked or not self._draw_due):
            wait_s = 0.0 if asked else self._drawn_s + DRAW_S - self._ui_loop.time()
            if wait_s <= 0:
                self.draw()
            else:
                self._draw_due = True
                self.set_timer(wait_s, self.draw)

    def _tick(self) -> None:
        if self._ui_loop is None:
            return
        now_s = self._ui_loop.time()
        if now_s - self._repainted_s >= REPAINT_S:
            self.repaint()
        changed = self.controller.tick(now_s)
        # A lost wake delays the screen by at most 1 s.
        missed = not self._draw_due and not self._woken and self.controller.update(self._monitor.latest())
        if changed or missed:
            self.draw()

    def _fatal_error(self) -> None:
        """Close after a bug of a screen with one sentence; the traceback goes to the log.

        Textual would draw every local variable of every frame: minutes of CPU for a Snapshot of a long run.
        """
        error = sys.exc_info()[1]
        LOG.error("a screen failed", exc_info=error)
        message = clean_text(f"{type(error).__name__}: {error}")
        close_with(self, FAULT, Text(f"metabonk-tui: internal error, see the log: {message}"))


def drawn_size(size: Size) -> Size:
    """Return the part of a terminal that is drawn."""
    return Size(min(size.width, LARGEST.width), min(size.height, LARGEST.height))


def send(app: App[None], sequence: str) -> None:
    """Write an escape sequence to the app's terminal, where there is one."""
    driver = driver_of(app)
    if driver is not None and not app.is_headless:
        driver.write(sequence)


def run_app(app: MonitorApp, emergency_cleanup: Callable[[], None] = lambda: None) -> int:
    """Run the monitor until it is closed; return the exit code. Main thread only.

    `emergency_cleanup` runs instead of a normal return when a signal cannot end the program, because the terminal
    takes no output. It stops everything that must not stay behind.
    """
    with leave_on_signals(app.leave, emergency_cleanup):
        app.run(mouse=False)
    return app.return_code or 0
