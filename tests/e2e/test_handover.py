"""A hand-over of a recorded moment, opened again by its own command: the same verdict, screen and worker."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.support.samples import script, silent
from tests.support.stored_runs import stored
from tests.support.terminal import Screen

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


def test_the_command_of_a_hand_over_opens_the_moment(tmp_path: Path) -> None:
    stored(tmp_path / "runs", script(silent, every_s=30.0, for_s=3600.0))
    sender = Screen(["replay", "run-0", "--at", "40m", "--worker", "w1"], tmp_path, environment={"TERM": "linux"})
    try:
        sender.wait_for(r"paused +00:40:00")
        verdict = sender.wait_for(r"VERDICT +\S STOP +since \S+")
        sender.keys("mY")
        sender.wait_for(r"not copied \(linux\): ")  # the path may be too long for the footer
    finally:
        sender.close()
    lines = (tmp_path / "handover" / "metabonk-004000.txt").read_text().splitlines()
    (command,) = [line.removeprefix("look: ") for line in lines if line.startswith("look: ")]
    words = shlex.split(command)
    receiver = Screen(words[words.index("replay") :], tmp_path, environment={"TERM": "linux"})
    try:
        receiver.wait_for("AVAILABLE")
        assert receiver.wait_for(r"VERDICT +\S STOP +since \S+") == verdict
        receiver.keys("\x1b")
        receiver.wait_for("WORKERS")
        receiver.keys("\r")
        receiver.wait_for(r"\bW1\b")
    finally:
        receiver.close()
    assert re.search(r"--at 00:40:00 --screen memory --worker w1$", command)
