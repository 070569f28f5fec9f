"""The header, WHAT IF, the pane FITS and the launch dialog say the same of one memory."""

from __future__ import annotations

import re
from typing import Any

import pytest
from msgspec.structs import replace

from metabonk_tui.core.model.memory import Budget, Forecast, ForecastState
from metabonk_tui.core.model.pool import Resize
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.verdict.text import verdict_text
from metabonk_tui.ui.dialogs.memory_effect import memory_lines
from metabonk_tui.ui.dialogs.whatif import whatif_lines
from metabonk_tui.ui.style.spans import plain
from metabonk_tui.ui.views.memory.capacity import fits_words, what_if_pane
from metabonk_tui.ui.views.memory.owners import fits_note
from tests.support.draw import frame_of, text_of
from tests.support.rare_snapshots import ALL
from tests.support.snapshots import GB, hosts_of

FITS_5 = Budget(int(0.9 * GB), "this run", int(4.9 * GB), "this run", GB, int(10.8 * GB), 5, held_bytes=int(8.4 * GB))


def pool(state: ForecastState = "STEADY", zero_s: float | None = None, *, alive: int = 5, **over: Any) -> Snapshot:
    """Return five slots of which the peaks say that five workers fit."""
    base = ALL["leak"]()
    forecast = Forecast(
        None if zero_s is None else base.t + zero_s, 300.0, -5e7, "OOM in ~19m ±6m, if this trend holds", state=state
    )
    memory = replace(base.memory, budget=FITS_5, forecast=forecast, level="warn", **over)
    down = ALL["over"]().workers[0]
    workers = tuple(
        each if place < alive else replace(down, ref=each.ref, rss_bytes=None)
        for place, each in enumerate(base.workers)
    )
    return replace(base, hosts=hosts_of(memory), workers=workers)


def rows(snapshot: Snapshot, wide: int = 40) -> dict[str, str]:
    """Return what WHAT IF says of each number of workers."""
    drawn = [plain(row) for row in what_if_pane(frame_of(snapshot, 120, 40), snapshot, wide)]
    found = [re.match(r"(\d+)(?: now)? .* [●▲■◌] (.*)$", line) for line in drawn]
    return {match[1]: match[2].rstrip() for match in found if match}


@pytest.mark.parametrize(
    ("snapshot", "five", "four", "header", "note"),
    [
        (pool(), "fits ◂ best", "fits", "fits 5 workers", "5 workers, leaves 1.4 GB"),
        (pool("WARNING", 1140), "runs out", "fits so far ◂", "fits at most 4 workers",
         "at most 4 workers, leaves 2.3 GB"),
        (pool("FALLING", 1140), "runs out", "fits so far ◂", "fits at most 4 workers",
         "at most 4 workers, leaves 2.3 GB"),
        (pool("FALLING", 5 * 3600), "fits ◂ best", "fits", "fits 5 workers", "5 workers, leaves 1.4 GB"),
        (pool("WARNING", 1140, alive=4), "runs out", "runs out", "fits at most 3 workers",
         "at most 3 workers, leaves 3.2 GB"),
        (pool("WARNING", 1140, alive=0), "fits so far ◂", "fits so far", "fits 5 workers so far",
         "5 workers, leaves 1.4 GB so far"),
        (pool(oom_kills_in_run=1, alive=4), "OOM kill", "fits ◂ best", "fits at most 4 workers",
         "at most 4 workers, leaves 2.3 GB"),
    ],
    ids=["steady", "warning", "falling", "far away", "four run", "none runs", "killed"],
)  # fmt: skip
def test_one_memory_is_said_in_one_way(snapshot: Snapshot, five: str, four: str, header: str, note: str) -> None:
    said = rows(snapshot)
    assert (said["5"], said["4"]) == (five, four)
    assert plain(fits_words(snapshot)) == header
    assert plain(fits_note(snapshot)) == note
    lines = [plain(line.row) for line in whatif_lines(frame_of(snapshot, 120, 40), 5)]
    (of_five,) = [line for line in lines if re.search(r" 5 +\d", line)]
    assert five.partition(" ◂")[0] in of_five


def test_the_screen_never_says_fits_of_what_its_header_says_runs_out() -> None:
    seen = pool("WARNING", 1140)
    for size in ((80, 24), (120, 40), (200, 60), (38, 50)):
        text = text_of(seen, *size, "memory")
        assert "OOM in ~19m" in text
        assert not re.search(r"5 now .*fits", text)
        assert "best" not in text


@pytest.mark.parametrize(
    ("snapshot", "workers", "said"),
    [
        (pool(), 5, "fits, floor 1.0"),
        (pool("WARNING", 1140), 5, "runs out: as many do now"),
        (pool("WARNING", 1140), 4, "fits so far, the peaks rise"),
        (pool(oom_kills_in_run=1), 5, "OOM kill"),
        (pool("WARNING", 1140), 6, "below floor"),
    ],
)
def test_a_resize_says_what_was_observed_of_this_number(snapshot: Snapshot, workers: int, said: str) -> None:
    lines = memory_lines(frame_of(snapshot, 120, 40), Resize(workers), workers)
    (after,) = [plain(line.row) for line in lines if plain(line.row).startswith("after")]
    assert said in after


def test_the_copied_verdict_says_it_too() -> None:
    assert "fits 5 workers of 0.9 GB (measured)\n" in verdict_text(pool())
    falls = "OOM in ~19m ±6m, if this trend holds; by the peaks so far it fits 5 workers of 0.9 GB (measured)"
    assert falls in verdict_text(pool("WARNING", 1140))


def test_in_few_cells_the_words_are_short_and_whole() -> None:
    seen = pool("WARNING", 1140)
    assert plain(fits_words(seen, brief=True)) == "fits at most 4"
    assert rows(seen, 30)["5"] == "out"
    assert rows(seen, 30)["4"].startswith("so far")
