"""A command line in a fork ends, prints and writes as a started one: the tests of the verbs rely on it."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import home as home
from tests.support.forks import PROGRAM, Forked, can_fork, run
from tests.support.waiting import wait_for


@pytest.mark.parametrize(
    ("words", "given"),
    [
        (["report", "nope"], None),
        (["contract", "/dev/stdin"], "no recording"),
        (["--config", "own.toml", "config", "show"], None),
    ],
    ids=["a wrong call", "what is read from stdin", "a file in the current folder"],
)
def test_it_prints_and_ends_as_a_started_one(
    home: dict[str, str], tmp_path: Path, words: list[str], given: str | None
) -> None:
    (tmp_path / "own.toml").write_text("[pool]\nbase_port = 4711\n")
    forked = run(words, env=home, cwd=tmp_path, timeout=60, input=given)
    started = subprocess.run(
        [*PROGRAM, *words], env=home, cwd=tmp_path, timeout=60, input=given or "", capture_output=True, text=True
    )
    assert forked.stdout + forked.stderr
    assert (forked.returncode, forked.stdout, forked.stderr) == (started.returncode, started.stdout, started.stderr)


def test_it_is_a_process_of_its_own_that_a_signal_ends(home: dict[str, str], tmp_path: Path) -> None:
    words = ["check", "--wait", "--base-port", "1", "--workers", "1"]
    with Forked([*PROGRAM, *words], env=home, cwd=tmp_path, stderr=subprocess.PIPE, start_new_session=True) as child:
        assert child.stderr is not None
        assert child.stderr.readline()
        assert child.poll() is None
        assert os.getsid(child.pid) == child.pid != os.getsid(0)
        assert Path(f"/proc/{child.pid}/cwd").resolve() == tmp_path
        child.send_signal(signal.SIGKILL)
        assert child.wait(30) == -signal.SIGKILL
        wait_for(lambda: not Path(f"/proc/{child.pid}").exists(), "it was waited for")


def test_it_has_the_umask_that_it_is_given(home: dict[str, str], tmp_path: Path) -> None:
    done = run(["export", "sample", "--jsonl", "a.jsonl"], env=home, cwd=tmp_path, timeout=60, umask=0o277)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "a.jsonl").stat().st_mode & 0o377 == 0


@pytest.mark.parametrize("name", ["PYTHONIOENCODING", "LC_ALL", "LANG", "MALLOC_ARENA_MAX"])
def test_what_counts_before_an_interpreter_starts_needs_a_new_one(name: str) -> None:
    assert can_fork(dict(os.environ)) or not hasattr(os, "pidfd_open")
    assert not can_fork({**os.environ, name: "other"})
    assert not can_fork(None), "it would have the variables that the server had when it started"
