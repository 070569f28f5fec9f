"""Defines a screen: two pure functions, one from a Frame to a Page and one from a command to the next UiState.

Does not: know Textual. The app owns the terminal, the clock and the keys.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import ClassVar, Literal

from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.alert import Alert
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.sample import Operation
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import WorkerView
from metabonk_tui.core.recordings.playback import Playback
from metabonk_tui.ui.compare_job import CompareView
from metabonk_tui.ui.sorting import BY_ID, in_order
from metabonk_tui.ui.style.glyphs import UNICODE, Glyphs
from metabonk_tui.ui.style.spans import Row, cropped, fit, mark

Density = Literal["automatic", "panels", "table", "grid"]
DENSITIES: tuple[Density, ...] = ("automatic", "panels", "table", "grid")
ViewMode = Literal["live", "paused", "lag", "replay", "past"]
""""replay": only the recording exists. "past": the live run continues in the background."""
PAST: frozenset[ViewMode] = frozenset({"replay", "past"})


@dataclass(frozen=True, slots=True)
class Hint:
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
    off: bool = False
    """Shown, but does nothing now."""


@dataclass(frozen=True, slots=True)
class UiState:
    """The choices of the operator. Shared by all screens; replaced, never changed in place."""

    ref: WorkerRef | None = None
    """The selected worker; None: the first one."""
    density: Density = "automatic"
    sort: str = BY_ID
    """One of `sorting.sorts`."""
    inverted: bool = False
    """Reversed order."""
    filter: str = ""
    """Only workers whose id, port, state or mark contains this text."""
    pane: int = 0
    """The focused pane of a screen that has several; 0 is the first."""
    alert: tuple[str, float] | None = None
    """The selected alert: its id and when it began; None: the first one."""


@dataclass(frozen=True, slots=True)
class Frame:
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

    @property
    def past(self) -> bool:
        """Return whether the screen shows the past, where no command acts on the pool."""
        return self.mode in PAST

    @property
    def worker(self) -> WorkerView | None:
        """Return the selected worker; the first shown one when none is selected or the selected one is not shown."""
        if self.snapshot is None:
            return None
        workers = in_order(self.snapshot, self.state.filter, self.state.sort, self.state.inverted)
        for worker in workers:
            if worker.ref == self.state.ref:
                return worker
        return workers[0] if workers else None

    @property
    def alert(self) -> Alert | None:
        """Return the selected alert; the first one when none is selected or the selected one is gone."""
        alerts = self.snapshot.alerts if self.snapshot else ()
        chosen = (one for one in alerts if (one.id, one.since_t) == self.state.alert)
        return next(chosen, alerts[0] if alerts else None)


@dataclass(frozen=True, slots=True)
class Page:
    """What a screen draws: rows of at most `Frame.width` cells. The body scrolls between top and bottom."""

    top: tuple[Row, ...] = ()
    body: tuple[Row, ...] = ()
    bottom: tuple[Row, ...] = ()
    show: tuple[int, int] | None = None
    """Rows of the body (first, last + 1) that must be visible: the cursor is there."""

    def compose(self, wide: int, high: int, scroll: int, glyphs: Glyphs) -> tuple[tuple[Row, ...], int]:
        """Lay the page into a terminal of any size; return its rows and the clamped scroll of the body, in rows.

        In a small terminal the bottom keeps only its last row, then the top only its first ones. An arrow in the
        right margin marks more rows above or below.
        """
        bottom = self.bottom if len(self.top) + len(self.bottom) + 3 <= high else self.bottom[-1:]
        bottom = bottom if high > 3 else ()
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

    def do(self, command: str, frame: Frame) -> UiState | None:
        """Carry out a command of the table that is this screen's own ("down", "attention", "density" ...).

        Return the next state; None when the screen does not handle the command, so that arrows and pages scroll.
        """
        return None
