"""Reads one run: its samples, events and plots, also while another process writes it. Never changes the file.

with Recording(path) as past:
    for sample in past.samples(from_t=..., to_t=...): ...
"""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from metabonk_tui.adapters.files.kind import is_dir, may_exist
from metabonk_tui.adapters.recordings.lenient import MAX_T, Problem, record
from metabonk_tui.adapters.store import codec
from metabonk_tui.adapters.store.packed_lines import unpack_lines
from metabonk_tui.adapters.store.run_identity import is_cut_by_restart, shown_source
from metabonk_tui.adapters.store.schema import open_to_read
from metabonk_tui.core.model.ending import RESTARTED
from metabonk_tui.core.model.refs import worker_ref
from metabonk_tui.core.model.sample import Event, RunHeader, Sample
from metabonk_tui.core.text.clean import clean_text

MAX_SLOTS = 10_000
OVER = "the run is over"
"""How a run ended of which an earlier version recorded only that it is over."""
MAX_SPEED = 1e6
"""The run's clock is at most this many times faster than real time."""
SEVERITIES = ("info", "ok", "warn", "crit")
DAMAGED = (ValueError, TypeError, OverflowError, MemoryError, lzma.LZMAError)
"""Errors of overwritten lines."""
CONTAINS_SQL = "last_seq >= :at AND first_seq >= ifnull((SELECT max(first_seq) FROM chunk WHERE first_seq <= :at), 0)"
EVENTS_SQL = "SELECT t, kind, severity, text, worker, facts FROM event"


class Summary(Struct, frozen=True):
    """One run in a list of runs."""

    name: str
    """The file's stem, which identifies the recording."""
    run: str
    """The run's own name."""
    started_at: float
    last_t: float
    verdict: str
    workers: int | None
    source: str
    bytes: int
    pool: str
    samples: int
    ended: str = ""
    """How the run ended; "": it is not known to be over."""

    @property
    def title(self) -> str:
        """The verdict as the screen has it: "STOP", and "STOP ended" where the run is over."""
        return f"{self.verdict} ended" if self.ended else self.verdict

    @property
    def duration_s(self) -> float:
        """Seconds from the start to the last sample."""
        return max(0.0, self.last_t - self.started_at)


class PlotPoint(NamedTuple):
    """One interval of a plot, with the range of values `least` to `most`."""

    t: float
    least: float
    mean: float
    most: float
    increase: float


class _LineBlock(NamedTuple):
    """A block of lines: a chunk, or the tail."""

    first: int
    last: int
    thin: int
    lines: bytes | list[bytes]
    """Compressed bytes for a chunk, plain lines for the tail."""

    @property
    def behind(self) -> int:
        """The first number that the next block may have. A chunk's stored end is not trusted."""
        return self.first + 1 if self.packed else self.last + 1

    @property
    def packed(self) -> bool:
        """True for a chunk, False for the tail."""
        return isinstance(self.lines, bytes)

    def numbers(self) -> Sequence[int]:
        return [self.last] if self.thin else range(self.first, self.last + 1)

    def unpacked(self) -> list[bytes]:
        return unpack_lines(self.lines) if isinstance(self.lines, bytes) else self.lines


