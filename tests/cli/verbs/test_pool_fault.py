"""A verb that acts says at once that the monitor cannot read the pool, in the place of a wait of 40 s."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from metabonk_tui.cli.verbs.pool import _first_snapshot
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.engine.clock import RunClock
from metabonk_tui.engine.collector import POOL_PART
from metabonk_tui.engine.single_flight import FaultLog
from tests.support.samples import coarse, last


class Monitor:
    """An engine whose pool was never read."""

    own_pool = None
    fault = None

    def __init__(self, part: str) -> None:
        log = FaultLog(RunClock())
        log.note(part, RuntimeError("a bug"))
        self.snapshot = replace(last(coarse(for_s=60.0)), events=log.take_events())

    def latest(self) -> Snapshot:
        return self.snapshot

    def poll_now(self) -> None:
        """Poll nothing."""


def test_the_fault_is_named() -> None:
    monitor: Any = Monitor(POOL_PART)
    with pytest.raises(RuntimeError, match="the pool failed: RuntimeError; the log says where"):
        _first_snapshot(monitor, is_stop=True)


def test_a_fault_of_another_part_is_waited_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("metabonk_tui.cli.verbs.pool.FIRST_SNAPSHOT_S", 0.1)
    monitor: Any = Monitor("the kernel log")
    with pytest.raises(RuntimeError, match="was not seen within"):
        _first_snapshot(monitor, is_stop=True)
