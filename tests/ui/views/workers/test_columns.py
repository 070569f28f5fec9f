"""The workers' table: where columns stand, and that another number or component needs no other line of code."""

from __future__ import annotations

from itertools import product

import pytest
from msgspec.structs import replace

from metabonk_tui.core.config.load import ConfigError, parse_config
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import Reach
from metabonk_tui.ui.style.glyphs import UNICODE
from metabonk_tui.ui.style.spans import Span, plain
from metabonk_tui.ui.views.workers import columns as module
from metabonk_tui.ui.views.workers.columns import NumberColumn, columns, number_columns, place_row, plain_cell
from tests.support import snapshots as scenes
from tests.support.draw import chosen, text_of
from tests.support.paths import ROOT
from tests.support.samples import healthy, last, script, with_fields
from tests.ui.conftest import read_config

LATENCY = NumberColumn("LATENCY", (10, 8, 0), plain_cell(lambda worker: f"{worker.slot}.5 ms"))


@pytest.mark.parametrize(
    ("wide", "parts", "lines", "part_cells", "error_cells", "ends"),
    [
        (200, 5, 1, 22, 22, [160, 169, 179, 189, 199]),
        (200, 5, 2, 24, 18, [169, 179, 189, 199]),
        (195, 5, 2, 23, 18, [164, 174, 184, 194]),
        (160, 5, 1, 17, 34, [143, 151, 159]),
        (160, 5, 2, 16, 17, [129, 139, 149, 159]),
        (120, 5, 1, 10, 31, [103, 111, 119]),
        (120, 5, 2, 16, 4, [111, 119]),
        (117, 5, 2, 16, 0, [108, 116]),
        (80, 5, 1, 9, 0, [64, 72, 79]),
        (79, 5, 1, 9, 0, [71, 78]),
        (76, 6, 1, 2, 0, [35, 43, 50]),
        (40, 5, 1, 2, 0, [33]),
        (27, 5, 1, 2, 0, [23]),
        (200, 6, 1, 18, 24, [160, 169, 179, 189, 199]),
    ],
)
def test_numbers_end_at_the_right_edge_and_the_error_gets_what_is_left(
    wide: int, parts: int, lines: int, part_cells: int, error_cells: int, ends: list[int]
) -> None:
    placed = columns(wide, parts, lines)
    shown = (placed.shape.part_cells, placed.error_cells, [column.end for column in placed.numbers])
    assert shown == (part_cells, error_cells, ends)


@pytest.mark.parametrize("parts", [1, 3, 5, 8])
def test_at_any_width_no_column_stands_on_another(parts: int) -> None:
    for wide, lines in product(range(20, 260), (1, 2)):
        placed = columns(wide, parts, lines)
        at = placed.shape.parts_end(parts) if not placed.shape.glyphs_only else placed.part_at(parts)
        if placed.error_cells:
            assert at < placed.error_at, (wide, lines)
            at = placed.error_at + placed.error_cells - 1
        for column, end in placed.numbers:
            assert at < end < wide, (wide, column.head)
            at = end


@pytest.mark.parametrize(
    ("cell", "room", "drawn"),
    [
        ((), 9, ""),
        ((Span("1.5"),), 6, "   1.5"),
        ((Span("longer than that"),), 6, "longe…"),
        ((Span("!"), Span(" "), Span("1.5")), 7, "  ! 1.5"),
    ],
)
def test_a_cell_stands_at_the_right_end_of_its_room(cell: tuple[Span, ...], room: int, drawn: str) -> None:
    assert plain(place_row(cell, room, "…")) == drawn


@pytest.mark.parametrize("size", [(200, 60), (120, 40)])
def test_another_number_is_one_more_column(monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]) -> None:
    numbers = number_columns()
    (step,) = [column for column in numbers if column.head == "STEP/S"]
    chosen_columns = (*numbers, LATENCY) if size[0] == 200 else (step, LATENCY)
    monkeypatch.setattr(module, "number_columns", lambda: chosen_columns)
    lines = text_of(scenes.stop(), *size, state=chosen(density="table")).splitlines()
    (head,) = [line for line in lines if "STEP/S" in line]
    rows = [line for line in lines if ".5 ms" in line]
    assert [line.split()[-2:] for line in rows] == [[f"{slot}.5", "ms"] for slot in range(len(rows))]
    assert len(rows) == len(scenes.stop().workers)
    assert {len(line) for line in rows} == {len(head)} == {size[0] - 1}


def test_old_numbers_are_muted() -> None:
    draw = plain_cell(lambda worker: "1")
    worker = scenes.stop().workers[0]
    tokens = {reach: draw(replace(worker, reach=reach), UNICODE, 1)[0].token for reach in Reach}
    assert {reach for reach, token in tokens.items() if token == "muted"} == {Reach.DOWN, Reach.STALE}


SIXTH = """
[[component]]
id = "curiosity"
label = "curios"
title = "curiosity"
field = "curiosity_total"
kind = "counter"
"""
NAMED = 'head = ["CURIO", "CURIOUS", "CURIOSITY SHOWN"]\nshort = "CURI"\n'


def with_sixth(more: str) -> tuple[Config, Snapshot]:
    """Step a pool with the packaged configuration and one more [[component]]."""
    text = (ROOT / "config.toml").read_text(encoding="utf-8")
    config = parse_config(text + SIXTH + more, None)
    assert len(config.component) == 6
    life = with_fields(healthy, curiosity_total=3)
    return config, last(script(life, for_s=300), config)


@pytest.mark.parametrize(
    ("more", "density", "size", "shown"),
    [
        (NAMED, "table", (120, 40), "CURIO"),
        (NAMED, "table", (200, 60), "CURIOUS"),
        (NAMED, "table", (240, 60), "CURIOSITY SHOWN"),
        (NAMED, "grid", (120, 40), "GAME CURI"),
        (NAMED, "panels", (120, 50), "curios"),
        ("", "table", (120, 40), "CURIOS"),
        ("", "table", (240, 60), "CURIOSITY"),
        ("", "grid", (120, 40), "GAME CURI"),
    ],
)
def test_a_sixth_component_is_one_table_of_the_configuration(
    more: str, density: str, size: tuple[int, int], shown: str
) -> None:
    config, snapshot = with_sixth(more)
    assert shown in text_of(snapshot, *size, state=chosen(density=density), config=config)


def test_every_declared_head_fits_its_column() -> None:
    for component in read_config().component:
        assert component.head is not None
        assert component.short
        mark = 2 if component.kind == "transitions" else 0
        limits = (8, 11, 21)
        assert all(len(head) + mark <= limit for head, limit in zip(component.head, limits, strict=True)), component.id


@pytest.mark.parametrize("wrong", ['head = ["a", "b"]', 'short = "FIVES"'])
def test_wrong_names_of_a_component_are_refused(wrong: str) -> None:
    with pytest.raises(ConfigError, match=r"component\[5\]"):
        with_sixth(wrong)
