"""Questions of a tired person in a real terminal, on recorded runs; `tests/ui/test_tired_user.py` has all of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.samples import header, healthy, room, script, silent
from tests.support.stored_runs import stored
from tests.support.terminal import Screen

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(240),
    pytest.mark.skipif(not os.environ.get("METABONK_TUI_THOROUGH"), reason="only in `make thorough`"),
]
TASKS = (
    ("a\r", r"W\d .*uncertain"),
    ("m-", r"AVAILABLE .*at \d\d:\d\d, now"),
    ("4\r", r"REPLAY"),
    ("t-5m\r", r"paused +00:\d\d:\d\d"),
    ("/\x1b[A\r", r"match .ill."),
    ("Y", r"copied and in"),
    ("c\r", r"first divergence|here and there"),
)
"""Keys, and what is on the screen then; Esc goes back between them."""


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (200, 60)])
def test_a_recorded_night_answers(tmp_path: Path, columns: int, lines: int) -> None:
    for name, life in (("yesterday", healthy), ("tonight", silent)):
        run = header(0.0, 3, 30.0, name=name)
        stored(tmp_path / "runs", script(life, every_s=30.0, for_s=3600.0, run=run, memory=lambda _: room()))
    screen = Screen(["replay", "tonight", "--at", "50m"], tmp_path, columns=columns, lines=lines)
    try:
        screen.wait_for(r"paused +00:50:00")
        for keys, seen in TASKS:
            screen.keys(keys)
            screen.wait_for(seen)
            screen.keys("\x1b")
            screen.settle()
        screen.keys("q")
        assert screen.wait_end() == 0
    finally:
        screen.close()
