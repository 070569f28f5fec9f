"""The questions of setup against a MetaBonk layout, with a made-up process table."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from metabonk_tui.adapters.pools import pythons
from metabonk_tui.adapters.pools.pythons import AskedPython
from metabonk_tui.adapters.process.proc import Proc
from metabonk_tui.cli.setup import backend, interview
from metabonk_tui.cli.setup.answers import SetupAnswers, WebhookAnswer
from metabonk_tui.cli.setup.interview import GivenAnswers, Interview, Surroundings
from metabonk_tui.cli.setup.questions import Questions
from metabonk_tui.core.launch.imports import ImportProbe, MissingModule
from metabonk_tui.core.text.mask import MASK
from tests.support.children import config
from tests.support.metabonk_layout import ENV_FILES, make_checkout
from tests.support.proc_trees import Table

MISSING = "METABONK_INTRINSIC_APPLY_IN_PURE_VISION"
Ask = Callable[..., SetupAnswers]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No Python is started, and no port and no cluster of this machine counts."""

    def ask_python(config: object, checkout: Path, candidate: pythons.PythonCandidate, *limit: float) -> AskedPython:
        lacks = () if ".venv" in candidate.command else (MissingModule("torch", "needed", "missing", "a.py:1"),)
        return AskedPython(candidate, ImportProbe(f"{candidate.command} 3.11.7", 2, True, lacks))

    monkeypatch.setattr(pythons, "ask_python", ask_python)
    monkeypatch.setattr(interview, "ask_python", ask_python)
    monkeypatch.setattr(interview, "listen_sockets", lambda: ())
    monkeypatch.setattr(backend, "find_clusters", lambda environ: {})


@pytest.fixture
def table(tmp_path: Path) -> Table:
    return Table(tmp_path / "root")


