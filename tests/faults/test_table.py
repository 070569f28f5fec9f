"""The table of faults names tests that exist, and docs/reliability.md is that table."""

from __future__ import annotations

import ast
from functools import cache
from itertools import chain

import pytest

from tests.faults.fault import Fault
from tests.faults.table import BEGIN, DOCUMENT, END, FAULTS, between, markdown
from tests.support.paths import ROOT


@cache
def names_in(file: str) -> frozenset[str]:
    """Return the tests of a file, those of a class as Class::test."""
    found = []
    for node in ast.parse((ROOT / file).read_text()).body:
        inner = node.body if isinstance(node, ast.ClassDef) else []
        for one, prefix in chain([(node, "")], ((each, f"{node.name}::") for each in inner)):  # type: ignore[attr-defined]
            if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef):
                found.append(f"{prefix}{one.name}")
    return frozenset(found)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_every_test_of_a_fault_exists(fault: Fault) -> None:
    assert fault.tests
    for node in (*fault.tests, *fault.twin):
        file, _, name = node.partition("::")
        assert name in names_in(file), node


def test_an_id_is_there_once_and_there_are_as_many_as_promised() -> None:
    ids = [fault.id for fault in FAULTS]
    assert len(ids) == len(set(ids))
    assert len(ids) >= 80


def test_no_text_of_the_table_breaks_the_table() -> None:
    assert not [one for one in FAULTS if "|" in one.fault + one.injected + one.promised]


def test_the_document_is_the_table() -> None:
    assert between(DOCUMENT.read_text(), BEGIN, END) == markdown(), "python -m tests.faults --write"


def test_every_new_fault_is_in_the_table() -> None:
    listed = {node for fault in FAULTS for node in (*fault.tests, *fault.twin)}
    folder = ROOT / "tests" / "faults"
    files = [
        f"tests/faults/{path.name}" for path in folder.glob("test_*.py") if path.stem not in ("test_table", "test_run")
    ]
    assert len(files) >= 4
    assert {f"{file}::{name}" for file in files for name in names_in(file) if name.startswith("test_")} <= listed
