"""Reads Samples from JSON lines: skips and reports unreadable parts, and separates the runs.

Does not: interpret a sample. A missing key means: not observed.
"""

from __future__ import annotations

import codecs
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from msgspec import Struct, field
from msgspec.structs import replace

from metabonk_tui.adapters.files.kind import is_file
from metabonk_tui.adapters.recordings.gunzip import unzipped
from metabonk_tui.adapters.recordings.lenient import MAX_T, FileProblems, Problem, check_number, record
from metabonk_tui.adapters.recordings.time_order import Repeats
from metabonk_tui.adapters.recordings.unmasked import mask_texts, mask_tree, shown_lines
from metabonk_tui.core.model.host import NOT_READ, ExitReading, HostReading
from metabonk_tui.core.model.on_host import host_reading
from metabonk_tui.core.model.refs import (
    HOST_NAME,
    MAX_WORKERS,
    MOST_NODES,
    ONLY_HOST,
    HostName,
    WorkerRef,
    slot_ref,
    worker_ref,
)
from metabonk_tui.core.model.sample import (
    BadStatus,
    BadValue,
    EnvFileReading,
    EnvReading,
    Event,
    Observation,
    PoolReading,
    RunHeader,
    Sample,
    WaitingWorker,
    WorkerStatus,
)
from metabonk_tui.core.model.sample_fields import HOSTS_KEY, SAMPLE_FIELDS, SampleField
from metabonk_tui.core.status.decode import decode_json
from metabonk_tui.core.status.limits import MAX_DEPTH
from metabonk_tui.core.text.clean import clean_text

LINE_BYTES = 64_000_000
"""Bytes per line; a longer line is rejected. 64 workers answer at most 16 MB in one tick."""
STATUS_DEPTH = 3
"""Nesting depth of a status within a line."""
EXIT = re.compile(r"-?[0-9]{1,3}")
EVENT_KEYS = frozenset({"kind", "severity", "text", "worker"})


def read_jsonl(path: str, problems: list[Problem]) -> Iterator[Sample]:
    """Stream a .jsonl, plain or gzipped ("-": stdin). Raises OSError; other problems go to `problems`.

    A first line without a run header starts a run named after the file.
    """
    from metabonk_tui.adapters.recordings.arrange import arranged  # imported late: the store needs only SampleReader
    from metabonk_tui.adapters.recordings.side_by_side import may_have_blocks, side_by_side

    name = "stdin" if path == "-" else Path(path).name
    stem = name.removesuffix(".gz").removesuffix(".jsonl")
    with _opened(path) as file:
        listed = FileProblems(name, problems)
        reader = SampleReader(name, problems, listed=listed, in_order=False)
        numbered = reader.samples(_lines(file, listed))
        in_blocks = False
        # A file may have one worker after another. A pipe cannot be read twice.
        if path != "-" and is_file(Path(path)):
            with _opened(path) as again:
                in_blocks = may_have_blocks(_lines(again, FileProblems(path, [])))
        yield from arranged(side_by_side(numbered) if in_blocks else numbered, stem, listed)


@contextmanager
def _opened(path: str) -> Iterator[BinaryIO]:
    with open(0 if path == "-" else path, "rb", closefd=path != "-") as raw:
        zipped = raw.peek(2)[:2] == b"\x1f\x8b"
        yield unzipped(raw) if zipped else raw


def _lines(file: BinaryIO, problems: FileProblems) -> Iterator[tuple[int, bytes]]:
    """Number the lines. A torn archive ends them early, with a problem."""
    number = 0
    try:
        while line := file.readline(LINE_BYTES):
            number += 1
            if number == 1:
                line = line.removeprefix(codecs.BOM_UTF8)
            if len(line) == LINE_BYTES and not line.endswith(b"\n"):
                problems.add(number, f"longer than {LINE_BYTES // 1_000_000} MB; left out")
                while (rest := file.readline(LINE_BYTES)) and not rest.endswith(b"\n"):
                    pass
            elif line.strip():
                yield number, line
    except (EOFError, zlib.error) as error:
        problems.add(number + 1, f"the archive is torn: {error}")


