"""More workers than a table holds, in a real terminal: all are counted, and the cursor reaches the last one."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.documents import Change
from bench.farm import running
from tests.support.terminal import Screen

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


def test_every_one_of_72_workers_is_counted_drawn_and_reached(tmp_path: Path) -> None:
    with running(72, Change.USUAL) as farm:
        config = farm.write_config(tmp_path)
        screen = Screen(["--config", str(config)], tmp_path, columns=80, lines=24)
        try:
            screen.wait_for(r"72/72 up", 40)
            screen.wait_for(r"WORKERS +72 of 72, worst first .*● 72 ok", 20)
            assert "▸" not in screen.text, "nothing is selected before a key"
            screen.keys("G")
            screen.wait_for(r"▸71 ", 10)
            screen.keys("\x1b")
            screen.wait_until(lambda: "▸" not in screen.text, "no cursor", 10)
            screen.keys("G\r")
            screen.wait_for(r"W71 .*menu_ui|W71 .*gameplay", 10)
        finally:
            screen.close()
