"""Draws axes, gaps and curves of a run over time. A curve stops at a gap, where no monitor was running.

Does not: draw a value that was not observed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from metabonk_tui.cli.report.charts.svg import Scale, label, line, tag, thinned, time_ticks, titled
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.report.run_history import RunHistory
from metabonk_tui.core.report.timeline import RunTimeline, TimelinePoint
from metabonk_tui.core.text.numbers import age, elapsed

LEFT, RIGHT = 76.0, 56.0
"""Margins in px, equal in the charts of full width, so that their time axes line up."""
WIDTH = 980.0
HOLE = 3.0
"""Points further apart than 3 steps have a gap between them."""


class ChartFrame(Struct, frozen=True):
    """The run and the geometry that its charts share; lengths are in px."""

    history: RunHistory
    timeline: RunTimeline
    id: str
    width: float = WIDTH
    left: float = LEFT
    right: float = RIGHT
    stretches: tuple[tuple[TimelinePoint, ...], ...] = ()
    """The timeline points, split at each gap."""

    @property
    def x(self) -> Scale:
        """The scale from seconds after the start to px."""
        return Scale(0.0, max(self.timeline.duration_s, 1.0), self.left, self.width - self.right)

    @property
    def start_t(self) -> float:
        return self.history.last.run.started_at

    def at(self, t: float) -> float:
        """Return the x position of a time in px; a time outside the run is clamped."""
        return self.x(t - self.start_t)

    @property
    def holes(self) -> list[tuple[float, float]]:
        """The gaps without a monitor within the run: (from, to) in seconds after the start."""
        end_s = self.timeline.duration_s
        spans = ((gap.from_t - self.start_t, gap.to_t - self.start_t) for gap in self.timeline.gaps)
        return [(max(0.0, a), min(b, end_s)) for a, b in spans if a < end_s and b > 0]

    def watched(self, from_s: float, to_s: float) -> Iterator[tuple[float, float]]:
        """Yield the parts of a span outside the gaps, in seconds after the start."""
        at_s = from_s
        for hole_s, until_s in sorted(self.holes):
            if at_s < min(hole_s, to_s):
                yield at_s, min(hole_s, to_s)
            at_s = max(at_s, until_s)
        if at_s < to_s or from_s == to_s:
            yield at_s, to_s


def make_frame(history: RunHistory, id_: str) -> ChartFrame | None:
    """Return the frame of a run; None: the run has no points or no duration."""
    timeline = history.timeline
    if timeline is None or not timeline.points or timeline.duration_s <= 0:
        return None
    frame = ChartFrame(history, timeline, id_)
    return replace(frame, stretches=tuple(map(tuple, _stretches(frame))))


def _stretches(frame: ChartFrame) -> list[list[TimelinePoint]]:
    """Split the points at each gap."""
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
    """Draw each gap as a hatched box; with `named` label those wider than 78 px."""
    for from_s, to_s in frame.holes:
        x, width = frame.x(from_s), frame.x(to_s) - frame.x(from_s)
        note = titled(f"no monitor watched from {elapsed(from_s)} for {age(to_s - from_s)}")
        yield tag("rect", note, x=x, y=top, width=max(width, 1.0), height=bottom - top, class_="hole")
        if named and width > 78:
            yield label(x + width / 2, (top + bottom) / 2 + 4, "not watched", "label muted", "middle")


def time_axis(frame: ChartFrame, top: float, bottom: float, most: int = 8) -> Iterator[str]:
    """Draw light vertical lines at round times, at most `most` steps, with the times below."""
    duration_s = frame.timeline.duration_s
    for at_s in time_ticks(duration_s, most):
        x = frame.x(at_s)
        yield tag("line", x1=x, x2=x, y1=top, y2=bottom, class_="grid")
        text = elapsed(at_s)
        yield label(x, bottom + 16, text if duration_s < 600 else text[:-3], "label muted", "middle")


def levels(frame: ChartFrame, y: Scale, values: Sequence[float], write: Callable[[float], str]) -> Iterator[str]:
    """Draw a light horizontal line at each value, with the value beside it."""
    for value in values:
        at = y(value)
        yield tag("line", x1=frame.left, x2=frame.width - frame.right, y1=at, y2=at, class_="grid")
        yield label(frame.left - 8, at + 4, write(value), "label muted", "end")


def curve(
    frame: ChartFrame, value: Callable[[TimelinePoint], float | None], y: Scale, **how: str | float | None
) -> Iterator[str]:
    """Draw a value over time; nothing where it was not observed."""
    for points in segments(frame, value):
        placed = [(frame.x(at_s), y(level)) for at_s, level in thinned(points, int(frame.width / 2))]
        if len(placed) == 1:
            (x, at) = placed[0]
            placed = [(x - 1.5, at), (x + 1.5, at)]
        yield tag("path", d=line(placed), **how)


def segments(frame: ChartFrame, value: Callable[[TimelinePoint], float | None]) -> list[list[tuple[float, float]]]:
    """Return the contiguous observed pieces of a value, each a list of (seconds after the start, value)."""
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
    """Merge points of equal state: (from, to, state) in seconds. A point lasts until the next; a gap ends it."""
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
    """Return the slots of all workers that the timeline has, sorted."""
    return sorted({ref for point in frame.timeline.points for ref in point.workers})


def joined(parts: Iterable[str]) -> str:
    return "".join(parts)
