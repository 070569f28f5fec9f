"""Joins the rows of a folder's worker files into samples: one clock, and one sample an interval.

Does not: parse cells.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from metabonk_tui.adapters.recordings.lenient import FileProblems
from metabonk_tui.adapters.recordings.time_order import AHEAD, FileRow, TimeOrder
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.sample import Observation, WorkerStatus


class PlacedRow(Struct, frozen=True):
    """One row of one worker on the folder's clock."""

    recording: int
    """0 for the first recording in the files; a recorder that was started again adds another."""
    t: float
    ref: WorkerRef
    status: WorkerStatus
    set_back_s: float = 0.0


class JoinedRow(Struct, frozen=True):
    """The rows of all workers within half an interval."""

    recording: int
    t: float
    workers: dict[WorkerRef, Observation]
    set_back_s: float = 0.0


CsvRow = FileRow[WorkerStatus]


class _Table(Struct):
    """The rows of one file, ordered."""

    problems: list[tuple[int, str]]
    rows: list[PlacedRow]
    breaks: list[tuple[bool, float]]
    """(another recording begins, seconds by which the clock was set back) of each break of the clock."""
    lost: int
    """Rows at the end that have no place in time."""


def place_rows(
    files: Sequence[tuple[WorkerRef, FileProblems, Sequence[CsvRow]]], interval_s: float | None
) -> tuple[list[PlacedRow], int]:
    """Return the rows of all files in the order of their time, and how many rows at the end are lost in every file.

    One recorder writes all files, so its clock breaks in all of them alike. If it does not, the place of the rows
    after the break is not known, and they are left out.
    """
    tables = [_ordered(ref, rows, interval_s, may_break=True) for ref, _, rows in files]
    if any(not _same_breaks(tables[0].breaks, table.breaks, interval_s or 0.0) for table in tables):
        tables = [_ordered(ref, rows, interval_s, may_break=False) for ref, _, rows in files]
    for (_, problems, _), table in zip(files, tables, strict=True):
        for line, what in table.problems:
            problems.add(line, what)
    lost = min((table.lost for table in tables), default=0)
    return sorted((row for table in tables for row in table.rows), key=_order), lost if lost > AHEAD else 0


def _order(row: PlacedRow) -> tuple[int, float, int]:
    return row.recording, row.t, row.ref.slot


def _same_breaks(first: list[tuple[bool, float]], other: list[tuple[bool, float]], slack_s: float) -> bool:
    return len(first) == len(other) and all(
        a[0] is b[0] and abs(a[1] - b[1]) <= slack_s for a, b in zip(first, other, strict=True)
    )


def _ordered(ref: WorkerRef, rows: Sequence[CsvRow], interval_s: float | None, *, may_break: bool) -> _Table:
    table = _Table([], [], [], 0)
    order: TimeOrder[WorkerStatus] = TimeOrder(
        lambda line, what: table.problems.append((line, what)), interval_s=interval_s, may_break=may_break
    )
    recording = 0
    for item in order.place(rows):
        if item.is_break:
            table.breaks.append((item.begins, item.set_back_s))
        recording += item.begins
        if table.rows and table.rows[-1].t == item.t and table.rows[-1].recording == recording:
            table.problems.append((item.row.line, f"two rows at {item.t:g} s; the second is left out"))
        else:
            table.rows.append(
                PlacedRow(recording, item.t, ref, item.row.content, 0.0 if item.begins else item.set_back_s)
            )
    table.lost = order.lost
    table.problems.sort(key=lambda problem: problem[0])
    return table


def joined(rows: Sequence[PlacedRow], interval_s: float | None) -> Iterator[JoinedRow]:
    """Yield one row for those of different workers that lie within half an interval, at the time of the first."""
    joint_s = (interval_s or 0.0) / 2
    found: JoinedRow | None = None
    for row in rows:
        if (
            found is not None
            and row.recording == found.recording
            and (row.t == found.t or row.t - found.t < joint_s)
            and row.ref not in found.workers
        ):
            found.workers[row.ref] = Observation(status=row.status)
            continue
        if found is not None:
            yield found
        found = JoinedRow(row.recording, row.t, {row.ref: Observation(status=row.status)}, row.set_back_s)
    if found is not None:
        yield found
