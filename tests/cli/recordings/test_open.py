"""The problems of each file are cut by themselves, so that one broken file does not hide another."""

import os
from pathlib import Path

import pytest

from metabonk_tui.adapters.recordings.lenient import Problem
from metabonk_tui.cli.recordings import open as opening
from metabonk_tui.cli.recordings.open import print_problems


def test_each_file_has_its_own_cut(capsys: pytest.CaptureFixture[str]) -> None:
    found = [Problem("a.csv", n, "cut") for n in range(1, 13)]
    found += [Problem("a.csv", None, "9 more problems", 9), Problem("b.csv", 4, "no time")]
    print_problems(found)
    lines = capsys.readouterr().err.splitlines()
    assert lines == [*(f"a.csv:{n}: cut" for n in range(1, 11)), "... and 11 more in a.csv", "b.csv:4: no time"]


def test_a_name_that_no_run_has_gets_the_nearest_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "store", lambda: tmp_path)
    assert opening.no_such_run("nope").startswith(
        "no such run: nope; no run was recorded yet; name a file, try 'sample', or record"
    )
    for number in range(4):
        (tmp_path / f"run-179590000{number}.db").touch()
        os.utime(tmp_path / f"run-179590000{number}.db", (number, number))
    assert opening.no_such_run("run-179590009").startswith("no such run: run-179590009; did you mean run-179590000")
    assert opening.no_such_run("nope") == (
        "no such run: nope; the newest: run-1795900003, run-1795900002, run-1795900001 and 1 more\n"
        "to list the runs: metabonk-tui runs"
    )
