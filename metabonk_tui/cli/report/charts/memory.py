"""Draws available memory over the run, with the floor, every forecast and its band, and OOM kills."""

from __future__ import annotations

from collections.abc import Iterator

from metabonk_tui.cli.report.charts.canvas import ChartFrame, curve, gaps, joined, levels, segments, time_axis
from metabonk_tui.cli.report.charts.svg import Scale, drawing, label, line, number, tag, thinned, ticks, titled
from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.report.timeline import TimelinePoint
from metabonk_tui.core.text.numbers import GB, elapsed, gigabytes

TOP, BOTTOM, HEIGHT = 26.0, 236.0, 282.0


def _available(point: TimelinePoint) -> float | None:
    return None if point.available_bytes is None else point.available_bytes / GB


def memory_chart(frame: ChartFrame) -> str:
    """Draw the chart; "" where memory was not observed."""
    seen = segments(frame, _available)
    if not seen:
        return ""
    floor = frame.history.last.memory.floor_bytes / GB
    highest = max(level for points in seen for _, level in points)
    values = ticks(max(highest, floor * 1.2), 5)
    y = Scale(0.0, values[-1], BOTTOM, TOP)
    parts = [
        *time_axis(frame, TOP, BOTTOM),
        *levels(frame, y, values, lambda value: f"{value:g}"),
        label(frame.left - 8, 12, "GB", "label muted", "end"),
        *_ground(frame, seen, y),
        *_floor(frame, floor, y),
        *gaps(frame, TOP, BOTTOM),
        *curve(frame, _available, y, class_="curve strong"),
        *_forecasts(frame, y),
        *_kills(frame),
    ]
    least = frame.history.last.memory.min_available_bytes
    lowest = "" if least is None else f" Lowest {gigabytes(least, 2)} GB."
    about = f"Available memory in GB over the run, the floor at {floor:g} GB.{lowest} {_describe(frame)}"
    return drawing(f"{frame.id}-memory", frame.width, HEIGHT, "Available memory", about, joined(parts))


def _ground(frame: ChartFrame, seen: list[list[tuple[float, float]]], y: Scale) -> Iterator[str]:
    for points in seen:
        placed = [(frame.x(at_s), y(level)) for at_s, level in thinned(points, int(frame.width / 2))]
        path = f"{line(placed)}L{number(placed[-1][0])} {number(BOTTOM)}L{number(placed[0][0])} {number(BOTTOM)}Z"
        yield tag("path", d=path, class_="ground")


def _floor(frame: ChartFrame, floor: float, y: Scale) -> Iterator[str]:
    at = y(floor)
    yield tag("line", x1=frame.left, x2=frame.width - frame.right, y1=at, y2=at, class_="floor")
    yield label(frame.width - frame.right + 6, at + 4, "floor", "label")


def _forecasts(frame: ChartFrame, y: Scale) -> Iterator[str]:
    """Draw each forecast as its predicted line to zero, and its band on the time axis, where times can be read."""
    end_x = frame.width - frame.right
    for forecast in frame.history.forecasts.raised:
        level = _level_at(frame, forecast.t - frame.start_t)
        if forecast.gpu is not None or forecast.zero_t is None or level is None:
            continue
        loud = "stop" if forecast.state == "CRITICAL" else "caution"
        x, at, zero_x = frame.at(forecast.t), y(level), _beyond(frame, forecast.zero_t)
        shown_x, shown_y = min(zero_x, end_x), BOTTOM
        if zero_x > end_x:
            shown_y = at + (BOTTOM - at) * (end_x - x) / (zero_x - x)
        ends = elapsed(forecast.zero_t - frame.start_t)
        note = titled(
            f"{forecast.state} at {elapsed(forecast.t - frame.start_t)}: memory ends at {ends}; {forecast.outcome}"
        )
        mark = tag("circle", cx=x, cy=at, r=4.5, class_=f"fill {loud}")
        path = tag("path", d=line([(x, at), (shown_x, shown_y)]), class_=f"foretold {loud}")
        band = ""
        if (
            forecast.zero_lo_t is not None
            and forecast.zero_hi_t is not None
            and _beyond(frame, forecast.zero_lo_t) < end_x
        ):
            lo, hi = _beyond(frame, forecast.zero_lo_t), min(_beyond(frame, forecast.zero_hi_t), end_x)
            band = tag("line", x1=lo, x2=max(hi, lo + 2), y1=BOTTOM, y2=BOTTOM, class_=f"band {loud}")
        yield tag("g", note, path, band, mark)


def _beyond(frame: ChartFrame, t: float) -> float:
    """Return the x position of a time in px, also beyond the end of the run."""
    x = frame.x
    return x.from_px + (t - frame.start_t) / x.high * (x.to_px - x.from_px)


def _level_at(frame: ChartFrame, at_s: float) -> float | None:
    before = [point for point in frame.timeline.points if point.at_s <= at_s + frame.timeline.spacing_s]
    return _available(before[-1]) if before else None


def _kills(frame: ChartFrame) -> Iterator[str]:
    for event in frame.history.events:
        if event.kind == EventKind.MEMORY_OOM:
            x = frame.at(event.t)
            anchor = "end" if x > frame.width - frame.right - 90 else "start"
            shift = -6 if anchor == "end" else 6
            yield tag(
                "g",
                titled(f"{elapsed(event.t - frame.start_t)} {event.text}"),
                tag("line", x1=x, x2=x, y1=TOP - 12, y2=BOTTOM, class_="kill"),
                label(x + shift, TOP - 6, "OOM kill", "label crit", anchor),
            )


def _describe(frame: ChartFrame) -> str:
    record = frame.history.forecasts
    if record.note:
        return record.note[0].upper() + record.note[1:] + "."
    forecast_texts = [
        f"{forecast.state} at {elapsed(forecast.t - frame.start_t)}, {forecast.outcome}"
        for forecast in record.raised[:6]
    ]
    return "Forecasts: " + "; ".join(forecast_texts) + "."
