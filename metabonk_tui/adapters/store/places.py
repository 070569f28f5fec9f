"""Applies the changes of a stored line to the document of the line before it, and reports what changed.

A place is an object or list within the document. Keys that change get bits, so that one number names all of a line.
Does not: know the fields of a Sample.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import compress
from operator import is_not
from typing import Any

import msgspec
from msgspec import Struct, field

MAX_DEPTH = 64
"""Keys from the root to a place. A status has 16 levels at most."""
MAX_NUMBERED = 62
"""Keys with a number at one kind of place: their bits fit a JSON integer."""

Path = tuple[str, ...]


class KeyNumbers(Struct):
    """The keys that have changed at one kind of place, in the order of their first change."""

    numbers: dict[str, int] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    bit_of: dict[str, int] = field(default_factory=dict)
    """The bit of each number."""
    twins: dict[int, int] = field(default_factory=dict)
    """Key → an earlier key that had the same value at its first change: often one quantity under two names."""
    of_bits: dict[int, tuple[str, ...]] = field(default_factory=dict)
    """What `keys` has returned."""
    _of_twins: dict[int, list[tuple[str, str]]] = field(default_factory=dict)

    def add(self, name: str, twin: str | None = None) -> None:
        if name not in self.numbers and len(self.names) < MAX_NUMBERED:
            if twin is not None:
                self.twins[len(self.names)] = self.numbers[twin]
            self.numbers[name] = len(self.names)
            self.bit_of[name] = 1 << len(self.names)
            self.names.append(name)

    def keys(self, bits: int) -> tuple[str, ...]:
        """Return the keys of a set of bits, lowest first. Raises IndexError for a bit without a key."""
        found = self.of_bits.get(bits)
        if found is None:
            if not 0 <= bits < 1 << MAX_NUMBERED:
                raise IndexError(bits)
            found = tuple(compress(self.names, f"{bits:b}"[::-1].encode().translate(_SELECTORS)))
            if bits.bit_length() > len(self.names):
                raise IndexError(bits)
            self.of_bits[bits] = found
        return found

    def twin_pairs(self, bits: int) -> list[tuple[str, str]]:
        """Return each key of a set of bits with its twin. Raises IndexError, KeyError for bits that no line has."""
        found = self._of_twins.get(bits)
        if found is None:
            found = [(key, self.names[self.twins[self.numbers[key]]]) for key in self.keys(bits)]
            self._of_twins[bits] = found
        return found


class TreePlace:
    """One object or list of the document."""

    __slots__ = ("_below", "_encoded", "_index", "_line", "_name", "keys", "kind", "node", "number", "parent", "path")

    def __init__(self, path: Path, parent: TreePlace | None, keys: KeyNumbers) -> None:
        self.path = path
        self._name = path[-1] if path else ""
        self._index = int(self._name) if self._name.isdecimal() else -1
        self.parent = parent
        self.keys = keys
        """Shared by places that differ only in a number: the workers have the same keys."""
        self.number: int | None = None
        self.kind: int | None = None
        """What the reader remembers of the place."""
        self.node: Any = None
        self._line = -1
        self._below: dict[str, TreePlace] = {}
        self._encoded: dict[str, tuple[Any, bytes]] = {}
        """Values that are no plain ones, and their encoding: comparing that is cheaper, and sees 1 and 1.0 apart."""

    def open(self, line: int) -> Any:
        """Return the place's object or list, copied once a line: earlier Samples keep theirs."""
        if self._line == line:
            return self.node
        above = self.parent
        assert above is not None
        parent = above.node if above._line == line else above.open(line)
        key: Any = self._name
        if type(parent) is list:
            key = self._index
            if key < 0:
                raise ValueError("a change below no entry of a list")
        node = parent[key]
        if type(node) is not dict and type(node) is not list:
            raise TypeError("a change below no object")
        self.node = parent[key] = node = node.copy()
        self._line = line
        return node

    def has_same(self, key: str, before: Any, value: Any) -> bool:
        """Return whether two values at a key are written alike. 1, 1.0 and true are equal but not alike.

        False where a change was found below before: it changes again, so encoding all of it would be in vain.
        """
        if key in self._below:
            return False
        try:
            known, of_known = self._encoded.get(key, _NOT_ENCODED)
            encoded = _encode(value)
            self._encoded[key] = value, encoded
            if encoded != (of_known if known is before else _encode(before)):
                return False
        except OverflowError:
            self._encoded.pop(key, None)
            return False  # a number that msgspec does not encode; then each key is compared
        # A bad value is encoded like an object with its fields.
        return b"why" not in encoded or bool(before == value)

    def set(self, node: Any, line: int) -> None:
        self.node, self._line = node, line


