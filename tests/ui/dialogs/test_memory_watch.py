"""The memory watch on screen: it is armed by what was typed, its state is in sight, and what it did stays there."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from metabonk_tui.core.model.sample import WatchReading
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.ui.controller import Controller
from tests.support import snapshots as scenes
from tests.support.draw import text_of
from tests.support.snapshots import hosts_of
from tests.ui.conftest import plain_screens, read_config
from tests.ui.person import Person

SIZES = ((80, 24), (120, 40), (200, 60))


def watched(watch: WatchReading | None) -> Snapshot:
    scene = scenes.memory_watch()
    armed = watch is not None and watch.armed and not watch.dry_run
    return replace(scene, hosts=hosts_of(replace(scene.memory, watch=watch, watch_armed=armed)))


ON = WatchReading(True, "key", scenes.START + 60, on_critical="resize")


def person(
    watch: WatchReading | None = None, on_critical: str = "resize", size: tuple[int, int] = (120, 40)
) -> Person:
    scene = watched(watch)
    someone = Person(scene, size)
    config = read_config()
    rules = msgspec.structs.replace(config.memory_watch, on_critical=on_critical)
    config = msgspec.structs.replace(config, memory_watch=rules)
    someone.controller = Controller(someone.monitor, config, plain_screens())
    someone.controller.update(scene)
    return someone


@pytest.mark.parametrize("size", SIZES)
def test_the_question_says_what_it_watches_and_the_exact_command(size: tuple[int, int]) -> None:
    someone = person(size=size)
    someone.types("W")
    for phrase in (
        "ARM THE MEMORY WATCH",
        "below 1 GB or an end forecast within 20m",
        "below 0.512 GB or an end forecast within 5m",
        "resize to what fits, else only an alarm",
        "resize 5 → 2 workers",
        "launch.py --workers 2",
        "type arm",
    ):
        assert phrase in someone.text, someone.text
    assert someone.filled == "Cancel  Esc"
    assert someone.monitor.armed == []


def test_enter_alone_cancels() -> None:
    someone = person()
    someone.types("W\n")
    assert someone.monitor.armed == []
    assert someone.controller.dialog is None


@pytest.mark.parametrize(("keys", "armed"), [("Warm\n", (True, "key", False)), ("W\tarm\n", (True, "key", True))])
def test_what_was_typed_arms_it(keys: str, armed: tuple[bool, str, bool]) -> None:
    someone = person()
    someone.types(keys)
    assert someone.monitor.armed == [armed]
    assert someone.controller.notice == "the memory watch will be armed"
    assert someone.monitor.submitted == []


def test_a_held_key_or_a_paste_does_not() -> None:
    someone = person()
    someone.types("Warm\n", apart_s=0.01)
    assert someone.monitor.armed == []
    assert "press Enter again to confirm" in someone.text


def test_armed_the_same_key_disarms_and_asks_too() -> None:
    someone = person(ON)
    someone.types("W")
    assert "DISARM THE MEMORY WATCH" in someone.text
    someone.types("arm\n")
    assert someone.monitor.armed == []
    someone.types("Wdisarm\n")
    assert someone.monitor.armed == [(False, "key", False)]


def test_armed_meanwhile_by_another_hand_what_was_typed_counts_no_more() -> None:
    someone = person()
    someone.types("Warm")
    someone.sees(watched(ON))
    someone.types("\n")
    assert someone.monitor.armed == []


def test_the_default_says_that_nothing_is_done() -> None:
    someone = person(on_critical="alarm")
    someone.types("W")
    assert "only an alarm" in someone.text
    assert someone.monitor.planned == []


def test_what_the_pool_cannot_is_said_before_it_is_armed() -> None:
    someone = person(on_critical="stop-highest")
    someone.monitor.refusal = "no such thing here"
    someone.types("W")
    assert "cannot stop the highest slot: no such thing here" in someone.text
    assert "no action is possible, only an alarm" in someone.text


def test_who_does_not_hold_the_pool_is_shown_who_does() -> None:
    someone = person()
    scene = watched(None)
    someone.sees(replace(scene, pool=replace(scene.pool, controller="other", holder="pid 4711")))
    someone.types("W")
    assert someone.controller.dialog is None
    assert "read-only: pid 4711 controls this pool" in someone.controller.notice


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("watch", "phrase"),
    [
        (ON, "watch on"),
        (replace(ON, dry_run=True), "watch: dry run"),
        (replace(ON, did="resize 5 → 3 workers", did_t=scenes.START, did_ok=True), "resize 5 → 3"),
        (replace(ON, did="resize 5 → 3 workers", did_t=scenes.START, did_ok=False), "failed"),
    ],
)
def test_it_is_in_sight(watch: WatchReading, phrase: str, size: tuple[int, int]) -> None:
    assert phrase in text_of(watched(watch), *size).splitlines()[2]


@pytest.mark.parametrize("watch", [None, WatchReading(False)])
def test_unarmed_nothing_is_claimed(watch: WatchReading | None) -> None:
    assert "watch on" not in text_of(watched(watch), 120, 40)
