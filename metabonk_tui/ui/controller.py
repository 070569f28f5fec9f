"""Holds the current screen, the open dialog and the selection, and carries out commands.

Does not: know Textual, so that all of it is tested without a terminal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, tzinfo
from typing import TYPE_CHECKING

from msgspec.structs import replace

from metabonk_tui.core.config.schema import NO_SETTINGS, Config, UiSettings
from metabonk_tui.core.model.absence import Absence
from metabonk_tui.core.model.obituary import Obituary
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.ports.live import LookStore, Monitor
from metabonk_tui.core.ports.logs import LogFileReader
from metabonk_tui.core.ports.recordings import ReplayControls, ReplayOpener, RunArchive
from metabonk_tui.core.recordings.seek import Edge, EventMoment, SeekTarget
from metabonk_tui.ui import commands
from metabonk_tui.ui.absence_watch import AbsenceWatch
from metabonk_tui.ui.arrangement import ThemeChoice, arranged, kept, started, taken_back
from metabonk_tui.ui.command_context import CommandContext
from metabonk_tui.ui.compare_job import CompareJob
from metabonk_tui.ui.dialogs.base import NO_PASTE, Dialog, Reply
from metabonk_tui.ui.effect import NO_EFFECT, PLAIN_EFFECTS, Effect
from metabonk_tui.ui.ended_operation import Outcome
from metabonk_tui.ui.frame import Frame, MonitorScreen, ViewMode, with_selected
from metabonk_tui.ui.hints import SILENT_KEYS, USUAL_KEYS, KeyTable, context_of, hints
from metabonk_tui.ui.log_view import LogChoice
from metabonk_tui.ui.log_viewer import LogViewer
from metabonk_tui.ui.notices import FLOW_KEYS, Lateness, fault_notice, missing_worker, said_of, unrecorded_notice
from metabonk_tui.ui.plot_viewer import PlotViewer
from metabonk_tui.ui.requests import Pace, Requests
from metabonk_tui.ui.screen_stack import HOME, ScreenStack
from metabonk_tui.ui.sharing import SharedResult, Sharing
from metabonk_tui.ui.style.glyphs import UNICODE, Glyphs
from metabonk_tui.ui.style.spans import Row
from metabonk_tui.ui.style.theme import AUTO, DARK
from metabonk_tui.ui.time_travel import TimeTravel
from metabonk_tui.ui.views.bars import outcome, playbar
from metabonk_tui.ui.views.bars.footer import with_whole_notice

if TYPE_CHECKING:
    from metabonk_tui.core.model.pool import PoolSearch
    from metabonk_tui.core.ports.moments import MomentFiles
    from metabonk_tui.core.ports.plots import PlotReader

NOTICE_S = 6.0
"""How long a notice stays in the footer."""


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
        is_viewer: bool = False,
        speed: float = 1.0,
        zone: tzinfo = UTC,
        themes: tuple[str, ...] = (),
        notices: tuple[str, ...] = (),
        replay_controls: ReplayControls | None = None,
        replay_opener: ReplayOpener | None = None,
        archive: RunArchive | None = None,
        open_logs: Callable[[], LogFileReader] | None = None,
        looks: LookStore | None = None,
        moment_files: MomentFiles | None = None,
        plots: PlotReader | None = None,
        keys: KeyTable = USUAL_KEYS,
        settings: UiSettings = NO_SETTINGS,
        search: PoolSearch | None = None,
    ) -> None:
        self.monitor = monitor
        self._is_viewer = is_viewer
        self.time_travel = TimeTravel(monitor, replay_controls, replay_opener)
        self.screens = screens
        self.snapshot: Snapshot | None = None  # on screen: the newest one, or while paused the one of that moment
        self.paused = False
        self.lateness = Lateness()
        self.notice = ""
        self.themes = ThemeChoice(themes, settings.theme, DARK if config.ui.theme == AUTO else config.ui.theme)
        self.dialog: Dialog | None = None
        self.state = started(settings, config)
        self.comparing = CompareJob(archive, replay=replay_controls is not None)
        self.logs = LogViewer(open_logs, lambda: self.time_travel.wake())
        self.absences = AbsenceWatch(looks)
        self.plots = PlotViewer(plots, lambda: self.time_travel.wake())
        self.sharing = Sharing(moment_files, lambda: self.time_travel.wake())
        self._notices = list(notices)
        self._notice_ends_s = 0.0
        self._outcome = Outcome()
        self._fault: str | None = None
        self._past_alarm = ""
        self._stack = ScreenStack()
        base = Frame(None, 80, 24, config, glyphs=glyphs, speed=speed, read_only=read_only, zone=zone)
        self._frame = replace(base, own_keys=keys.own_keys, key_names=keys.names, search=search)
        self._keys = keys
        self._pace = Pace(monitor, settings.interval_s)
        self._requests = Requests(monitor, self._pace)
        self._handlers: dict[str, Callable[[Frame], Effect]] = {
            "compare": lambda _: self._compare(),
            "event": self._open_event,
            "obituary": lambda _: self._show_death(None),
            "since": lambda _: self.show_since(self.absences.on_request()),
            "death_replay": lambda frame: self._replay_death(frame.death) if frame.death else NO_EFFECT,
            "back": self._back,
            "theme": lambda _: self._set_theme(),
            "pause": lambda _: self._pause(),
            "copy": lambda frame: self._apply_shared(self.sharing.verdict(frame, self.screen)),
            **PLAIN_EFFECTS,
            "hand_over": lambda frame: self._apply_shared(self.sharing.hand_over(frame, self.screen)),
        }

    @property
    def theme(self) -> str:
        return self.themes.shown

    @property
    def screen(self) -> str:
        return self._stack.front

    def frame(self, wide: int, high: int) -> Frame:
        """Build the input of a screen."""
        now: ViewMode = "paused" if self.paused else "lag" if self.lateness.late_s else "live"
        frame = replace(
            self._frame,
            snapshot=self.snapshot,
            width=wide,
            height=high,
            state=self.state,
            mode=now if self.time_travel.mode == "live" else self.time_travel.mode,
            late_s=self.lateness.late_s,
            came_from=(HOME, *self._stack.names)[-2],
            notice=self.notice or fault_notice(self._fault) or unrecorded_notice(self.snapshot) or self._past_alarm,
            outcome=self._outcome.operation,
            playback=self.time_travel.playback,
            live=self.monitor.latest() if self.time_travel.mode == "past" else None,
            comparing=self.comparing.view,
            ghost=None if self.state.hides_ghost else self.comparing.view.ghost,
            logs=self.logs.view,
            plots=self.plots.view,
        )
        return replace(frame, hints=hints(self.command_context(frame), self._keys))

    @property
    def settings(self) -> UiSettings:
        """What the operator changed by keys, to be kept."""
        return kept(self.state, self.themes.chosen, self._pace.every_s)

    def command_context(self, frame: Frame) -> CommandContext:
        """Build what decides which commands are available."""
        return context_of(frame, self.screen, self.time_travel.has_past, self._is_viewer)

    def update(self, snapshot: Snapshot | None) -> bool:
        """Take a newer Snapshot, unless paused; return whether there is something to draw."""
        if snapshot is not None:
            self.show_since(self.absences.update(snapshot))
            self.comparing.add(snapshot)
            self._outcome.update(snapshot)
        moved = self.time_travel.refresh() or self.logs.has_news() or self.plots.has_news() or self._show_request()
        self._stack.follow(self.time_travel.playback)
        snapshot = self.time_travel.newest(snapshot)
        if self.paused or snapshot is None or snapshot is self.snapshot:
            return moved or (self.dialog is not None and self.dialog.has_news())
        self._notices += missing_worker(snapshot, self.state.ref) if self.snapshot is None else ()
        self.snapshot = snapshot
        self.dialog = self.dialog.watch(self.frame(80, 24)) if self.dialog else None
        return True

    def _show_request(self) -> bool:
        """Show a new request for control, over no other dialog; return whether there is something to draw."""
        if self.dialog is not None and self.dialog.answers_request:
            self.dialog = self.dialog.watch(self.frame(80, 24))
            return self.dialog is None
        asked = self._requests.new_request(self.dialog)
        if asked is not None:
            self.dialog, self.notice = asked[0], asked[1] or self.notice
        return asked is not None

    def show_notice(self, text: str, at_s: float) -> None:
        """Show a notice from this time (seconds, monotonic) on."""
        self.notice, self._notice_ends_s = text, at_s + NOTICE_S

    def tick(self, at_s: float) -> bool:
        """End notices and mark a screen that no longer changes; return whether there is something to draw."""
        before = (self.notice, self.lateness.late_s, self._fault, self._past_alarm)
        self._fault, self._past_alarm = self.time_travel.fault, self.time_travel.alarm_text()
        if at_s >= self._notice_ends_s and (self.notice or self._notices):
            self.notice = self._notices.pop(0) if self._notices else ""
            self._notice_ends_s = at_s + NOTICE_S
        interval_s = self.snapshot.run.interval_s / self._frame.speed if self.snapshot else 0.0
        self.lateness.tick(at_s, interval_s, self.time_travel.mode == "live")
        read_on = self.comparing.tick(at_s, self.screen == "compare")
        self.logs.tick(at_s)
        return read_on or before != (self.notice, self.lateness.late_s, self._fault, self._past_alarm)

    def rows(self, wide: int, high: int) -> tuple[Row, ...]:
        """Draw the terminal: one row for each of its lines."""
        self.logs.sync(self.state, self.snapshot, self.time_travel.mode, self._stack.names)
        whole = self.frame(wide, high)
        self.plots.sync(whole, self.screen)
        frame = outcome.frame_above_outcome(playbar.frame_above_bar(whole))
        rows = self._stack.compose(self.screens[self.screen].page(frame), frame)
        rows = playbar.with_bar(outcome.with_outcome(rows, whole), whole)
        return self.dialog.over(rows, whole) if self.dialog else with_whole_notice(rows, whole, self.notice)

    def press(self, key: str, character: str | None, at_s: float, wide: int, high: int) -> Effect:
        """Take a key pressed at a time (seconds, monotonic) in a terminal of this size."""
        self.show_notice(FLOW_KEYS.get(key, ""), at_s)
        self.absences.press(at_s)
        frame = self.frame(wide, high)
        if key == "ctrl+c":
            return Effect("quit")
        if self.dialog and self.dialog.passes(key, frame):
            self.dialog = None
        if self.dialog:
            return self._apply_reply(self.dialog.press(key, character, at_s, frame), frame)
        own = "" if frame.past and self.screen == "logs" else self.command_context(frame).place
        command = self._keys.find(key, character, own)
        if command is None:
            self.notice = self.notice or ("" if key in SILENT_KEYS else self._keys.unknown(key, character))
            return NO_EFFECT
        return self.run(command.id, frame)

    def paste(self, text: str, at_s: float, wide: int, high: int) -> Effect:
        """Take pasted text, which only a field takes."""
        self.show_notice("", at_s)
        self.absences.press(at_s)
        frame = self.frame(wide, high)
        if self.dialog is not None:
            return self._apply_reply(self.dialog.paste(text, frame), frame)
        self.notice = NO_PASTE
        return NO_EFFECT

    def run(self, name: str, frame: Frame) -> Effect:
        """Carry out a command of the table, or show why it is not available."""
        if name.startswith(commands.THEME):
            return self._set_theme(name.removeprefix(commands.THEME))
        if name == "back" and self.screen == HOME and frame.outcome is not None:
            self._outcome.dismiss()
            return NO_EFFECT
        if name == "back" and self.screen == HOME and (taken := taken_back(self.state)) is not None:
            self.state = taken
            return NO_EFFECT
        context = self.command_context(frame)
        if why := commands.BY_ID[name].refusal(context):
            self.notice = f"{self._keys.shown(name)} {commands.BY_ID[name].label}: {why}"
            return NO_EFFECT
        if name == "worker" and self.screen == HOME and frame.death_of_worker is not None:
            return self._show_death(frame.death_of_worker)
        if name in commands.STRIP_MOVES:
            return self._move_on_strip(name, frame)
        if name in self._requests.by_command:
            self.notice = self._requests.by_command[name](frame)
            return NO_EFFECT
        if name in self._handlers:
            return self._handlers[name](frame)
        if name in commands.OPEN_DIALOG:
            from metabonk_tui.ui.dialogs.of_command import dialog_of

            self.dialog = dialog_of(name, frame, self.monitor, context, self.themes.names, self._go)
            return NO_EFFECT
        if name in self.screens:
            if name in commands.OF_WORKER and frame.worker is not None:
                # The screen stays with its worker, whichever becomes the first one.
                self.state = with_selected(frame, frame.worker.ref)
            return self._open_screen(name)
        # End returns to the live run from every screen.
        can_seek = frame.past and (self.screen == HOME or (frame.mode == "past" and name == "end"))
        if can_seek and name in ("home", "end"):
            return self._go(Edge("start" if name == "home" else "end"))
        inner = outcome.frame_above_outcome(playbar.frame_above_bar(frame))
        state = self.screens[self.screen].do(name, inner) or arranged(name, frame)
        if state is not None:
            self.state, self.notice = state, self.notice or said_of(name, self.state, state)
        else:
            self._stack.scroll(name)
        return NO_EFFECT

    def _apply_reply(self, reply: Reply, frame: Frame) -> Effect:
        if self.dialog is not None and self.dialog.shows_outcome and reply.dialog is None:
            self._outcome.dismiss()
        self.dialog = reply.dialog
        self.state = reply.state or self.state
        self.notice = reply.notice or self.notice
        if reply.command:
            return self.run(reply.command, frame)
        shared = self.sharing.copy(frame, reply.copy, reply.notice) if reply.copy else None
        return Effect(run=reply.run) if shared is None else self._apply_shared(shared)

    def open_at(self, screen: str, ref: WorkerRef | None) -> None:
        """Begin on a screen, with a worker selected where one is named."""
        self._open_screen(screen)
        self.state = replace(self.state, ref=ref)

    def _open_screen(self, name: str) -> Effect:
        self._stack.open(name)
        self.state = replace(self.state, find="", log=LogChoice() if name == "logs" else self.state.log)
        return NO_EFFECT

    def show_since(self, absence: Absence | None) -> Effect:
        """Show what changed in an absence, over no other dialog."""
        if absence is not None and self.dialog is None and self.time_travel.mode != "replay":
            from metabonk_tui.ui.dialogs.since import SinceDialog

            self.dialog = SinceDialog(absence, self._go if self.time_travel.has_past else None)
        return NO_EFFECT

    def _show_death(self, death: Obituary | None) -> Effect:
        """Open the page about a death; None: the selected one, else the newest."""
        death = death or self.frame(80, 24).death
        if death is not None:
            self.state = replace(self.state, death=death.key, ref=death.ref or self.state.ref)
        return self._open_screen("obituary")

    def _open_event(self, frame: Frame) -> Effect:
        from metabonk_tui.ui.event_cursor import jump

        self.state, target, is_about_worker = jump(frame)
        if isinstance(target, Obituary):
            return self._show_death(target)
        self._go(target)
        if self.time_travel.mode == "live":  # nothing is recorded: the worker is shown as it is now
            return self._open_screen("worker") if is_about_worker else NO_EFFECT
        self.state = replace(self.state, zoom="")
        return NO_EFFECT

    def _replay_death(self, death: Obituary) -> Effect:
        self._stack.leave_all()
        return self._go(EventMoment(death.t - 60.0))

    def _compare(self) -> Effect:
        """Open the comparison; there, and where no run was chosen yet, open the list of runs."""
        was_open = self.screen == "compare"
        self._open_screen("compare")
        if was_open or not self.comparing.view.has_answer:
            from metabonk_tui.ui.dialogs.runs import RunsDialog

            self.dialog = RunsDialog(self.comparing)
        return NO_EFFECT

    def _back(self, frame: Frame) -> Effect:
        if (state := self.screens[self.screen].do("back", frame)) is not None:
            self.state = state
            return NO_EFFECT
        if self.screen == "compare":
            self.comparing.leave()
        self.state = replace(self.state, death=None) if self.screen == "obituary" else self.state
        self._stack.leave()
        return NO_EFFECT

    def _go(self, target: SeekTarget) -> Effect:
        if target == Edge("end") and self.time_travel.back_to_now():
            self.snapshot, self._past_alarm = self.monitor.latest(), ""
            return NO_EFFECT
        return self._move_in_past(lambda past: past.seek(target))

    def _move_on_strip(self, name: str, frame: Frame) -> Effect:
        from metabonk_tui.ui.strip_moves import strip_move

        frame = outcome.frame_above_outcome(playbar.frame_above_bar(frame))
        return self._move_in_past(strip_move(name, frame, self.screens[self.screen].strip_scale(frame)))

    def _move_in_past(self, move: Callable[[ReplayControls], None] | str) -> Effect:
        self.paused, run = False, self.snapshot.run.name if self.snapshot else ""
        why = move if isinstance(move, str) else self.time_travel.go(move, run)
        self.notice = why or self.notice
        return NO_EFFECT

    def _pause(self) -> Effect:
        if self.time_travel.mode != "live":
            return self._move_in_past(lambda past: past.play())
        self.paused = not self.paused
        if not self.paused:
            self.update(self.monitor.latest())
        return NO_EFFECT

    def _apply_shared(self, shared: SharedResult) -> Effect:
        self.notice = shared.notice
        return Effect(copy=shared.copy)

    def take_shared(self) -> Effect | None:
        """Show what was shared in the background; None for nothing new."""
        shared = self.sharing.take()
        self._notice_ends_s = self._notice_ends_s if shared is None else self.lateness.arrived_s + 2 * NOTICE_S
        return None if shared is None else self._apply_shared(shared)

    def _set_theme(self, name: str = "") -> Effect:
        self.notice = self.themes.choose(name)
        return Effect(theme=self.theme)
