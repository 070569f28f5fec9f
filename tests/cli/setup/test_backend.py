"""Slurm and Ray are offered where their programs are found; the launcher stays the default."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from metabonk_tui.adapters.state.config_check import check_config
from metabonk_tui.cli.setup.answers import SetupAnswers, chosen_values
from metabonk_tui.cli.setup.backend import ClusterAnswer, ask_backend
from metabonk_tui.cli.setup.config_file import write_config
from metabonk_tui.cli.setup.questions import Questions
from metabonk_tui.core.config.schema import Config
from tests.support.children import config

SLURM = ClusterAnswer("slurm", folder="~/metabonk-pool")
Ask = Callable[..., ClusterAnswer | None]


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    def run(
        *programs: str, typed: str | None = None, given: str = "", has_checkout: bool = True, **environ: str
    ) -> ClusterAnswer | None:
        for name in programs:
            (tmp_path / name).touch(0o755)
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed or ""))
        questions = Questions(takes_defaults=typed is None)
        return ask_backend(questions, {"PATH": str(tmp_path)} | environ, given, has_checkout)

    return run


@pytest.mark.parametrize("typed", [None, "\n", "1\n", "launcher\n"])
def test_the_launcher_stays_unless_another_is_chosen(ask: Ask, typed: str | None) -> None:
    assert ask("sbatch", "ray", typed=typed) is None


def test_what_is_not_found_is_not_mentioned(ask: Ask, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask(typed="") is None
    assert capsys.readouterr().err == ""
    ask("sbatch")
    err = capsys.readouterr().err
    assert "  2  slurm " in err
    assert "/sbatch is found; " in err
    assert "docs/slurm.md" in err
    assert "docs/ray.md" not in err


@pytest.mark.parametrize("typed", ["2\n\n", "slurm\n\n", "3\n9\nslrm\nslurm\nmetabonk-pool\n\n"])
def test_slurm_is_chosen_by_number_or_name(ask: Ask, typed: str) -> None:
    assert ask("sbatch", typed=typed) == SLURM


def test_the_command_line_chooses_as_well(ask: Ask) -> None:
    assert ask("sbatch", given="slurm") == SLURM
    assert ask("sbatch", given="launcher") is None


def test_without_a_checkout_nothing_is_asked_and_the_find_is_said(
    ask: Ask, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask("sbatch", typed="slurm\n", has_checkout=False) is None
    assert 'sbatch is found; for backend = "slurm" name a checkout' in capsys.readouterr().err


def test_ray_needs_an_address(ask: Ask, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask("ray", "python3", typed="ray\n\n") is None
    assert "the launcher stays" in capsys.readouterr().err
    python = str(tmp_path / "python3")
    typed = "ray\nhead\nhead:6379\n\n/t/token\n"
    assert ask("ray", "python3", typed=typed) == ClusterAnswer(
        "ray", address="head:6379", python=python, token_file="/t/token"
    )
    known = {"RAY_ADDRESS": "10.0.0.1:6379", "RAY_AUTH_TOKEN_PATH": "/srv/token"}
    assert ask("ray", given="ray", **known) == ClusterAnswer(
        "ray", address="10.0.0.1:6379", python=python, token_file="/srv/token"
    )
    assert ask("ray", given="ray", RAY_ADDRESS="auto") is None, "any cluster that Ray finds is none that was named"


@pytest.mark.parametrize(
    ("cluster", "python", "expected"),
    [
        (SLURM, "", {"pool.backend": "slurm", "pool.slurm.folder": "~/metabonk-pool"}),
        (
            SLURM,
            "/m/python",
            {"pool.slurm.command": ["/m/python", *config().pool.slurm.command[1:]]},
        ),
        (
            ClusterAnswer("ray", address="h:1", python="/r/python"),
            "/m/python",
            {
                "pool.backend": "ray",
                "pool.ray.address": "h:1",
                "pool.ray.python": "/r/python",
                "pool.ray.command": ["/m/python", *config().pool.ray.command[1:]],
            },
        ),
        (ClusterAnswer("ray", "", "h:1", "/r/python", "/t"), "", {"pool.ray.token_file": "/t"}),
    ],
)
def test_the_file_that_is_written_is_without_a_mistake(
    tmp_path: Path, cluster: ClusterAnswer, python: str, expected: dict[str, object]
) -> None:
    defaults: Config = config()
    answers = SetupAnswers(5000, 3, directory="/m", python=python, cluster=cluster, orchestrator_port=9040)
    values = chosen_values(answers, defaults)
    assert values.items() >= expected.items()
    assert values["pool.orchestrator"] == ""
    assert "pool.launcher.launch" not in values
    path = tmp_path / "config.toml"
    list(write_config(path, values, "{}"))
    assert [text for text in check_config(str(path)).mistakes if "backend" in text or "pool.ray" in text] == []


def test_without_a_checkout_a_cluster_is_no_backend() -> None:
    assert chosen_values(SetupAnswers(5000, 3), config())["pool.backend"] == "none"
