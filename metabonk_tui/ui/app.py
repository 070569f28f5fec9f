"""The app: passes keys and Snapshots to the controller, and the controller's rows to the canvas.

Does not: decide anything. What a state means is in the Snapshot, what a key means in `commands` and `controller`.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import sys
from collections.abc import Callable, Mapping
from functools import partial

from rich.text import Text
from textual import events
from textual.app import App, ComposeResult
from textual.geometry import Size
from textual.screen import Screen

from metabonk_tui.core.config.schema import Config, UiSettings
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.core.text.clean import clean_text
from metabonk_tui.ui import pointer
from metabonk_tui.ui.controller import Controller
from metabonk_tui.ui.effect import Effect
from metabonk_tui.ui.notifier import Notifier
from metabonk_tui.ui.style.spans import Row
from metabonk_tui.ui.style.theme import Theme, fitted
from metabonk_tui.ui.terminal.canvas import Canvas
from metabonk_tui.ui.terminal.driver import RESTORE_TITLE, SAVE_TITLE, Driver, leave_on_signals, notification
from metabonk_tui.ui.terminal.textual_private import close_with, driver_of, end_with_fault, is_synchronised
from metabonk_tui.ui.way_keys import way_effect

LOG = logging.getLogger(__name__)
FAULT = 70
"""The exit code of an internal error."""
DRAW_S = 0.5
"""Newer Snapshots are drawn at most this often; the effect of a key at once."""
LOOK_S = 1.0
"""Seconds between two looks at the time, without a Snapshot."""
EARLIEST_LOOK_S, LATEST_LOOK_S = 0.9, 1.3
"""A Snapshot brings a look with it when the last one is at least so old; one that is late gets no second wake-up."""
LARGEST = Size(1000, 500)
"""A larger terminal is drawn in part: 65535x65535, which a broken terminal reports, would take gigabytes."""
REPAINT_S = 60.0
"""The whole screen is written this often: wall(1), the kernel and background jobs write over it."""
NOTICED_STOP_S = 3.0
"""A longer stop of the process is said after it."""
SLOWNESS = 4
"""How many times less often a slow terminal is drawn: every 2 s, and whole every 4 min."""


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
        controller: Controller,
        config: Config,
        *,
        themes: Mapping[str, Theme],
        rows: tuple[Row, ...] = (),
        on_first_picture: Callable[[], None] = lambda: None,
        keep: Callable[[UiSettings], str] = lambda settings: "",
    ) -> None:
        """Show what a controller draws. `rows` are on the terminal already; `on_first_picture` is called once.

        `keep` stores changed settings and returns why it cannot, "" when it can.
        """
        super().__init__(driver_class=Driver)
        self._monitor = controller.monitor
        self._themes = dict(themes)
        self.controller = controller
        self.controller.time_travel.wake = self._wake
        self.canvas = Canvas(self._themes[self.controller.theme], rows)
        ring = self.bell if config.ui.bell else lambda: None
        notify = partial(notification, config.ui.notify)
        is_replay = controller.time_travel.mode == "replay"
        glyphs = controller.frame(0, 0).glyphs
        self._notifier = Notifier(partial(send, self), ring, notify, replay=is_replay, glyphs=glyphs)
        self._ui_loop: asyncio.AbstractEventLoop | None = None
        self._ui_context: contextvars.Context | None = None
        self._woken = False
        self._drawn_s = 0.0
        self._draw_due = False
        self._repainted_s = 0.0
        self._looked_s = 0.0
        self._next_look: asyncio.TimerHandle | None = None
        self.has_mouse = config.ui.mouse
        self._slowness = SLOWNESS if config.ui.slow else 1
        self._keep = keep
        self.next_words: tuple[str, ...] = ()
        """The command that the program runs after the monitor: its key was pressed on a page without a pool."""
        self._kept = controller.settings
        self._was_drawn = False
        self._on_first_picture = on_first_picture

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
            self.controller.themes.offer(tuple(self._themes))
            self.canvas.set_theme(self._themes[self.controller.theme])
        self.canvas.write_rows = self._write_rows
        send(self, SAVE_TITLE)
        self._monitor.subscribe(self._wake)
        self._take()

    def on_unmount(self) -> None:
        """Restore the window's title."""
        self._ui_loop = None
        self._keep_settings(0.0)
        self.controller.absences.leave()
        if self._next_look is not None:
            self._next_look.cancel()
        self.controller.time_travel.back_to_now()
        send(self, RESTORE_TITLE)

    def on_canvas_resized(self) -> None:
        """Draw for the new size."""
        self.draw()

    def on_resize(self, event: events.Resize) -> None:
        """Redraw everything, for the same size too: the terminal may have rewrapped its rows."""
        self.repaint()

    def on_app_focus(self) -> None:
        """Redraw everything, and say what changed: the user looks at the screen again."""
        if self._ui_loop is not None:
            self.controller.show_since(self.controller.absences.on_focus(self._ui_loop.time()))
            self.draw()
        self.repaint()

    def on_driver_resumed(self) -> None:
        """Redraw everything: the shell wrote while the monitor was stopped. Say how long nothing was observed."""
        now_s = self._ui_loop.time() if self._ui_loop is not None else self._looked_s
        stopped_s = now_s - self._looked_s
        if stopped_s > NOTICED_STOP_S and self.controller.time_travel.mode != "replay":
            stood = f"the monitor stood for {fmt.age(stopped_s)}: nothing was observed in that time"
            self.controller.show_notice(stood, now_s)
        self.on_app_focus()

    def on_driver_write_failed(self) -> None:
        """Say that the picture may have a hole, until it is written whole again."""
        self.controller.notice = "a part of the picture could not be written; see the log (Ctrl+L draws it again)"
        self.draw()

    def on_key(self, event: events.Key) -> None:
        """Pass a key to the controller and do what only the app can do."""
        event.stop()
        event.prevent_default()
        pressed = (event.key, event.character, event.time)
        effect = way_effect(*pressed, self.controller, *self.canvas.size)
        self._carry_out(self.controller.press(*pressed, *self.canvas.size) if effect is None else effect)

    def on_paste(self, event: events.Paste) -> None:
        """Pass pasted text to the controller."""
        event.stop()
        self._carry_out(self.controller.paste(event.text, event.time, *self.canvas.size))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll, or select the worker above."""
        self._carry_out(pointer.scroll(self.controller, -1, event.time, *self.canvas.size))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll, or select the worker below."""
        self._carry_out(pointer.scroll(self.controller, 1, event.time, *self.canvas.size))

    def on_click(self, event: events.Click) -> None:
        """Select what is under the pointer."""
        self._carry_out(pointer.click(self.controller, event.screen_x, event.screen_y, *self.canvas.size))

    def _carry_out(self, effect: Effect) -> None:
        """Do what only the app can do, and draw."""
        if effect.copy:
            self.copy_to_clipboard(effect.copy)
        if effect.do == "suspend":
            driver = driver_of(self)
            pids = pids_of_pool(self._monitor.latest())
            self.controller.notice = driver.suspend(pids) if isinstance(driver, Driver) else ""
        self.next_words = effect.run or self.next_words
        if effect.do == "quit" or effect.run:
            self.exit()
        if effect.do == "picture":
            self._save_picture()
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
            if not self._was_drawn:
                self._was_drawn = True
                self.call_after_refresh(self._on_first_picture)

    def _save_picture(self) -> None:
        """Save what is on screen."""
        # Imported late: most monitors save no picture.
        from metabonk_tui.ui.style.svg import svg

        controller, (wide, high) = self.controller, self.canvas.size
        draw = partial(svg, self.canvas.rows, wide, self._themes[controller.theme], "metabonk-tui")
        controller.notice = controller.sharing.picture(controller.frame(wide, high), controller.screen, draw).notice

    def _take_shared(self) -> None:
        """Copy and say what was shared in the background."""
        shared = self.controller.take_shared()
        if shared is not None:
            if shared.copy:
                self.copy_to_clipboard(shared.copy)
            self.draw()

    def _write_rows(self, data: str) -> bool:
        driver = driver_of(self)
        return isinstance(driver, Driver) and not self.is_headless and driver.write_rows(data, is_synchronised(self))

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

    def _rewrite(self, now_s: float) -> None:
        """Write every cell without Textual, which would lay out and render everything for it."""
        driver = driver_of(self)
        if isinstance(driver, Driver):
            driver.forget()
        if self.canvas.write_again():
            self._repainted_s = now_s
        else:
            self.repaint()

    def _wake(self) -> None:
        """Schedule a look at the newest Snapshot. Called by the engine's thread; never blocks it."""
        loop = self._ui_loop
        if loop is not None and not self._woken and not loop.is_closed():
            self._woken = True
            # Timers find the app through their context; the calling thread's would be the engine's.
            loop.call_soon_threadsafe(self._take, context=self._ui_context)

    def _take(self) -> None:
        """Look at the newest Snapshot, and at the time when that is due: one wake-up a second does both."""
        self._woken = False
        if self._ui_loop is None:
            return
        try:
            now_s = self._ui_loop.time()
            self.controller.lateness.mark_alive(now_s)
            newest = self._monitor.latest()
            self._notifier.notify(newest)
            self._take_shared()
            asked = self.controller.time_travel.asked or self.controller.logs.is_awaited
            changed = self.controller.update(newest)
            if now_s - self._looked_s >= EARLIEST_LOOK_S:
                changed = self._look(now_s, LATEST_LOOK_S) or changed
            if changed and (asked or not self._draw_due):
                wait_s = 0.0 if asked else self._drawn_s + self._slowness * DRAW_S - now_s
                if wait_s <= 0:
                    self.draw()
                else:
                    self._draw_due = True
                    self.set_timer(wait_s, self.draw)
        except Exception:
            end_with_fault(self)

    def _pass_time(self) -> None:
        """Look at the time without a Snapshot: notices end, a screen that no longer changes says so."""
        if self._ui_loop is None:
            return
        try:
            changed = self._look(self._ui_loop.time(), LOOK_S)
            # A lost wake delays the screen by about a second.
            missed = not self._draw_due and not self._woken and self.controller.update(self._monitor.latest())
            if changed or missed:
                self.draw()
        except Exception:
            end_with_fault(self)

    def _look(self, now_s: float, next_s: float) -> bool:
        """Do what time alone does, the next time after `next_s` at the latest; return whether to draw."""
        assert self._ui_loop is not None
        self._looked_s = now_s
        if self._next_look is not None:
            self._next_look.cancel()
        # No timer of Textual: it would make a task and post a message each second.
        self._next_look = self._ui_loop.call_later(next_s, self._pass_time, context=self._ui_context)
        if now_s - self._repainted_s >= self._slowness * REPAINT_S:
            self._rewrite(now_s)
        self._keep_settings(now_s)
        return self.controller.tick(now_s)

    def _keep_settings(self, now_s: float) -> None:
        """Store what was changed by keys since the last time."""
        settings = self.controller.settings
        if settings != self._kept:
            self._kept = settings
            if why := self._keep(settings):
                self.controller.show_notice(f"the change is not kept: {why}", now_s)

    def _fatal_error(self) -> None:
        """Close after a bug of a screen with one sentence; the traceback goes to the log.

        Textual would draw every local variable of every frame: minutes of CPU for a Snapshot of a long run.
        """
        error = sys.exc_info()[1]
        LOG.error("a screen failed", exc_info=error)
        message = clean_text(f"{type(error).__name__}: {error}")
        close_with(self, FAULT, Text(f"metabonk-tui: internal error, see the log: {message}"))


def pids_of_pool(snapshot: Snapshot | None) -> tuple[int, ...]:
    """Return the pids of the pool's processes on this machine: those of a named host are of another one."""
    if snapshot is None:
        return ()
    pids = (snapshot.pool.launcher_pid, *(worker.pid for worker in snapshot.workers if not worker.ref.host))
    return tuple(pid for pid in pids if pid is not None)


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
    Driver.has_mouse = app.has_mouse
    with leave_on_signals(app.leave, emergency_cleanup):
        app.run(mouse=app.has_mouse)
    return app.return_code or 0
