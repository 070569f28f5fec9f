"""A recording as one walks through it: where one stands, what is marked on the way, what was read of it. Pure.

Refuses to know how it is read and how it is drawn. Times `t` are Unix seconds on the run's clock.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from metabonk_tui.core.model import levels
from metabonk_tui.core.model.event import EventKind, without_duplicates
from metabonk_tui.core.model.levels import Level
from metabonk_tui.core.model.sample import Event
from metabonk_tui.core.model.snapshot import Gap, Snapshot, VerdictKind, new_events

MarkKind = Literal["verdict", "crit", "warn", "gap", "run"]
MAX_GAP_SHARE = 1 / 16
"""A gap takes at most this share of the time that was watched: there is nothing to see in it."""
MAX_GAPS_SHARE = 0.3
"""All gaps together take at most this share."""
MAX_MARKS = 5000


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened, by the time of the sample that first showed it."""

    t: float
    kind: MarkKind
    text: str = ""
    verdict_kind: VerdictKind | None = None
    """Of a verdict: which."""

    @property
    def level(self) -> Level:
        """How loud it is."""
        if self.verdict_kind is not None:
            return self.verdict_kind.level
        return levels.of_severity(self.kind) if self.kind in ("crit", "warn") else "unknown"


@dataclass(frozen=True, slots=True)
class RunSpan:
    """One run of the recording."""

    name: str
    started_at: float
    from_t: float
    """Its first sample."""
    to_t: float
    """Its last sample, of those that were read."""


@dataclass(frozen=True, slots=True)
class Playback:
    """How a replay stands."""

    t: float
    """Where it stands: at or behind the sample on screen, before the next one."""
    from_t: float
    """The first sample."""
    read_to_t: float
    """The last sample that was read so far."""
    ends_t: float | None
    """The last sample of all; None: not known before all was read."""
    whole: bool
    """All of it was read."""
    playing: bool
    speed: float
    sample_t: float | None = None
    """Of the sample on screen; None: none yet."""
    seek_text: str = ""
    """What is gone to as soon as it has been read, in words; "" for nothing."""
    note: str = ""
    """What became of the last request, where nothing did."""
    runs: tuple[RunSpan, ...] = ()
    marks: tuple[Mark, ...] = ()
    """By time."""
    gaps: tuple[Gap, ...] = ()
    unread: int = 0
    """How many things of the recording could not be read."""

    @property
    def to_t(self) -> float:
        """The end, as far as it is known."""
        return self.read_to_t if self.ends_t is None else self.ends_t

    @property
    def run(self) -> RunSpan | None:
        """The run in which it stands."""
        begun = [run for run in self.runs if run.from_t <= self.t]
        return begun[-1] if begun else None

    def ends_of(self, run: RunSpan) -> float | None:
        """Return the last sample of a run; None: not known yet."""
        if run is not self.runs[-1]:
            return run.to_t
        return run.to_t if self.whole else self.ends_t

    def gap_at(self, t: float) -> Gap | None:
        """Return the gap that a time lies in."""
        return next((gap for gap in self.gaps if gap.from_t < t < gap.to_t), None)


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """Time laid on a line on which gaps are narrow."""

    edges: tuple[tuple[float, float], ...]
    """(t, share of the line), growing."""

    @classmethod
    def of(cls, from_t: float, to_t: float, gaps: Iterable[Gap]) -> TimeAxis:
        """Lay this time on a line."""
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
        """Return where a time lies, from 0 to 1."""
        behind = bisect_right(self.edges, t, key=lambda edge: edge[0])
        if behind in (0, len(self.edges)):
            return self.edges[behind - 1 if behind else 0][1]
        before, after = self.edges[behind - 1], self.edges[behind]
        return before[1] + (t - before[0]) / (after[0] - before[0]) * (after[1] - before[1])


def _merge_spans(spans: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Sort spans of time, and make one of those that overlap."""
    merged: list[tuple[float, float]] = []
    for begin, end in sorted(spans):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        elif end > begin:
            merged.append((begin, end))
    return merged


@dataclass(slots=True)
class MarkCollector:
    """Gathers the marks, gaps and runs of Snapshots as they come, each only once."""

    marks: list[Mark] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    runs: list[RunSpan] = field(default_factory=list)

    def add(self, before: Snapshot | None, after: Snapshot) -> None:
        """Take in the next Snapshot."""
        fresh = new_events(before, after)
        self.gaps += gaps_of(fresh)
        marks = marks_of(fresh, after.t)
        begins = before is None or before.run.name != after.run.name or before.ended_runs is not after.ended_runs
        if begins:
            self.runs.append(RunSpan(after.run.name, after.run.started_at, after.t, after.t))
            if before is not None:
                marks = (Mark(after.t, "run", after.run.name), *marks)
        else:
            self.runs[-1] = RunSpan(after.run.name, after.run.started_at, self.runs[-1].from_t, after.t)
        if marks:
            self.marks = [*self.marks, *marks][-MAX_MARKS:]


def marks_of(events: Iterable[Event], t: float | None = None) -> tuple[Mark, ...]:
    """Choose what is worth a mark; `t`: when it was first seen, else each event's own time."""
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
    """Choose the gaps."""
    return tuple(
        Gap(float(event.facts["from"]), float(event.facts["to"]))
        for event in events
        if event.kind == EventKind.RECORDER_GAP and {"from", "to"} <= set(event.facts)
    )


def _verdict_kind(event: Event) -> VerdictKind | None:
    stored = event.facts.get("word")
    return next((verdict_kind for verdict_kind in VerdictKind if verdict_kind.value == stored), None)
