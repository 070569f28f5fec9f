"""Draws one small chart per component: its value on every worker, with its states below. Absent is not zero."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from msgspec.structs import replace

from metabonk_tui.cli.report.charts.canvas import (
    ChartFrame,
    curve,
    gaps,
    joined,
    levels,
    refs,
    segments,
    spans,
    time_axis,
)
from metabonk_tui.cli.report.charts.svg import Scale, drawing, label, spread, tag, ticks, titled
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.worker import ComponentState, ComponentView, Reach
from metabonk_tui.core.report.timeline import TimelinePoint
from metabonk_tui.core.text.numbers import elapsed

WIDTH, LEFT, RIGHT = 480.0, 48.0, 34.0
TOP, PLOT = 30.0, 84.0
NAMED = 8
LANE, LANES = 11.0, 16
THIN = 5.0
"""A lane of at most this height, in px, has no room for a border."""
LANE_STYLES = {
    ComponentState.ACTIVE: "active",
    ComponentState.RESTING: "active",
    ComponentState.ZERO: "zero",
    ComponentState.ABSENT: "absent",
    ComponentState.STALLED: "stalled",
    ComponentState.UNPROVEN: "stalled",
    ComponentState.BAD: "bad",
    ComponentState.DOWN: "down",
    ComponentState.STALE: "down",
    ComponentState.STRANGER: "down",
}
"""The style of a lane by state. A state without a style was not observed; its lane stays empty."""
WORDS = {
    "active": "active",
    "zero": "zero",
    "absent": "absent: key not in /status, not 0",
    "stalled": "stalled or unproven",
    "bad": "bad",
    "down": "no answer",
}


def component_charts(frame: ChartFrame) -> list[str]:
    """Draw one chart per component; none where no component was ever observed."""
    narrow = replace(frame, width=WIDTH, left=LEFT, right=RIGHT)
    views = frame.history.last.workers[0].components if frame.history.last.workers else ()
    # Empty charts would add nothing to the table.
    return [_chart(narrow, view) for view in views] if legend(frame) else []


def legend(frame: ChartFrame) -> list[tuple[str, str]]:
    """Return the lane styles that occur: (style, meaning)."""
    seen = {
        LANE_STYLES[part.state]
        for point in frame.timeline.points
        for worker in point.workers.values()
        for part in worker.components.values()
        if part.state in LANE_STYLES
    }
    return [(style, WORDS[style]) for style in WORDS if style in seen]


def _chart(frame: ChartFrame, view: ComponentView) -> str:
    there = refs(frame)
    seen = [level for ref in there for seg in segments(frame, value_of(view.id, ref)) for _, level in seg]
    high = max(seen, default=0.0)
    lane = LANE if len(there) <= LANES else max(2.0, LANE * LANES / len(there))
    bottom = TOP + PLOT
    lanes_y = bottom + 8
    end = lanes_y + lane * len(there)
    parts = [label(0, 14, view.title + (" *" if view.derived else ""), "title")]
    parts += time_axis(frame, TOP, end, most=5)
    if seen:
        y = Scale(0.0, ticks(high, 3)[-1], bottom, TOP)
        parts += levels(frame, y, ticks(high, 3), lambda value: f"{value:g}")
        for ref in there:
            parts += curve(frame, value_of(view.id, ref), y, class_=f"curve w{ref.slot % NAMED}")
        parts += _names(frame, view.id, there, y)
    else:
        word = _never(frame, view.id)
        middle = (frame.left + frame.width - frame.right) / 2
        if word == "absent":
            box = {"x": frame.left, "y": TOP, "width": frame.width - frame.right - frame.left, "height": PLOT}
            parts.append(tag("rect", **box, class_="lane absent pale"))
        parts.append(label(middle, TOP + PLOT / 2 + 4, NEVER[word], f"label {word}", "middle"))
    parts += _lanes(frame, view.id, there, lanes_y, lane)
    parts += gaps(frame, TOP, end)
    about = f"{view.title} on {len(there)} workers over the run. {_describe(view, frame)}"
    return drawing(f"{frame.id}-{view.id}", WIDTH, end + 24, view.title, about, joined(parts))


NEVER = {"absent": "ABSENT: no value was ever in /status", "unseen": "not observed"}


def _never(frame: ChartFrame, component: str) -> str:
    """Return why a component has no value: "absent" or "unseen"."""
    states = {
        part.state
        for point in frame.timeline.points
        for worker in point.workers.values()
        for name, part in worker.components.items()
        if name == component
    }
    return "absent" if ComponentState.ABSENT in states else "unseen"


def _describe(view: ComponentView, frame: ChartFrame) -> str:
    states = [part.word for worker in frame.history.last.workers for part in worker.components if part.id == view.id]
    counts = {word: states.count(word) for word in dict.fromkeys(states)}
    return "At the end: " + ", ".join(f"{word} on {count}" for word, count in counts.items()) + "."


def value_of(component: str, ref: WorkerRef) -> Callable[[TimelinePoint], float | None]:
    """Return a reader of one component's value on one worker; None while the worker is not up."""

    def value(point: TimelinePoint) -> float | None:
        worker = point.workers.get(ref)
        # A worker that does not answer has no current value; its last one is old.
        part = worker.components.get(component) if worker and worker.reach is Reach.UP else None
        return part.value if part else None

    return value


def _lane_style(component: str, ref: WorkerRef) -> Callable[[TimelinePoint], str | None]:
    def style(point: TimelinePoint) -> str | None:
        worker = point.workers.get(ref)
        part = worker.components.get(component) if worker else None
        return LANE_STYLES.get(part.state) if part else None

    return style


def _lanes(frame: ChartFrame, component: str, there: Sequence[WorkerRef], y: float, lane: float) -> Iterator[str]:
    for place, ref in enumerate(there):
        at = y + place * lane
        if len(there) <= NAMED:
            yield label(frame.left - 6, at + lane - 2, ref.label, "label small", "end")
        for from_s, to_s, style in spans(frame, _lane_style(component, ref)):
            x, width = frame.x(from_s), max(frame.x(to_s) - frame.x(from_s), 1.5)
            note = titled(f"{ref.label} {WORDS[style]} from {elapsed(from_s)} to {elapsed(to_s)}")
            kind = f"lane {style}" if lane > THIN else f"lane {style} thin"
            box = tag("rect", x=x, y=at + 1, width=width, height=max(lane - 2, 1.0), class_=kind)
            yield tag("g", note, box)


def _names(frame: ChartFrame, component: str, there: Sequence[WorkerRef], y: Scale) -> Iterator[str]:
    ends = [(ref, found[-1][-1]) for ref in there if (found := segments(frame, value_of(component, ref)))]
    if len(ends) > NAMED or not ends:
        return
    if len({round(y(level)) for _, (_, level) in ends}) == 1 and len(ends) > 1:
        yield label(frame.x(ends[0][1][0]) + 5, y(ends[0][1][1]) + 4, "all", "label small")
        return
    places = spread([y(level) for _, (_, level) in ends], 11.0, TOP, TOP + PLOT)
    for (ref, (at_s, _)), at in zip(ends, places, strict=True):
        yield label(frame.x(at_s) + 5, at + 4, ref.label, f"label small name n{ref.slot % NAMED}")
