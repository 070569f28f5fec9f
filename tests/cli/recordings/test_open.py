"""The problems of each file are cut by themselves, so that one broken file does not hide another."""

import pytest

from metabonk_tui.adapters.recordings.lenient import Problem
from metabonk_tui.cli.recordings.open import print_problems


def test_each_file_has_its_own_cut(capsys: pytest.CaptureFixture[str]) -> None:
    found = [Problem("a.csv", n, "cut") for n in range(1, 13)]
    found += [Problem("a.csv", None, "9 more problems", 9), Problem("b.csv", 4, "no time")]
    print_problems(found)
    lines = capsys.readouterr().err.splitlines()
    assert lines == [*(f"a.csv:{n}: cut" for n in range(1, 11)), "... and 11 more in a.csv", "b.csv:4: no time"]
