"""Real Snapshots on the screen: samples go through `step`, and what the tree decides is what is read."""

from __future__ import annotations

import re

import pytest

from metabonk_tui.core.model.host import ProcessReading
from metabonk_tui.core.model.snapshot import Snapshot, VerdictKind
from metabonk_tui.ui.style.spans import plain, width
from tests.support.draw import SCREENS, SIZES, chosen, rows_of, text_of
from tests.support.refs import w
from tests.support.samples import (
    GB,
    Answer,
    by_slot,
    coarse,
    down,
    healthy,
    phases,
    play,
    playing,
    room,
    script,
    silent,
    with_fields,
)


def stories() -> dict[str, list[Snapshot]]:
    """Whole runs, from the first sample to where they end."""

    def nan(slot: int, t: float) -> Answer:
        return with_fields(healthy, intrinsic_reward_total="NaN" if t > 300 else 0.2)(slot, t)

    def held(t: float) -> tuple[ProcessReading, ...]:
        workers = tuple(ProcessReading("worker", GB + int(t * 1e5), w(slot), 100 + slot, 0.0, GB) for slot in range(3))
        return (*workers, ProcessReading("ollama", 5 * GB))

    return {
        "healthy": play(coarse(healthy, for_s=2400, processes=held)),
        "playing": play(coarse(playing, for_s=2400)),
        "silent": play(coarse(silent, workers=5, for_s=2400)),
        "oom": play(
            coarse(healthy, for_s=1200, memory=lambda t: room(2.0, kills=int(t > 900)), processes=killed_at_900)
        ),
        "low": play(coarse(healthy, for_s=3000, memory=lambda t: room(3.0 - t / 1200))),
        "blind": play(coarse(healthy, for_s=2400, blind=lambda t: 400 < t < 1500)),
        "no memory": play(coarse(healthy, for_s=2400, memory=None)),
        "sick": play(coarse(by_slot(healthy, phases((0, healthy), (700, down)), silent, nan), workers=4, for_s=1500)),
        "gone": play(script(down, for_s=600)),
    }


def killed_at_900(t: float) -> tuple[ProcessReading, ...]:
    slots = (0, 1, 2) if t <= 900 else (0, 2)
    return tuple(ProcessReading("worker", 300_000_000, w(slot), pid=40 + slot) for slot in slots)


@pytest.fixture(scope="module")
def snapshots_by_name() -> dict[str, list[Snapshot]]:
    return stories()


def test_every_moment_of_every_story_can_be_drawn(snapshots_by_name: dict[str, list[Snapshot]]) -> None:
    for name, snapshots in snapshots_by_name.items():
        for n, snapshot in enumerate(snapshots[:: len(snapshots) // 10]):
            for nth, screen in enumerate(SCREENS):
                # The other screens take the sizes in turn: `test_sizes` draws every scene at each.
                for wide, high in SIZES if screen == "dashboard" else (SIZES[(n + nth) % len(SIZES)],):
                    rows = rows_of(snapshot, wide, high, screen, state=chosen(1))
                    assert len(rows) == high
                    assert all(width(row) <= wide for row in rows), (name, snapshot.t, screen)
                    assert str(snapshot.verdict.kind)[:8] in "".join(plain(row) for row in rows)


def test_silence_is_a_stop_with_its_reason_and_no_zero(snapshots_by_name: dict[str, list[Snapshot]]) -> None:
    screen = text_of(snapshots_by_name["silent"][-1], 120, 40)
    assert "■ STOP" in screen
    assert "6/6 FAIL" in screen
    assert "— ABSENT never seen" in screen
    assert "◌" in screen


def test_a_healthy_run_validates_then_goes(snapshots_by_name: dict[str, list[Snapshot]]) -> None:
    early = next(s for s in snapshots_by_name["healthy"] if s.verdict.kind is VerdictKind.VALIDATING)
    assert "◌ VALIDATING" in text_of(early, 120, 40)
    assert "● LAUNCH 24H" in text_of(snapshots_by_name["healthy"][-1], 120, 40)
    assert "ollama 5.0" in text_of(snapshots_by_name["healthy"][-1], 80, 24)
    assert "● SUCCESS" in text_of(snapshots_by_name["playing"][-1], 120, 40)


def test_an_oom_kill_is_on_the_screen_for_the_rest_of_the_run(snapshots_by_name: dict[str, list[Snapshot]]) -> None:
    screen = text_of(snapshots_by_name["oom"][-1], 80, 24)
    assert "■ STOP" in screen
    assert "OOM kill 1" in screen


def test_low_memory_asks_for_a_watch(snapshots_by_name: dict[str, list[Snapshot]]) -> None:
    screen = text_of(snapshots_by_name["low"][-1], 120, 40)
    assert "▲ ADD MEMORY WATCH" in screen
    # Ten minutes are left: when it ends is worth more than since when it is low, and never stands without its band.
    assert re.search(r"OOM ~(9m5\ds|10m) ±", screen)


def test_memory_that_nobody_saw_is_not_observed(snapshots_by_name: dict[str, list[Snapshot]]) -> None:
    assert "◌ not observed" in text_of(snapshots_by_name["no memory"][-1], 120, 40)


def test_each_sick_worker_says_what_it_has(snapshots_by_name: dict[str, list[Snapshot]]) -> None:
    screen = text_of(snapshots_by_name["sick"][-1], 120, 40)
    assert "× w1" in screen
    assert "DOWN" in screen
    assert "ABSENT" in screen
    assert "BAD" in screen
