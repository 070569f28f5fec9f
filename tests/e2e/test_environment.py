"""The environment screen over a real pool that was launched without its env file being exported."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.terminal import Screen

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


def test_an_env_file_that_was_not_exported_is_named_with_the_keys_it_did_not_bring(tmp_path: Path) -> None:
    screen = Screen(["demo", "--scenario", "silent", "--speed", "60"], tmp_path)
    try:
        screen.wait_for(r"WORKERS\s+3 up", 60)
        screen.keys("e")
        screen.wait_for(r"ENVIRONMENT\s+1/6")
        screen.wait_for(r"not exported: sourced without set -a")
        screen.wait_for(r"METABONK_INTRINSIC_REWARD +1 +● 1 +NO( +— missing){3} ")
        screen.wait_for(r"missing in 3/3")
        screen.keys("\x1b")
        screen.wait_for(r"WORKERS\s+3 up")
        screen.keys("q")
        assert screen.wait_end() == 0
    finally:
        screen.close()
