"""Defines a screen: two pure functions, one from a Frame to a Page and one from a command to the next UiState.

Does not: know Textual. The app owns the terminal, the clock and the keys.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, tzinfo
from typing import TYPE_CHECKING, ClassVar, Literal

from msgspec import Struct, field
from msgspec.structs import replace

from metabonk_tui.core.config.schema import Config, Motion
from metabonk_tui.core.model.alert import Alert
from metabonk_tui.core.model.obituary import Obituary
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.sample import Operation
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import WorkerView
from metabonk_tui.core.recordings.playback import Playback
from metabonk_tui.ui.chart_span import USUAL
from metabonk_tui.ui.compare_job import CompareView
from metabonk_tui.ui.density import Density, choose
from metabonk_tui.ui.log_view import LogChoice, LogView
from metabonk_tui.ui.plot_job import NO_PLOTS, PlotView
from metabonk_tui.ui.sorting import AUTOMATIC, BY_ID, WORST, in_order
from metabonk_tui.ui.style.glyphs import UNICODE, Glyphs
from metabonk_tui.ui.style.spans import Row, cropped, fit, mark

if TYPE_CHECKING:
    from metabonk_tui.core.model.pool import PoolSearch
    from metabonk_tui.core.report.ghost import Ghost
    from metabonk_tui.core.run.run_strip import StripScale

ViewMode = Literal["live", "paused", "lag", "replay", "past"]
""""replay": only the recording exists. "past": the live run continues in the background."""
PAST: frozenset[ViewMode] = frozenset({"replay", "past"})


EARLIER_RUNS = (0.0, "", None)
"""In place of a selected death: those of earlier runs are listed."""
EVENTS = "events"
"""The zoom that shows only the events."""


class Hint(Struct, frozen=True):
    """One key of the footer."""

    key: str
    """As written on the keyboard: "v", "Enter", "+ -"."""
    label: str
    acts: bool = False
    """It acts on the pool; drawn at the right."""
    recommended: bool = False
    """Filled with the accent colour; at most one hint."""
    keep: bool = False
    """Never dropped when the row is short."""


class UiState(Struct, frozen=True):
    """The choices of the operator. Shared by all screens; replaced, never changed in place."""

    ref: WorkerRef | None = None
    """The selected worker; None: nothing is selected yet."""
    held: tuple[WorkerRef, ...] = ()
    """The order of the workers while the cursor is among them: they do not move under it. (): none is held."""
    density: Density = "automatic"
    sort: str = AUTOMATIC
    """One of `sorting.sorts`, or `AUTOMATIC`."""
    inverted: bool = False
    """Reversed order."""
    filter: str = ""
    """Only workers that meet these conditions: `core.worker.filters`."""
    pane: int = 0
    """The focused pane of a screen that has several; 0 is the first."""
    alert: tuple[str, float] | None = None
    """The selected alert: its id and when it began; None: the first one."""
    span: int = USUAL
    """The number of the span in `chart_span.SPANS` that charts show."""
    whole: bool = False
    """On a worker: every field in a line of its own, whole."""
    find: str = ""
    """The text searched on the help screen or among a worker's fields; "": nothing is searched."""
    log: LogChoice = LogChoice()
    """What is chosen on the log screen."""
    hides_ghost: bool = False
    """The ghost of the compared run is not shown."""
    death: tuple[float, str, int | None] | None = None
    """The selected death (`Obituary.key`); None: the newest one."""
    event: tuple[float, str] | None = None
    """The selected event of the list: its time and text; None: the newest one."""
    zoom: str = ""
    """The pane of the dashboard that takes the whole screen; "": none."""
    history: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The texts that each input field had before, oldest first."""


class Frame(Struct, frozen=True):
    """Everything a screen gets to draw from."""

    snapshot: Snapshot | None
    """None before the first poll."""
    width: int
    height: int
    config: Config
    glyphs: Glyphs = UNICODE
    state: UiState = field(default_factory=UiState)
    mode: ViewMode = "live"
    late_s: float = 0.0
    """In mode "lag": real seconds since the last Snapshot."""
    speed: float = 1.0
    """How many times faster than real time the run's clock runs."""
    hints: tuple[Hint, ...] = ()
    """The footer's keys: those valid now on this screen."""
    came_from: str = "dashboard"
    """The screen below this one, to which Esc goes back."""
    notice: str = ""
    """One line in the footer: why a key did nothing, what was copied. "" for none."""
    read_only: bool = False
    zone: tzinfo = UTC
    """The time zone for clock times."""
    outcome: Operation | None = None
    """The ended action on the pool that the operator has not dismissed yet; None: none."""
    playback: Playback | None = None
    """In the past: the state of the playback; None before anything was read."""
    comparing: CompareView = field(default_factory=CompareView)
    """The comparison with a recorded run."""
    plots: PlotView = NO_PLOTS
    """What was read for the charts of the screen in front."""
    ghost: Ghost | None = None
    """The recorded run whose numbers stand beside those on screen; None: none is chosen, or it is hidden."""
    live: Snapshot | None = None
    """In the past of the live run: its newest Snapshot."""
    logs: LogView = field(default_factory=LogView)
    """What was read of the logs, on their screen."""
    own_keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The keys of the commands for which the configuration changes them, by the command's id."""
    key_names: Mapping[str, str] = field(default_factory=dict)
    """The key that does what this key usually does, where the configuration changes it."""
    search: PoolSearch | None = None
    """Where a pool is looked for; None: nothing is, as in a replay."""

    @property
    def motion(self) -> Motion:
        """Return whether a new state may flash."""
        return self.config.ui.motion

    @property
    def past(self) -> bool:
        """Return whether the screen shows the past, where no command acts on the pool."""
        return self.mode in PAST

    @property
    def no_pool(self) -> bool:
        """Return whether no pool is configured and none was ever seen: the dashboard then says what was looked for."""
        if self.search is None or self.search.describes_pool or self.snapshot is None or self.past:
            return False
        from metabonk_tui.core.run.no_pool import is_no_pool  # most monitors have a pool

        return is_no_pool(self.snapshot)

    @property
    def is_last_run(self) -> bool:
        """Return whether the dashboard is the page of the last run: it is over, and this monitor never saw its pool.

        A pool that ends while the monitor is open keeps its panels: they show what died. A pane shown alone has the
        panels of the last run, too.
        """
        snapshot = self.snapshot
        if snapshot is None or self.past or self.state.zoom:
            return False
        return snapshot.ended_unseen and snapshot.verdict.ended is not None

    @property
    def sort(self) -> str:
        """Return the order of the workers: the chosen one, else by id, and in the grid the worst first."""
        if self.state.sort != AUTOMATIC or self.snapshot is None:
            return self.state.sort or BY_ID
        workers = self.snapshot.workers
        parts = max([len(worker.components) for worker in workers], default=5)
        layout = choose(len(workers), self.width, self.height, self.state.density, parts)
        return WORST if layout.kind == "grid" else BY_ID

    @property
    def workers(self) -> tuple[WorkerView, ...]:
        """Return the shown workers in the order of the screen."""
        if self.snapshot is None:
            return ()
        state = self.state
        return in_order(self.snapshot, state.filter, self.sort, state.inverted, state.held)

    @property
    def selected(self) -> WorkerView | None:
        """Return the worker under the cursor; None when none is selected, or the selected one is not shown."""
        if self.snapshot is None or self.state.ref is None:
            return None
        return next((worker for worker in self.workers if worker.ref == self.state.ref), None)

    @property
    def worker(self) -> WorkerView | None:
        """Return the selected worker, else the first shown one; on the log screen the one whose log is shown."""
        if self.logs.source and self.snapshot is not None:
            for worker in self.snapshot.workers:
                if worker.ref.label == self.logs.source:
                    return worker
        workers = self.workers
        return next((worker for worker in workers if worker.ref == self.state.ref), workers[0] if workers else None)

    @property
    def alert(self) -> Alert | None:
        """Return the selected alert; the first one when none is selected or the selected one is gone."""
        alerts = self.snapshot.alerts if self.snapshot else ()
        chosen = (one for one in alerts if (one.id, one.since_t) == self.state.alert)
        return next(chosen, alerts[0] if alerts else None)

    @property
    def death(self) -> Obituary | None:
        """Return the selected death; the newest one when none is selected or the selected one is not there.

        None: no death was seen, or those of earlier runs are listed.
        """
        deaths = self.snapshot.obituaries if self.snapshot and self.state.death != EARLIER_RUNS else ()
        chosen = (each for each in deaths if each.key == self.state.death)
        return next(chosen, deaths[-1] if deaths else None)

    @property
    def death_of_worker(self) -> Obituary | None:
        """Return the last death of the selected worker, if it does not run again."""
        worker = self.worker
        if worker is None or worker.alive or self.snapshot is None:
            return None
        return next((each for each in reversed(self.snapshot.obituaries) if each.ref == worker.ref), None)


