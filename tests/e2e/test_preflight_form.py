"""The launch form in a real terminal: a failing component test refuses the launch, a typed reason lets it through."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.alone import demo_alone
from tests.support.terminal import Screen

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


def test_a_failing_test_refuses_and_a_typed_reason_launches(tmp_path: Path) -> None:
    with demo_alone(10, tmp_path / "demo") as path:
        with path.open("a") as config:
            config.write('\n[[preflight.test]]\nname = "frames"\ncommand = ["sh", "-c", "echo no frames; exit 3"]\n')
        screen = Screen(["--config", str(path), "--speed", "10"], tmp_path, columns=120, lines=90)
        try:
            screen.wait_for(r"WORKERS\s+3 up", 30)
            screen.keys("L")
            screen.wait_for(r"test frames\s+FAIL\s+failed: exit code 3")
            screen.wait_for(r"no frames")
            screen.wait_for(r"a launch needs a typed reason")
            screen.keys("\r")
            screen.wait_for(r"locked until a reason is given")
            screen.keys("see what it does")
            screen.wait_for(r"locked until 3 is typed")
            screen.keys("\r")
            screen.confirm("3")
            screen.wait_for(r"3 workers answered", 60)
            screen.keys("\x1b")
            screen.wait_for(r"q quit")
            screen.wait_for(r"overridden: see what it does")
            (record,) = [path for path in tmp_path.glob("pool-*.json") if ".look." not in path.name]
            assert json.loads(record.read_text())["override"] == "see what it does"
            screen.keys("q")
            assert screen.wait_end() == 0
        finally:
            screen.close()
