"""`demo --story`: without a terminal its chapters are text, with what the monitor said then."""

import re

import pytest

from metabonk_tui.cli.main import guarded
from metabonk_tui.core.recordings.story import CHAPTERS
from tests.cli.conftest import Metabonk


def test_without_a_terminal_the_chapters_are_printed_with_what_the_monitor_says(metabonk: Metabonk) -> None:
    done = metabonk("demo", "--story")
    assert done.returncode == 0, done.stderr
    for number, chapter in enumerate(CHAPTERS, 1):
        assert f"{number}/{len(CHAPTERS)}  " in done.stdout
        for line in chapter.lines:
            assert line in done.stdout
    said = re.findall(r"> (.*?)(?: since|,)", done.stdout)
    assert said == ["VALIDATING", "STOP", "STOP", "STOP", "STOP", "STOP", "STOP ended", "LAUNCH 24H", "SUCCESS"]
    assert "kernel OOM kill" in done.stdout
    assert "What to type next:" in done.stdout
    assert " compare sample:failed sample:rescued\n" in done.stdout


@pytest.mark.parametrize("option", [["--no-ui"], ["--scenario", "leak"], ["--workers", "2"], ["--speed", "60"]])
def test_it_starts_no_pool_so_no_option_of_one_goes_with_it(
    capsys: pytest.CaptureFixture[str], option: list[str]
) -> None:
    assert guarded(["demo", "--story", *option]) == 64
    assert f"starts no pool, so {option[0]} does not go with it" in capsys.readouterr().err
