"""A line that changes something reads as the whole document would: the same Sample, and the same problems."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from metabonk_tui.adapters.recordings.jsonl_reader import SampleReader
from metabonk_tui.adapters.recordings.lenient import Problem
from metabonk_tui.adapters.store import codec
from metabonk_tui.adapters.store.places import Differences
from metabonk_tui.core.model.sample import Sample

SECRET = "sk-live-abcdef0123456789abcdef"
Documents = list[dict[str, Any]]


def document(t: float, **more: Any) -> dict[str, Any]:
    return {
        "t": t,
        "workers": {
            slot: {"status": {"step": int(t), "note": "fine", "hparams": {"lr": 0.1}}, "latency_s": 0.001, "pid": 7}
            for slot in "01"
        },
        "memory": {"total_bytes": 100, "available_bytes": 50},
        "processes": [{"role": "worker", "rss_bytes": 5, "slot": slot, "pid": 7 + slot} for slot in range(2)],
        "pool": {"desired": 2},
        "lag_s": 0.0,
    } | more


def changed(change: Callable[[dict[str, Any]], Any]) -> Documents:
    """Return five documents, of which the third and fourth have a change."""
    found = [document(float(t)) for t in range(5)]
    change(found[2])
    change(found[3])
    return found


def status(found: dict[str, Any]) -> dict[str, Any]:
    return found["workers"]["1"]["status"]  # type: ignore[no-any-return]


CASES: dict[str, Documents] = {
    "nothing": changed(lambda d: None),
    "number of a worker": changed(lambda d: d["workers"]["1"].update(latency_s=0.5, pid=9)),
    "number of another kind": changed(lambda d: d["workers"]["1"].update(latency_s=1, pid=9.0)),
    "number below zero": changed(lambda d: d["workers"]["1"].update(latency_s=-1.0)),
    "time beyond all times": changed(lambda d: d["workers"]["1"].update(last_frame_t=1e15)),
    "text in place of a number": changed(lambda d: d["workers"]["1"].update(pid="9")),
    "secret in a status": changed(lambda d: status(d).update(api_key=SECRET, note=f"token={SECRET}")),
    "secret below a status": changed(lambda d: status(d)["hparams"].update(note=f"token={SECRET}")),
    "key less in a status": changed(lambda d: status(d).pop("note")),
    "status that is no object": changed(lambda d: d["workers"]["1"].update(status=3)),
    "error in place of a status": changed(lambda d: d["workers"].update({"1": {"error": "timeout"}})),
    "error beside a status": changed(lambda d: d["workers"]["1"].update(error="timeout")),
    "worker less": changed(lambda d: d["workers"].pop("1")),
    "worker more": changed(lambda d: d["workers"].update({"7": {"error": "refused"}})),
    "worker of no number": changed(lambda d: d["workers"].update({"x": {"error": "refused"}})),
    "worker written twice": changed(lambda d: d["workers"].update({"01": {"status": {"step": 9}}})),
    "worker that is no object": changed(lambda d: d["workers"].update({"1": 3})),
    "no workers": changed(lambda d: d.pop("workers")),
    "memory": changed(lambda d: d["memory"].update(available_bytes=10)),
    "memory below zero": changed(lambda d: d["memory"].update(available_bytes=-10)),
    "memory without a number": changed(lambda d: d["memory"].pop("available_bytes")),
    "no memory": changed(lambda d: d.pop("memory")),
    "only the time": changed(lambda d: [d.pop(key) for key in tuple(d) if key != "t"]),
    "process grows": changed(lambda d: d["processes"][1].update(rss_bytes=9)),
    "process of another slot": changed(lambda d: d["processes"][1].update(slot=3)),
    "process of no role": changed(lambda d: d["processes"][1].pop("role")),
    "process less": changed(lambda d: d["processes"].pop()),
    "gpus": changed(lambda d: d.update(gpus=[{"index": 0, "used_bytes": int(d["t"]), "total_bytes": 9}])),
    "pool": changed(lambda d: d["pool"].update(desired=3, launcher_pid=int(d["t"]))),
    "pool of too many workers": changed(lambda d: d["pool"].update(desired=100_000)),
    "operation": changed(lambda d: d["pool"].update(operation={"action": "stop", "started_at": d["t"], "steps": []})),
    "environment": changed(lambda d: d.update(env={"0": {"METABONK_X": "1"}}, env_errors={"1": "gone"})),
    "log": changed(lambda d: d.update(logs={"0": ["a line", f"key={SECRET}"]})),
    "exit": changed(lambda d: d.update(exits=[{"role": "worker", "exit": "-9", "slot": 1}])),
    "exit of no code": changed(lambda d: d.update(exits=[{"role": "worker", "exit": "x"}])),
    "unknown key": changed(lambda d: d.update(later={"a": d["t"]})),
    "lag": changed(lambda d: d.update(lag_s=0.5)),
    "lag below zero": changed(lambda d: d.update(lag_s=-0.5)),
    "time back": changed(lambda d: d.update(t=0.5)),
    "no time": changed(lambda d: d.pop("t")),
    "time as a whole number": changed(lambda d: d.update(t=int(d["t"]))),
    "terminal characters": changed(lambda d: status(d).update(note="a\x1b[31mb")),
    "bad value": changed(lambda d: d.update(lag_s={codec.BAD: ["nan", "NaN"]})),
    "bad value of a worker": changed(lambda d: d["workers"]["1"].update(pid={codec.BAD: ["nan", "NaN"]})),
    "bad value of a status": changed(lambda d: status(d).update(step={codec.BAD: ["nan", "NaN"]})),
}


def whole(documents: Documents) -> tuple[list[Sample], list[Problem]]:
    """Read each document with every check, as one of a foreign file."""
    problems: list[Problem] = []
    reader = SampleReader("recording", problems)
    restored = [codec._tree(msgspec.json.encode({"whole": document}))["whole"] for document in documents]
    return [sample for document in restored for sample in reader.take(document)], problems


def first_line(documents: Documents) -> bytes:
    return msgspec.json.encode({"told": [], "whole": documents[0]})


def in_groups(documents: Documents) -> list[bytes]:
    differences = Differences()
    return [
        first_line(documents),
        *(msgspec.json.encode({"changes": differences.groups(old, new)}) for old, new in pairwise(documents)),
    ]


def in_deltas(documents: Documents) -> list[bytes]:
    pairs = pairwise(documents)
    return [first_line(documents), *(msgspec.json.encode([delta(old, new)]) for old, new in pairs)]


def delta(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Any]:
    """Return what a line of schema 1 has."""
    put, below = {}, {}
    for key, value in new.items():
        before = old.get(key)
        if isinstance(value, dict) and isinstance(before, dict):
            below[key] = delta(before, value)
        elif isinstance(value, list) and isinstance(before, list) and len(value) == len(before):
            below[key] = delta(*({str(place): each for place, each in enumerate(row)} for row in (before, value)))
        elif key not in old or before != value or type(before) is not type(value):
            put[key] = value
    return [[key for key in old if key not in new], put, {key: inner for key, inner in below.items() if any(inner)}]


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("written", [in_groups, in_deltas])
def test_changes_read_as_the_whole_document(name: str, written: Callable[[Documents], list[bytes]]) -> None:
    problems: list[Problem] = []
    read = list(codec.samples(written(CASES[name]), problems))
    samples, expected = whole(CASES[name])
    assert read == samples
    assert [problem.what for problem in problems] == [problem.what for problem in expected]
    assert SECRET not in str(
        [seen.status for sample in read for seen in sample.workers.values() if "below" not in name]
    )


def test_a_sample_keeps_its_values_when_later_lines_change_them() -> None:
    documents = [document(float(t)) for t in range(3)]
    samples = list(codec.samples(in_groups(documents), []))
    first = samples[0].workers[next(iter(samples[0].workers))]
    assert first.status is not None
    assert first.status.fields["step"] == 0


@pytest.mark.parametrize(
    "line",
    [
        b'{"changes":[[0,1,2]]}',
        b'{"changes":7}',
        b'{"changes":[[["workers","0","status","step"],"x",1]]}',
        b'{"changes":[[["workers","9","status"],"x",1]]}',
        b'{"changes":[[["processes","7"],"rss_bytes",1]]}',
        b'{"changes":[[["processes","x"],"rss_bytes",1]]}',
        b'{"changes":[[[7],"rss_bytes",1]]}',
        b'{"told":[7],"changes":[]}',
        b'{"neither":1}',
        b"[[[],{}]]",
        b"[7]",
        b"[]",
        b"3",
    ],
)
def test_a_damaged_line_raises_a_value_error(line: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        list(codec.samples([first_line([document(0.0)]), line], []))


def test_changes_of_nothing_raise() -> None:
    with pytest.raises(ValueError, match="changes of nothing"):
        list(codec.samples([b'{"changes":[]}'], []))
