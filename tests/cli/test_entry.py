"""Locales that cannot express what is printed, and streams that are closed."""

import subprocess
import sys

import pytest

from tests.cli.conftest import Metabonk


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8:strict", "cp1252"])
@pytest.mark.parametrize(("argv", "code"), [(["config", "show"], 0), (["status"], 3), (["--help"], 0)])
def test_no_encoding_ends_a_verb(metabonk: Metabonk, encoding: str, argv: list[str], code: int) -> None:
    done = metabonk(*argv, env={"PYTHONIOENCODING": encoding}, encoding=encoding.partition(":")[0])
    assert done.returncode == code, done.stderr
    assert done.stdout


def test_a_name_that_is_no_text_is_printed(metabonk: Metabonk) -> None:
    done = metabonk("config", "check", "--config", "/nowhere/\udcff")
    assert done.returncode == 78
    assert done.stderr.startswith("metabonk-tui: /nowhere/?: cannot be read")


def test_closed_streams_are_no_crash(home: dict[str, str]) -> None:
    command = f"exec {sys.executable} -m metabonk_tui status >&- 2>&-"
    done = subprocess.run(["sh", "-c", command], env=home, timeout=60)
    assert done.returncode == 3
