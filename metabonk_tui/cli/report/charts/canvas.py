"""A run drawn over its time: what was seen, and holes where nobody looked. Never a line through a hole.

Knows a chronicle with its digest; a chart of what was never seen is not drawn at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from metabonk_tui.cli.report.charts.svg import Scale, label, line, tag, thinned, time_ticks, titled
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.report.run_history import RunHistory
from metabonk_tui.core.report.timeline import RunTimeline, TimelinePoint
from metabonk_tui.core.text.numbers import age, elapsed

LEFT, RIGHT = 76.0, 56.0
"""Room for what stands beside a chart: the same in all, so that times stand under each other."""
WIDTH = 980.0
HOLE = 3.0
"""Moments further apart than so many steps have a hole between them."""


@dataclass(frozen=True, slots=True)
class ChartFrame:
    """The ground that a run's charts share."""

    history: RunHistory
    timeline: RunTimeline
    id: str
    width: float = WIDTH
    left: float = LEFT
    right: float = RIGHT
    stretches: tuple[tuple[TimelinePoint, ...], ...] = ()
    """The moments, parted where there is a hole."""

    @property
    def x(self) -> Scale:
        """Seconds after the start to places."""
        return Scale(0.0, max(self.timeline.duration_s, 1.0), self.left, self.width - self.right)

    @property
    def start_t(self) -> float:
        """When the run began."""
        return self.history.last.run.started_at

    def at(self, t: float) -> float:
        """Say where a time stands."""
        return self.x(t - self.start_t)

    @property
    def holes(self) -> list[tuple[float, float]]:
        """The times that nobody watched, in seconds after the start, within the run."""
        end_s = self.timeline.duration_s
        spans = ((gap.from_t - self.start_t, gap.to_t - self.start_t) for gap in self.timeline.gaps)
        return [(max(0.0, a), min(b, end_s)) for a, b in spans if a < end_s and b > 0]

    def watched(self, from_s: float, to_s: float) -> Iterator[tuple[float, float]]:
        """Leave the holes out of a stretch."""
        at_s = from_s
        for hole_s, until_s in sorted(self.holes):
            if at_s < min(hole_s, to_s):
                yield at_s, min(hole_s, to_s)
            at_s = max(at_s, until_s)
        if at_s < to_s or from_s == to_s:
            yield at_s, to_s


def make_frame(history: RunHistory, id_: str) -> ChartFrame | None:
    """Prepare to draw a run; None: nothing of it can be drawn over time."""
    timeline = history.timeline
    if timeline is None or not timeline.points or timeline.duration_s <= 0:
        return None
    frame = ChartFrame(history, timeline, id_)
    return replace(frame, stretches=tuple(map(tuple, _stretches(frame))))


def _stretches(frame: ChartFrame) -> list[list[TimelinePoint]]:
    """Part the moments where there is a hole."""
    far_s = HOLE * max(frame.timeline.spacing_s, frame.history.last.run.interval_s)
    holes = frame.holes
    found: list[list[TimelinePoint]] = []
    for point in frame.timeline.points:
        before = found[-1][-1] if found else None
        if (
            before is None
            or point.at_s - before.at_s > far_s
            or any(a < point.at_s and b > before.at_s and b > a for a, b in holes)
        ):
            found.append([])
        found[-1].append(point)
    return found


def gaps(frame: ChartFrame, top: float, bottom: float, named: bool = False) -> Iterator[str]:
    """Draw the holes as holes."""
    for from_s, to_s in frame.holes:
        x, width = frame.x(from_s), frame.x(to_s) - frame.x(from_s)
        note = titled(f"nobody watched from {elapsed(from_s)} for {age(to_s - from_s)}")
        yield tag("rect", note, x=x, y=top, width=max(width, 1.0), height=bottom - top, class_="hole")
        if named and width > 78:
            yield label(x + width / 2, (top + bottom) / 2 + 4, "not watched", "label muted", "middle")


def time_axis(frame: ChartFrame, top: float, bottom: float, most: int = 8) -> Iterator[str]:
    """Draw light verticals at round times, and the times under them."""
    duration_s = frame.timeline.duration_s
    for at_s in time_ticks(duration_s, most):
        x = frame.x(at_s)
        yield tag("line", x1=x, x2=x, y1=top, y2=bottom, class_="grid")
        text = elapsed(at_s)
        yield label(x, bottom + 16, text if duration_s < 600 else text[:-3], "label muted", "middle")


def levels(frame: ChartFrame, y: Scale, values: Sequence[float], write: Callable[[float], str]) -> Iterator[str]:
    """Draw light horizontals at round values, and the values beside them."""
    for value in values:
        at = y(value)
        yield tag("line", x1=frame.left, x2=frame.width - frame.right, y1=at, y2=at, class_="grid")
        yield label(frame.left - 8, at + 4, write(value), "label muted", "end")


def curve(
    frame: ChartFrame, value: Callable[[TimelinePoint], float | None], y: Scale, **how: str | float | None
) -> Iterator[str]:
    """Draw a value over time; where it was not observed there is nothing."""
    for points in segments(frame, value):
        placed = [(frame.x(at_s), y(level)) for at_s, level in thinned(points, int(frame.width / 2))]
        if len(placed) == 1:
            (x, at) = placed[0]
            placed = [(x - 1.5, at), (x + 1.5, at)]
        yield tag("path", d=line(placed), **how)


def segments(frame: ChartFrame, value: Callable[[TimelinePoint], float | None]) -> list[list[tuple[float, float]]]:
    """List what was observed of a value in one piece each: (seconds, value)."""
    found: list[list[tuple[float, float]]] = []
    for stretch in frame.stretches:
        open_ = False
        for point in stretch:
            level = value(point)
            if level is None:
                open_ = False
                continue
            if not open_:
                found.append([])
                open_ = True
            found[-1].append((point.at_s, level))
    return found


def spans(frame: ChartFrame, state: Callable[[TimelinePoint], str | None]) -> Iterator[tuple[float, float, str]]:
    """Join moments alike: (from, to, state) in seconds; a moment lasts until the next, a hole ends it."""
    step_s = max(frame.timeline.spacing_s, frame.history.last.run.interval_s)
    for stretch in frame.stretches:
        begin: float | None = None
        word: str | None = None
        for point in stretch:
            now = state(point)
            if now != word:
                if word is not None and begin is not None:
                    yield begin, point.at_s, word
                begin, word = point.at_s, now
        if word is not None and begin is not None:
            yield begin, min(stretch[-1].at_s + step_s, frame.timeline.duration_s), word


def refs(frame: ChartFrame) -> list[WorkerRef]:
    """List the workers that were ever there."""
    return sorted({ref for point in frame.timeline.points for ref in point.workers})


def joined(parts: Iterable[str]) -> str:
    """Put parts together."""
    return "".join(parts)
