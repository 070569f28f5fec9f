"""How loud something is, in four vocabularies."""

from __future__ import annotations

from typing import get_args

import pytest

from metabonk_tui.core.model import levels
from metabonk_tui.core.model.level_names import AlertSeverity, AnyLevel, Level, MemoryLevel, Severity
from metabonk_tui.core.model.snapshot import VerdictKind


@pytest.mark.parametrize(
    ("level", "severity", "tone", "exit_code"),
    [
        ("go", "ok", "ok", 0),
        ("unknown", "info", "unknown", 3),
        ("caution", "warn", "warn", 1),
        ("stop", "crit", "crit", 2),
    ],
)
def test_the_vocabularies_translate(level: Level, severity: Severity, tone: MemoryLevel, exit_code: int) -> None:
    assert levels.severity_of(level) == severity
    assert levels.of_severity(severity) == levels.of_severity(tone) == level
    assert levels.tone(level) == levels.tone(severity) == tone
    assert levels.exit_code(level) == exit_code
    assert levels.order(level) == levels.order(severity) == levels.order(tone)


@pytest.mark.parametrize(
    ("quiet", "loud"),
    [
        ("go", "unknown"),
        ("unknown", "caution"),
        ("caution", "stop"),
        ("ok", "info"),
        ("info", "warn"),
        ("warn", "crit"),
    ],
)
def test_the_louder_ranks_higher(quiet: AnyLevel, loud: AnyLevel) -> None:
    assert levels.order(quiet) < levels.order(loud)


@pytest.mark.parametrize("vocabulary", [Level, Severity, AlertSeverity, MemoryLevel])
def test_every_word_has_a_rank(vocabulary: object) -> None:
    for word in get_args(vocabulary):
        assert levels.tone(word) in get_args(MemoryLevel)


def test_every_verdict_has_an_exit_code() -> None:
    assert [kind.exit_code for kind in VerdictKind] == [2, 3, 1, 1, 1, 0, 0, 0, 3, 3]
