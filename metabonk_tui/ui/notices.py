"""Writes the texts that belong to no screen: notices of the monitor itself, and what a key copies."""

from __future__ import annotations

from functools import partial

from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.core.verdict.text import verdict_text
from metabonk_tui.ui.chart_span import span_name
from metabonk_tui.ui.frame import Frame, UiState

FLOW_KEYS = {
    "ctrl+s": "Ctrl+S stops nothing here; p holds the picture",
    "ctrl+q": "Ctrl+Q does not close the monitor; q does",
}
"""Ctrl+Q is pressed by habit after a Ctrl+S that seemed to stop the terminal: it must not close the monitor."""


def copied_text(frame: Frame, screen: str) -> str:
    """Return what `y` copies on this screen: the page about a death, else the verdict; "" without a Snapshot."""
    if frame.snapshot is None:
        return ""
    text = verdict_text(frame.snapshot, frame.zone)
    if screen == "dashboard" and frame.search is not None and frame.no_pool:
        from metabonk_tui.core.run.no_pool import text_lines  # most monitors have a pool

        return "\n".join(text_lines(frame.snapshot, frame.config, frame.search))
    if screen == "obituary" and frame.death is not None:
        from metabonk_tui.core.report import obituary_text  # the first picture needs none of it

        text = "\n".join(obituary_text.lines(frame.death, frame.snapshot, partial(fmt.clock, zone=frame.zone)))
    if not frame.past:
        return text
    return f"replay, as it was on {fmt.day(frame.snapshot.t, frame.zone)}\n{text}"


def fault_notice(fault: str | None) -> str:
    """Return the notice for a bug of the monitor: it must never look like a quiet pool."""
    return f"internal error: this screen is out of date, see the log: {fault}" if fault else ""


def unrecorded_notice(snapshot: Snapshot | None) -> str:
    """Return the notice, with its reason, while nothing is recorded."""
    if snapshot is None or snapshot.recording is not False:
        return ""
    reasons = [event.text for event in snapshot.events if event.kind == EventKind.RECORDER_ERROR]
    return reasons[-1] if reasons else "not recorded: the recording monitor has stopped"


def missing_worker(snapshot: Snapshot, ref: WorkerRef | None) -> tuple[str, ...]:
    """Return the notice that the worker to begin with is not there; () where it is, or none was named."""
    if ref is None or any(worker.ref == ref for worker in snapshot.workers):
        return ()
    return (f"{ref.label} is not in this recording: another worker is shown",)


def said_of(command: str, before: UiState, after: UiState) -> str:
    """Say what a key changed that may be out of sight, or why it changed nothing; "" where the screen shows it."""
    if command.endswith(("zoom_in", "zoom_out")):
        end = "shortest" if command.endswith("in") else "longest"
        same = f", the {end} time" if before.span == after.span else ""
        return f"charts show {span_name(after.span)}{same}"
    if command == "worker_whole":
        return "every field whole" if after.whole else "fields in columns"
    return "this is the newest death" if command == "death_after" and before.death == after.death else ""


LATE_S = 5.0
"""The screen shows LAG after this time, and after three polling intervals, without a new Snapshot."""


class Lateness:
    """Since when no Snapshot has come."""

    def __init__(self) -> None:
        self.late_s = 0.0
        """Seconds since the last Snapshot, once that is too long; else 0."""
        self._arrived_s: float | None = None

    @property
    def arrived_s(self) -> float:
        """When the newest Snapshot came (monotonic); 0: none came yet."""
        return self._arrived_s or 0.0

    def mark_alive(self, at_s: float) -> None:
        """Record that the engine published something at this time (monotonic)."""
        self._arrived_s, self.late_s = at_s, 0.0

    def tick(self, at_s: float, interval_s: float, is_live: bool) -> None:
        """Measure at this time (monotonic), with this long between two polls; the past is never late."""
        self._arrived_s = at_s if self._arrived_s is None else self._arrived_s
        silent_s = at_s - self._arrived_s
        self.late_s = silent_s if is_live and silent_s > max(LATE_S, 3 * interval_s) else 0.0
