"""Names of workers: on screen, as written, and read back."""

from __future__ import annotations

import pytest

from metabonk_tui.core.model.refs import WorkerRef, worker_ref


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
