"""The compare screen: choosing a run, reading it in the background, what it says, and how it looks.

Draw the pictures anew with METABONK_TUI_GOLDEN=write and read the difference.
"""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Callable
from functools import cache

import pytest
from msgspec.structs import replace

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.ports.recordings import RecordedRun, UnreadableRecording
from metabonk_tui.core.report.compare import compare
from metabonk_tui.core.report.timeline import RunTimeline, RunTimelineBuilder
from metabonk_tui.ui.compare_job import CompareJob, CompareView, _Task
from metabonk_tui.ui.controller import Controller
from metabonk_tui.ui.screens.registry import all_screens
from metabonk_tui.ui.style.spans import plain
from tests.support import snapshots as scenes
from tests.support.draw import text_of
from tests.support.paths import UI_GOLDEN as GOLDEN
from tests.support.samples import Life, coarse, header, healthy, play, room, silent
from tests.ui.conftest import ScriptedMonitor, read_config

START = 1767362523.0


@cache
def walked(name: str, life: Life, minutes: int, memory: bool = True) -> tuple[Snapshot, ...]:
    given = header(0.0, 5, 10.0, name=name)
    kept = (lambda _: room()) if memory else None
    return tuple(play(coarse(life, workers=5, for_s=60.0 * minutes, run=given, memory=kept, fine=((0, 200),))))


def builder_of(snapshots: tuple[Snapshot, ...]) -> RunTimelineBuilder:
    builder = RunTimelineBuilder()
    for snapshot in snapshots:
        builder.add(snapshot)
    return builder


@cache
def timeline(name: str, life: Life, minutes: int, memory: bool = True) -> RunTimeline:
    found = builder_of(walked(name, life, minutes, memory)).timeline()
    assert found is not None
    return found


def kept(name: str, started_at: float = 0.0) -> RecordedRun:
    return RecordedRun(name, name, started_at, 4500.0, "STOP", 5, "metabonk-csv")


def failed() -> RunTimeline:
    return timeline("failed-run", silent, 75, memory=False)


VIEWS: dict[str, Callable[[], CompareView]] = {
    "parted": lambda: CompareView(
        chosen=kept("failed-run"), comparison=compare(timeline("run-1767362523", healthy, 42), failed()), whole=True
    ),
    "alike": lambda: CompareView(
        chosen=kept("after-fix"),
        comparison=compare(timeline("run-1767362523", healthy, 42), timeline("after-fix", healthy, 75)),
    ),
    "reading": lambda: CompareView(chosen=kept("failed-run"), doing="reading failed-run", done=0.42),
    "none": CompareView,
    "unreadable": lambda: CompareView(problem="failed-run cannot be read: file is not a database"),
}
PICTURES = [
    *(("parted", size) for size in ((80, 24), (120, 40), (200, 60), (40, 12))),
    ("alike", (120, 40)),
    ("reading", (80, 24)),
    ("none", (80, 24)),
    ("unreadable", (80, 24)),
]


def golden(name: str, given: str) -> None:
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("METABONK_TUI_GOLDEN") == "write":
        path.write_text(given, encoding="utf-8")
    assert given == path.read_text(encoding="utf-8")


@pytest.mark.parametrize(("view", "size"), PICTURES, ids=str)
def test_it_still_looks_like_this(view: str, size: tuple[int, int]) -> None:
    given = text_of(scenes.healthy(), *size, "compare", comparing=VIEWS[view]())
    golden(f"compare-{view}-{size[0]}x{size[1]}", given)


def test_in_ascii_it_still_looks_like_this() -> None:
    given = text_of(scenes.healthy(), 120, 40, "compare", comparing=VIEWS["parted"](), ascii=True)
    assert given.isascii()
    golden("ascii-compare-parted-120x40", given)


@pytest.mark.parametrize("view", VIEWS)
def test_no_row_is_wider_than_the_terminal(view: str) -> None:
    comparing = VIEWS[view]()
    for wide, high in itertools.product((20, 33, 47, 60, 79, 100, 111, 140, 199), (5, 12, 24, 60)):
        rows = text_of(scenes.healthy(), wide, high, "compare", comparing=comparing).splitlines()
        assert max(map(len, rows)) <= wide, (wide, high)


