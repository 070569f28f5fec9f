"""Ranks the severity of verdicts, events, alerts and memory readings.

The vocabularies are parallel, least severe first:
go, unknown, caution, stop; ok, info, warn, crit; ok, unknown, warn, crit.
"""

from __future__ import annotations

from collections.abc import Mapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    # `status` runs in a prompt every few seconds: importing typing would take a third of its time.
    from metabonk_tui.core.model.level_names import AnyLevel, Level, MemoryLevel, Severity


LEVELS: tuple[Level, ...] = ("go", "unknown", "caution", "stop")
SEVERITIES: tuple[Severity, ...] = ("ok", "info", "warn", "crit")
TONES: tuple[MemoryLevel, ...] = ("ok", "unknown", "warn", "crit")
EXIT_CODES: Mapping[Level, int] = {"go": 0, "caution": 1, "stop": 2, "unknown": 3}
"""Exit codes by the convention of monitoring plugins."""

_ORDER: Mapping[str, int] = {word: i for words in (LEVELS, SEVERITIES, TONES) for i, word in enumerate(words)}


def order(level: AnyLevel) -> int:
    """Return the rank of a word of any vocabulary: 0 is the least severe."""
    return _ORDER[level]


def of_severity(severity: AnyLevel) -> Level:
    """Return the verdict level of equal rank: "warn" becomes "caution"."""
    return LEVELS[order(severity)]


def severity_of(level: AnyLevel) -> Severity:
    """Return the event severity of equal rank: "caution" becomes "warn", "unknown" becomes "info"."""
    return SEVERITIES[order(level)]


def tone(level: AnyLevel) -> MemoryLevel:
    """Return the word of equal rank that sets the colour: "go" becomes "ok", "info" becomes "unknown"."""
    return TONES[order(level)]


def exit_code(level: Level) -> int:
    """Return 0 for go, 1 for caution, 2 for stop, 3 for unknown."""
    return EXIT_CODES[level]
