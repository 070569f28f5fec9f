"""The row of the workers that wait for a place on a cluster."""

from __future__ import annotations

from msgspec.structs import replace

from metabonk_tui.core.model.sample import WaitingWorker
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.ui.style.spans import plain
from metabonk_tui.ui.views.bars.queue import queue_rows
from tests.support import snapshots
from tests.support.draw import frame_of


def rows(*waiting: WaitingWorker, wide: int = 100) -> list[str]:
    base = snapshots.healthy(2)
    snapshot: Snapshot = replace(base, pool=replace(base.pool, waiting=waiting))
    return [plain(row).rstrip() for row in queue_rows(frame_of(snapshot, wide, 30), snapshot)]


def test_who_waits_why_and_for_how_long() -> None:
    since_t = snapshots.healthy(2).t - 130.0
    first = WaitingWorker(4, "12_4", "Resources", since_t)
    (row,) = rows(
        first, WaitingWorker(5, "12_5", "Resources", since_t + 60), WaitingWorker(7, "12_7", "Priority", None)
    )
    assert row.startswith(" queue ")
    assert row.endswith("3 workers wait w4 w5 w7  Resources, Priority for 2m10s")


def test_without_a_time_there_is_none() -> None:
    (row,) = rows(WaitingWorker(4, "12_4", "JobHeldUser"))
    assert row.endswith("1 worker waits w4  JobHeldUser")


def test_none_waits() -> None:
    assert rows() == []


def test_it_fits_a_narrow_terminal() -> None:
    (row,) = rows(WaitingWorker(4, "12_4", "Nodes required for job are DOWN, DRAINED or reserved"), wide=40)
    assert len(row) <= 40


def test_a_silent_engine_is_named() -> None:
    base = snapshots.healthy(2)
    pool = replace(base.pool, waiting=(WaitingWorker(4, "12_4", "Resources"),), engine_error="squeue: down")
    (row,) = queue_rows(frame_of(base, 100, 30), replace(base, pool=pool))
    assert plain(row).rstrip().endswith("Resources, when the cluster last answered")
