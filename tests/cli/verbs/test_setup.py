"""setup as a user runs it: all questions before the first write, nothing overwritten, and `check` at the end."""

from __future__ import annotations

import argparse
import io
import os
import stat
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from metabonk_tui.cli.main import guarded
from metabonk_tui.cli.setup import backend
from metabonk_tui.cli.verbs import check
from tests.support.metabonk_layout import ENV_FILES, make_checkout
from tests.support.terminal import Screen
from tests.support.webhook_server import receiving

Setup = Callable[..., int]


class Terminal(io.StringIO):
    """Lines typed in a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("METABONK_TUI_CONFIG", "XDG_STATE_HOME", "VIRTUAL_ENV", "CONDA_PREFIX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / ".config"))
    monkeypatch.setenv("METABONK_TUI_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    make_checkout(tmp_path / "MetaBonk")
    return tmp_path


@pytest.fixture
def setup(home: Path, monkeypatch: pytest.MonkeyPatch) -> Setup:
    """Run setup with the typed lines in a terminal, None: no terminal; `check` only prints the configuration."""

    def main(options: argparse.Namespace, verb: str) -> int:
        print(f"checked {getattr(options, 'config', 'the default')}")
        return 3

    def run(*argv: str, typed: str | None = None) -> int:
        monkeypatch.setattr(sys, "stdin", io.StringIO() if typed is None else Terminal(typed))
        return guarded(["setup", *argv])

    monkeypatch.setattr(check, "main", main)
    # Whether this machine has Slurm changes no question.
    monkeypatch.setattr(backend, "find_clusters", lambda environ: {})
    return run


def config_of(home: Path) -> Path:
    return home / ".config/metabonk-tui/config.toml"


DIRECTORY = ("--directory", "MetaBonk", "--python", sys.executable)


def test_yes_writes_the_configuration_and_checks_it(
    setup: Setup, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert setup("--yes", *DIRECTORY, "--workers", "5") == 0
    captured = capsys.readouterr()
    assert captured.out == "checked the default\n"
    assert "check exits with 3" in captured.err
    tree = tomllib.loads(config_of(home).read_text(encoding="utf-8"))
    assert tree["pool"]["workers"] == 5
    launcher = tree["pool"]["launcher"]
    assert (launcher["directory"], launcher["env_file"]) == (str(home / "MetaBonk"), ENV_FILES[0])
    assert launcher["environment"] == {"METABONK_INTRINSIC_APPLY_IN_PURE_VISION": "1"}
    assert stat.S_IMODE(config_of(home).stat().st_mode) == 0o600
    assert not (home / ".config/systemd").exists()
    assert guarded(["config", "check"]) == 0


def test_yes_never_overwrites(setup: Setup, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = home / "mine.toml"
    path.write_text("[pool]\nworkers = 9\n")
    assert setup("--yes", "--config", "mine.toml", *DIRECTORY) == 2
    assert path.read_text() == "[pool]\nworkers = 9\n"
    captured = capsys.readouterr()
    assert f"{path} exists and stays: --yes overwrites nothing\nfor a new one: rename it" in captured.err
    assert captured.out == "checked mine.toml\n"
    path.write_text("[pool]\nworkerz = 9\n")
    assert setup("--yes", "--config", "mine.toml") == 78


def test_a_person_replaces_the_file_tries_the_hook_and_installs_the_recorder(
    setup: Setup, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config_of(home).parent.mkdir(parents=True)
    config_of(home).write_text("# old\n")
    hook = home / "hook"
    hook.write_text("#!/bin/sh\ncat > received\nexit 3\n")
    hook.chmod(0o755)
    assert setup(*DIRECTORY, "--env-file", ENV_FILES[1], typed="y\nn\n\n\n./hook\n\ny\ny\ny\n") == 1
    tree = tomllib.loads(config_of(home).read_text(encoding="utf-8"))
    assert tree["alerts"]["hook"]["command"] == [str(hook)]
    assert tree["pool"]["launcher"]["env_file"] == ENV_FILES[1]
    assert "environment" not in tree["pool"]["launcher"]
    (old,) = config_of(home).parent.glob("config.toml.old-*")
    assert old.read_text() == "# old\n"
    assert '"schema"' in (home / "received").read_text()
    assert (home / ".config/systemd/user/metabonk-tui-record.service").is_file()
    captured = capsys.readouterr()
    assert "exit code 3 after" in captured.out
    assert "systemctl --user enable --now metabonk-tui-record" in captured.out
    assert captured.out.endswith("checked the default\n")


def test_a_url_receives_a_test_alert_and_is_never_printed(
    setup: Setup, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with receiving() as receiver:
        url = receiver.url("/hunter2")
        assert setup("--workers", "2", "--base-port", "5000", typed=f"0\n\n{url}\nntfy\n\nn\n\n") == 0
        assert [(path, document["topic"]) for path, document in zip(receiver.paths, receiver.documents, strict=True)]
    tree = tomllib.loads(config_of(home).read_text(encoding="utf-8"))
    assert tree["alerts"]["webhook"] == {"ntfy": {"kind": "ntfy", "url": url}}
    captured = capsys.readouterr()
    assert "send a test alert to the webhook? [Y/n]" in captured.err
    assert "ntfy: " in captured.out
    assert "hunter2" not in captured.out + captured.err
    assert setup("--yes") == 2
    assert "send a test alert to the webhook? [y/N]" in capsys.readouterr().err


def files_below(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("typed", "code", "said"),
    [("\n\n", 130, "nothing was written"), ("\n\n\n\n\n\nn\n", 2, "declined: nothing was written")],
    ids=["the input ends", "declined"],
)
def test_until_the_last_answer_nothing_is_written(
    setup: Setup, home: Path, capsys: pytest.CaptureFixture[str], typed: str, code: int, said: str
) -> None:
    before = files_below(home)
    assert setup(*DIRECTORY, "--env-file", ENV_FILES[0], typed=typed) == code
    assert files_below(home) == before
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "no terminal to ask in: --yes takes every default"),
        (["--yes", "--directory", "."], "launch.py and src/worker/main.py are not in"),
        (["--yes", *DIRECTORY, "--env-file", "gone.env"], "--env-file: gone.env is no file here or in the checkout"),
        (["--yes", "--python", "/gone/python"], "--python: /gone/python is no program"),
        (["--yes", *DIRECTORY, "--backend", "slurm"], "--backend slurm: sbatch is not found here"),
        (["--yes", *DIRECTORY, "--backend", "slrm"], "invalid choice: 'slrm'; did you mean slurm?"),
    ],
    ids=["no terminal", "no checkout", "no env file", "no python", "no cluster", "no such backend"],
)
def test_what_cannot_be_asked_or_is_wrong_is_64(
    setup: Setup, home: Path, capsys: pytest.CaptureFixture[str], argv: list[str], message: str
) -> None:
    before = files_below(home)
    assert setup(*argv) == 64
    assert message in capsys.readouterr().err
    assert files_below(home) == before


def test_ctrl_c_at_a_question_in_a_real_terminal_writes_nothing(home: Path) -> None:
    (home / "state").mkdir()
    before = files_below(home / "MetaBonk")
    environment = {"HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config")}
    words = ["setup", "--directory", str(home / "MetaBonk"), "--env-file", ENV_FILES[0]]
    screen = Screen(words, home / "state", environment=environment)
    try:
        screen.wait_for("set what it lacks")
        screen.keys("\x03")
        assert screen.wait_end() == 130
        assert "nothing was written" in screen.text
    finally:
        screen.close()
    assert files_below(home / "MetaBonk") == before
    assert not os.path.lexists(home / ".config")
