"""Launches and stops that are doubled, killed in the middle, or aimed at what belongs to others."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from metabonk_tui.adapters.state.role_wire import is_bound, role_name
from tests.faults.conditions import LONG, ROOT_USER
from tests.faults.conftest import MakeWorld
from tests.faults.world import World
from tests.support.waiting import wait_for

pytestmark = [LONG, pytest.mark.timeout(180)]
LAUNCH = ("--yes", "--override", "a fault on purpose")


def live_launchers(world: World) -> list[int]:
    return [pid for pid in world.launches() if Path(f"/proc/{pid}/cwd").exists()]


def test_two_launches_in_one_moment_make_one_pool(make_world: MakeWorld) -> None:
    world = make_world()
    both = [
        world.start("launch", "2", *LAUNCH, env={"STAND_IN_DELAY_S": "0.5"}),
        world.start("launch", "2", *LAUNCH, env={"STAND_IN_DELAY_S": "0.5", "XDG_RUNTIME_DIR": ""}),
    ]
    ended = [child.communicate(timeout=90)[0] for child in both]
    codes = sorted(child.returncode for child in both)
    assert len(world.launches()) == 1, ended
    assert codes[0] == 0, ended
    assert codes[1] != 0, ended
    assert world.open_ports() == [0, 1]
    assert world.run("stop", "--yes").returncode == 0
    assert world.open_ports() == []


@pytest.mark.parametrize("after_s", [0.0, 0.4])
def test_after_a_launch_that_was_killed_the_next_one_doubles_nothing(make_world: MakeWorld, after_s: float) -> None:
    world = make_world()
    first = world.start("launch", "2", *LAUNCH, env={"STAND_IN_DELAY_S": "1"})
    wait_for(world.launches, "the launcher runs")
    time.sleep(after_s)
    first.kill()
    first.communicate(timeout=20)
    second = world.run("launch", "2", *LAUNCH, limit_s=90)
    assert len(live_launchers(world)) == 1, second.stderr
    wait_for(lambda: world.open_ports() == [0, 1], "the workers answer")
    assert world.run("stop", "--yes").returncode == 0
    assert world.open_ports() == []
    assert live_launchers(world) == []


def test_a_stop_that_was_killed_is_finished_by_the_next_one(make_world: MakeWorld) -> None:
    world = make_world()
    assert world.run("launch", "2", *LAUNCH, limit_s=90).returncode == 0
    first = world.start("stop", "--yes", env={"STAND_IN_DELAY_S": "5"})
    stopping = f"{world.script.name}\0stop"
    wait_for(lambda: any(stopping in text for text in command_lines()), "the stop command runs")
    first.kill()
    first.communicate(timeout=20)
    done = world.run("stop", "--yes")
    assert done.returncode == 0, done.stderr
    assert world.open_ports() == []
    assert live_launchers(world) == []


def command_lines() -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                found.append((entry / "cmdline").read_text(errors="replace"))
            except OSError:
                continue
    return found


def test_a_suspended_pool_is_ended_within_its_grace(make_world: MakeWorld) -> None:
    world = make_world()
    assert world.run("launch", "2", *LAUNCH, limit_s=90).returncode == 0
    (launcher,) = world.launches()
    children = Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split()
    for pid in (launcher, *map(int, children)):
        os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    done = world.run("stop", "--yes")
    assert done.returncode == 0, done.stderr
    assert world.open_ports() == []
    assert live_launchers(world) == []
    assert time.monotonic() - began < 40


@ROOT_USER
def test_the_pool_of_another_user_is_watched_and_never_stopped(make_world: MakeWorld) -> None:
    # The folders of pytest are closed to other users.
    with tempfile.TemporaryDirectory(prefix="metabonk-fault-") as shared:
        Path(shared).chmod(0o755)
        world = make_world(folder=Path(shared))
        world.pool()
        try:
            stop_as_another_user(world)
        finally:
            world.close()


@ROOT_USER
def test_the_idle_monitor_of_another_user_gives_the_control_of_this_pool_up(make_world: MakeWorld) -> None:
    with tempfile.TemporaryDirectory(prefix="metabonk-fault-") as shared:
        Path(shared).chmod(0o755)
        world = make_world(folder=Path(shared))
        role = role_name("127.0.0.1", world.base_port)
        try:
            env, wrap = another_user(world)
            recorder = world.start("record", "--memory-watch", env=env, wrap=wrap)
            wait_for(lambda: is_bound(role), "it controls the ports on which nothing runs")
            world.pool()
            wait_for(lambda: not is_bound(role), "it gives control up")
            assert world.end(recorder)[0] == 0
        finally:
            world.close()


def another_user(world: World) -> tuple[dict[str, str], list[str]]:
    """Return the environment and the words with which a program runs as another user."""
    state = world.folder / "theirs"
    state.mkdir(mode=0o700)
    os.chown(state, 65534, 65534)
    env = {"METABONK_TUI_STATE_DIR": str(state), "HOME": str(state), "XDG_RUNTIME_DIR": ""}
    # Python may be installed in the home of root: this capability opens folders, and no process.
    only = "-all,+dac_read_search"
    become = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    wrap = [*become, "--inh-caps", only, "--ambient-caps", only]
    if shutil.which("setpriv") is None or subprocess.run([*wrap, "true"], capture_output=True).returncode:
        pytest.skip("setpriv cannot start a program as another user here")
    return env, wrap


def stop_as_another_user(world: World) -> None:
    env, wrap = another_user(world)
    began = time.monotonic()
    done = world.run("stop", "--yes", env=env, wrap=wrap, limit_s=60)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "nothing here may be stopped" in done.stderr
    assert done.stderr.count("belongs to user id 0") == 2
    assert time.monotonic() - began < 30
    assert world.open_ports() == [0, 1]


def test_a_launcher_that_prints_without_end_has_a_bounded_log(make_world: MakeWorld) -> None:
    world = make_world(1)
    loud = world.checkout / "loud.py"
    text = world.script.read_text()
    loud.write_text(
        text.replace(
            'if __name__ == "__main__":\n',
            'if __name__ == "__main__":\n    if sys.argv[1] == "launch":\n'
            "        threading.Thread(target=lambda: [os.write(1, os.urandom(65536)) for _ in range(2000)],"
            " daemon=True).start()\n",
        )
    )
    world.config.write_text(world.config.read_text().replace(f'"{world.script}", "launch"', f'"{loud}", "launch"'))
    world.config.write_text(world.config.read_text().replace("stand_in.py launch", "loud.py launch"))
    world.config.write_text(
        world.config.read_text().replace(f"{world.script} worker", f"{world.checkout}/stand_in.py worker")
    )
    done = world.run("launch", "1", *LAUNCH, limit_s=90)
    assert done.returncode == 0, done.stderr
    biggest = 0
    for _ in range(30):
        biggest = max(biggest, sum(path.stat().st_blocks * 512 for path in world.state.rglob("*.log*")))
        time.sleep(0.1)
    assert biggest < 100_000_000
    assert world.run("stop", "--yes").returncode == 0
    assert world.open_ports() == []
