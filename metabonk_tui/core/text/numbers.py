"""Numbers for people: memory, rates, counters, ages and clocks, always with the same decimals and units.

Refuses to know glyphs, colours and widths of a screen, and never writes a missing number: that is the caller's word.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, tzinfo

GB = 1_000_000_000
MB = 1_000_000
MINUTE = 60
HOUR = 3600
DAY = 86400


def gigabytes(size_bytes: float, decimals: int = 1) -> str:
    """Write bytes as GB (10^9) without the unit: 1 decimal for headlines, 2 for a process."""
    return number(size_bytes / GB, decimals)


def growth(bytes_per_min: float) -> str:
    """Write a growth in MB per minute, sign always, unit short: "+2 M/m"."""
    return f"{signed(bytes_per_min / MB, 0)} M/m"


def number(value: float, decimals: int = 0) -> str:
    """Write a number with exactly these decimals; never "-0"."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    text = f"{value:.{decimals}f}"
    return text.removeprefix("-") if text.startswith("-") and not text.strip("-0.") else text


def signed(value: float, decimals: int = 0) -> str:
    """Write a change: a number with its sign always; nothing is "+0", never "-0"."""
    text = number(value, decimals)
    return text if text.startswith("-") else f"+{text}"


def short(value: float, decimals: int, cells: int) -> str:
    """Write a number in at most so many cells: decimals go first, then thousands become k, M, G ..."""
    for fewer in range(decimals, -1, -1):
        text = number(value, fewer)
        if len(text) <= cells:
            return text
    scaled = value
    for unit in ("k", "M", "G", "T", "P"):
        scaled /= 1000
        for fewer in (1, 0):
            text = number(scaled, fewer) + unit
            if len(text) <= cells and abs(scaled) < 1000:
                return text
    return f"{value:.0e}"


def elapsed(seconds: float) -> str:
    """Write time since the start of something as HH:MM:SS; the hours grow beyond two digits."""
    whole = max(0, int(seconds))
    return f"{whole // HOUR:02d}:{whole % HOUR // MINUTE:02d}:{whole % MINUTE:02d}"


def minutes(seconds: float) -> str:
    """Write a moment within the first hours of a run: MM:SS below an hour, else HH:MM:SS."""
    text = elapsed(seconds)
    return text.removeprefix("00:")


def about(seconds: float) -> str:
    """Write how long ago in one unit: 34s, 6m, 2h, 3d."""
    whole = max(0, int(seconds))
    for size, unit in ((DAY, "d"), (HOUR, "h"), (MINUTE, "m")):
        if whole >= size:
            return f"{whole // size}{unit}"
    return f"{whole}s"


def age(seconds: float) -> str:
    """Write how long ago or how long until, in one or two units: 34s, 2m10s, 12m, 2h20m, 3d4h."""
    whole = max(0, int(seconds))
    if whole < MINUTE:
        return f"{whole}s"
    if whole < 10 * MINUTE:
        return _two(whole // MINUTE, "m", whole % MINUTE, "s")
    if whole < HOUR:
        return f"{whole // MINUTE}m"
    if whole < DAY:
        return _two(whole // HOUR, "h", whole % HOUR // MINUTE, "m")
    return _two(whole // DAY, "d", whole % DAY // HOUR, "h")


def _two(big: int, big_unit: str, small: int, small_unit: str) -> str:
    return f"{big}{big_unit}" + (f"{small}{small_unit}" if small else "")


def estimate(seconds: float, plus_minus_s: float | None = None, sign: str = "±") -> str:
    """Write a forecast: "~19m ±6m", "~2h20m", "> 24h". `sign` is how plus-minus is written."""
    if seconds > DAY:
        return "> 24h"
    text = f"~{age(seconds)}"
    return text if plus_minus_s is None else f"{text} {sign}{age(plus_minus_s)}"


def clock(t: float, zone: tzinfo = UTC, with_seconds: bool = True) -> str:
    """Write a Unix time as the clock on the wall of `zone`: HH:MM:SS for events, HH:MM for forecasts."""
    try:
        moment = datetime.fromtimestamp(t, zone)
    except (ValueError, OverflowError, OSError):
        return "--:--:--" if with_seconds else "--:--"
    return moment.strftime("%H:%M:%S" if with_seconds else "%H:%M")


def day(t: float, zone: tzinfo = UTC) -> str:
    """Write the day of a Unix time: 2026-01-31."""
    try:
        return datetime.fromtimestamp(t, zone).strftime("%Y-%m-%d")
    except (ValueError, OverflowError, OSError):
        return "----------"


def share(part: int, whole: int) -> str:
    """Write a share: 5/5, 14/14."""
    return f"{part}/{whole}"


def expected_range(low: float | None, high: float | None, decimals: int = 0, tight: bool = False) -> str:
    """Write what is expected of a value: "5-20", "1 or more", "" when nothing is; tight: ".05-.5", "1+"."""
    if low is not None and high is not None:
        return f"{_plain(low, tight)}-{_plain(high, tight)}"
    if low is not None:
        return f"{_plain(low, tight)}+" if tight else f"{_plain(low)} or more"
    if high is not None:
        return f"<{_plain(high, tight)}" if tight else f"at most {_plain(high)}"
    return ""


def _plain(value: float, tight: bool = False) -> str:
    text = f"{value:g}"
    return text.replace("0.", ".", 1) if tight and text.startswith("0.") else text


def per_second(value: float) -> str:
    """Write a rate per second: 2 decimals, leading zero."""
    return number(value, 2)
