"""Declares the form of a fault. `rows` has the faults, and `table` has all of them."""

from __future__ import annotations

from typing import NamedTuple


class Fault(NamedTuple):
    """One line of the table: what is injected, what the monitor promises, and which tests show it."""

    id: str
    fault: str
    injected: str
    promised: str
    tests: tuple[str, ...]
    """Tests of pytest, from `tests/` on. All their parameters belong to the fault."""
    twin: tuple[str, ...] = ()
    """Tests that show the same without the machine's help, for where `tests` are skipped."""


def tests(file: str, *names: str) -> tuple[str, ...]:
    """Name tests of one file."""
    return tuple(f"tests/{file}.py::{name}" for name in names)
