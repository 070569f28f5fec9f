"""A command of Slurm has a deadline, and a failure is a value."""

from __future__ import annotations

import sys
import time

import pytest

from metabonk_tui.adapters.slurm.commands import run, slurm_environment

PRINTS = [sys.executable, "-c"]


def test_what_it_printed() -> None:
    assert run([*PRINTS, "print('a|b')"]).out == "a|b\n"


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("import sys; print('squeue: error: no controller', file=sys.stderr); sys.exit(1)", ": no controller"),
        ("raise SystemExit(3)", ": exit code 3"),
        ("import sys; sys.stdout.write('x' * 5_000_000)", "printed more than 4 MB"),
    ],
)
def test_a_failure_has_its_words(code: str, error: str) -> None:
    found = run([*PRINTS, code])
    assert found.out == ""
    assert found.error.endswith(error)


def test_one_that_hangs_is_ended() -> None:
    began_s = time.monotonic()
    assert "did not answer within 0.3 s" in run([*PRINTS, "import time; time.sleep(60)"], 0.3).error
    assert time.monotonic() - began_s < 30


def test_one_that_is_missing() -> None:
    assert "cannot be run" in run(["/nowhere/squeue"]).error


def test_a_job_that_the_monitor_runs_in_does_not_choose_for_it() -> None:
    found = slurm_environment(
        {"SLURM_JOB_ID": "7", "SBATCH_PARTITION": "x", "SLURM_CONF": "/a", "HOME": "/h", "TMUX": "x"}
    )
    assert found == {"SLURM_CONF": "/a", "HOME": "/h", "LC_ALL": "C.UTF-8", "SLURM_TIME_FORMAT": "%s"}
