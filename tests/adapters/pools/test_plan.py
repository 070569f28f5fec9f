"""Plans on made-up processes: what is refused, and when a plan no longer fits the pool."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from metabonk_tui.adapters.pools.clean_up import Bystander
from metabonk_tui.adapters.pools.discover import PoolProcesses
from metabonk_tui.adapters.pools.launch_spec import NO_VARIABLES, LaunchSpec
from metabonk_tui.adapters.pools.plan import PlanInputs, make_plan, nothing_seen, ports_to_ask, why_stale
from metabonk_tui.adapters.pools.port_check import PortHolder
from metabonk_tui.core.model.pool import Action, Launch, Resize, Stop, StopWorker, TargetProcess
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


@pytest.mark.parametrize(
    ("action", "desired", "launched", "asked", "words"),
    [
        (Stop(), 0, 0, range(5000, 5003), "no process of this pool was found, and nothing answers on 5000 to 5002"),
        (Stop(), 7, 0, range(5000, 5007), "no process of this pool was found, and nothing answers on 5000 to 5006"),
        (Stop(), 0, 9, range(5000, 5009), "no process of this pool was found, and nothing answers on 5000 to 5008"),
        (Resize(1), 3, 3, range(5000, 5001), "no process of this pool was found, and nothing answers on 5000"),
        # What was not asked is not said to be silent.
        (Launch(2), 0, 0, range(0), "no process of this pool was found"),
        (StopWorker(w(0), 20, 1001.0), 2, 2, range(0), "no process of this pool was found"),
    ],
)
def test_nothing_to_do_says_what_was_looked_for(
    tmp_path: Path, action: Action, desired: int, launched: int, asked: range, words: str
) -> None:
    assert ports_to_ask(action, spec(tmp_path), desired, launched) == asked
    assert nothing_seen(asked) == words


def test_a_stop_without_a_pool_carries_these_words(tmp_path: Path) -> None:
    none = PlanInputs(PoolProcesses(), None, NO_VARIABLES, {}, asked=range(5000, 5003))
    plan = make_plan(Stop(), spec(tmp_path), none)
    assert plan.mode == "noop"
    assert plan.warnings == ("no process of this pool was found, and nothing answers on 5000 to 5002",)
    held = replace(none, holders=(PortHolder(5001, True, 4711, "python3", 1000),))
    refused = make_plan(Stop(), spec(tmp_path), held)
    assert refused.mode == "refused"
    assert "5001 answers: python3 (pid 4711" in refused.refusal
    assert make_plan(Resize(2), spec(tmp_path), inputs(holders=held.holders)).mode == "refused"


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
