"""Defines what `doctor` finds: each with its standing, what it costs, and how to get it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from metabonk_tui.cli.exit_codes import DONE, FAILED

FindingState = Literal["PASS", "MISSING", "WRONG"]
WRONG_FOUND = 2
"""The exit code where something is wrong; a thing that is only missing gives 1."""


class Finding(Struct, frozen=True):
    """One thing that the monitor uses."""

    group: Literal["terminal", "machine", "program", "pool"]
    title: str
    standing: FindingState
    found: str
    """What was seen."""
    costs: str = ""
    """What the user does without; "" where nothing is lost."""
    remedy: str = ""
    """How to get it; "" where there is no way or no need."""


def exit_code(findings: Sequence[Finding]) -> int:
    """Return 0: all passed; 1: something is missing; 2: something is wrong."""
    standings = {finding.standing for finding in findings}
    return WRONG_FOUND if "WRONG" in standings else FAILED if "MISSING" in standings else DONE
