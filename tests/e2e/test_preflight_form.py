"""The launch form in a real terminal: a failing component test refuses the launch, a typed reason lets it through."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.e2e.screen import ROOT, Screen

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


def test_a_failing_test_refuses_and_a_typed_reason_launches(tmp_path: Path) -> None:
    demo = [sys.executable, "-m", "metabonk_tui", "demo", "--scenario", "healthy", "--no-ui", "--speed", "10"]
    environment = {**os.environ, "METABONK_TUI_STATE_DIR": str(tmp_path / "demo")}
    pool = subprocess.Popen(
        demo, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    )
    screen = None
    try:
        assert pool.stdout is not None
        said = ""
        while "--config" not in said:
            said = pool.stdout.readline()
            assert said, "the demo said nowhere how to watch it"
        found = re.search(r"--config (\S+)", said)
        assert found
        with Path(found[1]).open("a") as config:
            config.write('\n[[preflight.test]]\nname = "frames"\ncommand = ["sh", "-c", "echo no frames; exit 3"]\n')
        screen = Screen(["--config", found[1], "--speed", "10"], tmp_path, columns=120, lines=50)
        screen.wait_for(r"WORKERS\s+3 up", 30)
        screen.keys("L")
        screen.wait_for(r"test frames\s+FAIL\s+failed: exit code 3", 20)
        screen.wait_for(r"no frames", 5)
        screen.wait_for(r"a launch will need a typed reason", 20)
        screen.keys("\r")
        screen.wait_for(r"locked until a reason is given", 10)
        screen.keys("see what it does")
        screen.wait_for(r"locked until 3 is typed", 10)
        screen.keys("\r3")
        time.sleep(0.5)  # Enter right behind the last character is refused: it may be a paste
        screen.keys("\r")
        screen.wait_for(r"3 workers answered", 60)
        screen.keys("\x1b")
        screen.wait_for(r"q quit", 10)
        screen.wait_for(r"overridden: see what it does", 20)
        (record,) = tmp_path.glob("pool-*.json")
        assert json.loads(record.read_text())["override"] == "see what it does"
        screen.keys("q")
        assert screen.wait_end() == 0
    finally:
        if screen is not None:
            screen.close()
        pool.send_signal(signal.SIGINT)
        pool.wait(40)
        if pool.stdout:
            pool.stdout.close()
