"""The launcher's contract, on real processes: start, respawn, end, be orphaned, be replaced, leave nothing."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.demo_pools import DEMO, MakePool, carrying, clean_environment, environ_of
from tests.support.waiting import wait_for

FLAGS = {
    "METABONK_DYNAMIC_UI_EXPLORATION": "1",
    "METABONK_INTRINSIC_REWARD": "1",
    "METABONK_INTRINSIC_APPLY_IN_PURE_VISION": "1",
    "METABONK_META_LEARNING": "1",
    "METABONK_SYSTEM2_TRIGGER_MODE": "smart",
}


def test_a_launch_serves_workers_and_an_orchestrator_and_stop_ends_it_all(demo: MakePool) -> None:
    pool = demo("healthy", workers=2)
    launcher = pool.launch()
    statuses = pool.wait_up(2)
    assert [status["instance_id"] for status in statuses] == ["omega-0", "omega-1"]
    heartbeats = pool.wait_heartbeats(2)
    beat = heartbeats["omega-1"]
    assert beat["worker_pid"] == pool.pid(1)
    assert beat["port"] == pool.base_port + 1
    assert beat["control_url"] == f"http://127.0.0.1:{pool.base_port + 1}"
    assert isinstance(beat["episode_idx"], int)
    assert beat["rss_mb"] > 4
    assert wait_for(lambda: pool.heartbeats()["omega-1"]["step_age_s"], "the step moved") >= 0
    assert pool.get(pool.base_port + 64, "/overview/health")["heartbeat"]["workers"] == 2
    assert pool.get(pool.base_port + 65, "/api/tags")["models"]
    assert environ_of(pool.pid(1))["INSTANCE_ID"] == "omega-1"
    wait_for(lambda: "ready: 2/2" in pool.output(), "the launcher says that it is ready")
    assert launcher.poll() is None
    assert '"GET /status HTTP/1.1" 200 OK' in pool.log("worker_1.log")
    assert "starting omega-1" in pool.log("launch.log")
    assert json.loads((pool.directory / "last_job.json").read_text())["launcher_pid"] == launcher.pid

    stopped = pool.stop()
    assert stopped.returncode == 0
    assert "ok: no remaining" in stopped.stdout
    pool.assert_gone()
    assert launcher.wait(10) == 0
    assert pool.stop().returncode == 0, "stopping what does not run is no failure"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_launcher_cleans_up_when_asked_to_end(demo: MakePool, number: signal.Signals) -> None:
    pool = demo("healthy", workers=1)
    launcher = pool.launch()
    pool.wait_up(1)
    launcher.send_signal(number)
    assert launcher.wait(15) == 0
    pool.assert_gone()
    assert f"received {number.name}" in pool.output()


def test_a_launcher_asked_to_end_at_once_leaves_nothing(demo: MakePool) -> None:
    pool = demo("healthy", workers=3)
    launcher = pool.launch()
    wait_for(lambda: pool.output(), "its first line")
    launcher.terminate()
    assert launcher.wait(15) == 0
    pool.assert_gone()


def test_a_dead_worker_comes_back_on_its_port_with_a_new_pid_and_counters_at_zero(demo: MakePool) -> None:
    pool = demo("healthy", workers=2, speed=600)
    pool.launch()
    pool.wait_up(2)
    first = pool.pid(1)
    before = wait_for(
        lambda: s if (s := pool.status(1)) and s["actions_total"] > 1000 else None, "it has acted a while"
    )
    os.kill(first, signal.SIGKILL)
    killed = time.monotonic()
    after = wait_for(lambda: s if pool.pid(1) != first and (s := pool.status(1)) else None, "it answers again")
    assert time.monotonic() - killed < 10
    assert after["actions_total"] < before["actions_total"]
    assert after["step"] < before["step"]
    assert "restarting omega-1 (exit -9, attempt 1)" in pool.output()
    assert "attempt 1" not in pool.log("worker_1.log")
    assert pool.log("worker_1.log").count("Started server process") == 2, "one log per slot, appended to"
    again = wait_for(
        lambda: rows if (rows := pool.heartbeats()).get("omega-1", {}).get("worker_pid") != first else 0, ""
    )
    assert again["omega-1"]["worker_pid"] == pool.pid(1)


def test_an_orphaned_pool_goes_on_and_stop_still_ends_it(demo: MakePool) -> None:
    pool = demo("healthy", workers=2)
    launcher = pool.launch()
    pool.wait_up(2)
    launcher.kill()
    launcher.wait()
    before = pool.status(0)["actions_total"]
    wait_for(lambda: pool.status(0)["actions_total"] > before, "it goes on without its launcher")
    assert len(carrying(pool.name)) == 4
    assert pool.stop().returncode == 0
    pool.assert_gone()


def test_a_second_launch_replaces_the_first(demo: MakePool) -> None:
    pool = demo("healthy", workers=3)
    first = pool.launch()
    pool.wait_up(3)
    pids = {pool.pid(slot) for slot in range(3)}
    runs = len(list(pool.directory.glob("runs/*")))
    second = pool.launch("--workers", "2")
    assert first.wait(15) == 0
    wait_for(lambda: len(list(pool.directory.glob("runs/*"))) == runs + 1, "a new run")
    pool.wait_up(2)
    assert not pids & {pool.pid(slot) for slot in range(2)}
    assert pool.wait_heartbeats(2).keys() == {"omega-0", "omega-1"}
    assert not pool.is_listening(pool.base_port + 2)
    assert second.poll() is None


def test_a_launch_ends_an_orphaned_pool_first(demo: MakePool) -> None:
    pool = demo("healthy", workers=1)
    launcher = pool.launch()
    pool.wait_up(1)
    orphan = pool.pid(0)
    launcher.kill()
    launcher.wait()
    pool.launch()
    wait_for(lambda: not Path(f"/proc/{orphan}/environ").exists(), "the orphan is gone")
    pool.wait_up(1)
    assert pool.pid(0) != orphan


def test_stop_can_lie_and_ends_a_process_that_is_stopped_or_deaf(demo: MakePool) -> None:
    pool = demo("healthy", workers=1)
    launcher = pool.launch()
    pool.wait_up(1)
    lie = pool.stop(METABONK_DEMO_STOP_LIES="1")
    assert (lie.returncode, "ok: no remaining" in lie.stdout) == (0, True)
    assert launcher.poll() is None
    assert pool.status(0)
    os.kill(pool.pid(0), signal.SIGSTOP)
    assert pool.stop().returncode == 0
    pool.assert_gone()


def test_two_pools_in_one_machine_leave_each_other_alone(demo: MakePool) -> None:
    one = demo("healthy", workers=1, folder="p")
    one.launch()
    one.wait_up(1)
    # Ports are chosen among those that are free: before the first one listens the second might choose the same.
    other = demo("healthy", workers=1, folder="p2")
    assert one.base_port != other.base_port
    other.launch()
    other.wait_up(1)
    pid = other.pid(0)
    assert one.stop().returncode == 0
    one.assert_gone()
    assert other.status(0)
    assert other.pid(0) == pid


def test_stop_never_touches_what_only_mentions_the_pool(demo: MakePool) -> None:
    pool = demo("healthy", workers=1)
    code = "import time; print(flush=True); time.sleep(60)"
    argv = [
        sys.executable,
        "-c",
        code,
        "metabonk_tui.demo",
        "worker",
        "--pool",
        pool.name,
        "--dir",
        str(pool.directory),
    ]
    env = clean_environment(METABONK_DEMO_POOL=pool.name + "0", X_METABONK_DEMO_POOL=pool.name)
    with subprocess.Popen(argv, env=env, stdout=subprocess.PIPE) as stranger:
        try:
            assert stranger.stdout is not None
            stranger.stdout.readline()
            assert pool.stop().returncode == 0
            assert stranger.poll() is None
        finally:
            stranger.kill()


def test_the_death_of_the_orchestrator_tears_the_stack_down(demo: MakePool) -> None:
    pool = demo("healthy", workers=1)
    launcher = pool.launch()
    pool.wait_up(1)
    os.kill(json.loads((pool.directory / "last_job.json").read_text())["pgid"], signal.SIGKILL)
    assert launcher.wait(15) == 0
    pool.assert_gone()


def test_a_silenced_worker_vanishes_from_the_orchestrator_and_returns(demo: MakePool) -> None:
    pool = demo("healthy", workers=2)
    pool.launch(environment={"METABONK_WORKER_TTL_S": "1.5"})
    pool.wait_heartbeats(2)
    pid = pool.pid(1)
    os.kill(pid, signal.SIGSTOP)
    assert pool.wait_heartbeats(1).keys() == {"omega-0"}
    os.kill(pid, signal.SIGCONT)
    pool.wait_heartbeats(2)


def test_a_worker_whose_port_is_taken_exits_with_3() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        argv = [*DEMO, "worker", "--pool", "none", "--port", port, "--instance-id", "omega-0"]
        argv += ["--orchestrator-port", "1"]
        done = subprocess.run(argv, env=clean_environment(), capture_output=True, text=True, timeout=20)
    assert done.returncode == 3
    assert "attempting to bind" in done.stdout


def test_the_seed_is_launched_without_its_flags_and_the_env_file_brings_them(demo: MakePool) -> None:
    pool = demo("seed", speed=600)
    assert pool.facts["workers"] == 5
    # Even where the caller has them exported: the scenario is that they were not.
    pool.launch(environment=FLAGS)
    pool.wait_up(5)
    environment = environ_of(pool.pid(4))
    assert not FLAGS.keys() & environment.keys()
    assert environment["METABONK_SYSTEM2_ENABLED"] == "1", (
        "launch.py's profile switches System2 on whatever is exported"
    )
    silent = wait_for(
        lambda: s if (s := pool.status(4)) and s["dynamic_ui_exploration_actions"] > 20 else None,
        "the exploration counter climbs with its component off",
    )
    assert "dynamic_ui_text_density" not in silent
    assert not [key for key in silent if key.startswith(("intrinsic_", "meta_"))]
    assert silent["system2_trigger_engaged_count"] == 0.0
    assert silent["system2_trigger_mode"] == "always"
    assert silent["gameplay_started"] is False

    pool.stop()
    pool.launch_with_env_file(3)
    pool.wait_up(3)
    assert environ_of(pool.pid(0)).items() >= FLAGS.items()
    healthy = wait_for(
        lambda: (
            s if (s := pool.status(0)) and s["system2_trigger_engaged_count"] and s["intrinsic_reward_total"] else None
        ),
        "the components move",
    )
    assert healthy["dynamic_ui_text_density"] > 0
    assert healthy["meta_success_sequences"] == 0.0
    wait_for(lambda: pool.status(0)["vlm_hints_used"], "System2 is answered")
    assert not pool.is_listening(pool.base_port + 3)


def test_a_worker_starts_without_slow_imports() -> None:
    code = (
        "import sys, metabonk_tui.demo.__main__, metabonk_tui.demo.worker\n"
        "slow = 'asyncio http email urllib.request random subprocess httpx'.split()\n"
        "print([name for name in slow if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20, check=True)
    assert done.stdout.strip() == "[]"