class Recording:
    """One recorded run, opened for reading."""

    def __init__(self, path: Path) -> None:
        """Open the file. Raises OSError, sqlite3.Error, TooNew."""
        self.path = path
        self.problems: list[Problem] = []
        if is_dir(path) or not may_exist(path):
            raise FileNotFoundError(2, "no such recording", str(path))
        self._connection = open_to_read(path)

    def __enter__(self) -> Recording:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    @property
    def meta(self) -> Mapping[str, Any]:
        """The writer's notes beside the samples, decoded from JSON."""
        found = {key: _json(value) for key, value in self._connection.execute("SELECT key, value FROM meta")}
        if not all(isinstance(found.get(key, {}), dict) for key in ("summary", "header", "clock")):
            raise ValueError("its notes are damaged")
        if "clock" in found and not _is_clock(found["clock"]):
            raise ValueError("its clock is damaged")
        return found

    def summary(self) -> Summary:
        """Return the run's entry for a list of runs."""
        meta = self.meta
        stored = meta.get("summary", {})
        first_t, last_t = self.span
        wal = self.path.with_name(self.path.name + "-wal")
        started_at = float(stored.get("started_at", first_t))
        if not (0 <= started_at < MAX_T and 0 <= last_t < MAX_T):
            raise ValueError("its times are damaged")
        ended_t = stored.get("ended_t")
        if isinstance(ended_t, int | float) and started_at <= ended_t < last_t:
            # The samples after the run's end show only that it was over.
            last_t = float(ended_t)
        ended = _text(stored.get("end", OVER)) if "ended_t" in stored else ""
        if cut := is_cut_by_restart(meta):
            ended = RESTARTED
        workers = stored.get("workers")
        return Summary(
            name=self.path.stem,
            run=_text(stored.get("run", self.path.stem)),
            started_at=started_at,
            last_t=last_t,
            verdict="STOP" if cut else _text(stored.get("verdict", "WAITING")),
            workers=workers if isinstance(workers, int) and 0 <= workers < MAX_SLOTS else None,
            source=shown_source(meta),
            bytes=self.path.stat().st_size + (wal.stat().st_size if may_exist(wal) else 0),
            pool=_text(meta.get("pool", "")),
            samples=self.newest_seq,
            ended=ended,
        )

    @property
    def is_cut_by_restart(self) -> bool:
        """Whether this machine was restarted before a monitor saw the end of the run."""
        return is_cut_by_restart(self.meta)

    @property
    def span(self) -> tuple[float, float]:
        """The times of the first and last sample; (0, 0) when empty."""
        query = "SELECT min(a), max(b) FROM (SELECT min(from_t) a, max(to_t) b FROM chunk UNION ALL {})"
        first, last = self._connection.execute(query.format("SELECT min(t), max(t) FROM tail")).fetchone()
        return (first or 0.0, last or 0.0)

    @property
    def newest_seq(self) -> int:
        """The number of the newest sample; 0 when empty."""
        return int(
            self._connection.execute(
                "SELECT max(ifnull((SELECT max(seq) FROM tail), 0), ifnull((SELECT max(last_seq) FROM chunk), 0))"
            ).fetchone()[0]
        )

    @property
    def rhythm_s(self) -> float | None:
        """The recorded interval in seconds, regardless of thinning; None: not stored."""
        stored = self.meta.get("header", {}).get("interval_s")
        return float(stored) if stored else None

    @property
    def thinned_to_t(self) -> float | None:
        """The time up to which each chunk has only one sample; None: nothing is thinned."""
        (found,) = self._connection.execute("SELECT max(to_t) FROM chunk WHERE thin").fetchone()
        return None if found is None else float(found)

    def samples(self, from_t: float | None = None, to_t: float | None = None, after: int = 0) -> Iterator[Sample]:
        """Yield the samples from `from_t` to `to_t` with numbers above `after`, in order.

        The first sample of the recording always gets a run header.
        """
        for _, sample in self.numbered(from_t, to_t, after):
            yield sample

    def numbered(
        self, from_t: float | None = None, to_t: float | None = None, after: int = 0
    ) -> Iterator[tuple[int, Sample]]:
        """Yield (number, sample); the arguments are those of `samples`."""
        first = True
        for seq, sample in self._all(from_t, to_t, after):
            if first and from_t is None and after == 0:
                sample = replace(sample, run=self._header(sample.run))
            first = False
            yield seq, sample

    def frames(self, most: int, to_t: float) -> Iterator[Sample]:
        """Yield the first samples of at most `most` chunks, evenly spread up to `to_t`: an overview of a long past."""
        (count,) = self._connection.execute("SELECT count(*) FROM chunk WHERE to_t <= ?", (to_t,)).fetchone()
        every = max(1, -(-count // most))
        rows = self._connection.execute("SELECT lines FROM chunk WHERE to_t <= ? ORDER BY first_seq", (to_t,))
        for place, (packed,) in enumerate(rows):
            if place % every == 0:
                try:
                    line = unpack_lines(packed)[0]
                    made = list(codec.samples([line], self.problems, self.path.name))
                except DAMAGED:
                    continue
                for sample in made:
                    yield replace(sample, run=self._header(sample.run)) if place == 0 else sample

    @property
    def after(self) -> Sample | None:
        """The first sample of the next run, which closes this one. None: no run followed."""
        line = self.meta.get("after")
        return next(codec.samples([line.encode()], [], self.path.name), None) if isinstance(line, str) else None

    def events(self) -> tuple[Event, ...]:
        """Return all events of the run, oldest first."""
        return tuple(map(_event, self._connection.execute(f"{EVENTS_SQL} ORDER BY id")))

    def events_of(self, kind: str, most: int) -> tuple[Event, ...]:
        """Return the newest events of a kind, newest first."""
        found = self._connection.execute(f"{EVENTS_SQL} WHERE kind = ? ORDER BY id DESC LIMIT ?", (kind, most))
        return tuple(map(_event, found))

    def last_event(self) -> Event | None:
        return next(map(_event, self._connection.execute(f"{EVENTS_SQL} ORDER BY id DESC LIMIT 1")), None)

    def series(self) -> tuple[str, ...]:
        """Return the names of the plottable series."""
        return tuple(name for (name,) in self._connection.execute("SELECT name FROM series ORDER BY id"))

    def plot(
        self, series: str, from_t: float, to_t: float, points: int, slot: int | None = None
    ) -> dict[int, list[PlotPoint]]:
        """Return, by slot, at most `points` intervals of whole minutes; intervals without data have no point."""
        width = max(60, -(-int(to_t - from_t) // max(1, points) // 60) * 60)
        query = """
            SELECT slot, (minute / :width) * :width, min(least), sum(mean * n) / sum(n), max(most), sum(increase)
            FROM minute WHERE series = (SELECT id FROM series WHERE name = :series)
            AND minute >= :from_t - 59 AND minute < :to_t AND (:slot IS NULL OR slot = :slot)
            GROUP BY 1, 2 ORDER BY 1, 2
        """
        parameters = {"width": width, "series": series, "from_t": from_t, "to_t": to_t, "slot": slot}
        found: dict[int, list[PlotPoint]] = {}
        for of_slot, *point in self._connection.execute(query, parameters):
            found.setdefault(of_slot, []).append(PlotPoint(*point))
        return found

    def cached(self, name: str, key: str) -> bytes | None:
        """Return a cached value if its key is the same."""
        row = self._connection.execute("SELECT value FROM cache WHERE name = ? AND key = ?", (name, key)).fetchone()
        return row[0] if row else None

    def cached_names(self, key: str) -> list[str]:
        """Return the names of the cached values that have this key."""
        return [name for (name,) in self._connection.execute("SELECT name FROM cache WHERE key = ?", (key,))]

    @property
    def thinned_to_number(self) -> int:
        """The number of the last sample up to which each chunk has only one; 0: nothing is thinned."""
        return int(self._connection.execute("SELECT ifnull(max(last_seq), 0) FROM chunk WHERE thin").fetchone()[0])

    def number_at(self, t: float) -> int:
        """Return a sample's number at or before `t`, at most a chunk before the last such sample; 0: there is none."""
        query = "SELECT ifnull(max({}), 0) FROM {} WHERE {} <= ?"
        of_chunks, of_tail = query.format("first_seq", "chunk", "from_t"), query.format("seq", "tail", "t")
        return max(int(self._connection.execute(each, (t,)).fetchone()[0]) for each in (of_chunks, of_tail))

    def _header(self, stored: RunHeader | None) -> RunHeader | None:
        header = stored
        if header is None and (kept := self.meta.get("header")) is not None:
            header = record(RunHeader, kept, self._problem)
            if header is None:
                raise ValueError("its header is damaged")
        thin_s = self._thin_spacing_s()
        if header is not None and thin_s is not None:
            # Thinning leaves a longer interval than the recorded one.
            header = replace(header, interval_s=max(header.interval_s or 0.0, thin_s))
        return header

    def _problem(self, what: str) -> None:
        problem = Problem(self.path.name, None, what)
        if problem not in self.problems:
            self.problems.append(problem)

    def _thin_spacing_s(self) -> float | None:
        count, first_t, last_t = self._connection.execute(
            "SELECT count(*), min(to_t), max(to_t) FROM chunk WHERE thin"
        ).fetchone()
        return (last_t - first_t) / (count - 1) if count > 1 else None

    def _all(self, from_t: float | None, to_t: float | None, after: int) -> Iterator[tuple[int, Sample]]:
        """Read chunk by chunk: one long read would block the writer's checkpoint of its log."""
        begin = self._connection.execute(
            "SELECT max(first_seq) FROM chunk WHERE first_seq <= ? OR from_t <= ?",
            (after + 1 if after else -1, from_t if from_t is not None else -1),
        ).fetchone()[0]
        at, behind = begin or 0, None
        while (found := self._next(at, behind)) is not None:
            try:
                yield from self._within(found.numbers(), found.unpacked(), from_t, to_t, max(after, at - 1))
            except DAMAGED:
                what = f"samples {found.first} to {found.last}: damaged, some of them are left out"
                self.problems.append(Problem(self.path.name, None, what))
            at = max(at, found.behind)
            behind = found.first if found.packed else None

    def _next(self, at: int, behind: int | None) -> _LineBlock | None:
        """Return the chunk after the one that begins with sample `behind`; after the last chunk, the tail.

        Without `behind`, return the chunk with sample `at`, or the next one: the writer may have packed the tail since
        the last read. Each block starts with a whole line.
        """
        self._connection.execute("BEGIN")
        try:
            condition = "first_seq > :behind" if behind is not None else CONTAINS_SQL
            chunk = self._connection.execute(
                f"SELECT first_seq, last_seq, thin, lines FROM chunk WHERE {condition} ORDER BY first_seq LIMIT 1",
                {"at": at, "behind": behind},
            ).fetchone()
            if chunk is not None:
                return _LineBlock(*chunk)
            rows = self._connection.execute("SELECT seq, line FROM tail ORDER BY seq").fetchall()
            there = bool(rows) and rows[-1][0] >= at
            return _LineBlock(rows[0][0], rows[-1][0], 0, [line for _, line in rows]) if there else None
        finally:
            self._connection.execute("COMMIT")

    def _within(
        self, numbers: Sequence[int], lines: list[bytes], from_t: float | None, to_t: float | None, after: int
    ) -> Iterator[tuple[int, Sample]]:
        if len(lines) != len(numbers):
            raise ValueError("there should be more lines, or fewer")
        read = codec.samples(lines, self.problems, self.path.name)
        for seq, sample in zip(numbers, read, strict=False):
            late = from_t is None or sample.t >= from_t
            if seq > after and late and (to_t is None or sample.t <= to_t):
                yield seq, sample


def _event(row: tuple[Any, ...]) -> Event:
    t, kind, severity, text, worker, facts = row
    stored = _json(facts)
    ref = worker_ref(worker)
    texts = all(isinstance(one, str) for one in (kind, severity, text))
    timed = isinstance(t, float) and 0 <= t < MAX_T
    if not (timed and texts and (worker is None or ref is not None) and isinstance(stored, dict)):
        raise ValueError("its events are damaged")
    return Event(t, _text(kind), severity if severity in SEVERITIES else "info", _text(text), ref, stored)


def _json(text: Any) -> Any:
    """Decode JSON of the file. Raises ValueError or TypeError on damage."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("too deep") from None


def _text(text: Any) -> str:
    """Return a text without characters that a terminal acts on: another program may have written the file."""
    if not isinstance(text, str):
        raise ValueError("its texts are damaged")
    return text if text.isprintable() else clean_text(text, len(text))


def _is_clock(clock: Mapping[str, Any]) -> bool:
    """Return whether a clock can be continued: three numbers, none of them beyond what a machine lives."""
    bounds = {"elapsed_s": MAX_T, "t": MAX_T, "speed": MAX_SPEED}
    return clock.keys() == bounds.keys() and all(
        isinstance(clock[name], int | float) and 0 <= clock[name] < most and (clock[name] or name != "speed")
        for name, most in bounds.items()
    )
