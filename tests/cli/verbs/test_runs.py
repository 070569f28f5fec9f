"""The table of the recorded runs, where it fits and where it does not."""

from __future__ import annotations

import pytest

from metabonk_tui.adapters.store.run_reader import Summary
from metabonk_tui.cli.verbs.runs import ENDED_WIDE, table

ENDED = "replaced by a launch of 5 workers (pid 4711, python3 launch.py --workers 5), by no monitor of ours"


def run(name: str, ended: str = "") -> Summary:
    return Summary(name, name, 0.0, 3600.0, "STOP", 3, "live", 2_000_000, "127.0.0.1:5000", 3600, ended)


def test_on_a_wide_terminal_and_in_a_pipe_each_run_is_one_line() -> None:
    found = [run("run-1796013202", ENDED), run("run-2")]
    for columns in (None, 200):
        lines = table(found, columns).splitlines()
        assert len(lines) == 3
        assert lines[1].endswith(ENDED[: ENDED_WIDE - 3] + "...")


@pytest.mark.parametrize("columns", [80, 100, 130])
def test_on_a_narrow_one_the_end_is_whole_below_its_run(columns: int) -> None:
    text = table([run("run-1796013202", ENDED), run("run-2"), run("run-3", "stopped by us")], columns)
    lines = text.splitlines()
    assert max(map(len, lines)) <= columns
    assert " ".join(text.split()).count(ENDED) == 1
    assert "ENDED" not in lines[0]
    assert lines[-1].strip() == "stopped by us"
    assert [line.split()[0] for line in lines if not line.startswith(" ")] == [
        "RUN", "run-1796013202", "run-2", "run-3",
    ]  # fmt: skip


def test_what_fits_exactly_stays_on_one_line() -> None:
    found = [run("run-1", "stopped by us")]
    wide = max(map(len, table(found).splitlines()))
    assert len(table(found, wide).splitlines()) == 2
    assert len(table(found, wide - 1).splitlines()) == 3


def test_without_a_run_it_says_how_to_record_one() -> None:
    assert "metabonk-tui replay sample" in table([], 80)
