"""Holds the current screen, the open dialog and the selection, and carries out commands.

Does not: know Textual, so that all of it is tested without a terminal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, tzinfo
from typing import Literal, NamedTuple

from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.ports.live import Monitor
from metabonk_tui.core.ports.recordings import ReplayControls, ReplayOpener, RunArchive
from metabonk_tui.core.recordings.seek import Edge, SeekTarget, Shift
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.core.verdict.text import verdict_text
from metabonk_tui.ui import commands
from metabonk_tui.ui.compare_job import CompareJob
from metabonk_tui.ui.dialogs import pool_actions
from metabonk_tui.ui.dialogs.base import Dialog, Reply
from metabonk_tui.ui.dialogs.control import ControlDialog
from metabonk_tui.ui.dialogs.filter import FilterDialog
from metabonk_tui.ui.dialogs.memory_watch import WatchDialog
from metabonk_tui.ui.dialogs.operation import OperationDialog, Outcome
from metabonk_tui.ui.dialogs.palette import THEME, PaletteDialog
from metabonk_tui.ui.dialogs.runs import RunsDialog
from metabonk_tui.ui.dialogs.seek import SeekDialog
from metabonk_tui.ui.frame import DENSITIES, Frame, MonitorScreen, UiState, ViewMode
from metabonk_tui.ui.sorting import BY_ID, WORST, next_sort
from metabonk_tui.ui.style.glyphs import UNICODE, Glyphs
from metabonk_tui.ui.style.spans import Row
from metabonk_tui.ui.time_travel import TimeTravel
from metabonk_tui.ui.views.bars import outcome, playbar

HOME = "dashboard"
NOTICE_S = 6.0
"""How long a notice stays in the footer."""
LATE_S = 5.0
"""The screen shows LAG after this time, and after three polling intervals, without a new Snapshot."""


class Effect(NamedTuple):
    """What only the app can do for a key."""

    do: Literal["", "quit", "redraw"] = ""
    copy: str = ""
    """A text for the clipboard."""
    theme: str = ""
    """The theme to show now."""


NO_EFFECT = Effect()


class Controller:
    """Turns key presses and Snapshots into what is drawn next."""

    def __init__(
        self,
        monitor: Monitor,
        config: Config,
        screens: Mapping[str, MonitorScreen],
        *,
        glyphs: Glyphs = UNICODE,
        read_only: bool = False,
        speed: float = 1.0,
        zone: tzinfo = UTC,
        themes: tuple[str, ...] = (),
        notices: tuple[str, ...] = (),
        replay_controls: ReplayControls | None = None,
        replay_opener: ReplayOpener | None = None,
        archive: RunArchive | None = None,
    ) -> None:
        self.monitor = monitor
        self.time_travel = TimeTravel(monitor, replay_controls, replay_opener)
        self.screens = screens
        self.snapshot: Snapshot | None = None
        """The Snapshot on screen: the newest one, or while paused the one of that moment."""
        self.paused = False
        self.late_s = 0.0
        """Seconds since the last Snapshot, once that is too long; else 0."""
        self.notice = ""
        self.theme = config.ui.theme
        self.dialog: Dialog | None = None
        self.state = UiState()
        self.comparing = CompareJob(archive, replay=replay_controls is not None)
        self._themes: tuple[str, ...] = ()
        self.set_themes(themes)
        self._notices = list(notices)
        self._notice_ends_s = 0.0
        self._outcome = Outcome()
        self._request_seen = 0
        """The number of the newest request for control that was shown."""
        self._fault: str | None = None
        self._past_alarm = ""
        self._arrived_s: float | None = None
        self._stack = [HOME]
        self._scroll: dict[str, int] = {}
        self._shown: dict[str, tuple[int, int] | None] = {}
        self._room = 1
        self._frame = Frame(None, 80, 24, config, glyphs=glyphs, speed=speed, read_only=read_only, zone=zone)
        self._handlers: dict[str, Callable[[Frame], Effect]] = {
            "acknowledge": lambda frame: self._acknowledge((frame.alert.id,) if frame.alert else ()),
            "acknowledge_all": lambda frame: self._acknowledge(commands.unacknowledged(frame.snapshot)),
            "gate_again": lambda _: self._ask_gate_again(),
            "compare": lambda _: self._compare(),
            "back": lambda _: self._back(),
            "quit": lambda _: Effect("quit"),
            "redraw": lambda _: Effect("redraw"),
            "theme": lambda _: self._set_theme(),
            "pause": lambda _: self._pause(),
            "poll": lambda _: self._poll(),
            "copy": self._copy,
            "palette": lambda frame: self._open_dialog(PaletteDialog(self.command_context(frame), self._themes)),
            "filter": lambda frame: self._open_dialog(FilterDialog(frame.state.filter)),
            "memory_watch": lambda frame: self._open_dialog(WatchDialog(self.monitor, frame)),
            "operation": lambda _: self._open_dialog(OperationDialog()),
            "back_one": lambda _: self._move_in_past(lambda past: past.step(-1)),
            "on_one": lambda _: self._move_in_past(lambda past: past.step(1)),
            "back_minute": lambda _: self._go(Shift(-60.0)),
            "on_minute": lambda _: self._go(Shift(60.0)),
            "seek": lambda _: self._open_dialog(SeekDialog(self._go)),
            **{
                name: lambda frame, name=name: self._open_dialog(pool_actions.make_dialog(name, frame, self.monitor))  # type: ignore[misc]
                for name in ("launch", "grow", "shrink", "restart", "stop", "stop_worker")
            },
        }

    def set_themes(self, themes: tuple[str, ...]) -> None:
        """Set the available themes; the first one is shown where the configured one is not among them."""
        self._themes = themes
        if self.theme not in themes:
            self.theme = themes[0] if themes else ""

    @property
    def screen(self) -> str:
        """The name of the current screen."""
        return self._stack[-1]

    @property
    def _front(self) -> MonitorScreen:
        return self.screens[self.screen]

    def frame(self, wide: int, high: int) -> Frame:
        """Build the input of a screen."""
        mode: ViewMode = "paused" if self.paused else "lag" if self.late_s else "live"
        mode = mode if self.time_travel.mode == "live" else self.time_travel.mode
        frame = replace(
            self._frame,
            snapshot=self.snapshot,
            width=wide,
            height=high,
            state=self.state,
            mode=mode,
            late_s=self.late_s,
            notice=self.notice or _fault_notice(self._fault) or _unrecorded_notice(self.snapshot) or self._past_alarm,
            outcome=self._outcome.operation,
            playback=self.time_travel.playback,
            comparing=self.comparing.view,
        )
        return replace(frame, hints=commands.hints(self.command_context(frame)))

    def command_context(self, frame: Frame) -> commands.CommandContext:
        """Build what decides which commands are available."""
        playing = frame.playback is not None and frame.playback.playing
        return commands.CommandContext(
            frame.snapshot,
            self.screen,
            frame.worker,
            frame.read_only,
            frame.mode,
            frame.alert,
            playing,
            self.time_travel.has_past,
            frame.outcome is not None,
        )

    def update(self, snapshot: Snapshot | None) -> bool:
        """Take a newer Snapshot, unless paused; return whether there is something to draw."""
        if snapshot is not None:
            self.comparing.add(snapshot)
            self._outcome.update(snapshot)
        moved = self.time_travel.refresh() or self._show_request()
        snapshot = self.time_travel.newest(snapshot)
        if self.paused or snapshot is None or snapshot is self.snapshot:
            return moved or (self.dialog is not None and self.dialog.has_news())
        self.snapshot = snapshot
        if self.dialog:
            self.dialog = self.dialog.watch(self.frame(80, 24))
        return True

    def _show_request(self) -> bool:
        """Show a new request for control, over no other dialog; return whether there is something to draw."""
        request = self.monitor.role_request()
        if isinstance(self.dialog, ControlDialog):
            self.dialog = self.dialog.watch(self.frame(80, 24))
            return self.dialog is None
        if request is None or request.number == self._request_seen:
            return False
        if self.dialog is None:
            self._request_seen, self.dialog = request.number, ControlDialog(request, self.monitor)
        else:
            self.notice = f"{request.by} asks for control to {request.want}: close this dialog to answer"
        return True

    def mark_alive(self, at_s: float) -> None:
        """Record that the engine published something at this time (seconds, monotonic)."""
        self._arrived_s, self.late_s = at_s, 0.0

    def tick(self, at_s: float) -> bool:
        """End notices and mark a screen that no longer changes; return whether there is something to draw."""
        before = (self.notice, self.late_s, self._fault, self._past_alarm)
        self._fault, self._past_alarm = self.time_travel.fault, self.time_travel.alarm_text()
        if at_s >= self._notice_ends_s and (self.notice or self._notices):
            self.notice = self._notices.pop(0) if self._notices else ""
            self._notice_ends_s = at_s + NOTICE_S
        self._arrived_s = at_s if self._arrived_s is None else self._arrived_s
        silent_s = at_s - self._arrived_s
        interval_s = self.snapshot.run.interval_s / self._frame.speed if self.snapshot else 0.0
        late = self.time_travel.mode == "live" and silent_s > max(LATE_S, 3 * interval_s)
        self.late_s = silent_s if late else 0.0
        read_on = self.comparing.tick(at_s, self.screen == "compare")
        return read_on or before != (self.notice, self.late_s, self._fault, self._past_alarm)

    def rows(self, wide: int, high: int) -> tuple[Row, ...]:
        """Draw the terminal: one row for each of its lines."""
        whole = self.frame(wide, high)
        frame = outcome.frame_above_outcome(playbar.frame_above_bar(whole))
        page = self._front.page(frame)
        scroll = self._scroll.get(self.screen, 0)
        self._room = max(1, frame.height - len(page.top) - len(page.bottom))
        if page.show and page.show != self._shown.get(self.screen):
            first, past_last = page.show
            scroll = min(max(scroll, past_last - self._room), first)
        self._shown[self.screen] = page.show
        rows, self._scroll[self.screen] = page.compose(wide, frame.height, scroll, frame.glyphs)
        rows = playbar.with_bar(outcome.with_outcome(rows, whole), whole)
        return self.dialog.over(rows, whole) if self.dialog else rows

    def press(self, key: str, character: str | None, at_s: float, wide: int, high: int) -> Effect:
        """Take a key pressed at a time (seconds, monotonic) in a terminal of this size."""
        self.notice = ""
        self._notice_ends_s = at_s + NOTICE_S
        frame = self.frame(wide, high)
        if key in ("ctrl+c", "ctrl+q"):
            return Effect("quit")
        if self.dialog and self.dialog.passes(key, frame):
            self.dialog = None
        if self.dialog:
            return self._apply_reply(self.dialog.press(key, character, at_s, frame), frame)
        command = commands.find(key, character)
        return self.run(command.id, frame) if command else NO_EFFECT

    def run(self, name: str, frame: Frame) -> Effect:
        """Carry out a command of the table, or show why it is not available."""
        if name.startswith(THEME):
            return self._set_theme(name.removeprefix(THEME))
        if name == "back" and self.screen == HOME and frame.outcome is not None:
            self._outcome.dismiss()
            return NO_EFFECT
        why = commands.BY_ID[name].refusal(self.command_context(frame))
        if why:
            self.notice = f"{commands.BY_ID[name].key} {commands.BY_ID[name].label}: {why}"
            return NO_EFFECT
        if name in self._handlers:
            return self._handlers[name](frame)
        if name in self.screens:
            return self._open_screen(name)
        # End returns to the live run from every screen.
        can_seek = frame.past and (self.screen == HOME or (frame.mode == "past" and name == "end"))
        if can_seek and name in ("home", "end"):
            return self._go(Edge("start" if name == "home" else "end"))
        state = self._front.do(name, outcome.frame_above_outcome(playbar.frame_above_bar(frame)))
        if state is not None:
            self.state = state
        elif name == "density":
            following = DENSITIES.index(self.state.density) + 1
            self.state = replace(self.state, density=DENSITIES[following % len(DENSITIES)])
        elif name == "attention":
            self.state = replace(self.state, sort=BY_ID if self.state.sort == WORST else WORST, inverted=False)
        elif name in ("sort", "sort_before"):
            by = next_sort(frame.snapshot, self.state.sort, -1 if name == "sort_before" else 1)
            self.state = replace(self.state, sort=by, inverted=False)
        elif name == "invert":
            self.state = replace(self.state, inverted=not self.state.inverted)
        elif name in ("next", "previous", "left", "right"):
            self._select(frame, -1 if name in ("previous", "left") else 1)
        else:
            steps = {"up": -1, "down": 1, "page_up": -self._room, "page_down": self._room, "home": -(10**9)}
            scroll = self._scroll.get(self.screen, 0) + steps.get(name, 10**9)
            self._scroll[self.screen] = max(0, scroll)
        return NO_EFFECT

    def _apply_reply(self, reply: Reply, frame: Frame) -> Effect:
        if isinstance(self.dialog, OperationDialog) and reply.dialog is None:
            self._outcome.dismiss()
        self.dialog = reply.dialog
        self.state = reply.state or self.state
        self.notice = reply.notice or self.notice
        if reply.command:
            return self.run(reply.command, frame)
        return Effect(copy=reply.copy)

    def _open_dialog(self, dialog: Dialog) -> Effect:
        self.dialog = dialog
        return NO_EFFECT

    def _open_screen(self, name: str) -> Effect:
        self._stack = [*(other for other in self._stack if other != name), name]
        self._scroll[name] = 0
        return NO_EFFECT

    def _compare(self) -> Effect:
        """Open the comparison; there, and where no run was chosen yet, open the list of runs."""
        was_open = self.screen == "compare"
        self._open_screen("compare")
        if was_open or self.comparing.view.chosen is None:
            self._open_dialog(RunsDialog(self.comparing))
        return NO_EFFECT

    def _back(self) -> Effect:
        if self.screen == "compare":
            self.comparing.leave()
        self._stack = self._stack[:-1] or [HOME]
        return NO_EFFECT

    def _acknowledge(self, ids: tuple[str, ...]) -> Effect:
        self.monitor.acknowledge(ids, "key")
        self.notice = f"seen: {', '.join(ids)}"
        return NO_EFFECT

    def _ask_gate_again(self) -> Effect:
        self.monitor.ask_gate_again("key")
        self.notice = "the gate is taken again: six checks from now"
        return NO_EFFECT

    def _go(self, target: SeekTarget) -> Effect:
        if target == Edge("end") and self.time_travel.back_to_now():
            self.snapshot, self._past_alarm = self.monitor.latest(), ""
            return NO_EFFECT
        return self._move_in_past(lambda past: past.seek(target))

    def _move_in_past(self, move: Callable[[ReplayControls], None]) -> Effect:
        self.paused = False
        why = self.time_travel.go(move, self.snapshot.run.name if self.snapshot else "")
        self.notice = why or self.notice
        return NO_EFFECT

    def _pause(self) -> Effect:
        if self.time_travel.mode != "live":
            return self._move_in_past(lambda past: past.play())
        self.paused = not self.paused
        if not self.paused:
            self.update(self.monitor.latest())
        return NO_EFFECT

    def _poll(self) -> Effect:
        self.monitor.poll_now()
        self.notice = "polling the workers now"
        return NO_EFFECT

    def _copy(self, frame: Frame) -> Effect:
        if frame.snapshot is None:
            return NO_EFFECT
        text = verdict_text(frame.snapshot, frame.zone)
        if frame.past:
            text = f"replay, as it was on {fmt.day(frame.snapshot.t, frame.zone)}\n{text}"
        self.notice = f"copied {len(text.splitlines())} lines: {text.splitlines()[0]}"
        return Effect(copy=text)

    def _set_theme(self, name: str = "") -> Effect:
        if not name:
            name = self._themes[(self._themes.index(self.theme) + 1) % len(self._themes)]
        self.notice = f"theme {name}" if len(self._themes) > 1 else "this terminal shows no colours"
        self.theme = name
        return Effect(theme=name)

    def _select(self, frame: Frame, step: int) -> None:
        refs = [worker.ref for worker in frame.snapshot.workers] if frame.snapshot else []
        if refs and frame.worker:
            at = refs.index(frame.worker.ref)
            self.state = replace(self.state, ref=refs[(at + step) % len(refs)])


def _fault_notice(fault: str | None) -> str:
    """Return the notice for a bug of the monitor: it must never look like a quiet pool."""
    return f"internal error: this screen is out of date, see the log: {fault}" if fault else ""


def _unrecorded_notice(snapshot: Snapshot | None) -> str:
    """Return the notice, with its reason, while nothing is recorded."""
    if snapshot is None or snapshot.recording is not False:
        return ""
    reasons = [event.text for event in snapshot.events if event.kind == EventKind.RECORDER_ERROR]
    return reasons[-1] if reasons else "not recorded: the recording monitor has stopped"
