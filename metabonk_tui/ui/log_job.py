"""Reads the logs of the pool in the background while the log screen is open.

Does not: read on the UI thread, read while another screen is open, or draw.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from metabonk_tui.core.logs import merge as logs
from metabonk_tui.core.logs.merge import MergedLog
from metabonk_tui.core.logs.model import MERGED, LogPlace, LogWindow
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import WorkerView
from metabonk_tui.core.ports.logs import LogFileReader, LogMove
from metabonk_tui.ui.log_places import all_places, first_source, last_restart, started_processes
from metabonk_tui.ui.log_view import LineAnchor, LogChoice, LogView, follows

LOG = logging.getLogger(__name__)
EVERY_S = 1.0
"""Seconds between two looks at the files."""
LATE_S = 5.0
"""A reading that takes longer is said: what is shown is old."""
MERGED_LOGS = 64
"""The most logs that are merged: those of the first workers."""


class _Reading(Struct):
    """One reading in the background. The thread writes the result; the UI thread takes it."""

    source: str
    move: LogMove
    is_asked: bool
    """A key asked for it."""
    windows: tuple[LogWindow, ...] | None = None
    problem: str = ""
    ended: bool = False


class LogJob:
    """Keeps the log screen's view up to date. Call every method from the UI thread; each returns at once."""

    def __init__(self, open_reader: Callable[[], LogFileReader], wake: Callable[[], None]) -> None:
        """Prepare. `open_reader` is called in the background; so is `wake`, when something was read."""
        self._open_reader = open_reader
        self._wake = wake
        self._reader: LogFileReader | None = None
        self._reading: _Reading | None = None
        self._read_s = 0.0
        self._done = LogMove()
        """The move that was carried out last."""
        self._windows: tuple[LogWindow, ...] = ()
        self._merged = MergedLog()
        self._source = ""
        self._sought = ""
        """What is searched before the end of the log was looked at: where a process began."""
        self._places: tuple[Snapshot, tuple[LogPlace, ...]] | None = None
        self._shown: tuple[object, ...] = ()
        """What the view was made of."""
        self._worker: WorkerView | None = None
        self._snapshot_t = 0.0
        self._started_t: Mapping[int, float] = {}
        self.view = LogView(available=True)

    def sync(self, choice: LogChoice, snapshot: Snapshot | None, selected: WorkerRef | None, at_s: float) -> bool:
        """Bring the view to what is chosen, and start a reading when it is due; return whether the view changed."""
        if snapshot is None:
            return False
        before = self.view
        places = self._places_of(snapshot)
        self._snapshot_t = snapshot.t
        self._take()
        source = choice.source or self._source or first_source(snapshot, selected)
        if source != MERGED and source not in (place.name for place in places):
            source = MERGED
        if source != self._source:
            self._source, self._windows, self._merged = source, (), MergedLog()
            self._read_s, self._sought = 0.0, ""
            self._done = choice.move
            self.view = replace(self.view, opened_at=None, opened_why="")
            self._worker = next((each for each in snapshot.workers if each.ref.label == source), None)
        follow = follows(self.view, choice)
        is_asked = choice.move.number != self._done.number
        if self._reading is None and (is_asked or self._sought or at_s - self._read_s >= EVERY_S):
            move = choice.move if is_asked else LogMove("follow" if follow or not self._windows else "hold")
            if self._sought and not is_asked:
                move, self._sought = LogMove("hit before", text=self._sought), ""
            self._begin(places, move, is_asked, at_s)
            self._done = choice.move
        waited_s = at_s - self._read_s if self._reading is not None else 0.0
        self._show(choice, places, waited_s if waited_s >= LATE_S else 0.0)
        return self.view is not before

    def _places_of(self, snapshot: Snapshot) -> tuple[LogPlace, ...]:
        """List the logs of a Snapshot, and the processes that it saw start."""
        if self._places is None or self._places[0] is not snapshot:
            self._places = (snapshot, all_places(snapshot))
            self._started_t = started_processes(snapshot)
        return self._places[1]

    @property
    def is_awaited(self) -> bool:
        """Whether a key waits for the reading in progress."""
        return self._reading is not None and (self._reading.is_asked or not self._windows)

    def _begin(self, places: tuple[LogPlace, ...], move: LogMove, is_asked: bool, at_s: float) -> None:
        chosen = tuple(place for place in places if self._source in (MERGED, place.name))[:MERGED_LOGS]
        self._read_s = at_s
        self._reading = reading = _Reading(self._source, move, is_asked)
        threading.Thread(target=self._read, args=(reading, chosen), name="logs", daemon=True).start()

    def _read(self, reading: _Reading, chosen: tuple[LogPlace, ...]) -> None:
        """Read in the background."""
        try:
            reader = self._reader or self._open_reader()
            self._reader = reader
            reading.windows = reader.read(chosen, reading.move)
        except Exception as error:
            LOG.exception("reading the logs failed")
            reading.problem = f"internal error, see the log: {type(error).__name__}"
        reading.ended = True
        self._wake()

    def _take(self) -> None:
        """Take the result of a reading that has ended."""
        reading = self._reading
        if reading is None or not reading.ended:
            return
        self._reading = None
        if reading.source != self._source:
            return
        if reading.windows is None:
            self._windows = (LogWindow(LogPlace(reading.source), problem=reading.problem),)
        elif not _same(reading.windows, self._windows):
            is_first = not self._windows
            self._windows = reading.windows
            self._merged = logs.merge([logs.with_starts(window, self._started_t) for window in reading.windows])
            is_sought = reading.move.kind == "hit before" and not reading.is_asked
            if self._worker is not None and (is_first or is_sought):
                self._open_at_death(self._worker, is_first)

    def _open_at_death(self, worker: WorkerView, is_first: bool) -> None:
        """Choose the last line before the newest restart of a worker, if that is news; search it if need be."""
        death = last_restart(worker, self._snapshot_t)
        if death is None:
            return
        place = logs.before_process(self._merged.lines, death.pid, death.t)
        if place is not None:
            anchor = LineAnchor(self._merged.lines[place].id, self._merged.order_t[place])
            self.view = replace(self.view, opened_at=anchor, opened_why=death.text)
        elif death.pid is not None and is_first and self._windows[0].has_older:
            self._sought = f"server process [{death.pid}]"

    def _show(self, choice: LogChoice, places: tuple[LogPlace, ...], late_s: float) -> None:
        """Make the view, unless nothing changed."""
        doing = self._reading is not None and not self._windows
        names = (MERGED, *(place.name for place in places)) if len(places) > 1 else tuple(p.name for p in places)
        shown = (self._windows, choice.filter, choice.wanted, names, doing, self._source, self.view.opened_at,
                 int(late_s))  # fmt: skip
        if len(shown) == len(self._shown) and all(a is b or a == b for a, b in zip(shown, self._shown, strict=True)):
            return
        self._shown = shown
        opened = (self.view.opened_at, self.view.opened_why)
        self.view = make_view(self._windows, self._merged, choice, source=self._source)
        left_out = max(0, len(places) - MERGED_LOGS) if self._source == MERGED else 0
        self.view = replace(self.view, names=names, doing=doing, left_out=left_out, late_s=late_s)
        self.view = replace(self.view, opened_at=opened[0], opened_why=opened[1])


