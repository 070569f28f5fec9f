"""Real demo workers end, watched by the real program: the word that it says of each."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from metabonk_tui.adapters.state.package_data import default_config_text
from metabonk_tui.cli.wiring import watching
from metabonk_tui.core.config.load import parse_config
from metabonk_tui.core.model.worker import WorkerView
from metabonk_tui.engine.engine import Engine
from tests.support.demo_pools import DemoPool, MakePool
from tests.support.waiting import wait_for

pytestmark = pytest.mark.timeout(150)


@contextmanager
def watched(pool: DemoPool, state: Path) -> Iterator[Engine]:
    config = parse_config(default_config_text(), Path(pool.facts["config"]).read_text())
    with watching(config, call="metabonk-tui", state=state) as engine:
        yield engine


def seen(engine: Engine, slot: int) -> WorkerView | None:
    snapshot = engine.latest()
    return next((worker for worker in snapshot.workers if worker.slot == slot), None) if snapshot else None


def ends(engine: Engine, slot: int) -> list[str]:
    worker = seen(engine, slot)
    return [life.ended.text for life in worker.generations if life.ended] if worker else []


def answers(engine: Engine, slot: int) -> bool:
    worker = seen(engine, slot)
    # Its pid must be known, and the run's folder been looked into once.
    return worker is not None and worker.pid is not None and worker.status is not None and worker.observed_s > 3


@pytest.mark.parametrize(
    ("number", "expected"), [(signal.SIGKILL, "killed (signal 9)"), (signal.SIGTERM, "killed (signal 15)")]
)
def test_a_signal_from_outside_is_reported_from_the_launchers_log(
    demo: MakePool, tmp_path: Path, number: signal.Signals, expected: str
) -> None:
    pool = demo("healthy", speed=1, workers=2)
    pool.launch()
    pool.wait_up(2)
    with watched(pool, tmp_path / "state") as engine:
        wait_for(lambda: answers(engine, 1), "the monitor knows the worker", 60)
        os.kill(pool.pid(1), number)
        wait_for(lambda: "restarting omega-1" in pool.log("omega.log"), "the launcher's line")
        # SIGTERM may be caught: then it is an exit with a code of the worker's own.
        wait_for(lambda: [end for end in ends(engine, 1) if end != "cause unknown"], "the end is told", 60)
        found = ends(engine, 1)
        assert found == [expected] or (number == signal.SIGTERM and found == ["exited 0"])
        assert ends(engine, 0) == []
