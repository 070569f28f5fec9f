"""Writes SVG elements and scales for charts; escapes all text. Does not: know runs."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterator, Sequence

from msgspec import Struct

INVALID_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML or UTF-8 does not allow."""
STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800)

PathPoints = Sequence[tuple[float, float]]


def escape(text: str) -> str:
    """Escape text for content and attributes; replace the characters that XML does not allow."""
    return html.escape(INVALID_XML.sub("\ufffd", text), quote=True)


def tag(name: str, *inside: str, **attributes: str | float | None) -> str:
    """Write an element around markup. `class_` becomes class, `stroke_width` stroke-width; None is left out."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_value(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{written}>{''.join(inside)}</{name}>" if inside else f"<{name}{written}/>"


def _value(value: str | float) -> str:
    return escape(value) if isinstance(value, str) else number(value)


def number(value: float) -> str:
    """Write a coordinate with at most one decimal; "0" for a value that is not finite."""
    return f"{value:.1f}".rstrip("0").rstrip(".") if math.isfinite(value) else "0"


def label(x: float, y: float, text: str, class_: str = "label", anchor: str | None = None) -> str:
    """Write a <text> element at (x, y) in px."""
    return tag("text", escape(text), x=x, y=y, class_=class_, text_anchor=anchor)


def titled(text: str) -> str:
    """Write a <title>, which a browser shows on hover and a screen reader reads."""
    return tag("title", escape(text))


def line(points: PathPoints) -> str:
    """Write the path data through points in px."""
    return "M" + "L".join(f"{number(x)} {number(y)}" for x, y in points)


def drawing(id_: str, width: float, height: float, title: str, about: str, *inside: str) -> str:
    """Write a complete <svg> with its title and a description for screen readers."""
    head = tag("title", escape(title), id=f"{id_}-t") + tag("desc", escape(about), id=f"{id_}-d")
    box = f"0 0 {number(width)} {number(height)}"
    return tag(
        "svg",
        head,
        *inside,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=box,
        width=width,
        height=height,
        role="img",
        aria_labelledby=f"{id_}-t {id_}-d",
    )


class Scale(Struct, frozen=True):
    """Maps values to px: `low` to `from_px`, `high` to `to_px`."""

    low: float
    high: float
    from_px: float
    to_px: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Return the position of a value in px; a value outside the range is clamped."""
        low, high, at = self.low, self.high, min(max(value, self.low), self.high)
        if self.log:
            low, high, at = math.log10(low), math.log10(high), math.log10(at)
        share = (at - low) / (high - low) if high > low else 0.0
        return self.from_px + share * (self.to_px - self.from_px)


def ticks(high: float, most: int) -> list[float]:
    """Return round values from 0 to at least `high`, in at most `most` steps."""
    if not high > 0:
        return [0.0, 1.0]
    raw = high / most
    power = 10.0 ** math.floor(math.log10(raw))
    step = next((factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * (1 - 1e-9)), 10 * power)
    count = math.ceil(high / step - 1e-9)
    return [step * n for n in range(count + 1)]


def decades(low: float, high: float) -> list[float]:
    """Return the powers of ten that enclose `low` and `high`, both above 0."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    return [10.0**power for power in range(first, max(last, first + 1) + 1)]


def time_ticks(duration_s: float, most: int) -> Iterator[float]:
    """Yield round times in seconds from 0 to `duration_s`, in at most `most` steps."""
    weeks = STEPS_S[-1] * math.ceil(duration_s / STEPS_S[-1] / most)
    step = next((one for one in STEPS_S if duration_s / one <= most), weeks)
    count = int(duration_s // step)
    yield from (float(step * n) for n in range(count + 1))


def thinned(points: PathPoints, most: int) -> list[tuple[float, float]]:
    """Return about `most` points: the lowest and the highest of each group, so that no peak is lost."""
    size = -(-len(points) * 2 // most)
    if size <= 2:
        return list(points)
    kept: list[tuple[float, float]] = []
    for begin in range(0, len(points), size):
        some = points[begin : begin + size]
        ends = {min(some, key=lambda p: p[1]), max(some, key=lambda p: p[1])}
        kept += sorted(ends)
    if kept[-1] != points[-1]:
        kept.append(points[-1])
    return kept


def spread(places: Sequence[float], apart: float, low: float, high: float) -> list[float]:
    """Move labels at least `apart` px from each other, in order; within `low` to `high` where they fit."""
    order = sorted(range(len(places)), key=lambda index: places[index])
    moved = list(places)
    at = low
    for index in order:
        moved[index] = at = max(at, places[index])
        at += apart
    over = at - apart - high
    if over > 0:
        at = high
        for index in reversed(order):
            moved[index] = min(moved[index], at)
            at = moved[index] - apart
    return moved
