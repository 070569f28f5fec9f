"""Names of workers: on screen, as written, and read back."""

from __future__ import annotations

import pytest

from metabonk_tui.core.model.refs import (
    ProcessRef,
    WorkerRef,
    first_slots,
    label_of,
    slot_ref,
    worker_names,
    worker_ranges,
    worker_ref,
)
from tests.support.refs import w


@pytest.mark.parametrize(
    ("ref", "label", "written"),
    [
        (WorkerRef(slot=0), "w0", 0),
        (WorkerRef(slot=12), "w12", 12),
        (WorkerRef("node2", 3), "node2/w3", "node2/3"),
    ],
)
def test_a_worker_is_written_and_read_back(ref: WorkerRef, label: str, written: int | str) -> None:
    assert (ref.label, ref.written) == (label, written)
    assert worker_ref(ref.written) == worker_ref(str(ref.written)) == worker_ref(ref.label) == ref


@pytest.mark.parametrize(
    "other", [None, True, 1.0, "", "w", "ollama", "w3a", "/w3", "a/b/w3", "w12345", "w³", "3 ", [3]]
)
def test_anything_else_names_no_worker(other: object) -> None:
    assert worker_ref(other) is None


def test_workers_sort_by_host_then_by_slot() -> None:
    refs = [WorkerRef("b", 0), WorkerRef("a", 10), WorkerRef(slot=5), WorkerRef("a", 9)]
    assert [ref.label for ref in sorted(refs)] == ["w5", "a/w9", "a/w10", "b/w0"]


@pytest.mark.parametrize(
    ("slots", "most", "expected"),
    [
        ([], 8, ""),
        ([3], 8, "w3"),
        ([0, 1, 2], 2, "w0 w1 ..."),
        ([0, 1], 2, "w0 w1"),
        ([5, 1, 2], None, "w5 w1 w2"),
        (list(range(9)), 8, "w0 w1 w2 w3 w4 w5 w6 w7 ..."),
    ],
)
def test_workers_are_named_up_to_a_number(slots: list[int], most: int | None, expected: str) -> None:
    assert worker_names([w(slot) for slot in slots], most) == expected


@pytest.mark.parametrize(
    ("slots", "expected"),
    [
        ([], ""),
        ([4], "w4"),
        ([0, 1], "w0 w1"),
        ([0, 1, 2], "w0-w2"),
        ([9, 2, 0, 1, 7, 8], "w0-w2 w7-w9"),
        ([0, 1, 2, 5, 9, 10], "w0-w2 w5 w9 w10"),
    ],
)
def test_neighbours_are_written_as_a_range(slots: list[int], expected: str) -> None:
    assert worker_ranges([w(slot) for slot in slots]) == expected


def test_a_range_ends_where_the_host_ends() -> None:
    refs = [*(w(slot) for slot in range(3)), w(3, "b"), w(4, "b"), w(5, "b")]
    assert worker_ranges(refs) == "w0-w2 b/w3-b/w5"


@pytest.mark.parametrize(
    ("other", "same", "same_elsewhere"),
    [
        (ProcessRef(42, 1000.0), True, True),
        (ProcessRef(42, 1000.01), True, True),
        (ProcessRef(42, 1001.0), False, True),
        (ProcessRef(42, 999.01), False, True),
        (ProcessRef(43, 1000.0), False, False),
        (ProcessRef(42, 1000.03), False, False),
        (ProcessRef(42, 1000.5), False, False),
        (ProcessRef(42, 1001.5), False, False),
        (ProcessRef(42, 1002.0), False, False),
    ],
)
def test_one_process_is_its_pid_and_its_start(other: ProcessRef, same: bool, same_elsewhere: bool) -> None:
    known = ProcessRef(42, 1000.0)
    assert (known.same_as(other), other.same_as(known)) == (same, same)
    assert known.same_as(other, other_reader=True) is same_elsewhere
    assert other.same_as(known, other_reader=True) is same_elsewhere


@pytest.mark.parametrize(
    ("other", "tolerance_s", "same"),
    [
        (ProcessRef(42, 1001.9), 2.0, True),
        (ProcessRef(42, 998.1), 2.0, True),
        (ProcessRef(42, 1002.1), 2.0, False),
        (ProcessRef(43, 1000.0), 2.0, False),
        (ProcessRef(42, 1001.1), 1.15, True),
        (ProcessRef(42, 1001.2), 1.15, False),
    ],
)
def test_a_tolerance_is_for_starts_that_were_converted(other: ProcessRef, tolerance_s: float, same: bool) -> None:
    known = ProcessRef(42, 1000.0)
    assert (known.same_as(other, tolerance_s), other.same_as(known, tolerance_s)) == (same, same)


@pytest.mark.parametrize(("process", "label"), [(w(3), "w3"), (w(3, "node2"), "node2/w3"), ("ollama", "ollama")])
def test_a_process_has_the_name_of_its_worker_or_its_role(process: WorkerRef | str, label: str) -> None:
    assert label_of(process) == label


def test_a_slot_of_the_only_host_is_one_object() -> None:
    assert slot_ref(3) is slot_ref(3) == WorkerRef(slot=3)
    assert {id(ref) for ref in first_slots(4)} == {id(slot_ref(slot)) for slot in range(4)}
