"""Prepares demo pools for tests and kills their processes afterwards."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.demo_pools import DEMO, LIMIT_S, POOL_PORTS, DemoPool, MakePool, carrying, clean_environment
from tests.support.ports import free_ports


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[MakePool]:
    """Return a function that prepares a pool; kill all pools after the test."""
    pools: list[DemoPool] = []

    def prepare(scenario: str, *, speed: float = 60, workers: int = 0, folder: str = "pool") -> DemoPool:
        directory = tmp_path / folder
        argv = [*DEMO, "prepare", "--dir", str(directory), "--scenario", scenario, "--speed", f"{speed:g}"]
        argv += ["--workers", str(workers), "--memory-mb", "4", "--base-port", str(free_ports(POOL_PORTS))]
        done = subprocess.run(
            argv, env=clean_environment(), capture_output=True, text=True, timeout=LIMIT_S, check=True
        )
        pools.append(DemoPool(directory, json.loads(done.stdout)))
        return pools[-1]

    yield prepare
    for pool in pools:
        for pid in carrying(pool.name):
            try:
                os.kill(pid, signal.SIGCONT)
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        for launched in pool.launches:
            launched.kill()
            launched.wait()
        # A launcher may have respawned a worker just before it was killed.
        pool.stop()
