"""Finds the time that a log line states, in the formats that are common. Pure.

Does not: invent a time. A line without one has None; a date that the format leaves out is the newest possible one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import NamedTuple

LOOKED_AT_CHARACTERS = 80
"""A time stands at the begin of a line, or after a short prefix; a later one is part of the message."""
AHEAD_S = 3600.0
"""A time further after the newest possible one is no time of this line: a date in its text."""
DAY_S = 86400.0


class LineTime(NamedTuple):
    """The time of a line, and where its text begins after a time that stands at its begin; 0: not at its begin."""

    t: float
    """Unix seconds."""
    text_begins: int


_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTHS: Mapping[str, int] = {name: number for number, name in enumerate(_NAMES, 1)}
_CLOCK = r"(?P<hour>[01]\d|2[0-3]):(?P<minute>[0-5]\d):(?P<second>[0-5]\d|60)(?:[.,](?P<part>\d{1,9}))?(?!\d)"
_ZONE = r" ?(?P<zone>Z|UTC|[+-](?:[01]\d|2[0-3]):?[0-5]\d)?"
_HAS_CLOCK = re.compile(r"\d:[0-5]\d:")
_FORMATS = (
    # 2026-11-29T13:12:12.123Z, 2026/11/29 13:12:12 (Go), 2026/11/29 - 13:12:12 (gin)
    re.compile(rf"(?<!\d)(?P<year>20\d\d)[-/](?P<month>[01]\d)[-/](?P<day>[0-3]\d)(?:[T ]| - ){_CLOCK}{_ZONE}"),
    # [29/Nov/2026:13:12:12 +0000], as web servers write it
    re.compile(rf"(?<!\d)(?P<day>[0-3]\d)/(?P<name>[A-Z][a-z]{{2}})/(?P<year>20\d\d)[: ]{_CLOCK}{_ZONE}"),
    # Nov 29 13:12:12, as syslog writes it
    re.compile(rf"^[\[(]?(?P<name>[A-Z][a-z]{{2}}) {{1,2}}(?P<day>[ 0-3]?\d) {_CLOCK}"),
    # E1129 13:12:12.123456, as glog and klog write it
    re.compile(rf"^[IWEF](?P<month>[01]\d)(?P<day>[0-3]\d) {_CLOCK}"),
    re.compile(rf"^[\[(]?{_CLOCK}"),
)
_EPOCH = re.compile(
    r"^[\[(]?(?P<s>1[5-9]\d{8}|[23]\d{9})(?:\.(?P<part>\d{1,9})|(?P<ms>\d{3}))?(?![\d.])"
    r"|\"(?:ts|time|timestamp)\": ?(?P<json_s>1[5-9]\d{8}|[23]\d{9})(?:\.(?P<json_part>\d{1,9})|(?P<json_ms>\d{3}))?\b"
)
_BEGIN = re.compile(r"^(?:[\[(]|time=\"?|\[GIN\] )?$")
"""What may stand before a time at the begin of a line."""
_AFTER = re.compile(r"[\])\"]?(?: ?[|:])?[ \t]*(?:- )?")


def line_time(text: str, zone: tzinfo, newest_t: float) -> LineTime | None:
    """Find the time of a line; None: it has none.

    `zone` is that of times without one. `newest_t` is the latest possible time of the line (Unix seconds): when the
    line after it was written, or when the file was last changed. It supplies a missing year or day.
    """
    head = text[:LOOKED_AT_CHARACTERS]
    if _HAS_CLOCK.search(head) is not None:
        for form in _FORMATS:
            found = form.search(head)
            if found is not None and (t := _t(found, zone, newest_t)) is not None:
                return _checked(t, found, text, newest_t)
    found = _EPOCH.search(head) if '":' in head or head[:2].strip("[(")[:1].isdigit() else None
    if found is None:
        return None
    part = found["part"] or found["json_part"] or found["ms"] or found["json_ms"] or "0"
    return _checked(float(f"{found['s'] or found['json_s']}.{part}"), found, text, newest_t)


def _checked(t: float, found: re.Match[str], text: str, newest_t: float) -> LineTime | None:
    if t > newest_t + AHEAD_S:
        return None
    after = _AFTER.match(text, found.end())
    is_first = _BEGIN.match(text[: found.start()]) is not None and "json_s" not in {
        name for name, value in found.groupdict().items() if value is not None
    }
    return LineTime(t, after.end() if after is not None and is_first else 0)


def _t(found: re.Match[str], zone: tzinfo, newest_t: float) -> float | None:
    parts = found.groupdict()
    clock = (int(parts["hour"]), int(parts["minute"]), min(int(parts["second"]), 59))
    micro = int((parts["part"] or "0").ljust(6, "0")[:6])
    month = parts.get("month") or _MONTHS.get(parts.get("name") or "")
    its_zone = _zone(parts["zone"]) if parts.get("zone") else zone
    newest = datetime.fromtimestamp(newest_t, its_zone)
    try:
        if month is None:
            if "day" in parts:
                return None  # no name of a month
            return _not_after(newest_t, lambda back: newest.date() - timedelta(days=back), clock, micro, its_zone)
        day = int(parts["day"])
        if parts.get("year"):
            return datetime(int(parts["year"]), int(month), day, *clock, micro, its_zone).timestamp()
        return _not_after(newest_t, lambda back: datetime(newest.year - back, int(month), day), clock, micro, its_zone)
    except (ValueError, OverflowError):
        return None


def _not_after(
    newest_t: float,
    day_of: Callable[[int], datetime | object],
    clock: tuple[int, int, int],
    micro: int,
    zone: tzinfo,
) -> float:
    """Return the newest time with this time of day that is possible; a clock may be some seconds ahead."""
    t = 0.0
    for back in (0, 1):
        day = day_of(back)
        t = datetime(day.year, day.month, day.day, *clock, micro, zone).timestamp()  # type: ignore[attr-defined]
        if t <= newest_t + 60.0:
            break
    return t


def _zone(text: str) -> tzinfo:
    if text in ("Z", "UTC"):
        return UTC
    sign = -1 if text[0] == "-" else 1
    return timezone(sign * timedelta(hours=int(text[1:3]), minutes=int(text[-2:])))
