"""Declares the state of a replay: position, marks, gaps, runs, and the time axis. Pure.

Does not: read or draw a recording. Times `t` are Unix seconds on the run's clock.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from typing import Literal

from msgspec import Struct, field

from metabonk_tui.core.model import levels
from metabonk_tui.core.model.event import EventKind, without_duplicates
from metabonk_tui.core.model.level_names import Level
from metabonk_tui.core.model.sample import Event
from metabonk_tui.core.model.snapshot import Gap, Snapshot, VerdictKind, new_events
from metabonk_tui.core.recordings.restore import recorded_gap

MarkKind = Literal["verdict", "crit", "warn", "gap", "run"]
MAX_GAP_SHARE = 1 / 16
"""A gap, which shows nothing, takes at most this share of the watched time."""
MAX_GAPS_SHARE = 0.3
"""All gaps together take at most this share of the watched time."""
MAX_MARKS = 5000


class Mark(Struct, frozen=True):
    """A marked event, at the time of the sample that first showed it."""

    t: float
    kind: MarkKind
    text: str = ""
    verdict_kind: VerdictKind | None = None
    """The verdict of a mark of kind "verdict"; otherwise None."""

    @property
    def level(self) -> Level:
        """The severity as a verdict level; "unknown": a gap or a run."""
        if self.verdict_kind is not None:
            return self.verdict_kind.level
        return levels.of_severity(self.kind) if self.kind in ("crit", "warn") else "unknown"


class RunSpan(Struct, frozen=True):
    """One run of the recording."""

    name: str
    started_at: float
    from_t: float
    """Time of the first sample."""
    to_t: float
    """Time of the last sample read so far."""
    newest: Snapshot | None = None
    """The Snapshot of that sample, which knows the whole run so far; None: not kept."""


class Caption(Struct, frozen=True):
    """What is said of a chapter of a story, and the screen that shows it."""

    number: int
    of: int
    """How many chapters there are."""
    lines: tuple[str, str]
    screen: str


class Playback(Struct, frozen=True):
    """The state of a replay."""

    t: float
    """The position: at or after the displayed sample, before the next one."""
    from_t: float
    """Time of the first sample."""
    read_to_t: float
    """Time of the last sample read so far."""
    ends_t: float | None
    """Time of the last sample; None: not known until all is read."""
    whole: bool
    """Whether the whole recording was read."""
    playing: bool
    speed: float
    sample_t: float | None = None
    """Time of the displayed sample; None: none yet."""
    seek_text: str = ""
    """The pending seek target as display text; "": none."""
    note: str = ""
    """Why the last request had no effect; "": it had."""
    runs: tuple[RunSpan, ...] = ()
    marks: tuple[Mark, ...] = ()
    """In the order of time."""
    gaps: tuple[Gap, ...] = ()
    unread: int = 0
    """Number of unreadable items of the recording."""
    caption: Caption | None = None
    """What is said of this place; None: there is no story."""

    @property
    def to_t(self) -> float:
        """Time of the last sample, or of the last one read while the end is not known."""
        return self.read_to_t if self.ends_t is None else self.ends_t

    @property
    def run(self) -> RunSpan | None:
        """The run at the position; None: no run read yet."""
        begun = [run for run in self.runs if run.from_t <= self.t]
        return begun[-1] if begun else None

    def ends_of(self, run: RunSpan) -> float | None:
        """Return the time of a run's last sample; None: not known yet."""
        if run is not self.runs[-1]:
            return run.to_t
        return run.to_t if self.whole else self.ends_t

    def gap_at(self, t: float) -> Gap | None:
        """Return the gap that contains `t`; None: no gap."""
        return next((gap for gap in self.gaps if gap.from_t < t < gap.to_t), None)


