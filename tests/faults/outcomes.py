"""Writes the outcome of every test into a file, as pytest reports it. A plugin: `-p tests.faults.outcomes`."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

OUTCOMES = "METABONK_TUI_FAULT_OUTCOMES"
"""The file; unset: nothing is written."""


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Write a line when a test has ended; with xdist only the process that distributes them writes."""
    file = os.environ.get(OUTCOMES)
    if file is None or "PYTEST_XDIST_WORKER" in os.environ:
        return
    if report.when == "call" or report.outcome != "passed":
        reason = ""
        if report.skipped and isinstance(report.longrepr, tuple):
            reason = str(report.longrepr[2]).removeprefix("Skipped: ")
        line = {"node": report.nodeid, "outcome": report.outcome, "seconds": report.duration, "reason": reason}
        with Path(file).open("a") as written:
            written.write(f"{json.dumps(line)}\n")
