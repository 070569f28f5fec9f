"""`record` and what it leaves: killed at any moment it goes on with one run; systemd is told; runs travel."""

import json
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from metabonk_tui.adapters.state.controller_role import ControllerRole
from metabonk_tui.adapters.state.role_wire import role_name
from metabonk_tui.adapters.store.run_reader import Recording
from tests.cli.conftest import Metabonk, answers, demo
from tests.support.waiting import wait_for


def recorder(home: dict[str, str], *argv: str, **more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "metabonk_tui", "record", *argv]
    return subprocess.Popen(command, env=home | more, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def samples_in(folder: Path) -> int:
    found = list(folder.glob("*.db"))
    if not found:
        return 0
    try:
        with Recording(found[0]) as one:
            return one.newest_seq
    except sqlite3.Error:
        return 0


def test_killed_it_goes_on_with_one_run_and_one_gap(home: dict[str, str], tmp_path: Path, metabonk: Metabonk) -> None:
    runs = tmp_path / "state" / "runs"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(30)
        with demo(home, "--scenario", "silent", "--workers", "2", "--speed", "60") as pool:
            first = recorder(home, *pool.options, NOTIFY_SOCKET=str(tmp_path / "notify"))
            assert systemd.recv(100) == b"READY=1"
            assert systemd.recv(100) == b"WATCHDOG=1"
            wait_for(lambda: samples_in(runs) >= 8)
            first.send_signal(signal.SIGKILL)
            first.communicate(timeout=20)
            before = samples_in(runs)
            time.sleep(2)  # the hole is to be longer than three intervals
            second = recorder(home, *pool.options)
            wait_for(lambda: samples_in(runs) >= before + 6)
            second.send_signal(signal.SIGTERM)
            out, err = second.communicate(timeout=30)
            assert (second.returncode, out, err) == (0, "", "")
    (path,) = runs.glob("*.db")
    with Recording(path) as one:
        assert one.problems == []
        assert len(list(one.samples())) == one.newest_seq
        assert [event.kind for event in one.events()].count("recorder.gap") == 1
        assert [event.kind for event in one.events()].count("run.start") == 1
    (listed,) = json.loads(metabonk("runs", "--json").stdout)
    assert set(listed) == {"name", "started_at", "duration_s", "verdict", "workers", "bytes", "source"}
    assert (listed["workers"], listed["source"]) == (2, "live")
    made = metabonk("export", "last", "--jsonl", "a.jsonl")
    assert made.returncode == 0, made.stderr
    elsewhere = {"METABONK_TUI_STATE_DIR": str(tmp_path / "elsewhere")}
    taken = metabonk("import", "a.jsonl", env=elsewhere)
    assert taken.returncode == 0, taken.stderr
    again = metabonk("export", taken.stdout.strip(), "--jsonl", "b.jsonl", env=elsewhere)
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "a.jsonl").read_text() == (tmp_path / "b.jsonl").read_text()
    assert metabonk("runs", "rm", "nothing").returncode == 64


def test_without_workers_nothing_is_left(metabonk: Metabonk, tmp_path: Path) -> None:
    done = metabonk("record", "--for", "2s", "--base-port", "1", "--workers", "1")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list((tmp_path / "state" / "runs").glob("*.db")) == []
    assert metabonk("runs").stdout == "no run was recorded yet\n"


def test_as_the_memory_watch_it_is_armed_only_when_it_is_asked_for(
    home: dict[str, str], tmp_path: Path, metabonk: Metabonk
) -> None:
    with demo(home, "--scenario", "silent", "--workers", "1", "--speed", "60") as pool:
        for asked in ([], ["--memory-watch"], ["--memory-watch", "--read-only"]):
            done = metabonk("record", "--for", "4s", *pool.options, *asked)
            assert done.returncode == 0, done.stderr
            assert metabonk("export", "last", "--jsonl", "a.jsonl").returncode == 0
            events = [json.loads(line).get("event") for line in (tmp_path / "a.jsonl").read_text().splitlines()]
            listed = [event["kind"] for event in events if event and event["kind"].startswith("watch.")]
            assert listed == {0: [], 1: ["watch.armed"], 2: ["watch.armed", "watch.refused"]}[len(asked)]


def test_a_long_launch_counts_the_recorder_and_its_watch_and_gives_control_back(
    home: dict[str, str], metabonk: Metabonk
) -> None:
    with demo(home, "--scenario", "healthy", "--workers", "2", "--speed", "10") as pool:
        running = recorder(home, "--memory-watch", *pool.options)
        role = ControllerRole(role_name("127.0.0.1", pool.base_port), Path("/nowhere/lock"))
        try:
            wait_for(lambda: role.holder().startswith(f"pid {running.pid} "))
            wait_for(lambda: samples_in(Path(home["METABONK_TUI_STATE_DIR"]) / "runs") >= 3)
            done = metabonk("launch", "2", "--hours", "24", "--yes", *pool.options)
            assert done.returncode == 2, done.stderr
            assert "refused by the interlock" in done.stderr
            assert f"PASS      recorder on: pid {running.pid} " in done.stderr
            assert f"PASS      memory watch on: pid {running.pid} " in done.stderr
            assert all(answers(pool.base_port + slot) for slot in range(2))
            wait_for(lambda: role.holder().startswith(f"pid {running.pid} "))
        finally:
            running.terminate()
            running.communicate(timeout=30)
    assert running.returncode == 0
