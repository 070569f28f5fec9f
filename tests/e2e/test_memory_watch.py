"""The memory watch over a real leaking pool: armed it saves the run, as a dry run it only says so, disarmed nothing.

What is available is a wall around the pool, worked out from what its processes really hold: nothing here depends on
the machine's own memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest

from metabonk_tui.adapters.http.client import StatusClient
from metabonk_tui.adapters.pools.launcher import LauncherPool
from metabonk_tui.adapters.process.table import ProcessTable
from metabonk_tui.adapters.recordings.jsonl_reader import read_jsonl
from metabonk_tui.adapters.recordings.jsonl_writer import write_jsonl
from metabonk_tui.adapters.state.config_files import load_config
from metabonk_tui.adapters.state.controller_role import ControllerRole
from metabonk_tui.adapters.state.role_wire import role_name
from metabonk_tui.cli.live.demo_pool import DemoPool, demo_pool
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.host import MemoryReading
from metabonk_tui.core.model.refs import ONLY_HOST
from metabonk_tui.core.model.sample import Event, Sample
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.step.pipeline import step, stepper
from metabonk_tui.engine.clock import RunClock
from metabonk_tui.engine.collector import PoolReaders
from metabonk_tui.engine.engine import Engine
from metabonk_tui.engine.host_collector import HostReaders
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

SPEED = 120.0
MB = 1_000_000
LIMIT_S = 90.0
ROOM_MB = 60.0
"""What the wall leaves when every worker has started."""
LIMITS_GB = {"warn_gb": 0.045, "critical_gb": 0.025}


@dataclass
class Wall:
    """Memory as if the pool had a limit: all that its workers held when it was raised, and some room."""

    total_bytes: int | None = None

    def read(self, pids: Iterable[int] = ()) -> MemoryReading:
        held = sum(_rss_bytes(pid) for pid in pids)
        if self.total_bytes is None:
            return MemoryReading(total_bytes=10**10, available_bytes=10**10 - held)
        return MemoryReading(total_bytes=self.total_bytes, available_bytes=max(0, self.total_bytes - held))

    def raise_around(self, pids: Iterable[int]) -> None:
        self.total_bytes = sum(_rss_bytes(pid) for pid in pids) + int(ROOM_MB * MB)


def _rss_bytes(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096
    except (OSError, IndexError):
        return 0


def configured(pool: DemoPool, on_critical: str) -> Config:
    config = load_config(str(pool.config)).config
    replace = msgspec.structs.replace
    rules = replace(config.memory_watch, on_critical=on_critical, cooldown_s=36_000.0, **LIMITS_GB)
    memory = replace(config.memory, floor_gb=0.02, worker_gb=0.06, ollama_gb=0.0)
    # On a loaded machine a tick of this clock may be minutes apart.
    return replace(config, memory=memory, memory_watch=rules, observe=replace(config.observe, gap_intervals=1000.0))


@dataclass
class LeakRun:
    engine: Engine
    config: Config
    wall: Wall
    samples: list[Sample] = field(default_factory=list)

    @property
    def now(self) -> Snapshot:
        found = wait_for(self.engine.latest)
        assert isinstance(found, Snapshot)
        return found

    def events_of(self, kind: str) -> list[Event]:
        return [event for sample in list(self.samples) for event in sample.events if event.kind == kind]

    @property
    def pids(self) -> list[int]:
        return [worker.pid for worker in self.now.workers if worker.pid is not None and worker.alive]


@contextmanager
def leaking(on_critical: str, state: Path) -> Iterator[LeakRun]:
    with demo_pool("leak", 3, 0, SPEED) as pool:
        pool.start()
        config, clock, wall = configured(pool, on_critical), RunClock(SPEED), Wall()
        samples: list[Sample] = []

        def readers() -> PoolReaders:
            table = ProcessTable(config)
            lock = ControllerRole(role_name(config.pool.host, config.pool.base_port), state / "pool.lock")
            hands = LauncherPool(config, state, clock=clock, controller_lock=lock, processes=table.read)
            client = StatusClient(config.observe.timeout_s, config.observe.max_body_bytes)
            return PoolReaders(client, hands, {ONLY_HOST: HostReaders(memory=wall, processes=table)})

        engine = Engine(config, readers, clock, stepper(config), [samples.append])
        engine.start()
        try:
            leak_run = LeakRun(engine, config, wall, samples)
            wait_for(lambda: len(leak_run.pids) == 3 and all(w.last_good_t is not None for w in leak_run.now.workers))
            wall.raise_around(leak_run.pids)
            yield leak_run
        finally:
            engine.stop()
    assert pool.left == ""


def test_armed_to_resize_it_saves_the_run(tmp_path: Path) -> None:
    with leaking("resize", tmp_path) as leak_run:
        before = set(leak_run.pids)
        leak_run.engine.arm(True, "option")
        done = wait_for(lambda: (watch := leak_run.now.memory.watch) and watch.did_ok is not None and watch)
        assert done.did == "resize 3 → 2 workers"
        assert done.did_ok is True
        wait_for(lambda: leak_run.events_of("watch.recovered"))
        after = leak_run.now
        assert after.pool.desired == 2
        assert len(leak_run.pids) == 2
        assert not before & set(leak_run.pids), "a resize of this backend is a restart"
        assert after.memory.oom_kills_in_run == 0
        (act,) = leak_run.events_of("watch.act")
        assert act.facts["commands"][-1][-2:] == ["--workers", "2"]
        (resized,) = leak_run.events_of("pool.resize")
        assert (resized.facts["by"], resized.facts["from"], resized.facts["to"]) == ("watch", 3, 2)
        assert [len(leak_run.events_of(f"watch.{kind}")) for kind in ("armed", "critical", "dry_run")] == [1, 1, 0]
    _replays(leak_run, tmp_path / "run.jsonl.gz")


def _replays(leak_run: LeakRun, path: Path) -> None:
    """Write the recording, read it back, and see in it what was seen."""
    write_jsonl(str(path), leak_run.samples)
    problems: list[Any] = []
    again: Snapshot | None = None
    kinds: set[str] = set()
    for sample in read_jsonl(str(path), problems):
        again = step(again, sample, leak_run.config)
        kinds |= {event.kind for event in sample.events}
    assert problems == []
    assert again is not None
    assert again.memory.watch is not None
    assert again.memory.watch.did == "resize 3 → 2 workers"
    assert {"watch.armed", "watch.critical", "watch.act", "watch.recovered", "pool.resize"} <= kinds


def test_disarmed_nothing_happens_below_the_critical_level_and_a_dry_run_says_it_and_touches_nothing(
    tmp_path: Path,
) -> None:
    with leaking("resize", tmp_path) as leak_run:
        before = set(leak_run.pids)
        critical = LIMITS_GB["critical_gb"] * 1000 * MB

        def below() -> bool:
            reading = leak_run.now.memory.reading
            return reading is not None and reading.available_bytes is not None and reading.available_bytes < critical

        wait_for(below)
        tick = leak_run.now.tick
        wait_for(lambda: leak_run.now.tick >= tick + 8)
        assert set(leak_run.pids) == before
        assert not [event for sample in leak_run.samples for event in sample.events if event.kind.startswith("watch.")]

        leak_run.engine.arm(True, "option", dry_run=True)
        wait_for(lambda: leak_run.events_of("watch.dry_run"))
        tick = leak_run.now.tick
        wait_for(lambda: leak_run.now.tick >= tick + 5)
        (event,) = leak_run.events_of("watch.dry_run")
        assert event.text.startswith("memory watch: dry run, would now resize 3 → 2 workers: ")
        assert set(leak_run.pids) == before
        assert leak_run.events_of("pool.resize") == leak_run.events_of("watch.act") == []


def test_where_a_slot_would_be_respawned_it_says_so_and_falls_back_as_configured(tmp_path: Path) -> None:
    with leaking("stop-highest", tmp_path) as leak_run:
        before = set(leak_run.pids)
        leak_run.engine.arm(True, "option")
        (event,) = wait_for(lambda: leak_run.events_of("watch.act"))
        assert event.text == (
            "memory watch: nothing can be done: stop the highest slot: the launcher would start it again at once"
        )
        assert set(leak_run.pids) == before