def test_what_nobody_recorded_is_said_and_not_drawn_as_zero() -> None:
    given = text_of(scenes.healthy(), 120, 60, "compare", comparing=VIEWS["parted"]())
    (row,) = [line for line in given.splitlines() if "available memory" in line]
    assert row.split() == ["available", "memory", "8.0", "GB", "○", "not", "recorded"]
    (row,) = [line for line in given.splitlines() if line.strip().startswith("OOM kills")]
    assert "0" in row
    assert "not recorded" in row
    assert "intrinsic reward, median" in given
    assert "— absent" in given


# Choosing and reading


class ScriptedArchive:
    """Implements `core.past_ports.Archive` over what a test says; a run is read when its gate is opened."""

    def __init__(self, *runs: RecordedRun, **results: RunTimelineBuilder | str) -> None:
        self.listed = runs
        self.results = {name.replace("_", "-"): given for name, given in results.items()}
        self.gate = threading.Event()
        self.gate.set()
        self.left = threading.Event()
        self.read: list[str] = []

    def runs(self) -> tuple[RecordedRun, ...]:
        return self.listed

    def load_timeline(self, name: str, on: Callable[[float], bool]) -> RunTimelineBuilder | None:
        self.read.append(name)
        while not self.gate.wait(0.005):
            if not on(0.5):
                self.left.set()
                return None
        given = self.results[name]
        if isinstance(given, str):
            raise UnreadableRecording(given)
        return given


class Seat:
    """A person at a desk: presses keys, waits, reads."""

    def __init__(self, archive: ScriptedArchive | None, snapshot: Snapshot) -> None:
        self.monitor = ScriptedMonitor(snapshot)
        self.controller = Controller(self.monitor, read_config(), all_screens(), archive=archive)
        self.controller.update(snapshot)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.controller.press(key, key if len(key) == 1 else None, time.monotonic(), 120, 40)

    @property
    def text(self) -> str:
        return "\n".join(plain(row) for row in self.controller.rows(120, 40))

    def until(self, text: str) -> None:
        ends = time.monotonic() + 20
        while text not in self.text:
            assert time.monotonic() < ends, self.text
            self.controller.tick(time.monotonic())
            time.sleep(0.005)


def now() -> Snapshot:
    return walked("run-now", healthy, 42)[-1]


def archive() -> ScriptedArchive:
    return ScriptedArchive(
        kept("after-fix", 9000.0),
        kept("failed-run", 100.0),
        RecordedRun("run-now", "run-now", 0.0, 2500.0, "LAUNCH 24H", 5, "live"),
        failed_run=builder_of(walked("failed-run", silent, 75, False)),
        run_now=builder_of(walked("run-now", healthy, 42)),
        after_fix="after-fix cannot be read: torn",
    )


def test_c_opens_the_list_and_enter_names_the_first_divergence() -> None:
    seat = Seat(archive(), now())
    seat.press("c")
    seat.until("after-fix")
    assert "COMPARE WITH" in seat.text
    assert seat.text.count("run-now") == 1, "the run on screen is not among those beside it"
    seat.press(*"failed")
    assert "after-fix" not in seat.text
    seat.press("enter")
    seat.until("first divergence 00:00:10 · intrinsic reward keys: 5/5 here, 0/5 there")
    assert "42:00 long" in seat.text
    assert "only since this monitor opened" not in seat.text
    seat.press("escape")
    assert "COMPARE" not in seat.text
    seat.press("c")
    assert "first divergence" in seat.text, "it is still there"
    seat.press("c")
    assert "COMPARE WITH" in seat.text, "there it chooses another one"


def test_reading_does_not_hold_up_the_screen_and_can_be_left() -> None:
    given = archive()
    given.gate.clear()
    seat = Seat(given, now())
    seat.press("c")
    seat.until("failed-run")
    began = time.monotonic()
    seat.press(*"failed", "enter")
    assert time.monotonic() - began < 20, "the reading waits for the gate"
    seat.until("reading failed-run")
    seat.until("50 %")
    seat.press("escape")
    assert given.left.wait(10)
    seat.press("c")
    assert "COMPARE WITH" in seat.text, "nothing stands beside it"


