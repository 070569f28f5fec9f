"""What the monitor started itself is ended with its group, and nothing else is."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from metabonk_tui.adapters.process.proc import Proc
from metabonk_tui.adapters.process.spawn import kill_group
from tests.support.waiting import wait_for


def test_a_child_is_killed_with_its_group() -> None:
    with subprocess.Popen(["sh", "-c", "sleep 600; true"], start_new_session=True) as child:
        [below] = wait_for(lambda: Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split())
        kill_group(child.pid)
        assert child.wait(20) == -signal.SIGKILL
        wait_for(lambda: Proc().stat(int(below)) is None)


def test_a_group_outlives_its_ended_leader_and_is_killed_before_the_leader_is_reaped() -> None:
    with subprocess.Popen(
        ["sh", "-c", "sleep 600 & echo $!"], start_new_session=True, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        below = int(child.stdout.readline())
        wait_for(lambda: Proc().stat(child.pid) is None)
        assert Proc().stat(below) is not None
        kill_group(child.pid)
        wait_for(lambda: Proc().stat(below) is None)


def test_nothing_is_signalled_once_the_child_was_reaped(monkeypatch: pytest.MonkeyPatch) -> None:
    signalled: list[int] = []
    monkeypatch.setattr(os, "killpg", lambda group, _: signalled.append(group))
    with subprocess.Popen(["true"], start_new_session=True) as child:
        child.wait(20)
    kill_group(child.pid)
    assert signalled == []
