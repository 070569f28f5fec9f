"""Plans on made-up processes: what is refused, and when a plan no longer fits the pool."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from metabonk_tui.adapters.pools.clean_up import Bystander
from metabonk_tui.adapters.pools.discover import PoolProcesses
from metabonk_tui.adapters.pools.launch_spec import NO_VARIABLES, LaunchSpec
from metabonk_tui.adapters.pools.plan import PlanInputs, make_plan, why_stale
from metabonk_tui.core.model.pool import Resize, Stop, StopWorker, TargetProcess
from tests.support.children import config
from tests.support.refs import w

NEIGHBOUR = (Bystander(77, "python3", 5100, 0),)
LAUNCHER = TargetProcess("launcher", 10, 1000.0)
WORKERS = tuple(TargetProcess("worker", 20 + slot, 1001.0 + slot, w(slot)) for slot in range(2))
RUNNING = PoolProcesses(workers=WORKERS, launcher=LAUNCHER)


def spec(
    folder: Path, launch: str = '"python3", "launch.py"', stop: str = '"python3", "launch.py", "stop"'
) -> LaunchSpec:
    (folder / "launch.py").write_text("")
    table = f'directory = "{folder}"\nlaunch = [{launch}, "--workers", "{{workers}}"]\nstop = [{stop}]\n'
    return LaunchSpec(config(f"[pool]\nbase_port = 5000\n[pool.launcher]\n{table}"), folder)


def inputs(**more: object) -> PlanInputs:
    return PlanInputs(RUNNING, 2, NO_VARIABLES, {}, **more)  # type: ignore[arg-type]


def test_the_memory_watch_runs_no_launch_that_ends_others(tmp_path: Path) -> None:
    by_watch = make_plan(Resize(1, by="watch"), spec(tmp_path), inputs(bystanders=NEIGHBOUR))
    assert by_watch.mode == "refused"
    assert "launch.py also ends" in by_watch.refusal
    assert "pid 77" in by_watch.refusal
    by_key = make_plan(Resize(1, by="key"), spec(tmp_path), inputs(bystanders=NEIGHBOUR))
    assert by_key.mode == "restart_all"
    assert any("pid 77" in warning for warning in by_key.warnings), "a person reads it before the yes"
    assert make_plan(Resize(1, by="watch"), spec(tmp_path), inputs()).mode == "restart_all"
    keeping = spec(tmp_path, '"python3", "launch.py", "--skip-stop"')
    assert make_plan(Resize(1, by="watch"), keeping, inputs(bystanders=NEIGHBOUR)).mode == "restart_all"


@pytest.mark.parametrize(
    ("stop", "runs"),
    [
        ('"python3", "launch.py", "stop"', False),
        ('"python3", "scripts/stop.py"', False),
        ('"make", "stop"', False),
        ('"make", "stop", "PORT={base_port}"', True),
        ('"python3", "launch.py", "stop", "--base-port", "{base_port}"', True),
    ],
)
def test_a_stop_command_that_would_end_others_is_not_run(tmp_path: Path, stop: str, runs: bool) -> None:
    plan = make_plan(Stop(), spec(tmp_path, stop=stop), inputs(bystanders=NEIGHBOUR))
    assert (plan.mode, bool(plan.commands)) == ("stop", runs)
    assert any("pid 77" in warning for warning in plan.warnings) is not runs


def test_a_plan_is_stale_when_a_process_is_another_one_but_not_when_its_start_is_rounded(tmp_path: Path) -> None:
    plan = make_plan(Stop(), spec(tmp_path), inputs())
    worker = make_plan(StopWorker(w(1), 21, 1002.0), spec(tmp_path), inputs())

    def later(by_s: float) -> PoolProcesses:
        moved = replace(WORKERS[1], started_at=WORKERS[1].started_at + by_s)
        return replace(RUNNING, workers=(WORKERS[0], moved))

    for each in (plan, worker):
        assert why_stale(each, RUNNING) == ""
        assert why_stale(each, later(0.01)) == "", "less than two ticks is one start"
        assert "pid 21" in why_stale(each, later(5.0)), "the pid is used again"
    assert "come" in why_stale(replace(plan, hits=(WORKERS[0],)), replace(RUNNING, launcher=None))
