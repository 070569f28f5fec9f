"""Encodes values of the core to bytes, and decodes them by the type annotations of one declared type.

Does not: read a name of code from the bytes. Bytes that do not fit the annotations give ValueError.
"""

from __future__ import annotations

import functools
import hashlib
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, TypeVar

import msgspec

from metabonk_tui.core.model.sample import BadValue

T = TypeVar("T")
Visit = Callable[[Any, list[dict[str, Any]]], None]
"""Appends the open mappings inside a value to a list, in a fixed order."""

PLAIN = frozenset({str, int, float, bool, type(None)})
BAD_VALUE, TUPLE = 1, 2
"""Codes of the two kinds of values that an open mapping may hold besides JSON."""


class ValueCodec(Generic[T]):
    """Encodes and decodes values of one type.

    Almost everything is encoded and decoded by annotation. A mapping to `Any` is open: its annotation cannot restore
    a `BadValue` or a tuple. Each open mapping that has one is written a second time, by position, with marks.
    """

    def __init__(self, kind: type[T]) -> None:
        """Read the annotations of `kind`. Raises TypeError for an annotation that cannot be decoded."""
        self._decoder = msgspec.msgpack.Decoder(tuple[kind, list[tuple[int, Any]]], ext_hook=_unmarked)  # type: ignore[valid-type]
        self._visit = _visit(kind)
        self.fingerprint = _fingerprint(kind)
        """Differs between two versions of the types that do not read each other's bytes."""

    def encode(self, value: T) -> bytes:
        """Encode a value. Raises ValueError when it holds anything that cannot be decoded equal."""
        try:
            marked = [(place, _marked(each)) for place, each in enumerate(self._open(value)) if not _is_plain(each)]
            return msgspec.msgpack.encode((value, marked))
        except (TypeError, OverflowError, RecursionError) as error:
            raise ValueError(f"cannot be stored: {error}") from error

    def decode(self, encoded: bytes) -> T:
        """Decode a value. Raises ValueError for bytes of anything else."""
        try:
            value, marked = self._decoder.decode(encoded)
            if marked:
                places = self._open(value)
                for place, fields in marked:
                    found = places[place] if place >= 0 else None
                    if found is None or not isinstance(fields, dict) or fields.keys() != found.keys():
                        raise ValueError("its open values do not match")
                    found.update(fields)
        except (msgspec.MsgspecError, TypeError, LookupError, RecursionError, MemoryError) as error:
            raise ValueError(str(error) or type(error).__name__) from error
        return typing.cast(T, value)

    def _open(self, value: T) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        self._visit(value, found)
        return found


def _is_plain(value: Any) -> bool:
    """Return whether JSON has this value: an annotation of `Any` then restores it."""
    kind = type(value)
    if kind in PLAIN:
        return True
    if kind is dict:
        return all(type(key) is str and _is_plain(each) for key, each in value.items())
    return kind is list and all(map(_is_plain, value))


def _marked(value: Any) -> Any:
    if isinstance(value, BadValue):
        return msgspec.msgpack.Ext(BAD_VALUE, msgspec.msgpack.encode(value))
    if isinstance(value, tuple):
        return msgspec.msgpack.Ext(TUPLE, msgspec.msgpack.encode([_marked(each) for each in value]))
    if isinstance(value, Mapping):
        if not all(type(key) is str for key in value):
            raise TypeError("a key that is no text in an open mapping")
        return {key: _marked(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_marked(each) for each in value]
    if isinstance(value, str):
        return str(value)
    if type(value) not in PLAIN:
        raise TypeError(f"a {type(value).__name__} in an open mapping")
    return value


def _unmarked(code: int, encoded: memoryview) -> Any:
    if code == BAD_VALUE:
        return _bad_values.decode(encoded)
    if code == TUPLE:
        return tuple(_lists.decode(encoded))
    raise ValueError(f"an unknown mark: {code}")


def _visit_nothing(value: Any, found: list[dict[str, Any]]) -> None:
    """Find no open mapping."""


def _visit(hint: Any) -> Visit:
    """Return how to reach the open mappings below an annotation."""
    if not _has_open(hint):
        return _visit_nothing
    if hint is Any:
        return _visit_untyped
    if _is_open(hint):
        return _visit_open
    if _is_record(hint):
        return functools.partial(_visit_record, hint)
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return functools.partial(_visit_union, [(part, _visit(part)) for part in parts if _has_open(part)])
    if _is_mapping(hint):
        return functools.partial(_visit_values, _visit(parts[1]))
    if origin is tuple and parts[1:] != (...,):
        return functools.partial(_visit_places, [_visit(part) for part in parts])
    return functools.partial(_visit_each, _visit(parts[0]))


def _visit_open(value: Any, found: list[dict[str, Any]]) -> None:
    found.append(value)


def _visit_untyped(value: Any, found: list[dict[str, Any]]) -> None:
    """Refuse what no annotation and no mark can restore."""
    if not _is_plain(value):
        raise TypeError(f"a {type(value).__name__} without an annotation")


def _visit_record(record: Any, value: Any, found: list[dict[str, Any]]) -> None:
    for name, visit in _visits(record):
        visit(getattr(value, name), found)


def _visit_union(options: list[tuple[Any, Visit]], value: Any, found: list[dict[str, Any]]) -> None:
    for part, visit in options:
        if isinstance(value, typing.get_origin(part) or part):
            visit(value, found)


def _visit_values(visit: Visit, value: Any, found: list[dict[str, Any]]) -> None:
    for each in value.values():
        visit(each, found)


def _visit_each(visit: Visit, value: Any, found: list[dict[str, Any]]) -> None:
    for each in value:
        visit(each, found)


def _visit_places(visits: list[Visit], value: Any, found: list[dict[str, Any]]) -> None:
    for visit, each in zip(visits, value, strict=True):
        visit(each, found)


@functools.cache
def _visits(record: Any) -> list[tuple[str, Visit]]:
    """Return the fields of a record that hold open mappings. Cached, because records may contain each other."""
    return [(name, _visit(hint)) for name, hint in _fields(record).items() if _has_open(hint)]


def _is_record(hint: Any) -> bool:
    return isinstance(hint, type) and (issubclass(hint, msgspec.Struct) or hasattr(hint, "_fields"))


def _is_mapping(hint: Any) -> bool:
    origin = typing.get_origin(hint)
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _is_open(hint: Any) -> bool:
    return _is_mapping(hint) and typing.get_args(hint)[1] is Any


@functools.cache
def _has_open(hint: Any) -> bool:
    return any(each is Any for each in _below(hint))


def _below(hint: Any) -> Iterator[Any]:
    """Yield an annotation and every annotation below it, each record once."""
    waiting, seen = [hint], set()
    while waiting:
        hint = waiting.pop()
        yield hint
        if _is_record(hint):
            if hint in seen:
                continue
            seen.add(hint)
            waiting += _fields(hint).values()
        elif typing.get_origin(hint) is not typing.Literal:
            waiting += (part for part in typing.get_args(hint) if part is not ...)


@functools.cache
def _fields(record: Any) -> Mapping[str, Any]:
    return typing.get_type_hints(record)


def _fingerprint(kind: type[Any]) -> bytes:
    """Hash every record below a type: its name, its fields and their annotations."""
    records = {each for each in _below(kind) if _is_record(each)}
    text = sorted(f"{each.__qualname__}: {_fields(each)}" for each in records)
    return hashlib.sha256("\n".join(text).encode()).digest()


_bad_values = msgspec.msgpack.Decoder(BadValue)
_lists = msgspec.msgpack.Decoder(list[Any], ext_hook=_unmarked)
