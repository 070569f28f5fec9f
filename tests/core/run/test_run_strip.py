"""The strip of a run: the shortest cell with which the run fits, and marks at what happened."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from metabonk_tui.core.model.minutes import RunMinutes
from metabonk_tui.core.run.run_strip import marks, scale
from tests.support.samples import coarse, healthy, last, phases, playing
from tests.support.snapshots import healthy as healthy_snapshot

MIN = 60.0
HOUR = 3600.0


@pytest.mark.parametrize(
    ("run_s", "cells", "cell_min", "now_cell"),
    [
        pytest.param(119 * MIN, 120, 1, 119, id="two hours, to the minute"),
        pytest.param(30 * MIN, 120, 1, 30, id="a short run is drawn to the end of the gameplay window"),
        pytest.param(30 * MIN, 60, 2, 15, id="and so are its cells chosen"),
        pytest.param(8 * HOUR, 97, 5, 96, id="a night"),
        pytest.param(24 * HOUR, 97, 15, 96, id="a day"),
        pytest.param(200 * HOUR, 97, 60, 96, id="longer than the longest cells hold: the newest of it"),
    ],
)
def test_a_cell_is_the_shortest_with_which_the_run_fits(
    run_s: float, cells: int, cell_min: int, now_cell: int
) -> None:
    snapshot = healthy_snapshot()
    began_t = snapshot.t - run_s
    run = replace(snapshot.run, started_at=began_t, elapsed_s=run_s)
    gate = replace(snapshot.gate, gameplay_by_t=began_t + 2 * HOUR)

    found = scale(replace(snapshot, run=run, gate=gate), cells)

    assert (found.cell_s / MIN, found.now_cell) == (cell_min, now_cell)
    assert now_cell < found.cells <= cells


def test_a_cell_is_never_shorter_than_what_is_known() -> None:
    snapshot = replace(healthy_snapshot(), minutes=RunMinutes(spacing_s=120.0))

    assert scale(snapshot, 500).cell_s == 120.0


def test_marks_say_when_play_began_when_the_gate_ended_and_when_a_worker_got_worse() -> None:
    def life(slot: int, t: float) -> object:
        return (
            "refused"
            if slot == 2 and 40 * MIN < t < 44 * MIN
            else phases((0.0, healthy), (20 * MIN, playing))(slot, t)
        )

    found = marks(last(coarse(life, for_s=50 * MIN)))  # type: ignore[arg-type]

    texts = [(round(mark.t / MIN), mark.text) for mark in found]
    assert [text for text in texts if text[1].endswith("plays")] == [
        (20, "w0 plays"),
        (20, "w1 plays"),
        (20, "w2 plays"),
    ]
    assert (30, "gate 6/6") in texts
    assert [minute for minute, text in texts if text == "DOWN"] == [40]
    assert list(found) == sorted(found, key=lambda mark: mark.t)