def test_what_cannot_be_read_says_why_and_goes_on_saying_it() -> None:
    seat = Seat(archive(), now())
    seat.press("c")
    seat.until("after-fix")
    seat.press(*"after", "enter")
    seat.until("after-fix cannot be read: torn")
    for later_s in (1.0, 60.0, 600.0):
        seat.controller.tick(time.monotonic() + later_s)
        assert "after-fix cannot be read: torn" in seat.text


def test_without_a_recording_of_this_run_it_is_what_was_seen_here() -> None:
    given = archive()
    given.listed = given.listed[1:2]
    seat = Seat(given, now())
    seat.press("c")
    seat.until("failed-run")
    seat.press("enter")
    seat.until("only since this monitor opened")
    assert given.read == ["failed-run"]


def test_without_a_store_it_says_so() -> None:
    seat = Seat(None, now())
    seat.press("c")
    assert "no recorded runs here" in seat.text
    seat.press("enter", "escape")
    assert "no recorded runs here" in seat.text


def test_it_goes_on_with_the_run_on_screen_and_a_new_run_begins_anew() -> None:
    given = archive()
    comparing = CompareJob(given)
    first, *others = walked("run-now", healthy, 42)[:120]
    comparing.add(first)
    comparing.choose(kept("failed-run", 100.0))
    clock = 100.0

    def until(met: Callable[[], bool]) -> None:
        nonlocal clock
        ends = time.monotonic() + 20
        while not met():
            assert time.monotonic() < ends
            clock += 1.0
            comparing.tick(clock, True)
            time.sleep(0.005)

    given.results["run-now"] = builder_of((first,))
    until(lambda: comparing.view.comparison is not None)
    before = comparing.view.comparison
    for snapshot in others:
        comparing.add(snapshot)
    until(lambda: comparing.view.comparison is not before)
    assert comparing.view.comparison is not None
    assert comparing.view.comparison.common_s == others[-1].t
    again = replace(first, t=9010.0, run=replace(first.run, name="run-2", started_at=9000.0))
    comparing.add(again)
    until(lambda: comparing.view.comparison is not None and comparing.view.comparison.a.name == "run-2")
    assert comparing.view.whole


def test_a_run_that_is_read_whole_stays_beside_this_one_after_esc() -> None:
    """Esc while the run on screen is still read: the chosen run is known, so its ghost is."""
    seat = Seat(archive(), now())
    seat.press("c")
    seat.until("after-fix")
    seat.press(*"failed", "enter")
    seat.until("first divergence")
    ghost = seat.controller.comparing.view.ghost
    seat.controller.comparing.view = replace(seat.controller.comparing.view, comparison=None, ghost=None)
    seat.controller.comparing._task = _Task("reading the run on screen", ghost=ghost)
    seat.press("escape")
    assert ghost is not None
    assert seat.controller.comparing.view.ghost is ghost
    seat.press("c")
    assert "COMPARE WITH" in seat.text, "the comparison was stopped: the list opens again"


def test_enter_before_the_runs_are_listed_takes_the_first_one_as_soon_as_they_are() -> None:
    seat = Seat(archive(), now())
    seat.press("c")
    seat.controller.comparing.view = replace(seat.controller.comparing.view, runs=None, doing="listing the runs")
    seat.press(*"failed", "enter")
    seat.until("first divergence 00:00:10")


def test_settings_that_are_not_the_same_are_named() -> None:
    alike = VIEWS["alike"]()
    assert alike.comparison is not None
    assert "NOT THE SAME" not in text_of(scenes.healthy(), 80, 24, "compare", comparing=alike)
    last = alike.comparison.a.last
    here = replace(alike.comparison.a, last=replace(last, run=replace(last.run, desired=7)))
    other = replace(alike, comparison=replace(alike.comparison, a=here))
    assert "▲ NOT THE SAME  workers 7, there 5" in text_of(scenes.healthy(), 80, 24, "compare", comparing=other)