@pytest.fixture
def ask(tmp_path: Path, table: Table, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Return a function that asks with the typed lines, or with the defaults for None."""
    (tmp_path / "home").mkdir()
    (tmp_path / "cwd").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))

    def run(typed: str | None = None, **given: object) -> SetupAnswers:
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed or ""))
        around = Surroundings(tmp_path / "cwd", tmp_path / "home", Proc(table.root), {"PATH": os.environ["PATH"]})
        questions = Questions(takes_defaults=typed is None)
        return Interview(questions, config(), around, GivenAnswers(**given)).answers()  # type: ignore[arg-type]

    return run


def venv(checkout: Path) -> str:
    python = checkout / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.touch(0o755)
    return str(python)


def test_the_defaults_on_the_public_checkout(ask: Ask, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkout = make_checkout(tmp_path / "home" / "MetaBonk", {"z.env": "METABONK_META_LEARNING=0\nA_TOKEN=hunter2\n"})
    python = venv(checkout)
    assert ask() == SetupAnswers(
        base_port=5000,
        workers=3,
        directory=str(checkout),
        env_file=ENV_FILES[0],
        environment={MISSING: "1"},
        python=python,
    )
    err = capsys.readouterr().err
    assert "  1  ~/MetaBonk   your home folder\n" in err
    assert f"  1  {ENV_FILES[0]}   5 of 6 right\n       not set: {MISSING}\n" in err
    assert "  3  z.env   0 of 6 right\n       METABONK_META_LEARNING is 0, not 1\n" in err
    assert "hunter2" not in err


def test_where_nothing_is_found_the_monitor_only_watches(ask: Ask, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask() == SetupAnswers(base_port=5000, workers=3)
    err = capsys.readouterr().err
    assert "none is found where a pool runs" in err
    assert "PYTHON" not in err
    assert "ENV FILE" not in err


def test_other_answers_and_wrong_ones(ask: Ask, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkout = make_checkout(tmp_path / "else where", {"x.env": "METABONK_META_LEARNING=0\n", "sub/other.env": ""})
    program = sys.executable
    typed = ["/nowhere", str(checkout), "nope.env", "x.env", "n", program, "6000", "2", "'a", f"{program} x", ""]
    found = ask("\n".join(typed) + "\n")
    assert found == SetupAnswers(
        base_port=6000,
        workers=2,
        directory=str(checkout),
        env_file="x.env",
        python=program,
        hook=(program, "x"),
    )
    err = capsys.readouterr().err
    assert "  /nowhere does not exist\n" in err
    assert "nope.env is no file\n" in err
    assert "METABONK_META_LEARNING is 0, and 1 is needed: change it in the file" in err
    assert "  a quotation mark is not closed\n" in err


@pytest.mark.parametrize(
    ("typed", "expected", "refused"),
    [
        ([""], None, 0),
        (
            ["https://hooks.slack.com/services/T/B/x"],
            WebhookAnswer("slack", "https://hooks.slack.com/services/T/B/x"),
            0,
        ),
        (
            ["https://discord.com/api/webhooks/1/x"],
            WebhookAnswer("discord", "https://discord.com/api/webhooks/1/x"),
            0,
        ),
        (["https://ntfy.sh/mine"], WebhookAnswer("ntfy", "https://ntfy.sh/mine"), 0),
        (["https://ntfy.sh", "https://ntfy.sh/mine"], WebhookAnswer("ntfy", "https://ntfy.sh/mine"), 1),
        (["https://ntfy.home/mine", "ntfy"], WebhookAnswer("ntfy", "https://ntfy.home/mine"), 0),
        (["https://pages.home", "slack", "json"], WebhookAnswer("json", "https://pages.home"), 1),
        (["https://pages.home/a", "teams", ""], WebhookAnswer("json", "https://pages.home/a"), 0),
        (["https://notslack.com.evil/a", ""], WebhookAnswer("json", "https://notslack.com.evil/a"), 0),
        (["http://pages.home/hunter2", "hunter2", "ftp://hunter2/a", ""], None, 2),
    ],
    ids=lambda value: value[0] or "none" if isinstance(value, list) else "",
)
def test_a_url_for_alerts_has_a_kind_or_is_refused_unseen(
    ask: Ask, capsys: pytest.CaptureFixture[str], typed: list[str], expected: WebhookAnswer | None, refused: int
) -> None:
    assert ask("\n".join(["0", "", "", "", *typed]) + "\n").webhook == expected
    err = capsys.readouterr().err
    assert "hunter2" not in err
    assert err.count("expected a URL like") == refused


def test_a_folder_of_others_is_no_default(ask: Ask, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_checkout(tmp_path / "home" / "MetaBonk").chmod(0o777)
    assert ask().directory == ""
    assert "your home folder; every user may write there\n" in capsys.readouterr().err
    assert ask("1\n0\nn\n" + "\n" * 9).directory.endswith("/home/MetaBonk")


def test_a_running_pool_gives_its_ports_and_its_python(ask: Ask, tmp_path: Path, table: Table) -> None:
    checkout = make_checkout(tmp_path / "srv")
    python = venv(checkout)
    commands = [f"{python} launch.py", f"{python} -m src.orchestrator.main --port 9040"]
    commands += [f"{python} -m src.worker.main --port {6000 + i} --instance-id omega-{i}" for i in range(2)]
    for pid, command in enumerate(commands, 50):
        table.add(pid, command)
        table.write(f"{pid}/status", f"Uid:\t0\t{os.geteuid()}\t0\t0\n")
        os.symlink(checkout, table.root / "proc" / str(pid) / "cwd")
    found = ask()
    assert (found.base_port, found.workers, found.orchestrator_port, found.python) == (6000, 2, 9040, python)


def test_an_env_file_that_bash_cannot_read_is_said(
    ask: Ask, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkout = make_checkout(
        tmp_path / "m", {"bad.env": "METABONK_META_LEARNING=1\n(\n", "s.env": "K_TOKEN=hunter2\n"}
    )
    found = ask(directory=str(checkout), env_file="bad.env", workers=4, base_port=7000)
    assert (found.env_file, found.environment, found.workers, found.base_port) == ("bad.env", {}, 4, 7000)
    assert "it cannot be used as it is: " in capsys.readouterr().err
    assert MASK not in found.env_file


def test_the_ports_that_are_taken_are_named(
    ask: Ask, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Socket:
        port = 5001

    monkeypatch.setattr(interview, "listen_sockets", lambda: (Socket(),))
    ask()
    assert "a process listens on 5001: if it is no worker" in capsys.readouterr().err
