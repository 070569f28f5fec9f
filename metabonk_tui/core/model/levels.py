"""Ranks how loud a verdict, an event, an alert or a memory reading is.

The vocabularies run in parallel, quiet first:
go, unknown, caution, stop; ok, info, warn, crit; ok, unknown, warn, crit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Level = Literal["go", "caution", "stop", "unknown"]
"""Of a verdict."""
Severity = Literal["info", "ok", "warn", "crit"]
"""Of an event."""
AlertSeverity = Literal["info", "warn", "crit"]
MemoryLevel = Literal["ok", "warn", "crit", "unknown"]
AnyLevel = Level | Severity | MemoryLevel

LEVELS: tuple[Level, ...] = ("go", "unknown", "caution", "stop")
SEVERITIES: tuple[Severity, ...] = ("ok", "info", "warn", "crit")
TONES: tuple[MemoryLevel, ...] = ("ok", "unknown", "warn", "crit")
EXIT_CODES: Mapping[Level, int] = {"go": 0, "caution": 1, "stop": 2, "unknown": 3}
"""The convention of monitoring plugins."""

_ORDER: Mapping[str, int] = {word: i for words in (LEVELS, SEVERITIES, TONES) for i, word in enumerate(words)}


def order(level: AnyLevel) -> int:
    """Rank a word of any vocabulary, the loudest highest."""
    return _ORDER[level]


def of_severity(severity: AnyLevel) -> Level:
    """Return the verdict's level that is as loud: "warn" is "caution"."""
    return LEVELS[order(severity)]


def severity_of(level: AnyLevel) -> Severity:
    """Return the event's severity that is as loud: "caution" is "warn", "unknown" is "info"."""
    return SEVERITIES[order(level)]


def tone(level: AnyLevel) -> MemoryLevel:
    """Return the word that colours it on the screen and in a report: "go" is "ok", "info" is "unknown"."""
    return TONES[order(level)]


def exit_code(level: Level) -> int:
    """Return 0 for go, 1 for caution, 2 for stop, 3 for not known yet."""
    return EXIT_CODES[level]
