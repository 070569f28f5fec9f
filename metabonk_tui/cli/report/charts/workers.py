"""Every worker's step rate over the run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from metabonk_tui.cli.report.charts.canvas import Canvas, curve, gaps, joined, levels, segments, slots, time_axis
from metabonk_tui.cli.report.charts.svg import Scale, decades, drawing, label, spread, tag, ticks, titled
from metabonk_tui.core.model.worker import Reach
from metabonk_tui.core.report.timeline import Moment
from metabonk_tui.core.text.numbers import elapsed

TOP, BOTTOM, HEIGHT = 26.0, 206.0, 240.0
FAR = 50.0
"""Where the highest is so many times the middle, only a logarithmic scale shows both."""
NAMED = 8
"""So many lines can still be told apart by their names."""


def rate_chart(on: Canvas) -> str:
    """Draw it; nothing where no rate was seen."""
    there = slots(on)
    rates = {slot: [rate for seg in segments(on, rate_of(slot)) for _, rate in seg] for slot in there}
    values = sorted(rate for some in rates.values() for rate in some)
    if not values:
        return ""
    above = [value for value in values if value > 0]
    log = bool(above) and values[-1] > FAR * above[len(above) // 2]
    marks = decades(max(above[0], values[-1] / 1e5), values[-1]) if log else ticks(values[-1], 4)
    y = Scale(marks[0], marks[-1], BOTTOM, TOP, log)
    how = "steps per second" + (", logarithmic" if log else "")
    parts = [
        *time_axis(on, TOP, BOTTOM),
        *levels(on, y, marks, lambda value: f"{value:g}"),
        label(on.left, 14, how, "label muted"),
        *gaps(on, TOP, BOTTOM),
        *_resets(on),
    ]
    for slot in there:
        parts += curve(on, rate_of(slot), y, class_=f"curve w{slot % NAMED}")
    parts += _names(on, there, y)
    fastest = max(there, key=lambda slot: max(rates[slot], default=0.0))
    about = f"{how} of {len(there)} workers; the highest was {values[-1]:.2f}, of w{fastest}."
    return drawing(f"{on.id}-rate", on.width, HEIGHT, "Step rate", about, joined(parts))


def rate_of(slot: int) -> Callable[[Moment], float | None]:
    """Read one worker's step rate; who did not answer has none."""

    def rate(moment: Moment) -> float | None:
        worker = moment.workers.get(slot)
        return worker.step_rate if worker is not None and worker.reach is Reach.UP else None

    return rate


def _resets(on: Canvas) -> Iterator[str]:
    """Draw where counters fell: the rate before and after is of two lives."""
    for worker in on.one.last.workers:
        for t in worker.resets_t:
            x, note = on.at(t), f"w{worker.slot} began anew at {elapsed(t - on.start_t)}"
            yield tag("g", titled(note), tag("path", d=f"M{x:.1f} {BOTTOM - 5:.1f}v5", class_="reset"))


def _names(on: Canvas, there: Sequence[int], y: Scale) -> Iterator[str]:
    """Write each line's name at its end."""
    ends = [(slot, found[-1][-1]) for slot in there if (found := segments(on, rate_of(slot)))]
    if len(ends) > NAMED:
        return
    places = spread([y(level) for _, (_, level) in ends], 13.0, TOP, BOTTOM)
    for (slot, (at_s, _)), at in zip(ends, places, strict=True):
        yield label(on.x(at_s) + 6, at + 4, f"w{slot}", f"label name n{slot % NAMED}")
