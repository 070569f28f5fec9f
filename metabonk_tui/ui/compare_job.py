"""Reads a recorded run in the background and compares it with the run on screen.

Does not: read on the UI thread, or draw.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.ports.recordings import RecordedRun, RunArchive, UnreadableRecording
from metabonk_tui.core.report.timeline import RunTimeline, RunTimelineBuilder

if TYPE_CHECKING:
    from metabonk_tui.core.report.compare import Comparison
    from metabonk_tui.core.report.ghost import Ghost

LOG = logging.getLogger(__name__)
REPEAT_S = 20.0
"""Interval at which the comparison is repeated while the run on screen continues. Real seconds."""
SAME_START_S = 1.5


class CompareView(Struct, frozen=True):
    """The state of the comparison, as the compare screen and the list of runs draw it."""

    runs: tuple[RecordedRun, ...] | None = None
    """None: the runs are not listed yet."""
    chosen: RecordedRun | None = None
    doing: str = ""
    """What the background thread reads; "" for nothing."""
    done: float = 0.0
    """Share that has been read, 0 to 1."""
    problem: str = ""
    comparison: Comparison | None = None
    ghost: Ghost | None = None
    """The chosen run by the minute; None: no run was read yet."""
    whole: bool = False
    """The run on screen is known from its start. False: only since this monitor was opened."""

    @property
    def has_answer(self) -> bool:
        """Whether a run was chosen whose comparison is there, is being made, or failed."""
        return self.chosen is not None and bool(self.comparison or self.doing or self.problem)


class _Task(Struct):
    """Work of a background thread. The thread writes the fields; the UI thread reads them."""

    doing: str = ""
    done: float = 0.0
    stop: bool = False
    problem: str = ""
    ended: bool = False
    runs: tuple[RecordedRun, ...] | None = None
    own: RunTimelineBuilder | None = None
    other: RunTimeline | None = None
    comparison: Comparison | None = None
    ghost: Ghost | None = None

    def report_progress(self, share: float) -> bool:
        """Store the share that is done, 0 to 1; return whether to continue."""
        self.done = min(1.0, max(0.0, share))
        return not self.stop


class CompareJob:
    """Compares the run on screen with another one. Call every method from the UI thread; each returns at once."""

    def __init__(self, archive: RunArchive | None, *, replay: bool = False) -> None:
        """Prepare. In a replay, `add` may get any moment of any run, in any order."""
        self._archive = archive
        self._replay = replay
        self._seen = RunTimelineBuilder()
        """The run on screen, since this monitor was opened."""
        self._own: RunTimelineBuilder | None = None
        """The run on screen from its start, where it is recorded."""
        self._run: tuple[str, float] | None = None
        self._newest_t: float | None = None
        self._other: RunTimeline | None = None
        self._task: _Task | None = None
        self._compared_s = 0.0
        self._pick: Callable[[], RecordedRun | None] | None = None
        """Chooses a run as soon as the runs are listed; None: the operator does."""
        self.view = CompareView()

    def add(self, snapshot: Snapshot) -> None:
        """Add a Snapshot of the run on screen. A new run clears the timeline; an older Snapshot is ignored."""
        run = (snapshot.run.name, snapshot.run.started_at)
        if run != self._run:
            if self._run is not None:
                # A live monitor sees the new run from its first moment.
                self._seen, self._own = RunTimelineBuilder(), None if self._replay else RunTimelineBuilder()
            self._run, self._newest_t = run, None
        if self._newest_t is not None and snapshot.t <= self._newest_t:
            return
        self._newest_t = snapshot.t
        self._seen.add(snapshot)
        if self._own is not None:
            self._own.add(snapshot)

    def list_runs(self) -> None:
        """List the recorded runs in the background."""
        self._begin(_Task("listing the runs"), self._listing)

    def choose_when_listed(self, pick: Callable[[], RecordedRun | None]) -> None:
        """Choose the run that `pick` returns as soon as the runs are listed; None chooses none."""
        self._pick = pick

    def choose(self, run: RecordedRun) -> None:
        """Read a run in the background and compare it with the run on screen."""
        self._other = None
        self.view = replace(self.view, chosen=run, comparison=None, ghost=None, problem="")
        seen, mine = self._seen.timeline(), self._own.timeline() if self._own is not None else None
        self._begin(_Task(f"reading {run.name}"), lambda task: self._reading(task, run, mine, seen))

    def leave(self) -> None:
        """Cancel the reading in progress. A run that is read whole stays beside this one."""
        self._pick = None
        task, self._task = self._task, None
        if task is not None:
            task.stop = True
            ghost = task.ghost or self.view.ghost
            self._other = task.other or self._other
            chosen = self.view.chosen if self.view.comparison or ghost else None
            self.view = replace(self.view, doing="", chosen=chosen, ghost=ghost)

    def tick(self, at_s: float, is_in_front: bool) -> bool:
        """Update the view at a time (seconds, monotonic); return whether it changed."""
        before, task = self.view, self._task
        if task is not None:
            self.view = replace(self.view, doing=task.doing, done=task.done)
            if task.ended:
                self._task = None
                self._apply(task, at_s)
        elif (
            is_in_front
            and self.view.comparison is not None
            and self._other is not None
            and at_s - self._compared_s >= REPEAT_S
        ):
            timeline, other = self._own_timeline(), self._other
            if timeline is not None:
                self._begin(_Task(), lambda quiet: self._comparing(quiet, timeline, other))
        return self.view != before

    def _apply(self, task: _Task, at_s: float) -> None:
        self.view = replace(self.view, doing="", problem=task.problem, runs=task.runs or self.view.runs)
        if self._pick is not None and task.runs is not None:
            pick, self._pick = self._pick, None
            if (run := pick()) is not None:
                self.choose(run)
                return
        if task.own is not None:
            self._own = task.own
        if task.other is not None:
            self._other = task.other
        if task.ghost is not None:
            self.view = replace(self.view, ghost=task.ghost)
        if task.comparison is not None:
            self._compared_s = at_s
            self.view = replace(self.view, comparison=task.comparison, whole=self._own is not None)

    def _own_timeline(self) -> RunTimeline | None:
        return (self._own or self._seen).timeline()

    def _begin(self, task: _Task, work: Callable[[_Task], None]) -> None:
        if self._task is not None:
            self._task.stop = True
        if self._archive is None:
            self.view = replace(self.view, runs=(), problem="no recorded runs here: this monitor has no store")
            return
        self._task = task
        self.view = replace(self.view, doing=task.doing, done=0.0, problem="")
        threading.Thread(target=self._run_task, args=(task, work), name="comparing", daemon=True).start()

    # The background thread

    def _run_task(self, task: _Task, work: Callable[[_Task], None]) -> None:
        try:
            work(task)
        except UnreadableRecording as error:
            LOG.info("comparing: %s", error)
            task.problem = str(error)
        except Exception as error:
            LOG.exception("comparing failed")
            task.problem = f"internal error, see the log: {type(error).__name__}"
        task.ended = True

    def _listing(self, task: _Task) -> None:
        assert self._archive is not None
        task.runs = self._archive.runs()

    def _reading(self, task: _Task, run: RecordedRun, mine: RunTimeline | None, seen: RunTimeline | None) -> None:
        assert self._archive is not None
        builder = self._archive.load_timeline(run.name, task.report_progress)
        other = builder.timeline() if builder is not None else None
        if other is None:
            task.problem = "" if task.stop else f"{run.name} has no samples"
            return
        # Imported late: most monitors never compare.
        from metabonk_tui.core.report.ghost import make_ghost

        task.other, task.ghost = other, make_ghost(other)
        mine = mine or self._load_own(task) or seen
        if mine is not None and not task.stop:
            self._comparing(task, mine, other)

    def _load_own(self, task: _Task) -> RunTimeline | None:
        """Read the run on screen from its recording; None when it is not recorded."""
        assert self._archive is not None
        task.runs = self._archive.runs()
        own = own_recording(task.runs, self._run)
        if own is not None:
            task.doing, task.done = "reading the run on screen", 0.0
            task.own = self._archive.load_timeline(own.name, task.report_progress)
        return task.own.timeline() if task.own is not None else None

    def _comparing(self, task: _Task, mine: RunTimeline, other: RunTimeline) -> None:
        # Imported late: most monitors never compare.
        from metabonk_tui.core.report.compare import compare

        task.comparison = compare(mine, other)


def own_recording(runs: tuple[RecordedRun, ...], run: tuple[str, float] | None) -> RecordedRun | None:
    """Find the recording of a run by its name and start; None when it is not recorded."""
    if run is None:
        return None
    return next((one for one in runs if one.run == run[0] and abs(one.started_at - run[1]) <= SAME_START_S), None)
