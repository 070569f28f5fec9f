"""Draws the step rate of every worker over the run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from metabonk_tui.cli.report.charts.canvas import ChartFrame, curve, gaps, joined, levels, refs, segments, time_axis
from metabonk_tui.cli.report.charts.svg import Scale, decades, drawing, label, spread, tag, ticks, titled
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.worker import Reach
from metabonk_tui.core.report.timeline import TimelinePoint
from metabonk_tui.core.text.numbers import elapsed

TOP, BOTTOM, HEIGHT = 26.0, 206.0, 240.0
FAR = 50.0
"""If the highest rate exceeds 50 times the median, only a logarithmic scale shows both."""
NAMED = 8
"""Most lines that get a name; more names would overlap."""


def rate_chart(frame: ChartFrame) -> str:
    """Draw the chart; "" where no rate was observed."""
    there = refs(frame)
    rates = {ref: [rate for seg in segments(frame, rate_of(ref)) for _, rate in seg] for ref in there}
    values = sorted(rate for some in rates.values() for rate in some)
    if not values:
        return ""
    above = [value for value in values if value > 0]
    log = bool(above) and values[-1] > FAR * above[len(above) // 2]
    marks = decades(max(above[0], values[-1] / 1e5), values[-1]) if log else ticks(values[-1], 4)
    y = Scale(marks[0], marks[-1], BOTTOM, TOP, log)
    how = "steps per second" + (", logarithmic" if log else "")
    parts = [
        *time_axis(frame, TOP, BOTTOM),
        *levels(frame, y, marks, lambda value: f"{value:g}"),
        label(frame.left, 14, how, "label muted"),
        *gaps(frame, TOP, BOTTOM),
        *_resets(frame),
    ]
    for ref in there:
        parts += curve(frame, rate_of(ref), y, class_=f"curve w{ref.slot % NAMED}")
    parts += _names(frame, there, y)
    fastest = max(there, key=lambda ref: max(rates[ref], default=0.0))
    about = f"{how} of {len(there)} workers; the highest was {values[-1]:.2f}, of {fastest.label}."
    return drawing(f"{frame.id}-rate", frame.width, HEIGHT, "Step rate", about, joined(parts))


def rate_of(ref: WorkerRef) -> Callable[[TimelinePoint], float | None]:
    """Return a reader of one worker's step rate; None while the worker is not up."""

    def rate(point: TimelinePoint) -> float | None:
        worker = point.workers.get(ref)
        return worker.step_rate if worker is not None and worker.reach is Reach.UP else None

    return rate


def _resets(frame: ChartFrame) -> Iterator[str]:
    """Mark each restart: the rates before and after belong to different processes."""
    for worker in frame.history.last.workers:
        for t in worker.resets_t:
            x, note = frame.at(t), f"{worker.ref.label} began anew at {elapsed(t - frame.start_t)}"
            yield tag("g", titled(note), tag("path", d=f"M{x:.1f} {BOTTOM - 5:.1f}v5", class_="reset"))


def _names(frame: ChartFrame, there: Sequence[WorkerRef], y: Scale) -> Iterator[str]:
    """Label each line at its end, unless there are more than 8."""
    ends = [(ref, found[-1][-1]) for ref in there if (found := segments(frame, rate_of(ref)))]
    if len(ends) > NAMED:
        return
    places = spread([y(level) for _, (_, level) in ends], 13.0, TOP, BOTTOM)
    for (ref, (at_s, _)), at in zip(ends, places, strict=True):
        yield label(frame.x(at_s) + 6, at + 4, ref.label, f"label name n{ref.slot % NAMED}")
