"""Reads the lines of a stored run as Samples: only what a line changes is decoded again.

A whole line, and what these rules do not cover, takes the way of a foreign file (`jsonl_reader`), with every check.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import IntEnum
from typing import Any

from msgspec import field
from msgspec.structs import replace

from metabonk_tui.adapters.recordings.jsonl_reader import SampleReader
from metabonk_tui.adapters.recordings.lenient import with_numbers
from metabonk_tui.adapters.recordings.unmasked import mask_texts
from metabonk_tui.adapters.store.places import Change, Places, TreePlace, apply, of_delta, of_groups
from metabonk_tui.core.model.host import NOT_READ
from metabonk_tui.core.model.refs import ONLY_HOST, WorkerRef, slot_ref
from metabonk_tui.core.model.sample import BadValue, Observation, Sample, WorkerStatus
from metabonk_tui.core.model.sample_fields import HOSTS_KEY, SAMPLE_FIELDS, SampleField

_Puts = dict[str, dict[str, Any] | None]
"""By worker or by row of readings: the keys with a new value. None: there is more than new values."""
_ITEMS: Mapping[str, SampleField] = {
    **{item.name: item for item in SAMPLE_FIELDS},
    **{
        key: item
        for item in SAMPLE_FIELDS
        for key in {"environments": ("env", "env_errors"), "lines": (item.line_key,)}.get(item.form, ())
    },
}
"""The field that a key of the document belongs to."""


class PlaceKind(IntEnum):
    """What the fields of a place belong to."""

    ROOT = 1
    WORKER = 2
    STATUS = 3
    BELOW_STATUS = 4
    READING = 5
    """A reading, or one of a list of readings, whose numbers may change alone."""
    OTHER = 6


def _set_kind(place: TreePlace) -> PlaceKind:
    match place.path:
        case ():
            place.kind = PlaceKind.ROOT
        case ("workers", _):
            place.kind = PlaceKind.WORKER
        case ("workers", _, "status"):
            place.kind = PlaceKind.STATUS
        case ("workers", _, "status", *_):
            place.kind = PlaceKind.BELOW_STATUS
        case ("memory" | "pool" | "watch",) | ("processes" | "gpus", _):
            place.kind = PlaceKind.READING
        case _:
            place.kind = PlaceKind.OTHER
    return PlaceKind(place.kind)


class LineReader(SampleReader):
    """Reads the lines of one chunk, and keeps the document and the Sample of the newest one."""

    places: Places = field(default_factory=Places)
    frame: dict[str, Any] | None = None
    last: Sample | None = None
    """The Sample of `frame`. None: `frame` has a problem, which every line repeats."""
    line: int = 0

    def read(self, tree: Any, numbers: list[float]) -> Iterator[Sample]:
        """Process a decoded line, and the numbers that it leaves out, the last one first.

        Raises ValueError, TypeError, LookupError, AttributeError on damage.
        """
        self.line += 1
        if isinstance(tree, dict) and "whole" in tree:
            yield from self._preceding(tree["told"])
            self.places.clear()
            self.observe_only(tree.get("fields"))
            self.frame = tree["whole"]
            yield from self._whole(self.frame)
            return
        if self.frame is None:
            raise ValueError("changes of nothing")
        self.places.root.set(dict(self.frame), self.line)
        if isinstance(tree, dict):
            yield from self._preceding(tree.get("told", ()))
            changes = of_groups(self.places, tree["changes"], numbers)
        else:
            yield from self._preceding(tree[0] if len(tree) == 2 else ())
            changes = of_delta(self.places, self.places.root, tree[-1])
        yield from self._changed(changes)

    def _preceding(self, documents: Iterable[Mapping[str, Any]]) -> Iterator[Sample]:
        for document in documents:
            yield from self.take(document)

    def _problem(self, what: str) -> None:
        self.last = None
        SampleReader._problem(self, what)

    def _whole(self, frame: dict[str, Any]) -> Iterator[Sample]:
        """Read a whole document with every check."""
        self.last = _ANY
        for sample in self.take(frame):
            if self.last is not None:
                self.last = sample
                self._keep_masked(frame, sample.workers)
            yield sample

    def _keep_masked(self, frame: dict[str, Any], workers: Mapping[WorkerRef, Observation]) -> None:
        """Make the document have the masked texts, so that a later line need not mask them again."""
        if not workers:
            return
        of_workers = frame["workers"]
        if len(of_workers) != len(workers):
            self.last = None  # two keys for one worker, or an entry that is none
            return
        for ref, seen in workers.items():
            if seen.status is not None and (found := of_workers.get(str(ref.written))) is not None:
                found["status"] = seen.status.fields

    def _changed(self, changes: Iterator[Change]) -> Iterator[Sample]:
        whole: set[str] = set()
        workers: _Puts = {}
        parts: dict[str, _Puts] = {}
        line = self.line
        for change in changes:
            place, removed, put = change
            node = place.open(line)
            if removed or type(node) is list:
                apply(change, line)
            else:
                node.update(put)
            kind = place.kind or _set_kind(place)
            if kind is _STATUS:
                workers.setdefault(place.path[1], {})
                if str in map(type, put.values()) and (masked := mask_texts(put)) is not put:
                    node.update(masked)
            elif kind is _WORKER:
                _collect(workers, place.path[1], removed, put)
            elif kind is _READING:
                of_part = parts.get(place.path[0])
                if of_part is None:
                    of_part = parts[place.path[0]] = {}
                _collect(of_part, place.path[-1], removed, put)
            elif kind is _BELOW_STATUS:
                workers.setdefault(place.path[1], {})
            elif kind is _ROOT:
                whole.update(removed, put)
            else:
                whole.add(place.path[0])
        self.frame = self.places.root.node
        made = None
        if self.last is not None:
            made = self._following(self.frame, self.last, whole, workers, parts)
        yield from self._whole(self.frame) if made is None else (made,)

    def _following(
        self, frame: dict[str, Any], last: Sample, whole: set[str], workers: _Puts, parts: dict[str, _Puts]
    ) -> Sample | None:
        """Make a Sample from the last one and what changed. None: the document takes every check."""
        t = self._time(frame)
        if (
            t is None
            or (self.t is not None and t < self.t)
            or any(isinstance(frame.get(key), BadValue) for key in whole)
            # Of several hosts the whole document is read again: few pools have them, and their hosts rarely stand.
            or HOSTS_KEY in frame
            or HOSTS_KEY in whole
        ):
            return None
        fields: dict[str, Any] = {}
        if workers and "workers" not in whole:
            _set(fields, whole, "workers", self._seen(frame["workers"], last.workers, workers))
        host = last.only_host
        for name, puts in parts.items():
            if name not in whole:
                _set(fields, whole, name, _with_puts(getattr(host if _ITEMS[name].of_host else last, name), puts))
        for item in dict.fromkeys(_ITEMS[key] for key in whole if key in _ITEMS):
            fields[item.name] = self._field(item, frame)
            if item.form == "workers":
                self._keep_masked(frame, fields[item.name])
        of_host = {name: fields.pop(name) for name in tuple(fields) if _BY_NAME[name].of_host}
        if of_host:
            host = replace(host, **of_host)
            fields["hosts"] = {} if host == NOT_READ else {ONLY_HOST: host}
        sample = replace(last, t=t, events=tuple(self.events), run=self.run, **fields)
        self.t, self.run, self.events = t, None, []
        if self.last is not None:
            self.last = sample
        return sample

    def _seen(
        self, documents: dict[str, Any], last: Mapping[WorkerRef, Observation], workers: _Puts
    ) -> dict[WorkerRef, Observation] | None:
        seen = dict(last)
        for slot, put in workers.items():
            ref = slot_ref(int(slot))
            before = last.get(ref)
            if put is None or before is None or str(ref.slot) != slot:
                return None
            status = documents[slot].get("status")
            if before.status is not None and status is not before.status.fields:
                after = with_numbers(before, put, status=WorkerStatus(status, self.observable))
            else:
                after = with_numbers(before, put)
            if after is None:
                return None
            seen[ref] = after
        return seen


def _with_puts(last: Any, puts: _Puts) -> Any:
    """Return a reading, or a row of readings, with changed numbers. None: it must be read again."""
    if last is None:
        return None
    if not isinstance(last, tuple):
        (put,) = puts.values()
        return None if put is None else with_numbers(last, put)
    row = list(last)
    for index, put in puts.items():
        after = None if put is None else with_numbers(row[int(index)], put)
        if after is None:
            return None
        row[int(index)] = after
    return tuple(row)


def _set(fields: dict[str, Any], whole: set[str], name: str, value: Any) -> None:
    if value is None:
        whole.add(name)
    else:
        fields[name] = value


def _collect(puts: _Puts, key: str, removed: Sequence[str], put: dict[str, Any]) -> None:
    """Add the changes of one reading; None: not only new values."""
    before = puts.get(key, _NO_PUT)
    if removed:
        puts[key] = None
    elif before is not None:
        puts[key] = {**before, **put} if before else put


_NO_PUT: dict[str, Any] = {}
# A member of an enumeration takes twice the time of a name of the module.
_ROOT, _WORKER, _STATUS = PlaceKind.ROOT, PlaceKind.WORKER, PlaceKind.STATUS
_BELOW_STATUS, _READING = PlaceKind.BELOW_STATUS, PlaceKind.READING
_BY_NAME = {item.name: item for item in SAMPLE_FIELDS}
_ANY = Sample(t=0.0)
