"""Reads MetaBonk's own recordings: folders of `worker_N_metrics.csv`, with a header row or as 13 bare columns.

Does not: trust a bare 0. The recorder's `jq '// 0'` wrote it for absent keys, too.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from metabonk_tui.adapters.recordings.arrange import clock_event, median_spacing, unseen_end
from metabonk_tui.adapters.recordings.csv_join import joined, place_rows
from metabonk_tui.adapters.recordings.lenient import MAX_T, FileProblems, Problem
from metabonk_tui.adapters.recordings.time_order import FileRow, Repeats
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.sample import BadValue, Json, RunHeader, Sample, WorkerStatus
from metabonk_tui.core.text.clean import clean_text

FILE_NAME = re.compile(r"worker_(\d{1,4})_metrics\.csv")
STARTED = re.compile(r"(\d{8})_(\d{6})")
NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?", re.ASCII)
GLUED = re.compile(r"(.*[^\d.])(\d+(\.\d+)?)", re.ASCII)
"""The last column's name and the first cell of a row, without the end of line between them."""
BYTE_ORDER_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
"""What Excel (UTF-8) and PowerShell (UTF-16) put in front of a table."""
LINE_CHARACTERS = 1_000_000
"""Characters per line; a longer line is cut, and then has the wrong number of columns."""
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""A cell that begins with one of these is computed by some spreadsheet; the wide forms by those of East Asia."""
WITHOUT_HEADER = [
    "elapsed",
    "worker",
    "episode",
    "step",
    "gameplay",
    "dynamic_state",
    "dynamic_eps",
    "dynamic_actions",
    "intrinsic_transitions",
    "intrinsic_reward_total",
    "meta_sequences",
    "meta_followed",
    "system2_engagements",
]

CsvValue = Json | BadValue
CsvCell = tuple[bool, CsvValue]
"""(key present, its value)"""


def read_folder(paths: list[Path], problems: list[Problem]) -> Iterator[Sample]:
    """Read the worker files of one folder and join their rows by elapsed time. Raises OSError.

    Rows of different workers within half an interval are one Sample. A worker without a row at some time is absent
    from that Sample: the file does not say why. Unreadable rows go to `problems`.
    """
    folder = paths[0].resolve().parent.name if paths else ""
    began = _started_at(folder)
    slots = {int(match[1]): path for path in paths if (match := FILE_NAME.fullmatch(path.name))}
    foreign: set[str] = set()
    files: list[tuple[WorkerRef, FileProblems, list[FileRow[WorkerStatus]]]] = []
    for slot, path in sorted(slots.items()):
        listed = FileProblems(path.name, problems)
        files.append((WorkerRef(slot=slot), listed, list(_File(slot, listed, foreign, MAX_T - began).rows(path))))
    interval_s = median_spacing([row.t for row in rows] for _, _, rows in files)
    placed, lost = place_rows(files, interval_s)
    if not placed:
        return
    name = clean_text(folder)
    run = RunHeader(
        name=name,
        started_at=began,
        desired=len(slots),
        source="metabonk-csv",
        interval_s=interval_s,
        how="recording",
        foreign_fields=tuple(sorted(clean_text(column, 60) for column in foreign)),
    )
    number = -1
    for row in joined(placed, interval_s):
        t, header = began + row.t, None
        if row.recording != number:
            number = row.recording
            header = replace(run, name=f"{name} #{number + 1}", started_at=t) if number else run
        events = (clock_event(t, row.set_back_s),) if row.set_back_s else ()
        yield Sample(t=t, workers=dict(sorted(row.workers.items())), run=header, events=events)
    yield from unseen_end(t, lost, interval_s)


def _started_at(folder: str) -> float:
    """Parse the local start time from a name like metrics_24h_20260103_024457; 0.0 without one."""
    match = STARTED.search(folder)
    try:
        return datetime.strptime(f"{match[1]}{match[2]}", "%Y%m%d%H%M%S").timestamp() if match else 0.0
    except ValueError:
        return 0.0


class _File(Struct, frozen=True):
    slot: int
    problems: FileProblems
    foreign: set[str]
    """Columns without a matching field in `/status`."""
    most_s: float
    """No row is later than this: its time would be none of a calendar."""

    def rows(self, path: Path) -> Iterator[FileRow[WorkerStatus]]:
        """Yield the readable rows; their times are elapsed seconds. A new header row changes the columns."""
        columns = WITHOUT_HEADER
        ref = WorkerRef(slot=self.slot)
        repeats = Repeats()
        with path.open(encoding=_encoding(path), errors="replace", newline="") as file:
            for number, line in enumerate(iter(partial(file.readline, LINE_CHARACTERS), ""), 1):
                try:
                    # Each line by itself: no cell holds an end of line, and a stray quote must not swallow more rows.
                    row = next(csv.reader([line.replace("\0", "\ufffd")]), [])
                except csv.Error as error:
                    self._problem(number, f"{error}; left out")
                    continue
                cells = [cell.strip("\ufeff \t\r\n") for cell in row]
                if _is_header(cells):
                    columns, cells = self._header(cells, number)
                if cells:
                    is_whole = line.endswith(("\n", "\r")) or len(line) == LINE_CHARACTERS
                    found = self._row(columns, cells, number, is_whole)
                    if found is None:
                        continue
                    elapsed_s, status = found
                    if repeats.add(elapsed_s, ",".join(cells)):
                        self._problem(number, "repeats an earlier row; left out")
                        continue
                    yield FileRow(elapsed_s, number, {ref: status}, status)

    def _header(self, cells: list[str], line: int) -> tuple[list[str], list[str]]:
        """Return the columns, and the row that a recorder wrote on the same line; empty: no row."""
        twice = sorted({cell for cell in cells if cell in KNOWN_COLUMNS and cells.count(cell) > 1})
        if twice:
            self._problem(line, f"{clean_text(', '.join(twice), 80)}: a column that is there twice is not read")
            cells = [f"{cell} (twice)" if cell in twice else cell for cell in cells]
        middle = len(cells) // 2
        follows = cells[middle + 1 :]
        glued = GLUED.fullmatch(cells[middle])
        if len(cells) % 2 == 0 or glued is None or not any(NUMBER.fullmatch(cell) for cell in follows):
            return cells, []
        name, elapsed = glued[1], glued[2]
        known = [known for known in KNOWN_COLUMNS if cells[middle].startswith(known)]
        if known:
            name = max(known, key=len)
            elapsed = cells[middle][len(name) :]
        self._problem(line, f"no end of line between the column {clean_text(name, 40)!r} and the first row; both read")
        return [*cells[:middle], name], [elapsed, *follows]

    def _row(self, columns: list[str], row: list[str], line: int, is_whole: bool) -> tuple[float, WorkerStatus] | None:
        if len(row) != len(columns):
            self._problem(line, f"{len(row)} columns where {len(columns)} are due; left out")
            return None
        cells = dict(zip(columns, row, strict=True))
        self.foreign.update(cells.keys() - COLUMNS.keys() - {"elapsed", "worker"})
        elapsed, worker = cells.get("elapsed", ""), cells.get("worker", str(self.slot))
        if not NUMBER.fullmatch(elapsed) or not 0 <= float(elapsed) < self.most_s:
            self._problem(line, f"elapsed is no time: {clean_text(elapsed, 40)!r}; left out")
            return None
        if not NUMBER.fullmatch(worker) or float(worker) != self.slot:
            self._problem(
                line, f"a row of worker {clean_text(worker, 40)!r} in the file of worker {self.slot}; left out"
            )
            return None
        if not is_whole and columns[-1] in COLUMNS:
            self._problem(line, f"no end of line, so its last cell {columns[-1]!r} may be cut; the cell is left out")
            del cells[columns[-1]]
        return float(elapsed), _status(cells)

    def _problem(self, line: int, what: str) -> None:
        self.problems.add(line, what)


def _is_header(cells: list[str]) -> bool:
    """Return whether a row names columns: `elapsed` at any place, or most of its cells are known names."""
    return "elapsed" in cells or 2 * sum(cell in KNOWN_COLUMNS for cell in cells) > len(cells)


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        begin = file.read(3)
    return next((name for mark, name in BYTE_ORDER_MARKS if begin.startswith(mark)), "utf-8")


def _status(cells: Mapping[str, str]) -> WorkerStatus:
    fields: dict[str, CsvValue] = {}
    for column, text in cells.items():
        if column not in COLUMNS:
            continue
        name, read = COLUMNS[column]
        present, value = read(text)
        if present:
            fields[name] = value
    unwritten = "dynamic_eps" in cells and "dynamic_ui_epsilon" not in fields
    if unwritten and _is_zero(cells.get("dynamic_actions", "")):
        # One component writes both: with its neighbour absent, a count of 0 means absent, too.
        fields.pop("dynamic_ui_exploration_actions", None)
    seen = frozenset(COLUMNS[column][0] for column in cells if column in COLUMNS)
    return WorkerStatus(fields, seen)


def _is_zero(text: str) -> bool:
    return NUMBER.fullmatch(text) is not None and float(text) == 0


def _float_due(text: str) -> CsvCell:
    return (False, None) if text in ("0", "", "null") else (True, _number(text))


def _count(text: str) -> CsvCell:
    return (False, None) if text in ("", "null") else (True, _number(text))


def _flag(text: str) -> CsvCell:
    # `.gameplay_started // false` writes false for an absent key, too; but workers always send this key.
    # Tools that read and write tables make True, 1 or 1.0 of true.
    known = {"true": True, "false": False, "1": True, "1.0": True, "0.0": False}
    if text in ("", "null", "0"):
        return False, None
    return True, known.get(text.lower(), BadValue("wrong type", clean_text(text, 60)))


def _word(text: str) -> CsvCell:
    return (False, None) if text in ("", "0", "null") else (True, clean_text(text_of_cell(text)))


def is_no_number(text: str) -> bool:
    """Return whether a text is NaN or an infinity."""
    return text.lower().lstrip("+-") in ("nan", "inf", "infinity")


def plain_cell(text: str) -> str:
    """Return a text that no spreadsheet computes: a formula gets an apostrophe before it."""
    return f"'{text}" if text.startswith(FORMULA) else text


def text_of_cell(cell: str) -> str:
    """Return the text of which `plain_cell` made a cell."""
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith(FORMULA) else cell


def _number(text: str) -> CsvValue:
    if NUMBER.fullmatch(text):
        value = float(text)
        return value if abs(value) != float("inf") else BadValue("too large", clean_text(text, 60))
    if is_no_number(text):
        return BadValue("nan" if "nan" in text.lower() else "infinite", text)
    return BadValue("wrong type", clean_text(text, 60))


# column: (the /status field of the same meaning, how to parse the cell). The recorder asked for four other names
# that never existed in /status: intrinsic_transitions, meta_followed, system2_engagements, episode.
# Those columns carry no data, so they map to no field.
COLUMNS: Mapping[str, tuple[str, Callable[[str], CsvCell]]] = {
    "step": ("step", _float_due),
    "gameplay": ("gameplay_started", _flag),
    "dynamic_state": ("dynamic_ui_state_type", _word),
    "dynamic_eps": ("dynamic_ui_epsilon", _float_due),
    "dynamic_actions": ("dynamic_ui_exploration_actions", _count),
    "dynamic_text_density": ("dynamic_ui_text_density", _float_due),
    "dynamic_motion": ("dynamic_ui_motion", _float_due),
    "intrinsic_reward": ("intrinsic_reward", _float_due),
    "intrinsic_reward_total": ("intrinsic_reward_total", _float_due),
    "system2_engage": ("system2_trigger_engage", _float_due),
    "system2_reason": ("system2_trigger_reason", _word),
    "meta_sequences": ("meta_success_sequences", _float_due),
    "meta_success_sequences": ("meta_success_sequences", _float_due),
    "meta_suggestions_applied": ("meta_suggestions_applied", _float_due),
    "vlm_hints_used": ("vlm_hints_used", _count),
    "vlm_hints_applied": ("vlm_hints_applied", _count),
    "gpu_memory_gb": ("gpu_memory_gb", _float_due),
}
KNOWN_COLUMNS = frozenset({*WITHOUT_HEADER, *COLUMNS})
