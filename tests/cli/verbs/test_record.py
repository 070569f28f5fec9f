"""`record` and what it leaves: killed at any moment it goes on with one run; systemd is told; runs travel."""

import json
import re
import signal
import socket
import sqlite3
import time
from pathlib import Path

import pytest

from metabonk_tui.adapters.state.controller_role import ControllerRole
from metabonk_tui.adapters.state.role_wire import role_name
from metabonk_tui.adapters.store.run_reader import Recording
from metabonk_tui.cli.main import guarded
from tests.cli.conftest import Metabonk, Recorder, answers, demo
from tests.support.waiting import wait_for


def samples_in(folder: Path) -> int:
    found = list(folder.glob("*.db"))
    if not found:
        return 0
    try:
        with Recording(found[0]) as one:
            return one.newest_seq
    except sqlite3.Error:
        return 0


def test_killed_it_goes_on_with_one_run_and_one_gap(
    home: dict[str, str], tmp_path: Path, metabonk: Metabonk, recorder: Recorder
) -> None:
    runs = tmp_path / "state" / "runs"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(30)
        with demo(home, "--scenario", "silent", "--workers", "2", "--speed", "60") as pool:
            first = recorder(*pool.options, NOTIFY_SOCKET=str(tmp_path / "notify"))
            assert systemd.recv(100) == b"READY=1"
            assert systemd.recv(100) == b"WATCHDOG=1"
            wait_for(lambda: samples_in(runs) >= 8)
            first.send_signal(signal.SIGKILL)
            first.communicate(timeout=20)
            before = samples_in(runs)
            time.sleep(2)  # the hole is to be longer than three intervals
            second = recorder(*pool.options)
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
    (listed,) = json.loads(metabonk("runs", "--json").stdout)["runs"]
    assert set(listed) == {"name", "started_at", "duration_s", "verdict", "ended", "workers", "bytes", "source"}
    assert (listed["workers"], listed["source"]) == (2, "demo")
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
    done = metabonk("record", "--for", "2s", "--base-port", "5", "--workers", "1")
    assert (done.returncode, done.stdout) == (0, "")
    # A busy machine may need more than the two seconds for the first look.
    looked = re.match("nothing was recorded: no worker answered; to see what is missing: .* doctor$", done.stderr)
    assert looked or done.stderr == "nothing was recorded: it ended before its first look at the workers\n"
    assert list((tmp_path / "state" / "runs").glob("*.db")) == []
    assert (
        metabonk("runs").stdout
        == "no run was recorded yet; to see one: metabonk-tui replay sample, or metabonk-tui demo\n"
    )


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
    home: dict[str, str], metabonk: Metabonk, recorder: Recorder
) -> None:
    with demo(home, "--scenario", "healthy", "--workers", "2", "--speed", "10") as pool:
        running = recorder("--memory-watch", *pool.options)
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


def test_install_writes_a_unit_with_these_options_and_records_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("METABONK_TUI_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("METABONK_TUI_CONFIG", raising=False)
    assert guarded(["--base-port", "6000", "record", "--install", "--memory-watch"]) == 0
    unit = tmp_path / ".config/systemd/user/metabonk-tui-record.service"
    (start,) = [line for line in unit.read_text().splitlines() if line.startswith("ExecStart=")]
    assert start.endswith(" record --base-port 6000 --memory-watch")
    assert guarded(["record", "--install", "--for", "1h"]) == 64
    assert "leave --for out" in capsys.readouterr().err
    assert not (tmp_path / "state").exists()
