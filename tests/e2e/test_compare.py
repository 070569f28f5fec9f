"""A demo pool beside an imported run: the list, the reading, the first divergence, in a real terminal."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.support import forks
from tests.support.terminal import Screen

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


def quiet(path: Path, minutes: int = 40) -> Path:
    """Write a run of three workers without any component."""
    header = {"schema": 1, "kind": "run", "name": "quiet-run", "started_at": 1000.0, "desired": 3, "interval_s": 10}
    samples = [
        {
            "t": 1000.0 + 10 * n,
            "workers": {str(slot): {"status": {"step": 0.5 * n, "gameplay_started": False}} for slot in range(3)},
        }
        for n in range(6 * minutes)
    ]
    path.write_text("\n".join(map(json.dumps, [header, *samples])))
    return path


def test_c_names_the_first_thing_in_which_a_pool_parts_from_an_imported_run(tmp_path: Path) -> None:
    home = os.environ | {"METABONK_TUI_STATE_DIR": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    command = ["import", str(quiet(tmp_path / "quiet.jsonl"))]
    assert forks.run(command, env=home, timeout=60).returncode == 0
    screen = Screen(["demo", "--scenario", "healthy", "--workers", "3", "--speed", "60"], tmp_path)
    try:
        screen.wait_for(r"GATE +●", 90)
        screen.keys("c")
        screen.wait_for(r"▸ quiet-run", 30)
        screen.keys("quiet\r")
        screen.wait_for(r"◂ first divergence 00:0\d:\d\d · \S.+ keys: 3/3 here, 0/3 there", 60)
        screen.wait_for(r"intrinsic reward keys +● 3/3 +— 0/3")
        screen.wait_for(r"there +quiet-run +■ STOP since 00:\d\d:\d\d")
        screen.keys("\x1b")
        screen.wait_for(r"WORKERS\s+3 up")
        screen.wait_for(r"GHOST +quiet-run ■ STOP")
        screen.keys("q")
        assert screen.wait_end() == 0
    finally:
        screen.close()
