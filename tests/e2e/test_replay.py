"""The failed run, opened for real: walked through minute by minute, with STOP on screen from its gate on."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from metabonk_tui.core.text import numbers as fmt
from tests.support import forks
from tests.support.paths import ROOT
from tests.support.terminal import Screen

FAILED_RUN = ROOT.parent / "shared" / "data" / "failed-run"
GATE_S = 1800
LENGTH_S = 4500

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(180),
]
THERE = pytest.mark.skipif(not FAILED_RUN.exists(), reason="the failed run is not on this machine")


@contextmanager
def opened(arguments: list[str], state: Path, **size: int) -> Iterator[Screen]:
    screen = Screen(arguments, state, **size)
    try:
        yield screen
    finally:
        screen.close()


def imported(state: Path) -> str:
    """Take the failed run in among the runs; return the name of its first 75 minutes."""
    environment = {**os.environ, "METABONK_TUI_STATE_DIR": str(state), "XDG_CONFIG_HOME": str(state)}
    done = forks.run(["import", str(FAILED_RUN)], env=environment, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()[0]


def walked(screen: Screen, on: str = "]", back: str = "[", minutes: int = 2) -> None:
    """Go from the start to the end of the run, and look at each cell of the strip: a cell has two minutes.

    Where there is no strip, `}` goes by the minute.
    """
    screen.wait_for(r"REPLAY +\S paused +00:00:00 of 01:15:00")
    if on == "]":
        screen.wait_for(r"RUN  2 min a cell")
    places = range(minutes, LENGTH_S // 60 + 1, minutes)
    for minute in places:
        screen.keys(on)
        screen.wait_for(rf"paused +{fmt.elapsed(60 * minute)} of 01:15:00")
        verdict = screen.wait_for(r"VERDICT +\S .*")
        assert bool(re.search(r"^VERDICT +\S STOP ", verdict)) == (60 * minute >= GATE_S), (minute, verdict)
        assert "REPLAY" in screen.text
        assert "LIVE" not in screen.text
    screen.keys(back)
    screen.wait_for(rf"paused +{fmt.elapsed(60 * places[-2])} of")


def left(screen: Screen) -> None:
    screen.keys("q")
    assert screen.wait_end() == 0


@THERE
def test_the_folder_of_tables_minute_by_minute(tmp_path: Path) -> None:
    with opened(["replay", str(FAILED_RUN), "--at", "start"], tmp_path, columns=80, lines=24) as screen:
        walked(screen, "}", "{", minutes=1)
        screen.keys("X")
        screen.wait_for("no live pool to act on")
        left(screen)


@THERE
def test_the_imported_run_minute_by_minute_and_by_what_happened(tmp_path: Path) -> None:
    name = imported(tmp_path)
    with opened(["replay", name, "--at", "start"], tmp_path) as screen:
        walked(screen)
        screen.keys("\x1b[H")
        screen.wait_for(r"paused +00:00:00 of")
        screen.keys("tnext stop\r")
        screen.wait_for(r"paused +00:30:00 of")
        assert re.search(r"VERDICT +\S STOP +since 00:30:00", screen.text)
        screen.keys("(")
        screen.wait_for(r"paused +00:25:00 of")
        assert re.search(r"VERDICT +\S VALIDATING", screen.text)
        screen.keys("t55 past\r")
        screen.wait_for("55 past.*not valid")
        screen.keys("\x15" + "55m\r")
        screen.wait_for(r"paused +00:55:00 of")
        screen.keys("v")
        screen.wait_for("STOP")
        screen.keys("\x1b")
        left(screen)


@THERE
def test_it_plays_by_itself_to_the_end_of_the_second_run(tmp_path: Path) -> None:
    with opened(["replay", str(FAILED_RUN), "--speed", "3000"], tmp_path) as screen:
        screen.wait_for(r"REPLAY +\S (×3000|paused +01:05:00)")
        screen.wait_for(r"paused +01:05:00 of 01:05:00 +run 2/2")
        screen.keys("(")
        screen.wait_for(r"paused +01:00:00 of")
        left(screen)


def test_what_is_not_there_is_said_in_a_line(tmp_path: Path) -> None:
    with opened(["replay", "no-such-run"], tmp_path) as screen:
        assert screen.wait_end() == 64
        assert "no such run: no-such-run" in screen.text


def test_from_a_live_monitor_back_into_the_past_and_to_now_again(tmp_path: Path) -> None:
    with opened(["demo", "--speed", "30", "--workers", "2"], tmp_path) as screen:
        screen.wait_for(r"LIVE[^\n]*2/2 up", 60.0)
        screen.wait_for(r"VERDICT +\S STOP", 60.0)
        screen.keys("{")
        screen.wait_for(r"REPLAY +\S paused")
        assert "LIVE" not in screen.text
        screen.keys("X")
        screen.wait_for("End returns to live")
        screen.keys("tstart\r")
        screen.wait_for(r"paused +00:00:\d\d of")
        assert not re.search(r"VERDICT +\S STOP", screen.text)
        screen.keys("v")
        screen.keys("G")
        screen.wait_for(r"LIVE")
        assert "REPLAY" not in screen.text
        screen.keys("q")
        assert screen.wait_end(60.0) == 0
