"""Lists everything that can be measured, and why it cannot be measured here. Does not: judge."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Sequence

from msgspec import Struct

from bench import commands, screens
from bench.commands import Settings
from bench.programs import PROGRAMS, VENV, Program
from bench.targets import ROWS, Row

Found = dict[str, float | None]


class Subject(Struct, frozen=True):
    """Something that a round measures once."""

    name: str
    metrics: frozenset[str]
    measure: Callable[[Collection[str], Settings], Found]
    missing: str = ""
    """Why it cannot be measured here; "": it can."""


def _screen(program: Program) -> Subject:
    missing = "" if program.path() else f"{program.argv[0]} is not installed: {program.missing}"
    return Subject(
        program.name,
        screens.METRICS,
        lambda wanted, settings: screens.measure(program, wanted, settings.seconds),
        missing,
    )


AIOHTTP = "aiohttp"


def _has(need: str) -> bool:
    """Return whether a program is installed, or the one package that only the measurement needs."""
    if need == AIOHTTP:
        return any(VENV.parent.glob(f"lib/python*/site-packages/{AIOHTTP}"))
    return shutil.which(need) is not None


def _command(name: str, metrics: str, measure: Callable[[Settings], Found], needs: Sequence[str] = ()) -> Subject:
    missing = [need for need in needs if not _has(need)]
    return Subject(
        name,
        frozenset(metrics.split()),
        lambda _wanted, settings: measure(settings),
        f"{' and '.join(missing)} not installed" if missing else "",
    )


SUBJECTS = {
    subject.name: subject
    for subject in (
        *map(_screen, PROGRAMS.values()),
        _command("seed", "sample_cpu_us", commands.seed, ("bash", "curl", "jq")),
        _command("pass", "cpu_ms wall_ms", commands.python_pass),
        _command("status", "cpu_ms wall_ms", commands.status),
        _command("own-poller", "poll_cpu_us polls_done", commands.own_poller),
        _command("aiohttp", "poll_cpu_us polls_done", commands.aiohttp_poller, (AIOHTTP,)),
        _command("store", "bytes_each cpu_us_each", commands.store),
        _command("plot", "cpu_ms", commands.plot),
        _command("report", "samples_per_cpu_s peak_rss_mib rss_growth", commands.report),
        _command("check", "samples_per_cpu_s peak_rss_mib", commands.check),
        _command("replay", "first_ms seek_p95_ms seek_unread_ms samples_per_cpu_s peak_rss_mib", commands.replay),
    )
}


class Plan(Struct, frozen=True):
    """What one measurement takes: the rows that it judges, and the metrics of each subject."""

    rows: tuple[Row, ...]
    metrics: dict[str, frozenset[str]]


def plan(only: Sequence[str]) -> Plan:
    """Choose rows and subjects by name; without a name, everything. Raises KeyError with an unknown name."""
    known_rows = {row.name: row for row in ROWS}
    for name in only:
        if name not in known_rows and name not in SUBJECTS:
            raise KeyError(name)
    # A row and a subject may have one name, as `status`: the row needs the subject anyway.
    rows = tuple(row for row in ROWS if not only or row.name in only)
    metrics = {name: subject.metrics for name, subject in SUBJECTS.items() if not only or name in only}
    for row in rows:
        for reading in row.readings:
            metrics[reading.subject] = metrics.get(reading.subject, frozenset()) | {reading.metric}
    in_order = {name: metrics[name] for name in SUBJECTS if name in metrics}
    return Plan(rows, in_order)
