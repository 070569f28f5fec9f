"""The last lines of a dead worker's log are in a Sample soon after the one in which its process is missing, once."""

from __future__ import annotations

from collections.abc import Iterable

from metabonk_tui.core.ports.live import LogOwner
from metabonk_tui.engine.collector import Collector
from metabonk_tui.engine.single_flight import FaultLog
from tests.support.readers import Scene, configured, gather_until, worker_process
from tests.support.refs import w


class Ends:
    """Returns a line for every process that is gone."""

    def __init__(self) -> None:
        self.asked: list[tuple[int | None, ...]] = []

    def read(self, running: Iterable[LogOwner], gone: Iterable[LogOwner]) -> dict:  # type: ignore[type-arg]
        gone = tuple(gone)
        self.asked.append(tuple(owner.pid for owner in gone))
        return {owner.ref: (f"last words of {owner.pid}",) for owner in gone}


async def test_a_missing_process_is_asked_for_at_once_and_reported_once() -> None:
    reader = Ends()
    scene = Scene(config=configured(workers=2, interval_s=10.0))
    scene.table.processes = tuple(worker_process(slot, 100 + slot, 5.0 + slot) for slot in range(2))
    source = Collector(scene.config, scene.readers(log_ends=reader), scene.clock, FaultLog(scene.clock))
    await gather_until(source, lambda _: len(reader.asked) == 1)
    scene.table.processes = (worker_process(0, 100, 5.0), worker_process(1, 102, 9.0))
    seen = await gather_until(source, lambda sample: bool(sample.log_ends))
    assert seen.log_ends == {w(1): ("last words of 101",)}
    assert (await source.gather()).log_ends == {}
    assert [pids for pids in reader.asked if pids] == [(101,)]
    await source.aclose()
