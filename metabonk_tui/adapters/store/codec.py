"""Converts Samples to lines and back without loss: whole documents, or the changes since the previous line.

Does not: know the fields of a Sample. `jsonl_writer` and `jsonl_reader` do.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterable, Iterator
from math import isfinite
from typing import Any

import msgspec

from metabonk_tui.adapters.recordings.jsonl_writer import fields_of, sample_documents
from metabonk_tui.adapters.recordings.lenient import Problem
from metabonk_tui.adapters.store.line_reader import LineReader
from metabonk_tui.adapters.store.places import Differences
from metabonk_tui.core.model.sample import BadValue, Sample
from metabonk_tui.core.text.clean import clean_text

BAD = "\x00"
"""The key of a bad value: cleaned text never contains this character."""
BIG = b" "
"""The first byte of a line with a number too long for msgspec; json decodes it."""


class Encoder:
    """Encodes samples in order. A line depends on the lines before it, back to the last whole one."""

    def __init__(self) -> None:
        self._last: dict[str, Any] | None = None
        self._differences = Differences()

    def forget(self) -> None:
        """Write the next line whole."""
        self._last = None

    def line(self, sample: Sample) -> bytes:
        """Encode one sample, as the changes since the previous one if it exists."""
        *preceding, frame = sample_documents(sample)
        last, self._last = self._last, frame
        if last is None:
            self._differences.clear()
            return _json_of_whole({"told": preceding, "whole": frame} | fields_of(sample))
        groups = self._differences.groups(last, frame)
        numbers: list[float] = []
        changes = [_without_numbers(group, numbers) for group in groups]
        if not all(map(isfinite, numbers)):
            numbers, changes = [], list(map(_marked_group, groups))
        line = _json({"told": _marked(preceding), "changes": changes} if preceding else {"changes": changes})
        if not numbers:
            return line
        packed = struct.pack(f"<{len(numbers)}d", *numbers)
        return b"%b\n%b%b" % (line, packed, _CHECK.pack(zlib.crc32(packed, zlib.crc32(line))))


def samples(lines: Iterable[bytes], problems: list[Problem], name: str = "recording") -> Iterator[Sample]:
    """Decode lines; the first must be a whole one. Raises ValueError on a damaged line."""
    reader = LineReader(name, problems)
    for line in lines:
        try:
            text, _, packed = line.partition(b"\n")
            made = list(reader.read(_tree(text), _numbers(text, packed)))
        except (LookupError, TypeError, AttributeError, RecursionError, struct.error) as error:
            raise ValueError("a damaged line") from error
        yield from made


def _numbers(text: bytes, packed: bytes) -> list[float]:
    """Return the numbers that a line leaves out, the last one first. Raises ValueError, struct.error on damage."""
    if not packed:
        return []
    count = len(packed) // _CHECK.size - 1
    *numbers, check = struct.unpack(f"<{count}dQ", packed)
    # Every 8 bytes are some number, so damage would not be noticed as it is in text.
    if zlib.crc32(packed[: -_CHECK.size], zlib.crc32(text)) != check or not all(map(isfinite, numbers)):
        raise ValueError("other numbers than were written")
    numbers.reverse()
    return numbers


def _json(tree: Any) -> bytes:
    try:
        return _encoder.encode(tree)
    except OverflowError:
        return BIG + json.dumps(tree, separators=(",", ":")).encode()


def _json_of_whole(tree: dict[str, Any]) -> bytes:
    """Encode a whole document. Only one with a bad value is copied: with 1000 workers it has 150 000 values."""
    try:
        line = _encoder.encode(tree)
    except OverflowError:
        return _json(_marked(tree))
    # A bad value is encoded as an object with its fields.
    return line if b'"why"' not in line else _json(_marked(tree))


def _tree(line: bytes) -> Any:
    try:
        tree = json.loads(line) if line.startswith(BIG) else msgspec.json.decode(line)
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from None
    # Text was cleaned before it was written. A line that another program wrote may have characters for a terminal.
    return tree if line.isascii() and b"\\u" not in line and b"\x7f" not in line else _restored(tree)


def _without_numbers(group: list[Any], numbers: list[float]) -> list[Any]:
    """Return a group with null in place of its floating-point numbers, which are added to `numbers`."""
    at, what, *values = group
    if len(values) == 1 and type(what) is int and type(values[0]) in _WITHOUT_NULL:
        if type(values[0]) is not float:
            return group
        numbers.append(values[0])
        return [at, -what, None]
    kinds = set(map(type, values))
    if float not in kinds or not kinds <= _WITHOUT_NULL or not (type(what) is int or type(what) is list):
        return _marked_group(group)
    numbers += [value for value in values if type(value) is float]
    bits = [-what[0], what[1]] if isinstance(what, list) else -what
    return [at, bits, *[None if type(value) is float else value for value in values]]


def _marked_group(group: list[Any]) -> list[Any]:
    for value in group[2:]:
        if type(value) not in _PLAIN:
            return [*group[:2], *map(_marked, group[2:])]
    return group


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
_CHECK = struct.Struct("<Q")
"""The CRC-32 of a line, as long as one of its numbers."""
_ROWS = (list, tuple)
_WITHOUT_NULL = frozenset({str, int, float, bool})
_PLAIN = _WITHOUT_NULL | {type(None)}
