"""Prepares demo pools for tests and kills their processes afterwards."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from metabonk_tui.demo.pool import pool_at
from metabonk_tui.demo.prepare import prepare as prepared
from metabonk_tui.demo.scenarios import SCENARIOS
from tests.support.demo_pools import POOL_PORTS, DemoPool, MakePool, carrying
from tests.support.ports import free_ports


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[MakePool]:
    """Return a function that prepares a pool; kill all pools after the test."""
    pools: list[DemoPool] = []

    def prepare(scenario: str, *, speed: float = 60, workers: int = 0, folder: str = "pool") -> DemoPool:
        # As the verb `prepare` does, whose command line tests/demo/test_prepare.py tests.
        location = pool_at(str(tmp_path / folder), free_ports(POOL_PORTS))
        count = workers or SCENARIOS[scenario].workers
        facts = prepared(location, scenario=scenario, workers=count, speed=speed, memory_mb=4)
        pools.append(DemoPool(tmp_path / folder, json.loads(json.dumps(facts))))
        return pools[-1]

    yield prepare
    for pool in pools:
        kill(pool)


def kill(pool: DemoPool) -> None:
    """Kill all processes of a pool: first its launchers, which would respawn a worker."""
    for launched in pool.launches:
        launched.kill()
        launched.wait()
    # A launcher may have respawned a worker just before it was killed.
    while pids := carrying(pool.name):
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