class Places:
    """The places of a document that changed since the last whole line, and their numbers."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget all numbers: the next line is whole."""
        self._kinds: dict[Path, KeyNumbers] = {}
        self.by_number: list[TreePlace] = []
        self.root = TreePlace((), None, self._kinds.setdefault((), KeyNumbers()))

    def below(self, place: TreePlace, key: str) -> TreePlace:
        """Return the place at a key of another place."""
        found = place._below.get(key)
        if found is None:
            path = (*place.path, key)
            if len(path) > MAX_DEPTH:
                raise ValueError("a change too deep")
            kind = tuple("#" if part.isdecimal() else part for part in path)
            found = TreePlace(path, place, self._kinds.setdefault(kind, KeyNumbers()))
            place._below[key] = found
        return found

    def at(self, path: list[str]) -> TreePlace:
        place = self.root
        for key in path:
            place = self.below(place, key)
        return place

    def numbered(self, number: int) -> TreePlace:
        """Return the place of a number. Raises IndexError."""
        if number < 0:
            raise IndexError(number)
        return self.by_number[number]

    def give_number(self, place: TreePlace) -> None:
        place.number = len(self.by_number)
        self.by_number.append(place)


Change = tuple[TreePlace, Sequence[str], dict[str, Any]]
"""What one line changes at one place: (place, removed keys, keys with a new value). Plain: it is made most often."""


def of_groups(places: Places, groups: list[list[Any]], numbers: list[float]) -> Iterator[Change]:
    """Yield the changes of a line: each group has a place, what follows, and the values.

    A place is its number, or at its first change its path. Bits name the keys of the values; of two numbers, the
    second has the bits of keys that have the value of their twin. A text is the name of one key at its first change,
    with its value, and its twin if it has one. null: the keys that follow are removed.

    Bits below zero are those of keys whose null stands for the next of `numbers`, which is taken from their end.
    """
    take, by_number = numbers.pop, places.by_number
    for at, what, *values in groups:
        if type(at) is list:
            place = places.at(at)
            places.give_number(place)
        else:
            place = by_number[at] if at >= 0 else places.numbered(at)
        if len(values) == 1 and type(what) is int:
            # Two of three groups have one value.
            value = values[0]
            if what < 0:
                what = -what
                if value is None:
                    value = take()
            (key,) = place.keys.of_bits.get(what) or place.keys.keys(what)
            yield place, _NOTHING, {key: value}
            continue
        if what is None:
            yield place, values, {}
            continue
        if type(what) is str:
            value, *twin = values
            place.keys.add(what, *twin)
            yield place, _NOTHING, {what: value}
            continue
        bits, of_twins = what if type(what) is list else (what, 0)
        if bits < 0:
            bits = -bits
            values = [take() if value is None else value for value in values]
        keys = place.keys.of_bits.get(bits) or place.keys.keys(bits)
        if len(keys) != len(values):
            raise ValueError("other keys than values")
        put = dict(zip(keys, values))  # noqa: B905 - the lengths are equal
        if of_twins:
            for key, other in place.keys.twin_pairs(of_twins):
                put[key] = put[other]
        yield place, _NOTHING, put
    if numbers:
        raise ValueError("more numbers than the line leaves out")


def of_delta(places: Places, place: TreePlace, delta: list[Any]) -> Iterator[Change]:
    """Yield the changes of a line of schema 1: (removed keys, keys with a new value, keys with changes below)."""
    removed, put, below = delta
    if removed or put:
        yield place, removed, put
    for key, inner in below.items():
        yield from of_delta(places, places.below(place, key), inner)


