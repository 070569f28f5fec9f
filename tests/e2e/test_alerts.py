"""An alert in a real terminal: it is counted, seen by a key, and then seen in every monitor of the run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.conftest import demo
from tests.support.terminal import Screen

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


def test_what_one_has_seen_the_other_monitor_shows_as_seen(tmp_path: Path) -> None:
    home = {**os.environ, "METABONK_TUI_STATE_DIR": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)}
    home |= {"XDG_CONFIG_HOME": str(tmp_path), "LC_ALL": "C.UTF-8"}
    with demo(home, "--scenario", "silent", "--workers", "2", "--speed", "60") as pool:
        first = Screen(["watch", *pool.options], tmp_path)
        try:
            first.wait_for(r"■ \d+ ! alerts", 90)
            second = Screen(["watch", *pool.options, "--read-only"], tmp_path, columns=80, lines=24)
            try:
                second.wait_for(r"■ \d+ ! alerts", 60)
                second.keys("!")
                second.wait_for(r"■ crit +ComponentAbsent +all 2 .* not seen", 60)
                # Acknowledged where one only looks along: the recorder reports it to both.
                second.keys("x")
                second.wait_for(r"seen \d\d:\d\d key", 60)
                first.keys("!")
                first.wait_for(r"seen \d\d:\d\d key", 60)
                first.keys("u")
                first.wait_for("all seen", 60)
                second.wait_for("FIRING +all seen", 60)
            finally:
                second.close()
        finally:
            first.close()
