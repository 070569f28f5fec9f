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
from dataclasses import replace
from typing import Any

import msgspec

from metabonk_tui.core.model.sample import BadValue, Observation, Sample
from metabonk_tui.core.model.sample_fields import SAMPLE_FIELDS, SLOT_KEY, SampleField

SCHEMA = 1
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

    Raises ValueError for a Sample of another host than the only one: its readings would be lost.
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
    for field in SAMPLE_FIELDS:
        document |= _written(field, getattr(sample.only_host if field.of_host else sample, field.name))
    yield document


def _written(field: SampleField, value: Any) -> dict[str, Any]:
    """Encode a field by its form. None and empty maps are left out; an empty list of readings stays."""
    if value is None:
        return {}
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
            written = {"logs": {str(ref.written): lines for ref, lines in value.items()} or None}
    return _present(written)


def _observation(seen: Observation) -> dict[str, Any]:
    fields = _to_document(replace(seen, status=None))
    return fields if seen.status is None else {"status": dict(seen.status.fields)} | fields


def fields_of(sample: Sample) -> dict[str, Any]:
    """Return the observable fields, where the recorder saw only part of each status."""
    for seen in sample.workers.values():
        if seen.status is not None and seen.status.observable is not None:
            return {"fields": sorted(seen.status.observable)}
    return {}


def _to_document(thing: Any) -> dict[str, Any]:
    document = _present(msgspec.to_builtins(thing))
    if (worker := getattr(thing, "worker", None)) is None:
        return document
    # The key keeps its place among the others, as recordings of earlier versions have it.
    document["worker"] = worker.slot
    return {(SLOT_KEY if key == "worker" else key): value for key, value in document.items()}


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
