"""The few shapes that charts are drawn with, as SVG text. Knows no runs; what is written is escaped here."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

INVALID_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What neither XML nor UTF-8 can hold."""
STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800)

PathPoints = Sequence[tuple[float, float]]


def escape(text: str) -> str:
    """Write text so that it stays text, in content and in attributes."""
    return html.escape(INVALID_XML.sub("\ufffd", text), quote=True)


def tag(name: str, *inside: str, **attributes: str | float | None) -> str:
    """Write an element around what is markup already: `class_` is class, `stroke_width` is stroke-width."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_value(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{written}>{''.join(inside)}</{name}>" if inside else f"<{name}{written}/>"


def _value(value: str | float) -> str:
    return escape(value) if isinstance(value, str) else number(value)


def number(value: float) -> str:
    """Write a coordinate in few characters."""
    return f"{value:.1f}".rstrip("0").rstrip(".") if math.isfinite(value) else "0"


def label(x: float, y: float, text: str, class_: str = "label", anchor: str | None = None) -> str:
    """Write a word at a place."""
    return tag("text", escape(text), x=x, y=y, class_=class_, text_anchor=anchor)


def titled(text: str) -> str:
    """Say what a shape is to whoever points at it, or cannot see it."""
    return tag("title", escape(text))


def line(points: PathPoints) -> str:
    """Write the path through points."""
    return "M" + "L".join(f"{number(x)} {number(y)}" for x, y in points)


def drawing(id_: str, width: float, height: float, title: str, about: str, *inside: str) -> str:
    """Write a whole picture with its name and what it shows in words."""
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


@dataclass(frozen=True, slots=True)
class Scale:
    """From values to places: `low` stands at `from_px`, `high` at `to_px`."""

    low: float
    high: float
    from_px: float
    to_px: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Say where a value stands; what lies outside stands at the edge."""
        low, high, at = self.low, self.high, min(max(value, self.low), self.high)
        if self.log:
            low, high, at = math.log10(low), math.log10(high), math.log10(at)
        share = (at - low) / (high - low) if high > low else 0.0
        return self.from_px + share * (self.to_px - self.from_px)


def ticks(high: float, most: int) -> list[float]:
    """Choose round values from 0 to at least `high`, at most so many steps."""
    if not high > 0:
        return [0.0, 1.0]
    raw = high / most
    power = 10.0 ** math.floor(math.log10(raw))
    step = next((factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * (1 - 1e-9)), 10 * power)
    count = math.ceil(high / step - 1e-9)
    return [step * n for n in range(count + 1)]


def decades(low: float, high: float) -> list[float]:
    """Choose powers of ten around positive values."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    return [10.0**power for power in range(first, max(last, first + 1) + 1)]


def time_ticks(duration_s: float, most: int) -> Iterator[float]:
    """Choose round times from 0 to the end, at most so many steps."""
    weeks = STEPS_S[-1] * math.ceil(duration_s / STEPS_S[-1] / most)
    step = next((one for one in STEPS_S if duration_s / one <= most), weeks)
    count = int(duration_s // step)
    yield from (float(step * n) for n in range(count + 1))


def thinned(points: PathPoints, most: int) -> list[tuple[float, float]]:
    """Keep the lowest and the highest of each stretch, so that no peak is lost."""
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
    """Move labels apart, in their order, so that none covers another; they stay within bounds where they fit."""
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
