"""Writes Samples in the public format, one JSON object per line. `jsonl_reader` reads the same Samples back."""

from __future__ import annotations

import gzip
import io
import json
import math
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import msgspec
from msgspec.structs import astuple

from metabonk_tui.core.model.host import HostReading
from metabonk_tui.core.model.refs import ONLY_HOST, WorkerRef
from metabonk_tui.core.model.sample import BadValue, Observation, Sample
from metabonk_tui.core.model.sample_fields import HOSTS_KEY, SAMPLE_FIELDS, SLOT_KEY, SampleField

SCHEMA = 1
_PLAIN = frozenset({str, int, float, bool})
INTEGER = re.compile(r"-?[0-9]+")


def write_jsonl(path: str, samples: Iterable[Sample]) -> None:
    """Write samples as .jsonl, gzipped when the name ends in .gz. Raises OSError.

    A new file is private: it contains what the recording does, and that is private.
    """
    with ExitStack() as files:
        raw = files.enter_context(open(path, "wb", opener=_open_private))
        compressed = files.enter_context(gzip.open(raw, "wb")) if path.endswith(".gz") else raw
        file = files.enter_context(io.TextIOWrapper(compressed, encoding="utf-8"))
        for sample in samples:
            file.writelines(line + "\n" for line in sample_lines(sample))


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def sample_lines(sample: Sample) -> Iterator[str]:
    """Encode one sample as JSON lines: its run header, its events, then the sample."""
    return map(_json, sample_documents(sample))


def sample_documents(sample: Sample) -> Iterator[dict[str, Any]]:
    """Yield the documents of one sample: its run header, its events, then the sample.

    The fields of the only host stand beside the others; hosts with names have an object each.
    """
    if sample.run is not None:
        yield {"schema": SCHEMA, "kind": "run"} | _to_document(sample.run) | fields_of(sample)
    for event in sample.events:
        fields = {
            "kind": event.kind,
            "severity": event.severity,
            "text": event.text,
            "worker": None if event.worker is None else event.worker.written,
        }
        yield {"t": event.t, "event": _present(fields) | dict(event.facts)}
    document: dict[str, Any] = {"t": sample.t}
    host = sample.host(ONLY_HOST)
    for field in SAMPLE_FIELDS:
        value = getattr(host if field.of_host else sample, field.name)
        if value is not None:
            document |= _written(field, value)
    named = {name: _of_host(reading) for name, reading in sample.hosts.items() if name != ONLY_HOST}
    yield document | {HOSTS_KEY: named} if named else document


def _of_host(reading: HostReading) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for field in SAMPLE_FIELDS:
        if field.of_host and (value := getattr(reading, field.name)) is not None:
            document |= _written(field, value)
    return document


def _written(field: SampleField, value: Any) -> dict[str, Any]:
    """Encode a field by its form. Empty maps are left out; an empty list of readings stays."""
    written: dict[str, Any]
    match field.form:
        case "one":
            written = {field.name: _to_document(value)}
        case "several":
            return {field.name: [_to_document(each) for each in value]}
        case "number":
            written = {field.name: value}
        case "exits":
            written = {field.name: [_to_document(each) for each in value] or None}
        case "workers":
            written = {field.name: {str(ref.written): _observation(seen) for ref, seen in value.items()} or None}
        case "environments":
            written = {
                "env": {str(ref.written): env.values for ref, env in value.items() if env.values is not None} or None,
                "env_errors": {str(ref.written): env.error for ref, env in value.items() if env.values is None}
                or None,
            }
        case "lines":
            written = {field.line_key: {str(ref.written): lines for ref, lines in value.items()} or None}
    return _present(written)


def _observation(seen: Observation) -> dict[str, Any]:
    named = zip(seen.__struct_fields__, astuple(seen), strict=True)
    fields = {name: value for name, value in named if value is not None}
    if seen.status is not None:
        of_status = seen.status.fields
        fields["status"] = of_status if type(of_status) is dict else dict(of_status)
    return fields


def fields_of(sample: Sample) -> dict[str, Any]:
    """Return the observable fields, where the recorder saw only part of each status."""
    for seen in sample.workers.values():
        if seen.status is not None and seen.status.observable is not None:
            return {"fields": sorted(seen.status.observable)}
    return {}


def _to_document(thing: Any) -> dict[str, Any]:
    """Return the fields of a Struct that are not None. A worker is its slot, at the same place among the others."""
    return {
        SLOT_KEY if name == "worker" else name: value if type(value) in _PLAIN else _plain(value)
        for name, value in zip(thing.__struct_fields__, astuple(thing), strict=True)
        if value is not None
    }


def _plain(value: Any) -> Any:
    return value.slot if isinstance(value, WorkerRef) else msgspec.to_builtins(value)


def _present(tree: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in tree.items() if value is not None}


def _json(tree: dict[str, Any]) -> str:
    return json.dumps(tree, ensure_ascii=False, separators=(",", ":"), default=_bad)


def _bad(value: Any) -> Any:
    """Write a bad number as its original literal; the reader marks it bad again."""
    if not isinstance(value, BadValue):
        raise TypeError(f"not JSON: {value!r}")
    if value.why == "nan":
        return math.nan
    if value.why == "infinite":
        return -math.inf if value.text.startswith("-") else math.inf
    # A very long integer is valid JSON: write its kept digits.
    return int(value.text) if value.why == "too large" and INTEGER.fullmatch(value.text) else value.text