class SampleReader(Struct):
    """Converts documents to Samples. Keeps the pending run header, pending events and the observable fields."""

    name: str
    problems: list[Problem]
    run: RunHeader | None = None
    events: list[Event] = field(default_factory=list)
    observable: frozenset[str] | None = None
    t: float | None = None
    number: int = 0
    names: dict[str, int] = field(default_factory=dict)
    listed: FileProblems | None = None
    """Where the problems go; None: a list of its own over `problems`."""
    has_start: bool = True
    """False: the pending run begins with its first sample."""
    in_order: bool = True
    """False: times may run backwards here, because another stage orders the samples."""
    repeats: Repeats = field(default_factory=Repeats)

    def samples(self, lines: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, Sample]]:
        """Yield the samples with the number of the line that completed each."""
        for self.number, line in lines:
            document = self._decode(line)
            if document is None:
                continue
            t = document.get("t")
            if "event" not in document and isinstance(t, int | float) and self.repeats.add(t, line):
                self._problem("repeats an earlier line; left out")
                continue
            for sample in self.take(document):
                yield self.number, sample
        if self.run is not None or self.events:
            yield self.number, self._rest()

    def take(self, document: Mapping[str, Any]) -> Iterator[Sample]:
        """Process the next document. Yields the sample it completes, and before it a run without samples."""
        if document.get("kind") == "run":
            if self.run is not None:
                yield self._rest()
            self._begin(document)
        elif "event" in document:
            self._event(document)
        elif (sample := self._sample(document)) is not None:
            yield sample

    def _problem(self, what: str) -> None:
        if self.listed is None:
            self.listed = FileProblems(self.name, self.problems)
        self.listed.add(self.number, what)

    def _decode(self, line: bytes) -> dict[str, Any] | None:
        document = decode_json(line, MAX_DEPTH + STATUS_DEPTH)
        if isinstance(document, BadStatus):
            self._problem(f"{document.error}, or only half a line; left out")
        elif not isinstance(document, dict):
            self._problem("not a JSON object; left out")
        else:
            return document
        return None

    def _begin(self, document: Mapping[str, Any]) -> None:
        given = {"name": "", "source": "live", "how": "recording"} | dict(document)
        header = record(RunHeader, given, self._problem)
        if header is None and not self.in_order:
            # A run line begins a run, and how many workers it wants counts, also where its start is unreadable.
            header = record(RunHeader, given | {"started_at": 0.0, "how": "first sample"}, lambda _: None)
            self.has_start = False
        if header is not None:
            header = replace(header, name=self._name(header))
        self.observe_only(document.get("fields"))
        self.run, self.t = header, None
        self.repeats = Repeats()

    def observe_only(self, fields: Any) -> None:
        """Set the fields that the recorder can observe; without a list, all of them."""
        self.observable = frozenset(str(name) for name in fields) if isinstance(fields, list) else None

    def _name(self, header: RunHeader) -> str:
        """Return a unique name: each header starts a new run, even with a repeated name."""
        name = header.name or f"run-{int(header.started_at)}"
        self.names[name] = self.names.get(name, 0) + 1
        return name if self.names[name] == 1 else f"{name} #{self.names[name]}"

    def _event(self, document: Mapping[str, Any]) -> None:
        t, event = self._time(document), document["event"]
        if t is None or not isinstance(event, dict) or not isinstance(event.get("kind"), str):
            self._problem("an event without a time or a kind; left out")
            return
        kind = clean_text(event["kind"], 60)
        severity = event.get("severity")
        text = event.get("text")
        self.events.append(
            Event(
                t,
                kind,
                severity if severity in ("info", "ok", "warn", "crit") else "info",
                clean_text(text) if isinstance(text, str) else kind,
                worker_ref(event.get("worker")),
                {clean_text(key): mask_tree(key, value) for key, value in event.items() if key not in EVENT_KEYS},
            )
        )

    def _time(self, document: Mapping[str, Any]) -> float | None:
        t = document.get("t")
        return float(t) if isinstance(t, int | float) and not isinstance(t, bool) and 0 <= t < MAX_T else None

    def _sample(self, document: Mapping[str, Any]) -> Sample | None:
        t = self._time(document)
        if t is None:
            self._problem("no time `t`; left out")
            return None
        if self.in_order and self.t is not None and t < self.t:
            self._problem(f"time runs backwards: {t} after {self.t}; left out")
            return None
        self.t = t
        if self.run is not None and not self.has_start:
            self.run, self.has_start = replace(self.run, started_at=t), True
        document = self._without_bad(document)
        fields = {item.name: self._field(item, document) for item in SAMPLE_FIELDS}
        host = HostReading(**{item.name: fields.pop(item.name) for item in SAMPLE_FIELDS if item.of_host})
        hosts = {} if host == NOT_READ else {ONLY_HOST: host}
        sample = Sample(
            t=t,
            **fields,
            hosts=hosts | self._hosts(document[HOSTS_KEY]) if HOSTS_KEY in document else hosts,
            events=tuple(self.events),
            run=self.run,
        )
        self.run, self.events = None, []
        return sample

    def _hosts(self, value: Any) -> dict[HostName, HostReading]:
        """Decode the readings of the hosts that have names."""
        hosts: dict[HostName, HostReading] = {}
        for name, document in self._without_bad(value).items() if isinstance(value, dict) else ():
            if not HOST_NAME.fullmatch(name) or not isinstance(document, dict) or len(hosts) >= MOST_NODES:
                self._problem(f"no host: {clean_text(name, 40)!r}")
                continue
            found = self._without_bad(document)
            fields = {item.name: self._field(item, found) for item in SAMPLE_FIELDS if item.of_host}
            hosts[name] = host_reading(HostReading(**fields), name, lambda t: t)
        return hosts

    def _without_bad(self, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        """Leave out the fields that have no usable value, each with a problem."""
        bad = {key: value for key, value in fields.items() if isinstance(value, BadValue)}
        for key, value in bad.items():
            self._problem(f"{key}: {value.why}: {value.text}")
        return {key: value for key, value in fields.items() if key not in bad} if bad else fields

    def _rest(self) -> Sample:
        """Make an empty sample for a header or events that no sample followed."""
        t = max([event.t for event in self.events] + [self.t or 0.0])
        if self.run is not None:
            t = max(t, self.run.started_at)
        sample = Sample(t=t, events=tuple(self.events), run=self.run)
        self.run, self.events = None, []
        return sample

    def _field(self, item: SampleField, document: Mapping[str, Any]) -> Any:
        """Decode one field by its form; None or empty where it is missing or malformed."""
        value = document.get(item.name)
        match item.form:
            case "one":
                return self._one(item.kind, value)
            case "several":
                return self._several(item.kind, value)
            case "number":
                return self._number(item.name, value)
            case "workers":
                return self._workers(value)
            case "environments":
                return self._environments(document)
            case "lines":
                return self._lines(document.get(item.line_key))
            case "exits":
                return self._exits(value)

    def _number(self, name: str, value: Any) -> float | None:
        if not isinstance(value, int | float) or isinstance(value, bool):
            return None
        try:
            check_number(name, abs(value))
        except ValueError as error:
            self._problem(f"{name}: {error}")
            return None
        return float(value)

    def _one(self, kind: type[Any], value: Any) -> Any:
        if value is None:
            return None
        if not isinstance(value, dict):
            self._problem(f"{kind.__name__}: not an object")
            return None
        found = record(kind, value, self._problem)
        if isinstance(found, EnvFileReading):
            found = replace(found, values=mask_texts(found.values))
        if isinstance(found, PoolReading) and found.waiting:
            found = replace(found, waiting=self._waiting(found.waiting))
        return found

    def _waiting(self, listed: Iterable[WaitingWorker]) -> tuple[WaitingWorker, ...]:
        """Return the workers that wait, each slot once; one with an impossible slot or time is left out."""
        kept: dict[int, WaitingWorker] = {}
        for each in listed:
            if not 0 <= each.slot < MAX_WORKERS or not 0 <= (each.since_t or 0.0) < MAX_T:
                self._problem(f"PoolReading.waiting: no slot or no time: {each.slot}, {each.since_t}; left out")
                continue
            kept.setdefault(each.slot, each)
        return tuple(kept.values())

    def _several(self, kind: type[Any], value: Any) -> tuple[Any, ...] | None:
        if not isinstance(value, list):
            return None
        found = [self._one(kind, item) for item in value]
        return tuple(item for item in found if item is not None)

    def _exits(self, value: Any) -> tuple[ExitReading, ...]:
        """Decode the exits. One without a numeric code and without a reason is left out, with a problem."""
        exits = []
        for outcome in self._several(ExitReading, value) or ():
            if EXIT.fullmatch(outcome.exit) or (not outcome.exit and outcome.reason is not None):
                exits.append(outcome)
            else:
                self._problem(f"ExitReading.exit: no exit code: {clean_text(outcome.exit, 40)!r}")
        return tuple(exits)

    def _by_worker(self, value: Any) -> Iterator[tuple[WorkerRef, Any]]:
        for key, item in self._without_bad(value).items() if isinstance(value, dict) else ():
            if key.isascii() and key.isdigit() and len(key) < 5:
                yield slot_ref(int(key)), item
            elif "/" in key and HOST_NAME.fullmatch(key.partition("/")[0]) and (ref := worker_ref(key)) is not None:
                yield ref, item
            else:
                self._problem(f"no slot number: {clean_text(key, 40)!r}")

    def _workers(self, value: Any) -> dict[WorkerRef, Observation]:
        workers: dict[WorkerRef, Observation] = {}
        for ref, item in self._by_worker(value):
            if not isinstance(item, dict) or ("status" not in item and "error" not in item):
                continue
            seen = {key: entry for key, entry in item.items() if key not in ("status", "error")}
            status, error = item.get("status"), item.get("error")
            if isinstance(status, dict):
                outcome: dict[str, Any] = {"status": WorkerStatus(mask_texts(status), self.observable)}
            elif isinstance(error, str):
                outcome = {"error": clean_text(error, 40)}
            else:
                outcome = {"error": "not an object"}
            rest = record(Observation, seen, self._problem)
            if rest is not None:
                workers[ref] = replace(rest, **outcome)
        return workers

    def _environments(self, document: Mapping[str, Any]) -> dict[WorkerRef, EnvReading]:
        found: dict[WorkerRef, EnvReading] = {}
        for ref, values in self._by_worker(document.get("env")):
            if isinstance(values, dict):
                texts = {key: text for key, text in values.items() if isinstance(text, str)}
                found[ref] = EnvReading({clean_text(key): clean_text(text) for key, text in mask_texts(texts).items()})
        for ref, error in self._by_worker(document.get("env_errors")):
            if isinstance(error, str):
                found[ref] = EnvReading(None, clean_text(error, 60))
        return found

    def _lines(self, value: Any) -> dict[WorkerRef, tuple[str, ...]]:
        return {
            ref: shown_lines(tuple(line for line in lines if isinstance(line, str)))
            for ref, lines in self._by_worker(value)
            if isinstance(lines, list)
        }
