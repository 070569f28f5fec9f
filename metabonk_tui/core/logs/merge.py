"""Merges the lines of several logs by time, and counts their errors. Pure.

A line without a time keeps its place: it comes after the line before it in its file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from metabonk_tui.core.logs.model import LOUD, LineId, LogLine, LogWindow

_PID = re.compile(r"(?:process \[|\(pid )(\d{1,10})[\])]")


class MergedLog(Struct, frozen=True):
    """Lines of one or several logs in one order."""

    lines: tuple[LogLine, ...] = ()
    order_t: tuple[float, ...] = ()
    """For each line the time that it is ordered by, never falling."""
    since_t: float | None = None
    """From here on no line of any file is missing; None: every file is read from its begin, or has no times."""
    until_t: float | None = None
    """Until here no line of any file is missing; None: every file is read to its end, or has no times."""


def merge(windows: Sequence[LogWindow]) -> MergedLog:
    """Order the lines of all windows by time; within a file the order is that of the file.

    Lines before the latest begin of a window and after the earliest end are left out: there the lines of that file
    would be missing.
    """
    ordered = [(window, order_times(window)) for window in windows if window.lines]
    if len(ordered) == 1:
        (window, times), *_ = ordered
        return MergedLog(window.lines, tuple(times))
    begins = [first for window, _ in ordered if window.has_older and (first := first_time(window)) is not None]
    since_t = max(begins) if begins else None
    ends = [times[-1] for window, times in ordered if window.has_newer and first_time(window) is not None]
    until_t = min(ends) if ends else None
    pairs = [
        (t, line)
        for window, times in ordered
        for t, line in zip(times, window.lines, strict=True)
        if (since_t is None or t >= since_t) and (until_t is None or t <= until_t)
    ]
    pairs.sort(key=lambda pair: pair[0])
    return MergedLog(tuple(line for _, line in pairs), tuple(t for t, _ in pairs), since_t, until_t)


def with_starts(window: LogWindow, started_t: Mapping[int, float]) -> LogWindow:
    """Give a time to lines that state none and name a process which the monitor saw start, by its pid."""
    lines = list(window.lines)
    changed = False
    for i, line in enumerate(lines):
        if line.t is None and line.seen_t is None and ("pid " in line.text or "process [" in line.text):
            found = _PID.search(line.text)
            t = started_t.get(int(found[1])) if found is not None else None
            if t is not None:
                lines[i], changed = replace(line, seen_t=t), True
    return replace(window, lines=tuple(lines)) if changed else window


def first_time(window: LogWindow) -> float | None:
    """Return the first time that a line of a window states; None: none does."""
    return next((line.t for line in window.lines if line.t is not None), None)


def order_times(window: LogWindow) -> list[float]:
    """Return for each line of a log the time that orders it.

    That is its own time, else that of the line before it. Where no line states one, it is the time at which the
    monitor saw the line, or the process that it names; without one the lines stand where the file was last written.
    """
    first_t = first_time(window)
    is_timed = first_t is not None
    at_t = first_t if first_t is not None else float("-inf")
    times: list[float] = []
    for line in window.lines:
        t = line.t if line.t is not None else line.seen_t if not is_timed or line.level == "note" else None
        at_t = at_t if t is None else max(at_t, t)
        times.append(at_t)
    if not is_timed:
        seen_t = next((t for t in times if t != float("-inf")), window.changed_t)
        times = [min(seen_t, window.changed_t) if t == float("-inf") else t for t in times]
    return times


def visible(log: MergedLog, hidden: Iterable[str], only_loud: bool) -> MergedLog:
    """Leave out lines of some levels, or all but errors, warnings and their tracebacks."""
    left_out = frozenset(hidden)
    kept = [
        (t, line)
        for t, line in zip(log.order_t, log.lines, strict=True)
        if (line.level in LOUD if only_loud else line.level not in left_out)
    ]
    if len(kept) == len(log.lines):
        return log
    return MergedLog(tuple(line for _, line in kept), tuple(t for t, _ in kept), log.since_t, log.until_t)


def hits(lines: Iterable[LogLine], wanted: str) -> tuple[int, ...]:
    """Return the places of the lines that contain a text, in any case of letters; none for an empty text."""
    lowered = wanted.lower()
    return tuple(i for i, line in enumerate(lines) if lowered in line.text.lower()) if lowered else ()


def places_of(lines: Iterable[LogLine]) -> Mapping[LineId, int]:
    """Return the place of each line."""
    return {line.id: i for i, line in enumerate(lines)}


def marks(log: MergedLog) -> tuple[tuple[float, bool], ...]:
    """Return for each error and each warning the time that orders it, and whether it is an error."""
    return tuple(
        (t, line.level == "error")
        for t, line in zip(log.order_t, log.lines, strict=True)
        if line.level in ("error", "warning")
    )


def before_process(lines: Sequence[LogLine], pid: int | None, began_t: float) -> int | None:
    """Return the place of the last line before a process began; None: no line shows where that is.

    A worker that is started again appends to the same log. Its server states its pid; else the times of lines show it.
    """
    if pid is not None:
        own = f"server process [{pid}]"
        found = next((i for i in reversed(range(len(lines))) if own in lines[i].text), None)
        if found is not None:
            return max(0, found - 1)
    timed = [i for i, line in enumerate(lines) if line.t is not None and line.t < began_t]
    return timed[-1] if timed and timed[-1] + 1 < len(lines) else None
