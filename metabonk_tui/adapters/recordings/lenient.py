"""Reads records from foreign files: a bad field does not lose the others, and each loss is reported.

Does not: know what the records mean.
"""

from __future__ import annotations

import functools
import typing
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

import msgspec

from metabonk_tui.adapters.recordings.unmasked import mask_texts
from metabonk_tui.core.model.refs import MAX_WORKERS, WorkerRef
from metabonk_tui.core.model.sample import BadValue
from metabonk_tui.core.model.sample_fields import SLOT_KEY

R = TypeVar("R")
MAX_T = 253_402_300_800.0
"""The year 10000: the upper limit of a valid time or duration."""
MAX_NUMBER = 2.0**63
"""The upper limit of every other number: what 64 bits hold."""
TIME_SUFFIXES = ("_t", "_s", "_at")
"""Names of times and durations end so."""


class Problem(msgspec.Struct, frozen=True):
    """A part of a file that could not be read."""

    file: str
    line: int | None
    what: str
    count: int = 1
    """How many problems this stands for."""

    def __str__(self) -> str:
        """Format as compilers do: file:line: problem."""
        return f"{self.file}:{self.line}: {self.what}" if self.line is not None else f"{self.file}: {self.what}"


MAX_LISTED = 100
"""Problems of one file that are kept; more are only counted."""


class FileProblems(msgspec.Struct):
    """Adds the problems of one file to a list: the first 100, and one that counts the others."""

    file: str
    into: list[Problem]
    count: int = 0
    _place: int = 0

    def add(self, line: int | None, what: str) -> None:
        self.count += 1
        if self.count <= MAX_LISTED:
            self.into.append(Problem(self.file, line, what))
            return
        others = self.count - MAX_LISTED
        if others == 1:
            self._place = len(self.into)
            self.into.append(Problem(self.file, None, ""))
        self.into[self._place] = Problem(self.file, None, f"{others} more problems", others)


def record(kind: type[R], found: Mapping[str, Any], problem: Callable[[str], None]) -> R | None:
    """Build a Struct from a JSON object, field by field. Returns None when a required field is missing.

    null counts as missing, and unknown keys are ignored. Negative numbers are rejected: every number here is a size,
    a count or a time. A worker is written as its slot.
    """
    hints, required, nullable = _fields(cast(Any, kind))
    found = mask_texts(found)
    values: dict[str, Any] = dict.fromkeys(nullable)
    for name, hint in hints.items():
        is_worker = hint == WorkerRef | None
        key = SLOT_KEY if is_worker else name
        value = found.get(key)
        if value is None:
            continue
        try:
            values[name] = (
                WorkerRef(slot=_convert(name, value, int | None)) if is_worker else _convert(name, value, hint)
            )
        except (msgspec.ValidationError, ValueError) as error:
            problem(f"{kind.__name__}.{key}: {error}")
    missing = [name for name in required if name not in values]
    if missing:
        problem(f"{kind.__name__} without {', '.join(missing)}; left out")
        return None
    return kind(**values)


def with_numbers(old: R, found: Mapping[str, Any], **others: Any) -> R | None:
    """Return a record with the numbers in `found`, and with `others`. None: `record` must look at the whole."""
    kind: Any = type(old)
    limits = _number_limits(kind)
    for name, value in found.items():
        wanted, most = limits.get(name, _NO_NUMBER)
        if type(value) is not wanted or not 0 <= value < most:  # type: ignore[operator]
            return None
    return _replace(old, **found, **others)  # type: ignore[type-var]


_replace = msgspec.structs.replace
_NO_NUMBER: tuple[type, float] = (type(None), 0.0)


@functools.cache
def _number_limits(kind: Any) -> dict[str, tuple[type, float]]:
    """Return the kind and the limit of the fields that only have to be a number."""
    plain: dict[Any, type[Any]] = {int: int, int | None: int, float: float, float | None: float}
    return {
        name: (plain[hint], MAX_T if name.endswith(TIME_SUFFIXES) else MAX_NUMBER)
        for name, hint in _fields(kind)[0].items()
        if hint in plain and name != "desired"
    }


def _convert(name: str, value: Any, hint: Any) -> Any:
    if isinstance(value, BadValue):
        raise ValueError(f"{value.why}: {value.text}")
    if isinstance(value, int | float) and not isinstance(value, bool):
        check_number(name, value)
    if isinstance(value, float) and value.is_integer() and hint in (int, int | None):
        value = int(value)
    return msgspec.convert(value, hint)


def check_number(name: str, value: float) -> None:
    """Raise ValueError for a number that no field of this name can have."""
    if value < 0:
        raise ValueError(f"negative: {value}")
    if name == "desired" and value > MAX_WORKERS:
        raise ValueError(f"{value:g} workers, more than {MAX_WORKERS}; left out")
    if name.endswith(TIME_SUFFIXES) and not value < MAX_T:
        raise ValueError(f"no time: {value:g}; left out")
    if not value < MAX_NUMBER:
        raise ValueError(f"too large: {value:g}")


@functools.cache
def _fields(kind: type[Any]) -> tuple[dict[str, Any], tuple[str, ...], tuple[str, ...]]:
    """Return the fields' types, the required fields, and the required fields that may be None."""
    hints = typing.get_type_hints(kind)
    required = tuple(field.name for field in msgspec.structs.fields(kind) if field.required)
    nullable = tuple(name for name in required if type(None) in typing.get_args(hints[name]))
    return hints, required, nullable
