"""Selects the lines of a worker's log that may explain silence, and limits how many are kept. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from metabonk_tui.core.status.tracebacks import ends_of_tracebacks

KEPT_LINES = 20
RELEVANT = ("warn", "traceback", "exception", "error", "failed", "unavailable", "disabl", "_rollout_loop")
ACCESS = '"GET /'
"""Every poll by the monitor leaves such a line, even a failed poll."""
_PREFIX = re.compile(r"\[worker:([^\]\s]+)\]|^([\w.-]+-\d+): ")
"""The name of the worker that wrote a line."""


def is_from(line: str, name: str | None) -> bool:
    """Return whether a line may be from worker `name`: a shared file contains lines with other names."""
    match = _PREFIX.search(line)
    return name is None or match is None or (match[1] or match[2]) == name


def without_prefix(line: str) -> str:
    """Return a line without the name of its worker, so that equal lines of several workers match."""
    return _PREFIX.sub("", line).strip()


def is_relevant(line: str) -> bool:
    """Return whether a line may name a cause: it contains a word of `RELEVANT` and is not a poll."""
    lowered = line.lower()
    return ACCESS not in line and any(word in lowered for word in RELEVANT)


def relevant(lines: Iterable[str]) -> tuple[str, ...]:
    """Return the lines that may name a cause; the last line of a traceback does, whatever the exception's name."""
    found = tuple(lines)
    ends = ends_of_tracebacks(found)
    return tuple(line for line in found if line in ends or is_relevant(line))


def add_lines(known: tuple[str, ...], lines: Iterable[str]) -> tuple[str, ...]:
    """Add the lines that are new. Beyond `KEPT_LINES`, the middle goes: workers log causes as they start."""
    merged = tuple(dict.fromkeys((*known, *lines)))
    if len(merged) > KEPT_LINES:
        half = KEPT_LINES // 2
        merged = (*merged[:half], *merged[-half:])
    return merged
