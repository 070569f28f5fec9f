"""The ghost on the dashboard: its row, its numbers in the panels, and how many minutes it is ahead."""

from __future__ import annotations

from msgspec.structs import replace

from metabonk_tui.core.report.ghost import Ghost, make_ghost
from tests.core.report.test_ghost import ghost_of, now
from tests.support import snapshots
from tests.support.draw import chosen, text_of
from tests.ui.screens.test_compare import VIEWS


def test_the_ghost_stands_beside_each_number() -> None:
    snapshot = now(30)

    lines = text_of(snapshot, 120, 40, ghost=ghost_of()).splitlines()

    assert lines[4].startswith(" GHOST    yesterday ● SUCCESS   ahead in 4, behind in 0   gameplay 19m earlier")
    assert any(line.startswith(" ui expl   ●   180   +30     91") and "ahead" in line for line in lines)
    assert any(" AHEAD AND BEHIND  in minutes " in line for line in lines)


def test_the_row_stands_below_the_next_step() -> None:
    """A run is most worth comparing when there is something to repair."""
    for size in ((80, 24), (120, 40)):
        lines = text_of(snapshots.stop(), *size, ghost=ghost_of()).splitlines()
        assert lines[4].startswith(" NEXT ")
        assert any(line.startswith(" GHOST    yesterday") for line in lines[5:9]), lines
    assert "GHOST" not in text_of(snapshots.stop(), 80, 20, ghost=ghost_of()), "too few rows for both"


def test_after_the_end_of_the_ghost_the_row_says_so() -> None:
    lines = text_of(now(70), 120, 40, ghost=ghost_of()).splitlines()

    assert " ended at 01:01, before this minute " in lines[4]
    assert any("not recorded" in line for line in lines)


def test_without_a_ghost_nothing_names_one() -> None:
    assert "GHOST" not in text_of(now(30), 120, 40)


def unlike() -> Ghost:
    ghost = ghost_of()
    return replace(ghost, setup=replace(ghost.setup, workers=3))


def test_a_run_with_other_settings_is_marked_wherever_the_ghost_is_shown() -> None:
    for size in ((80, 24), (120, 40), (200, 60)):
        assert "▲ NOT THE SAME" in text_of(now(30), *size, ghost=unlike()).splitlines()[4]
        assert "NOT THE SAME" not in text_of(now(30), *size, ghost=ghost_of())
    assert "▲ NOT THE SAME  workers 2, there 3" in text_of(now(30), 120, 40, ghost=unlike())


def test_table_and_grid_have_signs_and_say_what_they_mean() -> None:
    table = text_of(now(30), 120, 40, ghost=ghost_of(), state=chosen(density="table"))
    assert "●+  180" in table
    assert "●= 1.80" in table
    assert "+ ahead of the ghost  - behind  = level" in table
    grid = text_of(now(30), 80, 24, ghost=ghost_of(), state=chosen(density="grid"))
    assert " 0+●●●○●" in grid
    assert "+ ahead of the ghost" in grid
    assert "ahead of the ghost" not in text_of(now(30), 120, 40, state=chosen(density="table"))


def test_the_memory_charts_have_the_ghost_as_dots() -> None:
    for screen in ("dashboard", "memory"):
        text = text_of(now(30), 120, 40, screen, ghost=ghost_of())
        assert "dots: ghost" in text
        assert "⠄⠄⠄⠄⠄⠄" in text
        assert "⠄⠄⠄⠄⠄⠄" not in text_of(now(30), 120, 40, screen)


def test_a_wide_dashboard_has_the_comparison_beside_the_events() -> None:
    comparing = VIEWS["parted"]()
    assert comparing.comparison is not None
    ghost = make_ghost(comparing.comparison.b)
    for workers in (5, 30):
        text = text_of(snapshots.healthy(workers), 200, 60, comparing=comparing, ghost=ghost)
        assert "COMPARE  with failed-run" in text
        assert "first divergence 00:00:10" in text
    assert "COMPARE" not in text_of(snapshots.healthy(5), 120, 40, comparing=comparing, ghost=ghost)
    assert "COMPARE" not in text_of(snapshots.healthy(5), 200, 60, comparing=comparing), "h hides it with the ghost"
