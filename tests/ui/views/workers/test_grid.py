"""The grid: as many workers as fit, the worst first, every state of every worker, and no silent limit."""

from __future__ import annotations

import re
from typing import Any

import pytest
from msgspec.structs import replace

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import Attention, Health, HealthState
from metabonk_tui.ui.sorting import ill_workers, level_counts
from metabonk_tui.ui.views.workers.grid_fit import fit_grid
from tests.support import snapshots as scenes
from tests.support.draw import chosen, text_of

CELL = re.compile(r"(?<!\S)\d+ [●○◌◐—!~×?·◍]{5}(?!\S)")


@pytest.mark.parametrize(
    ("workers", "size", "kind", "per_row"),
    [
        (30, (60, 20), "cells", 6),
        (72, (80, 24), "cells", 8),
        (72, (250, 50), "cells", 25),
        (256, (120, 40), "cells", 10),
        (256, (80, 24), "glyphs", 60),
        (1000, (80, 24), "glyphs", 60),
        (1000, (120, 40), "glyphs", 100),
        (1000, (250, 70), "cells", 22),
        (72, (200, 60), "cards", 8),
        (72, (199, 60), "cells", 19),
        (120, (200, 60), "cards", 8),
        (256, (200, 60), "cells", 18),
    ],
)
def test_as_many_stand_side_by_side_as_fit(workers: int, size: tuple[int, int], kind: str, per_row: int) -> None:
    placed = fit_grid(workers, *size, 5, len(str(workers - 1)))
    assert (placed.kind, placed.per_row) == (kind, per_row)
    assert placed.per_row * placed.pitch <= size[0]


@pytest.mark.parametrize(("workers", "size"), [(72, (80, 24)), (256, (120, 40)), (1000, (250, 70)), (72, (60, 30))])
def test_every_state_of_every_worker_is_there_at_any_id(workers: int, size: tuple[int, int]) -> None:
    screen_text = text_of(scenes.many(workers), *size)
    assert f"{workers} of {workers}, worst first" in screen_text
    assert len(CELL.findall(screen_text)) == workers
    first = CELL.findall(screen_text)[:4]
    assert [int(cell.split()[0]) for cell in first] == [13, 21, 22, 40]


def test_what_is_not_in_sight_is_said() -> None:
    screen_text = text_of(scenes.many(1000), 80, 24)
    (shown,) = re.findall(r"showing (\d+) of 1000, worst first", screen_text)
    glyphs = [line for line in screen_text.splitlines() if re.match(r" +\d+ [●×—~]+ ", line)]
    assert sum(len(re.findall("[●×—~]", line)) for line in glyphs) == int(shown)
    assert "×——~●" in glyphs[0], "the worst are in sight"
    assert "ATTENTION" in screen_text


@pytest.mark.parametrize("make", [scenes.stop, scenes.mixed, scenes.healthy, scenes.waiting])
def test_every_worker_is_counted_once(make: Any) -> None:
    snapshot: Snapshot = make()
    assert sum(level_counts(snapshot).values()) == len(snapshot.workers)


def test_under_a_stop_of_all_nobody_is_ok() -> None:
    screen_text = text_of(scenes.stop(), 80, 24, state=chosen(density="grid"))
    assert "■ 5 crit" in screen_text
    assert " ok" not in screen_text
    assert "4 others  — ABSENT   UI INTR SYS2 META on 4 workers" in screen_text


def marked(snapshot: Snapshot, reasons: dict[int, str]) -> Snapshot:
    """Give workers a reason of their own."""
    workers = list(snapshot.workers)
    for slot, reason in reasons.items():
        workers[slot] = replace(workers[slot], attention=(Attention("stalled", "caution", f"w{slot} {reason}"),))
        workers[slot] = replace(workers[slot], health=Health(HealthState.RACING, 0.0, reason))
    return replace(snapshot, workers=tuple(workers))


def test_the_attention_list_says_how_many_more_there_are() -> None:
    reasons = {50: "stands for 12m", 51: "stands for 2m10s", 52: "stands for 3s", 53: "has no step for 5m"}
    snapshot = marked(scenes.many(256), reasons)
    lines = text_of(snapshot, 120, 40).splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith(" ATTENTION  8"))
    assert [line[1:9].strip() for line in lines[at + 1 : at + 4]] == ["w13", "w21 w22", "w50 +2"]
    assert "stands for 12m" in lines[at + 3]
    assert "▲ +2 more" in lines[at], "w53, which has another reason, and w40, which is less severe"
    assert ill_workers(snapshot)[-1].slot == 40


def test_the_verdict_row_ends_in_how_many_need_someone_whatever_its_word() -> None:
    row = text_of(scenes.many(72), 120, 40).splitlines()[1]
    assert "LAUNCH 24H" in row
    assert "· 4 workers need you  " in row
    assert "· 4 ill  " in text_of(scenes.many(72), 60, 20).splitlines()[1]
    assert "need" not in text_of(scenes.healthy(), 120, 40).splitlines()[1]


def test_a_worker_that_does_not_answer_is_not_in_the_sum() -> None:
    snapshot = scenes.many(72)
    (row,) = [line for line in text_of(snapshot, 120, 40).splitlines() if line.startswith(" sum")]
    assert "rss GB 0.98 1.07 1.20" in row, "w13 held 7.40 when it went"
    assert row.endswith("min, median, max of 70")


def test_cards_have_the_word_the_components_and_the_last_error() -> None:
    lines = text_of(scenes.many(72), 200, 60).splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith(" w13"))
    assert lines[at].startswith(" w13 × DOWN 2m  OOM KILL")
    assert lines[at + 1].startswith("  ×××××  0.31/s  7.40 GB")
    assert lines[at + 2].startswith("  err exit 137")


def test_a_number_that_is_not_known_is_no_empty_cell() -> None:
    base = scenes.healthy(3)
    blind = replace(base.workers[1], rss_bytes=None, step_rate=None)
    snapshot = replace(base, workers=(base.workers[0], blind, base.workers[2]))
    for size in ((80, 24), (120, 40), (200, 60)):
        lines = text_of(snapshot, *size, state=chosen(density="table")).splitlines()
        (row,) = [line for line in lines if line.startswith("   ● w1 ")]
        assert row.split().count("?") == 2, size


@pytest.mark.parametrize(("sort", "head"), [("rss", "↓RSS GB"), ("step/s", "↓STEP/S"), ("system2", "↓SYSTEM2")])
def test_the_sorted_column_is_marked_in_its_head(sort: str, head: str) -> None:
    for size in ((80, 24), (120, 40), (200, 60)):
        assert head in text_of(scenes.healthy(5), *size, state=chosen(density="table", sort=sort)), size
    assert head.replace("↓", "↑") in text_of(
        scenes.healthy(5), 120, 40, state=chosen(density="table", sort=sort, inverted=True)
    )


def test_the_table_has_generation_and_last_error() -> None:
    snapshot = scenes.many(16)
    wide = text_of(snapshot, 120, 40).splitlines()
    assert any("ERROR" in line and "GEN" in line for line in wide)
    assert any(" w2 " in line and "system2 timeout 30 s" in line for line in wide)
    narrow = text_of(snapshot, 80, 24).splitlines()
    assert any(" w2 " in line and " 1▲ " in line for line in narrow)
    assert "▲ error reported" in narrow[-2]