def apply(change: Change, line: int) -> Any:
    """Carry out a change; return the changed object or list."""
    place, removed, put = change
    node = place.open(line)
    if type(node) is list:
        if removed:
            raise ValueError("an entry removed from a list")
        for key, value in put.items():
            node[int(key)] = value
        return node
    for key in removed:
        del node[key]
    node.update(put)
    return node


class Differences:
    """Finds the groups that lead from one document to the next."""

    def __init__(self) -> None:
        self._places = Places()

    def clear(self) -> None:
        self._places.clear()

    def groups(self, old: dict[str, Any], new: dict[str, Any]) -> list[list[Any]]:
        found: list[list[Any]] = []
        self._compare(self._places.root, old, new, found)
        return found

    def _compare(self, place: TreePlace, old: dict[str, Any], new: dict[str, Any], found: list[list[Any]]) -> None:
        put: dict[str, Any] = {}
        added = 0
        keys: Iterable[str] = new
        if list(old) == list(new):
            # The usual case: most values are the same objects.
            keys = compress(new, map(is_not, old.values(), new.values()))
        for key in keys:
            before, value = old.get(key, _MISSING), new[key]
            kind = type(value)
            if kind is type(before) and kind in _PLAIN:
                if value != before or (not value and kind is float and repr(value) != repr(before)):
                    put[key] = value
            elif kind in _PLAIN or before is _MISSING:
                added += before is _MISSING
                put[key] = value
            elif place.has_same(key, before, value):
                continue
            elif kind is dict and type(before) is dict:
                self._compare(self._places.below(place, key), before, value, found)
            elif kind in _ROWS and type(before) in _ROWS and len(value) == len(before):
                self._compare(self._places.below(place, key), _by_index(before), _by_index(value), found)
            else:
                put[key] = value
        if len(old) + added != len(new):
            removed = [key for key in old if key not in new]
            found.append([self._name(place), None, *removed])
        if put:
            self._add(place, put, found)

    def _add(self, place: TreePlace, put: dict[str, Any], found: list[list[Any]]) -> None:
        bit_of = place.keys.bit_of
        named: list[str] = []
        try:
            bits = sum(map(bit_of.__getitem__, put))
        except KeyError:
            named = [key for key in put if key not in bit_of]
            bits = sum(bit_of[key] for key in put if key in bit_of)
        if bits:
            of_twins = _with_value_of_twin(place.keys, bits, put)
            values = [put[key] for key in place.keys.keys(bits ^ of_twins)]
            found.append([self._name(place), [bits ^ of_twins, of_twins] if of_twins else bits, *values])
        for key in named:
            value = put[key]
            twin = _twin(place.keys, value, put) if type(value) is float else None
            found.append([self._name(place), key, value] if twin is None else [self._name(place), key, value, twin])
            place.keys.add(key, twin)

    def _name(self, place: TreePlace) -> int | list[str]:
        if place.number is None:
            self._places.give_number(place)
            return list(place.path)
        return place.number


def _with_value_of_twin(keys: KeyNumbers, bits: int, put: dict[str, Any]) -> int:
    """Return the bits of the keys whose value is that of their twin, which changes too."""
    found = 0
    for number, twin in keys.twins.items():
        if bits >> number & bits >> twin & 1:
            value, other = put[keys.names[number]], put[keys.names[twin]]
            # A twin is never left out itself, so its value is in the line.
            if type(value) is float and type(other) is float and value == other != 0.0:
                found |= 1 << number
    return found


def _twin(keys: KeyNumbers, value: float, put: dict[str, Any]) -> str | None:
    """Return the first known key that changes to the same number and has no twin itself; None: there is none."""
    for key, other in put.items():
        number = keys.numbers.get(key)
        if (
            other == value
            and type(other) is float
            and value != 0.0
            and number is not None
            and number not in keys.twins
        ):
            return key
    return None


def _by_index(row: list[Any] | tuple[Any, ...]) -> dict[str, Any]:
    return {str(index): value for index, value in enumerate(row)}


_encode = msgspec.msgpack.Encoder().encode
_NOTHING: Sequence[str] = ()
_SELECTORS = bytes.maketrans(b"01", b"\x00\x01")
_MISSING: Any = object()
_NOT_ENCODED = (_MISSING, b"")
_PLAIN = frozenset({str, int, float, bool, type(None)})
_ROWS = (list, tuple)