def with_selected(frame: Frame, ref: WorkerRef) -> UiState:
    """Put the cursor on a worker. An order that could change by itself is held from then on."""
    held = frame.state.held
    if not held and frame.sort != BY_ID:
        held = tuple([worker.ref for worker in frame.workers])
    return replace(frame.state, ref=ref, held=held)


def is_moved(frame: Frame) -> bool:
    """Return whether the held order of the workers is not the one that they would have now."""
    state = frame.state
    if frame.snapshot is None or not state.held:
        return False
    return frame.workers != in_order(frame.snapshot, state.filter, frame.sort, state.inverted)


class Page(Struct, frozen=True):
    """What a screen draws: rows of at most `Frame.width` cells. The body scrolls between top and bottom."""

    top: tuple[Row, ...] = ()
    body: Sequence[Row] = ()
    """Only what is in sight is read, so that rows can be drawn when they are read."""
    bottom: tuple[Row, ...] = ()
    show: tuple[int, int] | None = None
    """Rows of the body (first, last + 1) that must be visible: the cursor is there."""

    def compose(self, wide: int, high: int, scroll: int, glyphs: Glyphs) -> tuple[tuple[Row, ...], int]:
        """Lay the page into a terminal of any size; return its rows and the clamped scroll of the body, in rows.

        In a small terminal the bottom keeps only its last row, then the top only its first ones. An arrow in the
        right margin marks more rows above or below.
        """
        bottom = self.bottom if len(self.top) + len(self.bottom) + 3 <= high else self.bottom[-1:]
        bottom = bottom if high >= 3 else ()
        top = self.top[: high - len(bottom)]
        room = high - len(top) - len(bottom)
        scroll = max(0, min(scroll, len(self.body) - max(room, 1)))
        body = list(self.body[scroll : scroll + room])
        below = len(self.body) - scroll - len(body)
        if body and scroll:
            body[0] = (*cropped(fit(body[0], wide, glyphs.ellipsis), 0, wide - 1), mark(glyphs.up, "muted"))
        if body and below > 0:
            body[-1] = (*cropped(fit(body[-1], wide, glyphs.ellipsis), 0, wide - 1), mark(glyphs.down_arrow, "muted"))
        body += [()] * (room - len(body))
        return (*top, *body, *bottom), scroll


class MonitorScreen:
    """One screen. A subclass sets `name` and writes `page`; most need nothing else."""

    name: ClassVar[str] = ""

    def page(self, frame: Frame) -> Page:
        """Draw. Pure: the same Frame gives the same Page."""
        raise NotImplementedError

    def strip_scale(self, frame: Frame) -> StripScale | None:
        """Return how the strip of the run on this screen divides time; None: it shows none."""
        return None

    def do(self, command: str, frame: Frame) -> UiState | None:
        """Carry out a command of the table that is this screen's own ("down", "attention", "density" ...).

        Return the next state; None when the screen does not handle the command, so that arrows and pages scroll.
        """
        return None
