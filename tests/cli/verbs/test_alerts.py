"""`alerts`, and what `record` tells others: a hook that is tried, an endpoint that is scraped."""

from __future__ import annotations

import argparse
import json
import re
import signal
import socket
import sys
import urllib.request
from pathlib import Path

import pytest

from metabonk_tui.adapters.state.config_files import load_config
from metabonk_tui.cli import main as cli
from metabonk_tui.cli.doctor.pool import webhook_finding
from metabonk_tui.cli.live.demo_pool import DemoPool
from metabonk_tui.cli.live.notifiers import alert_channels
from metabonk_tui.cli.verbs.demo import _loaded
from tests.cli.conftest import Metabonk, Recorder, demo
from tests.cli.schemas.test_generate import assert_of_type
from tests.support.waiting import wait_for
from tests.support.webhook_server import receiving


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
    assert text == "  this is a test: no worker was asked, and every value is made up"
    assert "'left_out'" in keys


def test_a_hook_that_fails_says_how(metabonk: Metabonk, tmp_path: Path) -> None:
    done = metabonk("alerts", "test", "--json", "--config", written(tmp_path, "false"))
    assert done.returncode == 1
    result = json.loads(done.stdout)
    assert (result["ok"], result["how"], result["command"]) == (False, "exit code 1", ["false"])


def test_a_webhook_can_be_tried_beside_the_hook_and_by_the_doctor(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with receiving() as receiver:
        path = written(
            tmp_path, "true", more=f'[alerts.webhook.team]\nkind = "slack"\nurl = "{receiver.url("/SECRET")}"\n'
        )
        assert cli.guarded(["alerts", "test", "--config", path]) == 0
        hook, webhook = capsys.readouterr().out.splitlines()[:2]
        assert hook.startswith("hook: exit code 0 after ")
        assert webhook.startswith("team: answered 200 after ")
        receiver.answers = [(503, {}, b"no SECRET"), (404, {}, b"no_service")]
        assert cli.guarded(["alerts", "test", "--json", "--config", path]) == 1
        document = json.loads(capsys.readouterr().out)
        assert_of_type("alerts-test", document)
        (tested,) = document["webhooks"]
        assert (tested["name"], tested["kind"], tested["how"], tested["output"]) == (
            *("team", "slack", "answered 503"),
            ["no ••••"],
        )
        config = load_config(path).config
        found = webhook_finding(config, "team", True)
        assert (found.standing, found.found.split(" after ")[0]) == ("WRONG", "slack, answered 404")
        assert found.found.endswith("no_service")
        assert [document["text"][:19] for document in receiver.documents] == ["FIRING warn Test on"] * 3
        assert webhook_finding(config, "team", True).standing == "PASS"
        assert webhook_finding(config, "team", False).standing == "PASS"
        assert len(receiver.documents) == 4, "without --test-alert nothing is sent"


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
    path = written(
        tmp_path,
        "page-everybody",
        more="[metrics]\nport = 9321\n[alerts.webhook.a]\nkind = 'json'\n[ui]\nnotify = 'both'\n",
    )
    monkeypatch.setenv("METABONK_TUI_CONFIG", path)
    demo_config = tmp_path / "demo.toml"
    demo_config.write_text("[pool]\nworkers = 2\n")
    typed = argparse.Namespace(slow=True, workers=4)
    config = _loaded(DemoPool(tmp_path, demo_config, (), (), {}, 2, 1), typed).config
    assert (config.alerts.hook.command, config.metrics.port, config.ui.notify) == ([], 0, "both")
    assert config.alerts.webhook == {}
    assert (config.ui.slow, config.pool.workers) == (True, 2)


def test_the_hook_and_each_webhook_are_a_channel_with_a_lock_of_its_own(tmp_path: Path) -> None:
    more = "".join(
        f'[alerts.webhook.{name}]\nkind = "json"\nurl = "http://127.0.0.1:1/{name}"\n' for name in ("a", "b")
    )
    config = load_config(written(tmp_path, "true", more=more)).config
    channels = alert_channels(config, tmp_path, lambda text: None)
    assert [channel.name for channel in channels] == ["hook", "a", "b"]
    assert len({str(channel._lock.path) for channel in channels}) == 3
    nothing = load_config(environ={"METABONK_TUI_CONFIG": ""}).config
    assert alert_channels(nothing, tmp_path, lambda text: None) == ()


def test_a_recorder_is_scraped_and_a_second_one_says_that_the_port_is_taken(
    home: dict[str, str], tmp_path: Path, recorder: Recorder
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
        first = recorder(*options)
        wait_for(lambda: "metabonk_workers_up 2.0" in scraped())
        second = recorder(*options)
        message = f"no metrics: cannot listen on 127.0.0.1 port {port}: Address already in use"
        wait_for(lambda: log.exists() and message in log.read_text())
        assert "metabonk_workers_up" in scraped()
        # The second one may be ended before its first look at the workers: then it says so.
        for one, its_words in ((second, r"(nothing was recorded: [^\n]+\n)?"), (first, "")):
            one.send_signal(signal.SIGTERM)
            output, errors = one.communicate(timeout=30)
            assert output == ""
            assert re.fullmatch(its_words, errors)
            assert one.returncode == 0
        assert log.read_text().count(message) == 1
    assert scraped() == ""
