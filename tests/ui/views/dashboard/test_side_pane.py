"""Side panes: tall and narrow, short and wide. Verdict, memory and keys are there from three rows on."""

from __future__ import annotations

import pytest

from metabonk_tui.core.text import numbers as fmt
from tests.support import snapshots as scenes
from tests.support.draw import SCREENS, chosen, text_of
from tests.support.rare_snapshots import ALL

PANES = ((30, 3), (30, 6), (30, 24), (39, 50), (20, 5), (80, 3), (80, 6), (80, 11), (250, 3), (40, 8))


@pytest.mark.parametrize("size", PANES, ids=str)
@pytest.mark.parametrize("scene", ["stop", "healthy", "mixed", "64", "accused"])
def test_verdict_memory_and_keys_are_at_every_size(scene: str, size: tuple[int, int]) -> None:
    snapshot = ALL[scene]()
    available = snapshot.memory.available_bytes
    assert available is not None
    for screen in SCREENS:
        if screen == "help":
            continue
        lines = text_of(snapshot, *size, screen).splitlines()
        assert len(lines) == size[1]
        assert snapshot.verdict.title in "\n".join(lines[:2])
        assert any(f"{fmt.gigabytes(available)} GB" in line for line in lines[:5]), screen
        assert lines[-1].startswith(" ? ")


def test_a_tall_pane_has_the_worst_workers_the_cause_and_the_events() -> None:
    lines = text_of(scenes.stop(), 30, 30).splitlines()
    assert lines[1].startswith(" ■ STOP  since 00:30:04")
    assert lines[2].startswith(" 4/4 components ABSENT")
    at = next(i for i, line in enumerate(lines) if line.startswith(" WORKERS"))
    assert "5 of 5 ill" in lines[at]
    assert "UISMG" in lines[at + 1]
    assert lines[at + 2].split() == ["w2", "————○", "▲", "13.90", "0.98"], "what sets it apart comes first"
    assert any(line.startswith(" WHY") for line in lines)
    assert any(line.startswith(" EVENTS") for line in lines)


def test_a_tall_pane_says_how_many_it_does_not_show() -> None:
    assert "+64 more, none ill" in text_of(scenes.many(72), 30, 24)
    assert "+71 more, 3 ill" in text_of(scenes.many(72), 30, 6)


def test_the_cursor_is_in_sight_in_a_tall_pane() -> None:
    assert "▸ w71" in text_of(scenes.many(72), 30, 24, state=chosen(71))
    assert "▸" not in text_of(scenes.many(72), 30, 24)


def test_a_short_pane_gives_its_rows_to_the_worst_the_cause_and_the_next_step() -> None:
    lines = text_of(scenes.stop(), 80, 6).splitlines()
    assert lines[0].startswith(" ■ STOP  since 00:30:04  4/4 components ABSENT")
    assert lines[0].endswith("5 ill   14:57:07")
    assert lines[2].startswith(" w2 ● uncertain ————○ ▲ ×200 13.90/s")
    assert lines[2].endswith("+3 more")
    assert lines[3].startswith(" why   0.93 config not loaded")
    assert lines[4].startswith(" next  X stop the pool")
    assert text_of(scenes.stop(), 80, 3).splitlines()[:2] == lines[:2]


def test_a_narrow_pane_says_in_short_words_what_fits() -> None:
    text = text_of(scenes.many(72), 30, 24, "memory")
    assert "■ over" in text
    assert "does…" not in text
    assert "does not fit" in text_of(scenes.many(72), 60, 24, "memory")
