"""A list of things that must be so before something is done: each with its standing, its evidence, and what to do.

Pure. Refuses to know what is checked; a list that was not gone through is not passed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

CheckState = Literal["waiting", "running", "PASS", "FAIL", "UNKNOWN", "SKIPPED"]
MIN_WORDS = 3
"""A reason of fewer words explains nothing to whoever reads it after the run."""


@dataclass(frozen=True, slots=True)
class ChecklistItem:
    """One thing that must be so."""

    id: str
    title: str
    standing: CheckState
    evidence: tuple[str, ...] = ()
    """What was seen, the most telling first."""
    fix: str = ""
    """What to do where it is not so."""
    output: tuple[str, ...] = ()
    """The last lines that a test printed, cleaned."""


def exit_code(items: Sequence[ChecklistItem]) -> int:
    """0: all passed, or skipped on purpose; 1: something is not known; 2: something is wrong."""
    standings = {item.standing for item in items}
    if "FAIL" in standings:
        return 2
    return 0 if items and standings <= {"PASS", "SKIPPED"} else 1


def is_reason(text: str) -> bool:
    """Tell whether somebody gave a reason: at least a few words with letters in them."""
    return len(re.findall(r"\b\w*[^\W\d_]\w+\b", text)) >= MIN_WORDS


def format_item(item: ChecklistItem) -> str:
    """Say an item in one line: "disk space FAIL: 0.1 GB free in /srv"."""
    return f"{item.title} {item.standing}" + (f": {item.evidence[0]}" if item.evidence else "")
