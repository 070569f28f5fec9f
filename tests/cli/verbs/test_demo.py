"""`demo` leaves nothing behind, however it ends; without a terminal it ends by itself."""

import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from metabonk_tui.cli.verbs.demo import SCENARIOS
from metabonk_tui.demo import scenarios
from tests.cli.conftest import Metabonk, demo, processes_of
from tests.support.examples import ONLY_THOROUGH
from tests.support.forks import PROGRAM, Forked
from tests.support.waiting import wait_for


def test_the_scenarios_are_the_demos_own_with_what_each_shows() -> None:
    assert {name: row.summary for name, row in scenarios.SCENARIOS.items()} == SCENARIOS
    assert list(scenarios.SCENARIOS) == list(SCENARIOS)
    assert scenarios.DEFAULT == "seed"


def test_help_says_what_each_scenario_shows_in_80_cells(metabonk: Metabonk) -> None:
    done = metabonk("demo", "--help")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    for name, shows in SCENARIOS.items():
        (line,) = [each for each in lines if each.startswith(f"  {name} ")]
        assert line.endswith(shows)
        assert len(line) <= 80


def test_without_a_terminal_it_is_a_plain_run_that_ends_with_the_verdict(metabonk: Metabonk, tmp_path: Path) -> None:
    done = metabonk("demo", "--workers", "2", "--speed", "60", limit_s=100)
    assert done.returncode == 0, done.stderr
    assert "verdict VALIDATING → STOP: config not loaded 0.91" in done.stdout
    assert "System2 active" in done.stdout, "the launcher sets it"
    assert "\nSTOP since " in done.stdout
    assert_nothing_left(tmp_path)
    (kept,) = (tmp_path / "state" / "runs").iterdir()
    assert kept.name == "demo-seed.db"
    assert "The demo is over: STOP after 00:0" in done.stdout
    assert str(kept) in done.stdout
    assert " report last --html demo.html\n" in done.stdout


def test_the_pool_alone_ends_with_ctrl_c(home: dict[str, str], tmp_path: Path) -> None:
    with demo(home, "--scenario", "healthy", "--workers", "1") as pool:
        assert Path(pool.config).is_file()
    assert_nothing_left(tmp_path)


# All end in one handler, and with --no-ui Ctrl-C is tested above.
@pytest.mark.parametrize(
    ("number", "extra"),
    [
        (signal.SIGTERM, []),
        (signal.SIGINT, []),
        (signal.SIGHUP, ["--no-ui"]),
        pytest.param(signal.SIGHUP, [], marks=ONLY_THOROUGH),
        pytest.param(signal.SIGTERM, ["--no-ui"], marks=ONLY_THOROUGH),
        pytest.param(signal.SIGINT, ["--no-ui"], marks=ONLY_THOROUGH),
    ],
)
def test_a_signal_ends_it_with_nothing_left(
    home: dict[str, str], tmp_path: Path, number: signal.Signals, extra: list[str]
) -> None:
    command = [*PROGRAM, "demo", "--scenario", "healthy", "--workers", "1", *extra]
    process = Forked(
        command, env=home, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        wait_for(lambda: any("demo worker" in line for line in processes_of_pool(tmp_path)))
        process.send_signal(number)
        process.send_signal(number)
        process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == (0 if extra and number is signal.SIGINT else 128 + number)
    assert_nothing_left(tmp_path)


def test_a_port_in_use_is_said_before_anything_is_started(metabonk: Metabonk, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = metabonk("demo", "--workers", "1", "--base-port", str(port))
    assert done.returncode == 64
    assert f"port {port} is in use" in done.stderr
    assert_nothing_left(tmp_path)


def processes_of_pool(tmp_path: Path) -> list[str]:
    """List the pool's processes; the workers name no folder, but stand in it."""
    return [line for folder in tmp_path.glob("metabonk-demo-*") for line in processes_of(folder)]


def assert_nothing_left(tmp_path: Path) -> None:
    """See that neither a folder nor a process is left."""
    assert list(tmp_path.glob("metabonk-demo-*")) == []
    marker = str(tmp_path).encode()
    left = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if marker in (entry / "environ").read_bytes():
                    left.append((entry / "cmdline").read_bytes())
            except OSError:
                continue
    assert left == []
