"""One small chart for each component: its value on every worker, and under it what it was. Absent is never a zero."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from metabonk_tui.cli.report.charts.canvas import (
    Canvas,
    curve,
    gaps,
    joined,
    levels,
    segments,
    slots,
    spans,
    time_axis,
)
from metabonk_tui.cli.report.charts.svg import Scale, drawing, label, spread, tag, ticks, titled
from metabonk_tui.core.model.worker import ComponentState, ComponentView, Reach
from metabonk_tui.core.report.timeline import Moment
from metabonk_tui.core.text.numbers import elapsed

WIDTH, LEFT, RIGHT = 480.0, 48.0, 34.0
TOP, PLOT = 30.0, 84.0
NAMED = 8
LANE, LANES = 11.0, 16
THIN = 5.0
"""A lane no higher than this has no room for a border."""
LOOKS = {
    ComponentState.ACTIVE: "active",
    ComponentState.ZERO: "zero",
    ComponentState.ABSENT: "absent",
    ComponentState.STALLED: "stalled",
    ComponentState.UNPROVEN: "stalled",
    ComponentState.BAD: "bad",
    ComponentState.DOWN: "down",
    ComponentState.STALE: "down",
}
"""What a stretch of a lane looks like; what is not here was not observed and is left empty."""
WORDS = {
    "active": "active",
    "zero": "zero",
    "absent": "absent: key not in /status, not 0",
    "stalled": "stalled or unproven",
    "bad": "bad",
    "down": "no answer",
}


def component_charts(on: Canvas) -> list[str]:
    """Draw every component."""
    narrow = replace(on, width=WIDTH, left=LEFT, right=RIGHT)
    views = on.one.last.workers[0].components if on.one.last.workers else ()
    # Where nothing was ever seen of any of them, empty frames say less than the table does.
    return [_chart(narrow, view) for view in views] if legend(on) else []


def legend(on: Canvas) -> list[tuple[str, str]]:
    """Say which looks of a lane are on the page: (look, what it means)."""
    seen = {
        LOOKS[part.state]
        for moment in on.digest.moments
        for worker in moment.workers.values()
        for part in worker.components.values()
        if part.state in LOOKS
    }
    return [(look, WORDS[look]) for look in WORDS if look in seen]


def _chart(on: Canvas, view: ComponentView) -> str:
    there = slots(on)
    seen = [level for slot in there for seg in segments(on, value_of(view.id, slot)) for _, level in seg]
    high = max(seen, default=0.0)
    lane = LANE if len(there) <= LANES else max(2.0, LANE * LANES / len(there))
    bottom = TOP + PLOT
    lanes_y = bottom + 8
    end = lanes_y + lane * len(there)
    parts = [label(0, 14, view.title + (" *" if view.derived else ""), "title")]
    parts += time_axis(on, TOP, end, most=5)
    if seen:
        y = Scale(0.0, ticks(high, 3)[-1], bottom, TOP)
        parts += levels(on, y, ticks(high, 3), lambda value: f"{value:g}")
        for slot in there:
            parts += curve(on, value_of(view.id, slot), y, class_=f"curve w{slot % NAMED}")
        parts += _names(on, view.id, there, y)
    else:
        word = _never(on, view.id)
        middle = (on.left + on.width - on.right) / 2
        if word == "absent":
            box = {"x": on.left, "y": TOP, "width": on.width - on.right - on.left, "height": PLOT}
            parts.append(tag("rect", **box, class_="lane absent pale"))
        parts.append(label(middle, TOP + PLOT / 2 + 4, NEVER[word], f"label {word}", "middle"))
    parts += _lanes(on, view.id, there, lanes_y, lane)
    parts += gaps(on, TOP, end)
    about = f"{view.title} on {len(there)} workers over the run. {_told(view, on)}"
    return drawing(f"{on.id}-{view.id}", WIDTH, end + 24, view.title, about, joined(parts))


NEVER = {"absent": "ABSENT: no value was ever in /status", "unseen": "not observed"}


def _never(on: Canvas, component: str) -> str:
    """Say why there is no value at all."""
    states = {
        part.state
        for moment in on.digest.moments
        for worker in moment.workers.values()
        for name, part in worker.components.items()
        if name == component
    }
    return "absent" if ComponentState.ABSENT in states else "unseen"


def _told(view: ComponentView, on: Canvas) -> str:
    states = [part.state.value for worker in on.one.last.workers for part in worker.components if part.id == view.id]
    counts = {word: states.count(word) for word in dict.fromkeys(states)}
    return "At the end: " + ", ".join(f"{word} on {count}" for word, count in counts.items()) + "."


def value_of(component: str, slot: int) -> Callable[[Moment], float | None]:
    """Read a component's value on one worker."""

    def value(moment: Moment) -> float | None:
        worker = moment.workers.get(slot)
        # What did not answer has no value: its last one is history.
        part = worker.components.get(component) if worker and worker.reach is Reach.UP else None
        return part.value if part else None

    return value


def _look(component: str, slot: int) -> Callable[[Moment], str | None]:
    def look(moment: Moment) -> str | None:
        worker = moment.workers.get(slot)
        part = worker.components.get(component) if worker else None
        return LOOKS.get(part.state) if part else None

    return look


def _lanes(on: Canvas, component: str, there: Sequence[int], y: float, lane: float) -> Iterator[str]:
    for place, slot in enumerate(there):
        at = y + place * lane
        if len(there) <= NAMED:
            yield label(on.left - 6, at + lane - 2, f"w{slot}", "label small", "end")
        for from_s, to_s, look in spans(on, _look(component, slot)):
            x, width = on.x(from_s), max(on.x(to_s) - on.x(from_s), 1.5)
            note = titled(f"w{slot} {WORDS[look]} from {elapsed(from_s)} to {elapsed(to_s)}")
            kind = f"lane {look}" if lane > THIN else f"lane {look} thin"
            box = tag("rect", x=x, y=at + 1, width=width, height=max(lane - 2, 1.0), class_=kind)
            yield tag("g", note, box)


def _names(on: Canvas, component: str, there: Sequence[int], y: Scale) -> Iterator[str]:
    ends = [(slot, found[-1][-1]) for slot in there if (found := segments(on, value_of(component, slot)))]
    if len(ends) > NAMED or not ends:
        return
    if len({round(y(level)) for _, (_, level) in ends}) == 1 and len(ends) > 1:
        yield label(on.x(ends[0][1][0]) + 5, y(ends[0][1][1]) + 4, "all", "label small")
        return
    places = spread([y(level) for _, (_, level) in ends], 11.0, TOP, TOP + PLOT)
    for (slot, (at_s, _)), at in zip(ends, places, strict=True):
        yield label(on.x(at_s) + 5, at + 4, f"w{slot}", f"label small name n{slot % NAMED}")
