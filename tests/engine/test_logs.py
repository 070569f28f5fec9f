"""The workers' logs in the Samples: looked at beside the ticks, told when they change, and never waited for."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

import pytest
from msgspec.structs import replace

from metabonk_tui.core.ports.live import LogOwner
from metabonk_tui.engine import logs
from metabonk_tui.engine.collector import Collector
from metabonk_tui.engine.single_flight import FaultLog
from tests.support.readers import LIMIT_S, Scene, configured, gather_until, worker_process
from tests.support.refs import w


@dataclass
class Logs:
    lines: dict[int, tuple[str, ...]] = field(default_factory=lambda: {0: ("WARN: a",)})
    error: Exception | None = None
    stuck: threading.Event | None = None
    asked: list[LogOwner] = field(default_factory=list)
    threads: set[int] = field(default_factory=set)

    def read(self, owner: LogOwner) -> tuple[str, ...] | None:
        self.asked.append(owner)
        self.threads.add(threading.get_ident())
        if self.stuck is not None:
            self.stuck.wait(LIMIT_S)
        if self.error is not None:
            raise self.error
        return self.lines.get(owner.ref.slot)


def source_of(reader: Logs, workers: int = 2) -> Collector:
    scene = Scene(config=configured(workers=workers, interval_s=10.0))
    scene.table.processes = tuple(worker_process(slot, 100 + slot, 5.0 + slot) for slot in range(workers))
    return Collector(scene.config, scene.readers(log_tails=reader), scene.clock, FaultLog(scene.clock))


async def test_they_are_reported_once_and_again_when_they_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "EVERY_S", 0.0)
    reader = Logs()
    source = source_of(reader)
    assert (await gather_until(source, lambda s: bool(s.log_tails))).log_tails == {w(0): ("WARN: a",)}
    asked = len(reader.asked)
    quiet = await gather_until(source, lambda s: len(reader.asked) > asked + 4)
    assert quiet.log_tails == {}, "the same is no news"
    reader.lines[1] = ("WARN: b",)
    assert (await gather_until(source, lambda s: bool(s.log_tails))).log_tails == {w(1): ("WARN: b",)}
    source.resend_all()
    assert (await source.gather()).log_tails == {w(0): ("WARN: a",), w(1): ("WARN: b",)}
    assert threading.get_ident() not in reader.threads, "a disk must not hold up the loop"
    await source.aclose()


async def test_the_process_is_named_by_pid_and_real_start() -> None:
    reader = Logs()
    source = source_of(reader)
    await gather_until(source, lambda s: bool(s.log_tails))
    assert reader.asked == [LogOwner(w(0), 100, 5.0, None), LogOwner(w(1), 101, 6.0, None)]


async def test_they_are_not_looked_at_in_every_tick() -> None:
    reader = Logs()
    source = source_of(reader)
    await gather_until(source, lambda s: bool(s.log_tails))
    for _ in range(5):
        await source.gather()
    assert len(reader.asked) == 2


async def test_a_disk_that_hangs_holds_nobody_up() -> None:
    reader = Logs(stuck=threading.Event())
    source = source_of(reader)
    try:
        began = time.monotonic()
        samples = [await source.gather() for _ in range(3)]
        assert time.monotonic() - began < LIMIT_S / 2
        assert all(sample.workers and not sample.log_tails for sample in samples)
    finally:
        assert reader.stuck is not None
        reader.stuck.set()
    assert (await gather_until(source, lambda s: bool(s.log_tails))).log_tails == {w(0): ("WARN: a",)}
    await source.aclose()


async def test_a_bug_in_reading_costs_only_the_logs() -> None:
    sample = await gather_until(source_of(Logs(error=ZeroDivisionError("a bug"))), lambda s: bool(s.events))
    assert "the workers' logs failed" in sample.events[0].text
    assert sample.workers
    assert not sample.log_tails


async def test_without_a_process_the_status_says_where_it_lies() -> None:
    reader = Logs()
    scene = Scene(config=configured(workers=1, interval_s=10.0))
    scene.pool.reading = replace(scene.pool.reading, desired=1)
    scene.workers.fields = {"game_log_path": "/srv/run"}
    readers = scene.readers(log_tails=reader)
    source = Collector(scene.config, readers, scene.clock, FaultLog(scene.clock))
    await gather_until(source, lambda s: bool(s.log_tails))
    assert reader.asked == [LogOwner(w(0), None, None, "/srv/run")]
