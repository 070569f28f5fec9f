"""Writes what was measured as Markdown and as JSON. Does not: measure, or decide a limit."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from bench.arithmetic import Judgement, Spread, judge, spread
from bench.programs import GROWTH, PROGRAMS
from bench.targets import Row, Values

BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"
LEAST_ROUNDS = 3
PROGRAM_COLUMNS = {
    "first_byte_ms": ("first byte ms", 0),
    "first_frame_ms": ("first frame ms", 0),
    "full_paint_ms": ("full paint ms", 0),
    "paint_cpu_s": ("CPU s to full paint", 2),
    "cpu_s_per_min": ("idle CPU s/min", 2),
    "peak_rss_mib": ("peak RSS MiB", 1),
    "bytes_per_s": ("bytes/s", 0),
    "key_p50_ms": ("key p50 ms", 1),
    "key_p95_ms": ("key p95 ms", 1),
    "quit_ms": ("quit ms", 0),
}
GROWTH_ROWS = {
    "cpu_s_per_min": ("idle CPU s/min", 2),
    "sample_cpu_us": ("CPU us a worker-sample", 0),
    "peak_rss_mib": ("peak RSS MiB", 1),
    "bytes_per_s": ("bytes/s", 0),
    "polls_done": ("polls done, of polls due", 3),
    "key_p50_ms": ("key p50 ms", 1),
    "key_p95_ms": ("key p95 ms", 1),
    "full_paint_ms": ("full paint ms", 0),
}


class Result(Struct, frozen=True):
    """One measurement."""

    values: Values
    rows: tuple[Row, ...]
    machine: Mapping[str, str]
    rounds: int
    settings: str
    missing: Mapping[str, str]
    """Subjects that could not be measured, and why."""
    versions: tuple[str, ...] = ()
    """The versions of the other programs."""
    doubt: str = ""
    """Why nothing may be judged by these numbers; "": they may."""


def judgement(row: Row, result: Result) -> Judgement:
    return judge(row.measured(result.values), row.limit)


def why_skipped(row: Row, result: Result) -> str:
    """Return why a row has no value."""
    reasons = [result.missing[reading.subject] for reading in row.readings if result.missing.get(reading.subject)]
    without = [reading for reading in row.readings if spread(reading.of(result.values)) is None]
    return "; ".join(reasons) or ", ".join(f"{reading.subject} gave no {reading.metric}" for reading in without)


def markdown(result: Result) -> str:
    """Return every table that has a value."""
    machine = result.machine
    head = (
        f"{machine['date']}, {machine['cores']} cores of {machine['processor']}, {machine['memory']}, "
        f"Linux {machine['kernel']}, Python {machine['python']}. {result.settings}. "
        "Medians of the rounds; smallest and largest in parentheses."
    )
    if result.versions:
        head += f" Beside {', '.join(result.versions)}."
    parts = [head]
    if result.doubt:
        parts.append(f"**No judgement: {result.doubt}.**")
    if result.rows:
        parts.append(_table(("what", "measured", "limit", ""), map(lambda row: _judged(row, result), result.rows)))
    parts += _program_tables(result)
    return "\n\n".join(parts) + "\n"


def _judged(row: Row, result: Result) -> Sequence[str]:
    measured = row.measured(result.values)
    limit = f"{'at least' if row.limit.is_least else 'at most'} {row.number(row.limit.value)}"
    if measured is None:
        return row.text, "–", limit, f"SKIPPED: {why_skipped(row, result)}"
    return row.text, with_range(measured, row.number), limit, judgement(row, result).value


def _program_tables(result: Result) -> Iterable[str]:
    screens = [name for name in result.values if name in PROGRAMS]
    if screens:
        columns = list(PROGRAM_COLUMNS)
        yield _table(
            ("program", *(label for label, _ in PROGRAM_COLUMNS.values())),
            ([name, *(_cell(result, name, metric, PROGRAM_COLUMNS) for metric in columns)] for name in screens),
        )
    grown = [name for name in GROWTH if name in result.values]
    if len(grown) > 1:
        heads = [str(pool.workers) for name in grown if (pool := PROGRAMS[name].pool) is not None]
        yield _table(
            ("workers", *heads),
            (
                [label, *(_cell(result, name, metric, GROWTH_ROWS) for name in grown)]
                for metric, (label, _) in GROWTH_ROWS.items()
            ),
        )
    others = [name for name in result.values if name not in PROGRAMS]
    if others:
        yield _table(
            ("other", "measured"),
            (
                [f"{name} {metric}", _plain(values)]
                for name in others
                for metric, values in result.values[name].items()
            ),
        )


def _cell(result: Result, name: str, metric: str, places: Mapping[str, tuple[str, int]]) -> str:
    measured = spread(result.values[name].get(metric, []))
    return "–" if measured is None else f"{measured.median:.{places[metric][1]}f}"


def _plain(values: Sequence[float | None]) -> str:
    measured = spread(values)
    return "–" if measured is None else with_range(measured, lambda value: f"{value:.4g}")


def with_range(measured: Spread, number: Any) -> str:
    """Return the median, and the range where there was more than one round."""
    if measured.rounds < 2:
        return str(number(measured.median))
    return f"{number(measured.median)} ({number(measured.low)}–{number(measured.high)})"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def as_json(result: Result) -> str:
    """Return everything, with the readings of every round."""
    rows = [
        {
            "row": row.name,
            "what": row.text,
            "measured": None if (measured := row.measured(result.values)) is None else measured.median,
            "low": None if measured is None else measured.low,
            "high": None if measured is None else measured.high,
            "limit": row.limit.value,
            "is_least": row.limit.is_least,
            "result": judgement(row, result).value,
        }
        for row in result.rows
    ]
    document = {
        "machine": result.machine,
        "rounds": result.rounds,
        "settings": result.settings,
        "versions": result.versions,
        "no_judgement": result.doubt or None,
        "rows": rows,
        "missing": result.missing,
        "values": result.values,
    }
    return json.dumps(document, indent=1)


def write_between_marks(path: Path, text: str) -> None:
    """Replace what stands between the two marks of a file. Raises ValueError where one is missing."""
    before, begin, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{path} lacks {BEGIN} or {END}")
    path.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}", encoding="utf-8")
