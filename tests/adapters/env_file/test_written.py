"""Env files are judged by their lines, and none of them is run."""

from __future__ import annotations

from pathlib import Path

import pytest

from metabonk_tui.adapters.env_file.written import WrittenEnvFile, written_env_files, written_values
from metabonk_tui.adapters.process.environ import Masking
from metabonk_tui.core.text.mask import MASK
from tests.support.children import config

REQUIRED = {"A": "1", "B": "smart", "C_TOKEN": "on"}


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=1", "1"),
        ("export A=1  # on", "1"),
        ("  A='a b'", "a b"),
        ('A="1"', "1"),
        ("A=", ""),
        ("A=1\r", "1"),
        ("\ufeffA=1", "1"),
        ("A=0\nA=1", "1"),
        ("A=$B", None),
        ('A="$(cmd)"', None),
        ("A=1; B=2", None),
        ("A=a#b", "a#b"),
        ("A=1'2'", None),
    ],
)
def test_the_value_of_a_line(line: str, value: str | None) -> None:
    assert written_values(line)["A"] == value


@pytest.mark.parametrize("line", ["# A=1", "A = 1", "A: 1", "if A=1", "echo A=1", ""])
def test_a_line_that_sets_nothing(line: str) -> None:
    assert written_values(line) == {}


def test_the_file_with_most_required_keys_is_first_and_nothing_is_run(tmp_path: Path) -> None:
    (tmp_path / "a.env").write_text("A=0\ntouch ran\n")
    (tmp_path / "b.env").write_text("export A=yes\nB=Smart\nC_TOKEN=$(touch ran)\n")
    (tmp_path / "c.env").write_bytes(b"\xff\xfeA\x00")
    (tmp_path / "d.txt").write_text("A=1\n")
    (tmp_path / "e.env").mkdir()
    found = written_env_files(tmp_path, REQUIRED, Masking(config()))
    assert found == (
        WrittenEnvFile("b.env", right=2, unknown=("C_TOKEN",)),
        WrittenEnvFile("a.env", missing=("B", "C_TOKEN"), wrong=("A is 0, not 1",)),
        WrittenEnvFile("c.env", error="is no UTF-8 text"),
    )
    assert not (tmp_path / "ran").exists()


def test_a_secret_is_masked_and_a_folder_that_is_gone_has_no_file(tmp_path: Path) -> None:
    (tmp_path / "a.env").write_text("C_TOKEN=hunter2\n")
    (found,) = written_env_files(tmp_path, REQUIRED, Masking(config()))
    assert found.wrong == (f"C_TOKEN is {MASK}, not on",)
    assert written_env_files(tmp_path / "gone", REQUIRED, Masking(config())) == ()
