"""`alerts`, and what `record` tells others: a hook that is tried, an endpoint that is scraped."""

from __future__ import annotations

import json
import signal
import socket
import sys
import urllib.request
from pathlib import Path

import pytest

from metabonk_tui.cli.live.demo_pool import DemoPool
from metabonk_tui.cli.verbs.demo import _loaded
from tests.cli.conftest import Metabonk, demo
from tests.cli.verbs.test_record import recorder
from tests.support.waiting import wait_for


def written(tmp_path: Path, *command: str, more: str = "") -> str:
    path = tmp_path / "mine.toml"
    path.write_text(f"[alerts.hook]\ncommand = {json.dumps(command)}\n{more}")
    return str(path)


def test_a_hook_can_be_tried(metabonk: Metabonk, tmp_path: Path) -> None:
    code = "import json, sys; told = json.load(sys.stdin); print(told['alert']['text']); print(sorted(told))"
    path = written(tmp_path, sys.executable, "-c", code)
    done = metabonk("alerts", "test", "--config", path)
    assert (done.returncode, done.stderr) == (0, "")
    first, text, keys = done.stdout.splitlines()
    assert first.startswith("exit code 0 after ")
    assert text == "  made up, to try the hook: nothing is wrong"
    assert "'left_out'" in keys


def test_a_hook_that_fails_says_how(metabonk: Metabonk, tmp_path: Path) -> None:
    done = metabonk("alerts", "test", "--json", "--config", written(tmp_path, "false"))
    assert done.returncode == 1
    result = json.loads(done.stdout)
    assert (result["ok"], result["how"], result["command"]) == (False, "exit code 1", ["false"])


def test_without_a_hook_there_is_none_to_try(metabonk: Metabonk) -> None:
    done = metabonk("alerts", "test")
    assert (done.returncode, done.stdout) == (64, "")
    assert "alerts.hook.command" in done.stderr


def test_where_nobody_answers_nothing_is_known_and_no_hook_runs(metabonk: Metabonk, tmp_path: Path) -> None:
    path = written(
        tmp_path, "touch", str(tmp_path / "called"), more="severity = 'info'\n[observe]\ninterval_s = 0.2\n"
    )
    done = metabonk("alerts", "--json", "--base-port", "1", "--workers", "1", "--config", path)
    assert done.returncode == 3, done.stdout
    result = json.loads(done.stdout)
    assert (result["schema"], isinstance(result["alerts"], list)) == (1, True)
    assert not (tmp_path / "called").exists()


def test_a_demo_notifies_nobody_but_the_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, "page-everybody", more="[metrics]\nport = 9321\n[ui]\nnotify = 'both'\n")
    monkeypatch.setenv("METABONK_TUI_CONFIG", path)
    demo_config = tmp_path / "demo.toml"
    demo_config.write_text("[pool]\nworkers = 2\n")
    config = _loaded(DemoPool(tmp_path, demo_config, (), (), {}, 2, 1)).config
    assert (config.alerts.hook.command, config.metrics.port, config.ui.notify) == ([], 0, "both")


def test_a_recorder_is_scraped_and_a_second_one_says_that_the_port_is_taken(
    home: dict[str, str], tmp_path: Path
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def scraped() -> str:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
                return str(answer.read().decode())
        except OSError:
            return ""

    log = tmp_path / "state" / "metabonk-tui.log"
    with demo(home, "--scenario", "silent", "--workers", "2", "--speed", "60") as pool:
        path = tmp_path / "metrics.toml"
        path.write_text(f"{Path(pool.config).read_text()}\n[metrics]\nport = {port}\n")
        options = ["--config", str(path), "--speed", pool.speed]
        first = recorder(home, *options)
        wait_for(lambda: "metabonk_workers_up 2.0" in scraped())
        second = recorder(home, *options)
        message = f"no metrics: cannot listen on 127.0.0.1 port {port}: Address already in use"
        wait_for(lambda: log.exists() and message in log.read_text())
        assert "metabonk_workers_up" in scraped()
        for one in (second, first):
            one.send_signal(signal.SIGTERM)
            assert one.communicate(timeout=30) == ("", "")
            assert one.returncode == 0
        assert log.read_text().count(message) == 1
    assert scraped() == ""
