"""What is kept of a Snapshot is what a drawing from nothing gives, and rows out of sight are not drawn."""

from __future__ import annotations

from datetime import timedelta, timezone
from typing import Any

import pytest
from msgspec.structs import replace

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.ui.drawn_once import LazyRows, once_a_snapshot
from metabonk_tui.ui.frame import Frame, UiState
from metabonk_tui.ui.style.glyphs import ASCII
from metabonk_tui.ui.style.spans import EMPTY, Row, Span
from metabonk_tui.ui.views.workers import table
from tests.support import snapshots as scenes
from tests.support.draw import chosen, defaults, frame_of, rows_of
from tests.support.rare_snapshots import ALL

STATES = (
    UiState(),
    chosen(1),
    chosen(2, "table"),
    chosen(2, "grid"),
    chosen(0, "panels", filter="w1", pane=1),
    chosen(1, sort="worst"),
    chosen(1, sort="worst", inverted=True),
    chosen(3),
)


@pytest.mark.parametrize("scene", ["healthy", "mixed", "stop", "64", "hostile"])
@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
def test_after_every_choice_the_rows_are_those_of_a_drawing_from_nothing(scene: str, size: tuple[int, int]) -> None:
    snapshot = ALL[scene]()
    for state in (*STATES, *STATES):
        kept = rows_of(snapshot, *size, state=state)
        assert kept == rows_of(replace(snapshot), *size, state=state)
        assert kept == rows_of(snapshot, *size, state=state)


CHANGES: dict[str, Any] = {
    "config": replace(defaults()),
    "glyphs": ASCII,
    "zone": timezone(timedelta(hours=2)),
    "width": 79,
    "height": 23,
    "mode": "paused",
    "late_s": 7.0,
    "speed": 2.0,
    "read_only": True,
    "hints": (),
}


def counted() -> tuple[list[Frame], Any]:
    drawings: list[Frame] = []

    @once_a_snapshot
    def draw(frame: Frame, snapshot: Snapshot, cells: int) -> int:
        drawings.append(frame)
        return cells

    return drawings, draw


@pytest.mark.parametrize("name", CHANGES)
def test_what_changes_a_drawing_is_drawn_again(name: str) -> None:
    drawings, draw = counted()
    snapshot = scenes.healthy()
    frame = frame_of(snapshot, 80, 24)
    for each in (frame, replace(frame), replace(frame, state=chosen(1)), replace(frame, notice="seen")):
        assert draw(each, snapshot, 5) == 5
    assert len(drawings) == 1
    draw(replace(frame, **{name: CHANGES[name]}), snapshot, 5)
    assert len(drawings) == 2


def test_an_equal_snapshot_and_another_argument_are_drawn_again() -> None:
    drawings, draw = counted()
    snapshot = scenes.healthy()
    frame = frame_of(snapshot, 80, 24)
    assert [draw(frame, snapshot, 5), draw(frame, snapshot, 6), draw(frame, snapshot, 5)] == [5, 6, 5]
    assert len(drawings) == 2
    draw(frame, replace(snapshot), 5)
    assert len(drawings) == 3


def test_a_block_is_drawn_when_a_row_of_it_is_read() -> None:
    drawn: list[str] = []

    def block(name: str, rows: int) -> tuple[Row, ...]:
        drawn.append(name)
        return tuple((Span(f"{name}{i}"),) for i in range(rows))

    rows = LazyRows()
    rows.add(2, lambda: block("a", 2))
    rows.add(3, lambda: block("b", 2))
    rows.add(1, lambda: block("c", 1))
    assert len(rows) == 6
    assert drawn == []
    assert rows[1:4] == ((Span("a1"),), (Span("b0"),), (Span("b1"),))
    assert drawn == ["a", "b"]
    assert rows[-1] == (Span("c0"),)
    assert rows[4] == EMPTY
    assert rows == tuple(rows)


def test_of_many_workers_only_those_in_sight_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = scenes.many(64)
    drawn: list[int] = []
    lines = table.worker_lines

    def spy(*args: Any) -> tuple[Row, ...]:
        drawn.append(args[2].slot)
        return lines(*args)

    monkeypatch.setattr(table, "worker_lines", spy)
    rows_of(snapshot, 50, 12, state=chosen(0, "table"))
    assert 0 < len(drawn) <= 12
