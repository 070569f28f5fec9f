"""Formats numbers for people: memory, rates, counters, ages and clocks, with fixed decimals and units.

Does not: choose glyphs, colours or widths of a screen, or write a missing number; the caller does.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, tzinfo
from functools import lru_cache

GB = 1_000_000_000
MB = 1_000_000
MINUTE = 60
HOUR = 3600
DAY = 86400


def gigabytes(size_bytes: float, decimals: int = 1) -> str:
    """Format bytes as GB (10^9) without the unit: 1 decimal for headlines, 2 for a process.

    An amount that would read as 0 gets a second decimal.
    """
    text = number(size_bytes / GB, decimals)
    return number(size_bytes / GB, 2) if decimals == 1 and size_bytes > 0 and text == "0.0" else text


def growth(bytes_per_min: float) -> str:
    """Format bytes per minute as MB per minute, always signed: "+2 M/m"."""
    return f"{signed(bytes_per_min / MB, 0)} M/m"


def number(value: float, decimals: int = 0) -> str:
    """Format a number with exactly `decimals` decimals; never "-0". Not finite: "NaN", "inf", "-inf"."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    text = f"{value:.{decimals}f}"
    return text.removeprefix("-") if text.startswith("-") and not text.strip("-0.") else text


def signed(value: float, decimals: int = 0) -> str:
    """Format a change, always signed; zero is "+0", never "-0"."""
    text = number(value, decimals)
    return text if text.startswith("-") else f"+{text}"


def short(value: float, decimals: int, cells: int) -> str:
    """Format a number in at most `cells` characters: drop decimals first, then scale to k, M, G, T, P.

    A number that still does not fit gets an exponent and may be wider: "1e+20".
    """
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
    """Format seconds since a start as HH:MM:SS; hours may exceed two digits."""
    whole = max(0, int(seconds))
    return f"{whole // HOUR:02d}:{whole % HOUR // MINUTE:02d}:{whole % MINUTE:02d}"


def minutes(seconds: float) -> str:
    """Format seconds since the start of a run: MM:SS below one hour, else HH:MM:SS."""
    text = elapsed(seconds)
    return text.removeprefix("00:")


def about(seconds: float) -> str:
    """Format seconds in one unit: 34s, 6m, 2h, 3d."""
    whole = max(0, int(seconds))
    for size, unit in ((DAY, "d"), (HOUR, "h"), (MINUTE, "m")):
        if whole >= size:
            return f"{whole // size}{unit}"
    return f"{whole}s"


def age(seconds: float) -> str:
    """Format seconds in one or two units: 34s, 2m10s, 12m, 2h20m, 3d4h."""
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
    """Format a forecast in seconds: "~19m ±6m", "~2h20m", "> 24h". `sign` replaces "±"."""
    if seconds > DAY:
        return "> 24h"
    text = f"~{age(seconds)}"
    return text if plus_minus_s is None else f"{text} {sign}{age(plus_minus_s)}"


@lru_cache(maxsize=128)
def clock(t: float, zone: tzinfo = UTC, with_seconds: bool = True) -> str:
    """Format a Unix time as local time in `zone`: HH:MM:SS for events, HH:MM for forecasts.

    A time that no calendar contains becomes dashes.
    """
    try:
        moment = datetime.fromtimestamp(t, zone)
    except (ValueError, OverflowError, OSError):
        return "--:--:--" if with_seconds else "--:--"
    return moment.strftime("%H:%M:%S" if with_seconds else "%H:%M")


def day(t: float, zone: tzinfo = UTC) -> str:
    """Format the date of a Unix time: 2026-01-31. A time that no calendar contains becomes dashes."""
    try:
        return datetime.fromtimestamp(t, zone).strftime("%Y-%m-%d")
    except (ValueError, OverflowError, OSError):
        return "----------"


def share(part: int, whole: int) -> str:
    """Format a share: 5/5, 14/14."""
    return f"{part}/{whole}"


def expected_range(low: float | None, high: float | None, decimals: int = 0, tight: bool = False) -> str:
    """Format an expected range: "5-20", "1 or more", "" without bounds; `tight`: ".05-.5", "1+"."""
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
    """Format a rate per second: 2 decimals, leading zero."""
    return number(value, 2)