def make_view(windows: Sequence[LogWindow], merged: MergedLog, choice: LogChoice, *, source: str = MERGED) -> LogView:
    """Make what the screen shows of these windows: filtered, searched and counted."""
    hidden = ("poll",) if choice.filter == "no polls" else ()
    kept = logs.visible(merged, hidden, choice.filter == "errors")
    counts: dict[str, tuple[int, int]] = {}
    for line in merged.lines:
        lines, errors = counts.get(line.id.source, (0, 0))
        counts[line.id.source] = (lines + 1, errors + (line.level == "error"))
    return LogView(
        available=True,
        source=source,
        windows=tuple(windows),
        names=(source,),
        lines=kept.lines,
        order_t=kept.order_t,
        hits=logs.hits(kept.lines, choice.wanted),
        marks=logs.marks(merged),
        counts=counts,
        polls=len(merged.lines) - len(kept.lines) if choice.filter == "no polls" else 0,
        since_t=merged.since_t,
        newest_t=merged.order_t[-1] if merged.order_t else 0.0,
        is_timed=any(line.t is not None or line.seen_t is not None for line in merged.lines),
        places=logs.places_of(kept.lines),
    )


def _same(new: tuple[LogWindow, ...], old: tuple[LogWindow, ...]) -> bool:
    """Return whether no window changed. The reader returns the same window where nothing was read."""
    return len(new) == len(old) and all(a is b or (not a.lines and a == b) for a, b in zip(new, old, strict=True))
