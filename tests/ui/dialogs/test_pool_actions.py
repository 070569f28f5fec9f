"""Nothing is done to the pool that was not typed by a person who was shown what it hits."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace
from textual import events

from metabonk_tui.core.model.pool import (
    Launch,
    Plan,
    Resize,
    Restart,
    Stop,
    StopWorker,
    StrangerProcess,
    TargetProcess,
)
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.sample import Operation, OperationStep
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.ui.app import MonitorApp
from metabonk_tui.ui.dialogs.confirm import SETTLE_S, ConfirmDialog
from metabonk_tui.ui.dialogs.operation import OperationDialog
from metabonk_tui.ui.style.glyphs import ASCII, UNICODE, Glyphs
from metabonk_tui.ui.style.spans import plain, width
from tests.support import snapshots as scenes
from tests.ui.conftest import ScriptedMonitor, with_operation
from tests.ui.person import Person


@pytest.mark.parametrize(
    ("keys", "word", "action"),
    [
        ("L", "3", Launch(3)),
        ("+", "4", Resize(4)),
        ("-", "2", Resize(2)),
        ("R", "3", Restart(3)),
        ("X", "stop", Stop()),
    ],
)
def test_typing_the_word_and_enter_does_it(keys: str, word: str, action: object) -> None:
    person = Person(scenes.healthy())
    person.types(keys)
    assert "locked until" in person.text
    assert person.filled == "Cancel  Esc"
    person.types(word)
    assert "Enter" in person.filled
    assert person.monitor.submitted == []
    person.types("\n")
    assert [plan.action for plan in person.monitor.submitted] == [action]
    assert isinstance(person.controller.dialog, OperationDialog)


def test_one_worker_is_stopped_by_its_process_not_its_number() -> None:
    person = Person(scenes.healthy())
    worker = scenes.healthy().workers[1]
    person.types("\tK")
    assert f"w{worker.slot}" in person.text
    assert str(worker.pid) in person.text
    person.types("stop\n")
    assert [plan.action for plan in person.monitor.submitted] == [
        StopWorker(worker.ref, worker.pid, worker.pid_started_at)  # type: ignore[arg-type]
    ]


@pytest.mark.parametrize("typed", ["\n", "\x1b", "4\n", "33\n", "s\n", "3\x7f\n", "3\x1b", "03\n", " 3\n"])
def test_anything_else_cancels(typed: str) -> None:
    person = Person(scenes.healthy())
    person.types("R" + typed)
    assert person.monitor.submitted == []
    assert person.controller.dialog is None


@pytest.mark.parametrize("keys", ["L", "+", "-", "R", "X"])
@pytest.mark.parametrize("held", ["L", "+", "-", "R", "X", "\n", "3", "s"])
def test_a_held_down_key_confirms_nothing(keys: str, held: str) -> None:
    person = Person(scenes.healthy())
    person.types(keys)
    person.types(held * 200, apart_s=0.03)
    assert person.monitor.submitted == []


@pytest.mark.parametrize("pasted", ["3\n", "R3\n", "stop\n", "3\n\n\n"])
def test_keys_that_come_faster_than_a_person_confirm_nothing(pasted: str) -> None:
    person = Person(scenes.healthy())
    person.types("R" if pasted[0] in "3R" else "X")
    person.types(pasted, apart_s=SETTLE_S / 10)
    assert person.monitor.submitted == []


def test_after_too_fast_an_enter_one_more_does_it() -> None:
    person = Person(scenes.healthy())
    person.types("R3")
    person.types("\n", apart_s=0.01)
    assert "very fast" in person.text
    assert person.monitor.submitted == []
    person.types("\n")
    assert len(person.monitor.submitted) == 1


async def test_a_bracketed_paste_is_not_typing(make_app: Callable[..., MonitorApp]) -> None:
    monitor = ScriptedMonitor(scenes.healthy())
    app = make_app(monitor)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("R")
        app.post_message(events.Paste("3"))
        app.screen.post_message(events.Paste("3\n"))
        await pilot.pause()
        assert isinstance(app.controller.dialog, ConfirmDialog)
        assert not app.controller.dialog.is_unlocked
    assert monitor.submitted == []


def test_the_dialog_says_what_it_hits_and_runs() -> None:
    person = Person(scenes.stop())
    person.types("-")
    text = person.text
    for wanted in (
        "RESIZE POOL  5 → 4 workers",
        "ALL 5 workers: w0 w1 w2 w3 w4",
        *(str(worker.pid) for worker in scenes.stop().workers),
        "python3 launch.py stop",
        "python3 launch.py --workers 4 --no-dashboard",
        "in /srv/metabonk",
        "game_agnostic_verified_config.env",
        "14 keys",
        "no live resize",
        "about 4 min",
        "type 4 and press Enter",
    ):
        assert wanted in text


def test_it_says_what_memory_is_left() -> None:
    person = Person(scenes.stop())
    budget = scenes.stop().memory.budget
    assert budget is not None
    person.types("L")
    assert f"starts      {budget.fits} worker" in person.text, "a launch suggests no more than fit"
    person.types("+" * (5 - budget.fits))
    assert "does not fit" in person.text
    assert "short" in person.text
    assert "measured" in person.text
    assert budget.leaves_bytes(5) < 0
    person = Person(scenes.healthy())
    person.types("R")
    assert "fits, floor 1.0" in person.text
    person = Person(scenes.no_memory())
    person.types("R")
    assert "memory not observed" in person.text


def test_changing_the_number_plans_anew_and_locks_again() -> None:
    person = Person(scenes.healthy())
    person.types("L3")
    assert "Enter" in person.filled
    person.types("+")
    assert person.filled == "Cancel  Esc"
    assert person.monitor.planned[-1] == Launch(4)
    assert "--workers 4" in person.text
    person.types("3\n")
    assert person.monitor.submitted == []
    person = Person(scenes.healthy())
    person.types("L\t\x7f2\n2\n")
    assert [plan.action for plan in person.monitor.submitted] == [Launch(2)]


def test_a_number_that_makes_no_sense_cannot_be_confirmed() -> None:
    person = Person(scenes.healthy())
    person.types("L\t\x7f")
    assert "a number from 1 to 1024" in person.text
    person.types("\n\n")
    assert person.monitor.submitted == []
    person = Person(scenes.healthy())
    person.types("L\t9999999")
    assert "a number from 1 to 1024" in person.text


def test_the_number_never_falls_below_one() -> None:
    person = Person(scenes.healthy(1))
    person.types("----")
    assert person.monitor.planned[-1] == Resize(1)


def test_a_refused_plan_cannot_be_confirmed() -> None:
    person = Person(scenes.healthy())
    person.monitor.refusal = "the launch command was not found: python3"
    person.types("R")
    assert "the launch command was not found" in person.text
    person.types("3\n")
    assert person.monitor.submitted == []


@pytest.mark.parametrize("refusal", ["", "nothing here may be stopped, and the pool's ports are in use"])
def test_a_process_that_is_left_alone_is_adopted_by_a_typed_word_and_then_confirmed(refusal: str) -> None:
    person = Person(scenes.healthy())
    person.monitor.refusal = refusal
    other = TargetProcess("other", 4711, 1.0, name="python3")
    keeper = TargetProcess("other", 4712, 1.0, name="tmux")
    person.monitor.strangers = (StrangerProcess(other, "runs in /x", True), StrangerProcess(keeper, "is tmux"))
    person.types("X")
    assert "type adopt" in person.text
    person.types("adop\n")
    assert person.monitor.planned == [Stop()], "another word adopts nothing"
    person.types("Xadopt\n")
    assert person.monitor.planned[-1] == Stop(adopt=(4711,))
    assert person.monitor.submitted == []
    person.monitor.refusal = ""
    person.types("\x1bX")
    assert person.monitor.planned[-1] == Stop(), "another dialog adopts nothing"
    person.types("adopt\nstop\n")
    assert [plan.action for plan in person.monitor.submitted] == [Stop(adopt=(4711,))]


def test_an_adopted_pid_that_another_process_has_by_now_is_not_adopted(monkeypatch: pytest.MonkeyPatch) -> None:
    person = Person(scenes.healthy())
    other = TargetProcess("other", 4711, 1.0, name="python3")
    person.monitor.strangers = (StrangerProcess(other, "runs in /x", True),)
    later = replace(other, started_at=9.0, name="sleep")
    plan = person.monitor.plan

    def plan_with_later(action: Stop) -> Plan:
        found = plan(action)
        return replace(found, hits=(*found.hits, later)) if action.adopt else found

    person.types("X")
    monkeypatch.setattr(person.monitor, "plan", plan_with_later)
    person.types("adopt\n")
    assert person.monitor.planned[-2:] == [Stop(adopt=(4711,)), Stop()]
    assert "0 processes adopted" in person.text
    person.types("stop\n")
    assert [plan.action for plan in person.monitor.submitted] == [Stop()]
    assert later not in person.monitor.submitted[0].hits


def test_when_the_pool_changes_one_must_read_again() -> None:
    scene = scenes.healthy()
    person = Person(scene)
    person.types("X" + "stop")
    again = replace(scene.workers[1], pid=99999, pid_started_at=1.0)
    person.sees(replace(scene, workers=(scene.workers[0], again, scene.workers[2])))
    assert "the pool changed" in person.text
    assert "99999" in person.text
    assert person.filled == "Cancel  Esc"
    person.types("\n")
    assert person.monitor.submitted == []


def test_news_without_change_keeps_what_was_typed() -> None:
    scene = scenes.healthy()
    person = Person(scene)
    person.types("Xsto")
    person.sees(replace(scene, t=scene.t + 1))
    person.types("p\n")
    assert len(person.monitor.submitted) == 1
    assert len(person.monitor.planned) == 1


def test_when_somebody_else_takes_the_pool_the_open_dialog_refuses() -> None:
    scene = scenes.healthy()
    person = Person(scene)
    person.types("Xstop")
    person.sees(replace(scene, pool=replace(scene.pool, controller="other", holder="pid 4711")))
    assert "pid 4711" in person.text
    person.types("\n")
    assert person.monitor.submitted == []


def test_y_copies_the_exact_commands() -> None:
    person = Person(scenes.healthy())
    effect = person.types("Ry")
    assert effect.copy == "python3 launch.py stop\npython3 launch.py --workers 3 --no-dashboard"


def test_the_first_rows_are_neither_dimmed_nor_covered() -> None:
    person = Person(scenes.stop())
    before = person.rows
    person.types("X")
    assert person.rows[:5] == before[:5]
    assert all(span.dim for row in person.rows[5:8] for span in row if span.text.strip())
    person = Person(scenes.stop(), (80, 24))
    before = person.rows
    person.types("+")
    assert person.rows[:5] == before[:5]


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII], ids=["unicode", "ascii"])
@pytest.mark.parametrize("key", ["L", "+", "X", "K", "R"])
def test_every_size_shows_what_it_hits_and_what_to_type(key: str, glyphs: Glyphs) -> None:
    for size in ((200, 60), (120, 40), (80, 24), (60, 16), (40, 12)):
        person = Person(scenes.healthy(), size, glyphs)
        person.types(f"\t{key}" if key == "K" else key)
        rows = person.rows
        assert len(rows) == size[1]
        assert all(width(row) <= size[0] for row in rows)
        assert "Cancel" in person.text
        assert "confirm" in person.text
        assert "stops" in person.text
        if glyphs is ASCII:
            assert "".join(plain(row) for row in rows[5:]).isascii()


def running(scene: Snapshot, **over: object) -> Snapshot:
    steps = (
        OperationStep("stop the pool", "done"),
        OperationStep("wait until every port is free", "running", "2 of 3"),
        OperationStep("launch 3 workers", "waiting"),
    )
    operation = Operation("restart 3 workers", scene.t - 12, steps, ("first line", "[/oops] last line"))
    return with_operation(scene, replace(operation, **over))  # type: ignore[arg-type]


def test_progress_is_shown_step_by_step_until_it_ends() -> None:
    scene = scenes.healthy()
    person = Person(scene)
    person.types("R3\n")
    assert "waiting for the first step" in person.text
    person.sees(running(scene))
    for wanted in ("RESTART 3 WORKERS", "12s", "stop the pool", "2 of 3", "launch 3 workers", "[/oops] last line"):
        assert wanted in person.text
    person.types("\n")
    assert person.controller.dialog is not None
    failed = running(scene, ok=False, ended_at=scene.t, message="the launcher exited with 1", log_path="/tmp/p.log")
    person.sees(failed)
    for wanted in ("the launcher exited with 1", "/tmp/p.log", "[/oops] last line"):
        assert wanted in person.text
    person.types("\n")
    assert person.controller.dialog is None


def test_hiding_progress_stops_nothing_and_o_brings_it_back() -> None:
    scene = scenes.healthy()
    person = Person(scene)
    person.types("R3\n")
    person.sees(running(scene))
    person.types("\x1b")
    assert person.controller.dialog is None
    assert "o shows it again" in person.controller.notice
    person.types("X")
    assert person.controller.dialog is None
    assert "still running" in person.controller.notice
    person.types("o")
    assert "RESTART 3 WORKERS" in person.text
    assert len(person.monitor.submitted) == 1


def test_progress_of_an_older_operation_is_not_taken_for_the_new_one() -> None:
    scene = running(scenes.healthy(), ok=True, ended_at=scenes.healthy().t, message="done")
    person = Person(scene)
    person.types("R3\n")
    assert "waiting for the first step" in person.text
    person.sees(running(scene, started_at=scene.t))
    assert "stop the pool" in person.text


@pytest.mark.parametrize("size", [(80, 24), (60, 16), (40, 10)])
def test_a_failure_is_readable_at_every_size(size: tuple[int, int]) -> None:
    scene = scenes.healthy()
    steps = tuple(OperationStep(f"step {i}", "failed" if i == 7 else "done") for i in range(8))
    tail = tuple(f"line {i}" for i in range(8))
    failed = running(scene, ok=False, ended_at=scene.t, steps=steps, output_tail=tail, message="it failed")
    person = Person(failed, size)
    person.types("o")
    assert "it failed" in person.text
    assert "step 7" in person.text


def test_the_title_counts_what_the_current_plan_stops() -> None:
    scene = scenes.healthy()
    person = Person(scene)
    person.types("X")
    assert "STOP POOL  3 workers" in person.text
    more = replace(scene.workers[0], ref=replace_slot(scene, 3), pid=9990)
    person.sees(replace(scene, workers=(*scene.workers, more, replace(more, ref=replace_slot(scene, 4), pid=9991))))
    assert "STOP POOL  5 workers" in person.text
    assert "ALL 5 workers" in person.text


def replace_slot(scene: Snapshot, slot: int) -> WorkerRef:
    return scene.workers[0].ref._replace(slot=slot)