class TimeAxis(Struct, frozen=True):
    """Maps time to a line on which gaps are compressed."""

    edges: tuple[tuple[float, float], ...]
    """(t, share of the line from 0 to 1), ascending."""

    @classmethod
    def of(cls, from_t: float, to_t: float, gaps: Iterable[Gap]) -> TimeAxis:
        """Build the axis for `from_t` to `to_t`."""
        spans = _merge_spans(
            (max(g.from_t, from_t), min(g.to_t, to_t)) for g in gaps if g.to_t > from_t and g.from_t < to_t
        )
        watched_s = max(to_t - from_t - sum(end - begin for begin, end in spans), 1e-9)
        widest_s = watched_s * min(MAX_GAP_SHARE, MAX_GAPS_SHARE / max(1, len(spans)))
        edges, at_t, at_s = [(from_t, 0.0)], from_t, 0.0
        for begin, end in spans:
            at_s += begin - at_t
            edges.append((begin, at_s))
            at_s += min(end - begin, widest_s)
            edges.append((end, at_s))
            at_t = end
        at_s += to_t - at_t
        edges.append((to_t, at_s))
        whole_s = max(at_s, 1e-9)
        return cls(tuple((t, s / whole_s) for t, s in edges))

    def share(self, t: float) -> float:
        """Return the position of `t` on the line, from 0 to 1."""
        behind = bisect_right(self.edges, t, key=lambda edge: edge[0])
        if behind in (0, len(self.edges)):
            return self.edges[behind - 1 if behind else 0][1]
        before, after = self.edges[behind - 1], self.edges[behind]
        return before[1] + (t - before[0]) / (after[0] - before[0]) * (after[1] - before[1])


def _merge_spans(spans: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Sort spans of time and merge overlapping ones."""
    merged: list[tuple[float, float]] = []
    for begin, end in sorted(spans):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        elif end > begin:
            merged.append((begin, end))
    return merged


class MarkCollector(Struct):
    """Collects the marks, gaps and runs of successive Snapshots, each once."""

    marks: list[Mark] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    runs: list[RunSpan] = field(default_factory=list)

    def add(self, before: Snapshot | None, after: Snapshot) -> None:
        """Add what `after` has beyond `before`; None: `after` is the first Snapshot."""
        fresh = new_events(before, after)
        self.gaps += gaps_of(fresh)
        marks = marks_of(fresh, after.t)
        begins = before is None or before.run.name != after.run.name or before.ended_runs is not after.ended_runs
        if begins:
            self.runs.append(RunSpan(after.run.name, after.run.started_at, after.t, after.t, after))
            if before is not None:
                marks = (Mark(after.t, "run", after.run.name), *marks)
        else:
            self.runs[-1] = RunSpan(after.run.name, after.run.started_at, self.runs[-1].from_t, after.t, after)
        if marks:
            self.marks = [*self.marks, *marks][-MAX_MARKS:]


def marks_of(events: Iterable[Event], t: float | None = None) -> tuple[Mark, ...]:
    """Return marks for verdicts, gaps, warnings and critical events, at `t` or at each event's own time."""
    marks = []
    for event in without_duplicates(events):
        at_t = event.t if t is None else t
        verdict_kind = _verdict_kind(event) if event.kind == EventKind.VERDICT else None
        if verdict_kind is not None:
            marks.append(Mark(at_t, "verdict", event.text, verdict_kind))
        elif event.kind == EventKind.RECORDER_GAP:
            marks.append(Mark(at_t, "gap", event.text))
        elif event.severity in ("warn", "crit"):
            marks.append(Mark(at_t, "crit" if event.severity == "crit" else "warn", event.text))
    return tuple(marks)


def gaps_of(events: Iterable[Event]) -> tuple[Gap, ...]:
    """Return the gaps that events of kind `recorder.gap` report."""
    found = (recorded_gap(event) for event in events if event.kind == EventKind.RECORDER_GAP)
    return tuple(gap for gap in found if gap is not None)


def _verdict_kind(event: Event) -> VerdictKind | None:
    stored = event.facts.get("word")
    return next((verdict_kind for verdict_kind in VerdictKind if verdict_kind.value == stored), None)
