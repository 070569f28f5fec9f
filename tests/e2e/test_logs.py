"""The log of a real worker that is killed: it opens at the lines before its death, and follows what comes."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest

from tests.demo.conftest import demo as demo
from tests.support.demo_pools import MakePool
from tests.support.terminal import Screen

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


def test_after_a_death_the_logs_open_at_the_lines_before_it(demo: MakePool, tmp_path: Path) -> None:
    pool = demo("healthy", workers=2, speed=10)
    pool.launch()
    pool.wait_up(2)
    started = re.findall(r"starting omega-1 on :\d+ \(pid (\d+)\)", pool.log("launch.log"))
    (first,) = map(int, started)
    screen = Screen(["--config", pool.facts["config"], "--speed", "10"], tmp_path)
    try:
        screen.wait_for(r"2/2 up")
        os.kill(first, signal.SIGKILL)
        screen.wait_for(r"w1 :\d+ \S+ gen 2", 60.0)
        screen.keys("l")
        new = int(screen.wait_for(r"LOG w1  where pid \d+ began").split()[-2])
        assert new != first
        screen.wait_for(rf"(?s)process \[{first}\].*process \[{new}\]")
        assert "HELD" in screen.text
        screen.keys("f")
        screen.wait_for("FOLLOW")
        screen.keys("<<")
        screen.wait_for("LOG merged")
        with (sorted(pool.directory.glob("runs/*"))[-1] / "logs" / "worker_0.log").open("a") as log:
            log.write("RuntimeError: written while it is followed\n")
        screen.wait_for(r"~\d\d:\d\d:\d\d  w0 +\S RuntimeError: written while it is followed")
        screen.keys("/while\r")
        screen.wait_for("hit 1 of 1")
    finally:
        screen.close()
