"""A run that is over says whole how it ended, with its length and its lowest memory."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from metabonk_tui.ui.views.run.ended_run import ended_rows
from tests.support import snapshots
from tests.support.draw import frame_of, text_of
from tests.support.rare_snapshots import last_run


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids=str)
def test_the_end_is_said_whole_below_the_next_step(size: tuple[int, int]) -> None:
    text = " ".join(text_of(replace(last_run(), ended_unseen=False), *size).split())
    assert "ENDED 15:35:59 orchestrator exited with -9 and took the stack down; memory lowest 0.5 GB" in text
    assert "; run length 01:33:55" in text


def test_a_run_that_goes_on_has_no_such_row() -> None:
    snapshot = snapshots.stop()
    assert ended_rows(frame_of(snapshot, 80, 24), snapshot) == ()
    assert "ENDED" not in text_of(snapshot, 120, 40)
