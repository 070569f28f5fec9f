"""The env file in the Samples: looked at now and then, told when it changes, and never waited for."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

import pytest
from msgspec.structs import replace

from metabonk_tui.core.model.sample import EnvFileReading
from metabonk_tui.engine import host_collector as live
from metabonk_tui.engine.collector import Collector
from metabonk_tui.engine.single_flight import FaultLog
from tests.support.readers import LIMIT_S, Scene, configured, gather_until

ONE = EnvFileReading("/pool.env", {"METABONK_A": "1"}, frozenset())
TWO = replace(ONE, values={"METABONK_A": "2"})


@dataclass
class File:
    reading: EnvFileReading | None = ONE
    error: Exception | None = None
    stuck: threading.Event | None = None
    calls: int = 0
    threads: set[int] = field(default_factory=set)

    def read(self) -> EnvFileReading | None:
        self.calls += 1
        self.threads.add(threading.get_ident())
        if self.stuck is not None:
            self.stuck.wait(LIMIT_S)
        if self.error is not None:
            raise self.error
        return self.reading


def source_of(file: File) -> Collector:
    scene = Scene(config=configured(workers=1, interval_s=10.0))
    return Collector(scene.config, scene.readers(env_file=file), scene.clock, FaultLog(scene.clock))


async def test_it_is_reported_once_and_again_when_it_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "ENV_FILE_EVERY_S", 0.0)
    file = File()
    source = source_of(file)
    assert (await gather_until(source, lambda s: s.env_file is not None)).env_file == ONE
    calls = file.calls
    await gather_until(source, lambda s: file.calls > calls + 2)
    assert (await source.gather()).env_file is None, "the same is no news"
    file.reading = TWO
    assert (await gather_until(source, lambda s: s.env_file is not None)).env_file == TWO
    source.resend_all()
    assert (await source.gather()).env_file == TWO
    assert threading.get_ident() not in file.threads, "bash must not hold up the loop"


async def test_it_is_not_looked_at_in_every_tick() -> None:
    file = File()
    source = source_of(file)
    await gather_until(source, lambda s: s.env_file is not None)
    for _ in range(5):
        await source.gather()
    assert file.calls == 1


async def test_a_file_that_hangs_holds_nobody_up() -> None:
    file = File(stuck=threading.Event())
    source = source_of(file)
    try:
        began = time.monotonic()
        samples = [await source.gather() for _ in range(3)]
        assert time.monotonic() - began < LIMIT_S / 2
        assert all(sample.workers and sample.env_file is None for sample in samples)
    finally:
        assert file.stuck is not None
        file.stuck.set()
    assert (await gather_until(source, lambda s: s.env_file is not None)).env_file == ONE
    await source.aclose()


async def test_a_bug_in_reading_costs_only_the_env_file() -> None:
    file = File(error=ZeroDivisionError("a bug"))
    sample = await gather_until(source_of(file), lambda s: bool(s.events))
    assert "the env file failed" in sample.events[0].text
    assert sample.workers
    assert sample.env_file is None
