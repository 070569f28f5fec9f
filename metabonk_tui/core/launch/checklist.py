"""Defines the items of a checklist: each with its standing, its evidence and a fix.

Pure. An empty checklist is not passed. Does not: know what is checked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

CheckState = Literal["waiting", "running", "PASS", "FAIL", "UNKNOWN", "SKIPPED"]
MIN_WORDS = 3
"""A shorter reason explains nothing to a reader after the run."""


class ChecklistItem(Struct, frozen=True):
    """One condition of the checklist."""

    id: str
    title: str
    standing: CheckState
    evidence: tuple[str, ...] = ()
    """Findings, the most important first."""
    fix: str = ""
    """What to do when the condition is not met."""
    output: tuple[str, ...] = ()
    """The last lines that a test printed, cleaned."""


def exit_code(items: Sequence[ChecklistItem]) -> int:
    """Return 0: all passed or skipped on purpose; 1: something is unknown; 2: something failed."""
    standings = {item.standing for item in items}
    if "FAIL" in standings:
        return 2
    return 0 if items and standings <= {"PASS", "SKIPPED"} else 1


def is_reason(text: str) -> bool:
    """Return whether a text is a reason: at least `MIN_WORDS` words with letters."""
    return len(re.findall(r"\b\w*[^\W\d_]\w+\b", text)) >= MIN_WORDS


def format_item(item: ChecklistItem) -> str:
    """Format an item in one line: "disk space FAIL: 0.1 GB free in /srv"."""
    return f"{item.title} {item.standing}" + (f": {item.evidence[0]}" if item.evidence else "")
