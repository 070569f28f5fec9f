"""Which lines of a worker's log may tell why something is silent, and how many of them are kept. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

KEPT_LINES = 20
RELEVANT = ("warn", "traceback", "exception", "error", "failed", "unavailable", "disabl", "_rollout_loop")
ACCESS = '"GET /'
"""Every poll of ours leaves such a line, also where it failed."""
_PREFIX = re.compile(r"\[worker:([^\]\s]+)\]|^([\w.-]+-\d+): ")
"""Who a line of a log says that it is from."""


def is_from(line: str, name: str | None) -> bool:
    """Several workers may write into one file: a line that bears another one's name is not from this one."""
    match = _PREFIX.search(line)
    return name is None or match is None or (match[1] or match[2]) == name


def without_prefix(line: str) -> str:
    """Return a line without who says it, so that workers that say the same can be told together."""
    return _PREFIX.sub("", line).strip()


def is_relevant(line: str) -> bool:
    """Say whether a line may tell a cause."""
    lowered = line.lower()
    return ACCESS not in line and any(word in lowered for word in RELEVANT)


def add_relevant(known: tuple[str, ...], lines: Iterable[str]) -> tuple[str, ...]:
    """Add the telling lines that are new. The first ones and the last ones stay: a worker complains as it starts."""
    merged = (*known, *(line for line in dict.fromkeys(lines) if line not in known and is_relevant(line)))
    if len(merged) > KEPT_LINES:
        half = KEPT_LINES // 2
        merged = (*merged[:half], *merged[-half:])
    return merged
