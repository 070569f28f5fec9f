"""Available memory over the run: the floor, every forecast with its band, and the kernel's kills."""

from __future__ import annotations

from collections.abc import Iterator

from metabonk_tui.cli.report.charts.canvas import Canvas, curve, gaps, joined, levels, segments, time_axis
from metabonk_tui.cli.report.charts.svg import Scale, drawing, label, line, number, tag, thinned, ticks, titled
from metabonk_tui.core.report.timeline import Moment
from metabonk_tui.core.text.numbers import GB, elapsed, gigabytes

TOP, BOTTOM, HEIGHT = 26.0, 236.0, 282.0


def _available(moment: Moment) -> float | None:
    return None if moment.available_bytes is None else moment.available_bytes / GB


def memory_chart(on: Canvas) -> str:
    """Draw it; nothing where memory was not seen."""
    seen = segments(on, _available)
    if not seen:
        return ""
    floor = on.one.last.memory.floor_bytes / GB
    highest = max(level for points in seen for _, level in points)
    values = ticks(max(highest, floor * 1.2), 5)
    y = Scale(0.0, values[-1], BOTTOM, TOP)
    parts = [
        *time_axis(on, TOP, BOTTOM),
        *levels(on, y, values, lambda value: f"{value:g}"),
        label(on.left - 8, 12, "GB", "label muted", "end"),
        *_ground(on, seen, y),
        *_floor(on, floor, y),
        *gaps(on, TOP, BOTTOM),
        *curve(on, _available, y, class_="curve strong"),
        *_forecasts(on, y),
        *_kills(on),
    ]
    least = on.one.last.memory.min_available_bytes
    lowest = "" if least is None else f" Lowest {gigabytes(least, 2)} GB."
    about = f"Available memory in GB over the run, the floor at {floor:g} GB.{lowest} {_told(on)}"
    return drawing(f"{on.id}-memory", on.width, HEIGHT, "Available memory", about, joined(parts))


def _ground(on: Canvas, seen: list[list[tuple[float, float]]], y: Scale) -> Iterator[str]:
    for points in seen:
        placed = [(on.x(at_s), y(level)) for at_s, level in thinned(points, int(on.width / 2))]
        path = f"{line(placed)}L{number(placed[-1][0])} {number(BOTTOM)}L{number(placed[0][0])} {number(BOTTOM)}Z"
        yield tag("path", d=path, class_="ground")


def _floor(on: Canvas, floor: float, y: Scale) -> Iterator[str]:
    at = y(floor)
    yield tag("line", x1=on.left, x2=on.width - on.right, y1=at, y2=at, class_="floor")
    yield label(on.width - on.right + 6, at + 4, "floor", "label")


def _forecasts(on: Canvas, y: Scale) -> Iterator[str]:
    """Draw each warning as the line it foretold, and its band on the time axis, where minutes can be read."""
    end_x = on.width - on.right
    for one in on.one.forecasts.raised:
        level = _level_at(on, one.t - on.start_t)
        if one.gpu is not None or one.zero_t is None or level is None:
            continue
        loud = "stop" if one.state == "CRITICAL" else "caution"
        x, at, zero_x = on.at(one.t), y(level), _beyond(on, one.zero_t)
        shown_x, shown_y = min(zero_x, end_x), BOTTOM
        if zero_x > end_x:
            shown_y = at + (BOTTOM - at) * (end_x - x) / (zero_x - x)
        ends = elapsed(one.zero_t - on.start_t)
        note = titled(f"{one.state} at {elapsed(one.t - on.start_t)}: memory ends at {ends}; {one.outcome}")
        mark = tag("circle", cx=x, cy=at, r=4.5, class_=f"fill {loud}")
        path = tag("path", d=line([(x, at), (shown_x, shown_y)]), class_=f"foretold {loud}")
        band = ""
        if one.zero_lo_t is not None and one.zero_hi_t is not None and _beyond(on, one.zero_lo_t) < end_x:
            lo, hi = _beyond(on, one.zero_lo_t), min(_beyond(on, one.zero_hi_t), end_x)
            band = tag("line", x1=lo, x2=max(hi, lo + 2), y1=BOTTOM, y2=BOTTOM, class_=f"band {loud}")
        yield tag("g", note, path, band, mark)


def _beyond(on: Canvas, t: float) -> float:
    """Say where a time stands, also one after the end."""
    x = on.x
    return x.from_px + (t - on.start_t) / x.high * (x.to_px - x.from_px)


def _level_at(on: Canvas, at_s: float) -> float | None:
    before = [moment for moment in on.digest.moments if moment.at_s <= at_s + on.digest.spacing_s]
    return _available(before[-1]) if before else None


def _kills(on: Canvas) -> Iterator[str]:
    for event in on.one.events:
        if event.kind == "memory.oom":
            x = on.at(event.t)
            anchor = "end" if x > on.width - on.right - 90 else "start"
            shift = -6 if anchor == "end" else 6
            yield tag(
                "g",
                titled(f"{elapsed(event.t - on.start_t)} {event.text}"),
                tag("line", x1=x, x2=x, y1=TOP - 12, y2=BOTTOM, class_="kill"),
                label(x + shift, TOP - 6, "OOM kill", "label crit", anchor),
            )


def _told(on: Canvas) -> str:
    record = on.one.forecasts
    if record.note:
        return record.note[0].upper() + record.note[1:] + "."
    said = [f"{one.state} at {elapsed(one.t - on.start_t)}, {one.outcome}" for one in record.raised[:6]]
    return "Forecasts: " + "; ".join(said) + "."
