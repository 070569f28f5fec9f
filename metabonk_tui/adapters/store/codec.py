"""Converts Samples to lines and back without loss: whole documents, or the changes since the previous line.

Does not: know the fields of a Sample. `jsonl_writer` and `jsonl_reader` do.
"""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from metabonk_tui.adapters.recordings.jsonl_reader import SampleReader
from metabonk_tui.adapters.recordings.jsonl_writer import fields_of, sample_documents
from metabonk_tui.adapters.recordings.lenient import Problem
from metabonk_tui.core.model.sample import BadValue, Sample
from metabonk_tui.core.text.clean import clean_text

BAD = "\x00"
"""The key of a bad value: cleaned text never contains this character."""
BIG = b" "
"""The first byte of a line with a number too long for msgspec; json decodes it."""

MAX_CHUNK_BYTES = 128_000_000
"""Bytes of a decompressed chunk; `run_file` closes one beyond 4 MB, and one line has at most 64 MB."""

LineDelta = tuple[list[str], dict[str, Any], dict[str, Any]]
"""(removed keys, keys with a new value, keys with changes below them); in a list the keys are indexes"""


class Encoder:
    """Encodes samples in order. A line depends on the lines before it, back to the last whole one."""

    def __init__(self) -> None:
        self._last: Mapping[str, Any] | None = None

    def forget(self) -> None:
        """Write the next line whole."""
        self._last = None

    def line(self, sample: Sample) -> bytes:
        """Encode one sample, as a delta when a previous line exists."""
        *preceding, frame = sample_documents(sample)
        last, self._last = self._last, frame
        if last is None:
            return _json({"told": preceding, "whole": frame} | fields_of(sample))
        return _json([preceding, make_delta(last, frame)] if preceding else [make_delta(last, frame)])


def samples(lines: Iterable[bytes], problems: list[Problem], name: str = "recording") -> Iterator[Sample]:
    """Decode lines; the first must be a whole one. Raises ValueError on a damaged line."""
    reader = SampleReader(name, problems)
    frame: Any = None
    for line in lines:
        try:
            tree = _tree(line)
            if isinstance(tree, dict):
                preceding, frame = tree["told"], tree["whole"]
                reader.observe_only(tree.get("fields"))
            elif frame is None:
                raise ValueError("changes of nothing")
            else:
                preceding, frame = (tree[0] if len(tree) == 2 else ()), apply_delta(frame, tree[-1])
            made = [sample for document in (*preceding, frame) for sample in reader.take(document)]
        except (LookupError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError("a damaged line") from error
        yield from made


def pack_lines(lines: Iterable[bytes]) -> bytes:
    """Compress lines into one chunk."""
    return lzma.compress(b"\n".join(lines), preset=1)


def unpack_lines(packed: bytes) -> list[bytes]:
    """Decompress a chunk. Raises LZMAError; ValueError for a chunk that is cut or grows beyond `MAX_CHUNK_BYTES`."""
    decompressor = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MAX_CHUNK_BYTES)
    lines = decompressor.decompress(packed, MAX_CHUNK_BYTES)
    if not decompressor.eof or decompressor.unused_data:
        raise ValueError("a damaged or too big chunk")
    return lines.split(b"\n")


def make_delta(old: Mapping[str, Any], new: Mapping[str, Any]) -> LineDelta:
    """Return the difference from `old` to `new`."""
    removed = [key for key in old if key not in new]
    put: dict[str, Any] = {}
    below: dict[str, Any] = {}
    for key, value in new.items():
        before = old.get(key, BAD)
        if before is value or (before == value and type(before) is type(value) and not isinstance(value, _DEEP)):
            continue
        if isinstance(value, dict) and isinstance(before, dict):
            if any(inner := make_delta(before, value)):
                below[key] = inner
        elif isinstance(value, _ROWS) and isinstance(before, _ROWS) and len(value) == len(before):
            if any(inner := make_delta(_places(before), _places(value))):
                below[key] = inner
        else:
            put[key] = value
    return removed, put, below


def apply_delta(old: Any, difference: LineDelta) -> Any:
    """Return the new tree; `old` is unchanged."""
    removed, put, below = difference
    new = _places(old) if isinstance(old, list) else dict(old)
    for key in removed:
        del new[key]
    new.update(put)
    for key, inner in below.items():
        new[key] = apply_delta(new[key], inner)
    return list(new.values()) if isinstance(old, list) else new


_ROWS = (list, tuple)
_DEEP = (dict, list, tuple)
"""Types that can compare equal with 1 in place of 1.0."""


def _places(row: Iterable[Any]) -> dict[str, Any]:
    return {str(place): value for place, value in enumerate(row)}


def _json(tree: Any) -> bytes:
    tree = _marked(tree)
    try:
        return _encoder.encode(tree)
    except OverflowError:
        return BIG + json.dumps(tree, separators=(",", ":")).encode()


def _tree(line: bytes) -> Any:
    try:
        tree = json.loads(line) if line.startswith(BIG) else msgspec.json.decode(line)
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from None
    # Text was cleaned before it was written. A line that another program wrote may have characters for a terminal.
    return tree if line.isascii() and b"\\u" not in line and b"\x7f" not in line else _restored(tree)


def _marked(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _marked(value) for key, value in tree.items()}
    if isinstance(tree, _ROWS):
        return [_marked(value) for value in tree]
    return {BAD: [tree.why, tree.text]} if isinstance(tree, BadValue) else tree


def _restored(tree: Any) -> Any:
    if isinstance(tree, str):
        return tree if tree.isprintable() else clean_text(tree, len(tree))
    if isinstance(tree, dict):
        if BAD in tree:
            return BadValue(*_restored(tree[BAD]))
        return {_restored(key): _restored(value) for key, value in tree.items()}
    return [_restored(value) for value in tree] if isinstance(tree, list) else tree


_encoder = msgspec.json.Encoder()
