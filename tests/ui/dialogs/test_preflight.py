"""The launch form: the preflight first, then the question; what speaks against it needs a typed reason."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from metabonk_tui.core.launch.checklist import ChecklistItem
from metabonk_tui.core.launch.preflight import PreflightView
from metabonk_tui.core.model.pool import Launch, Resize
from metabonk_tui.ui.app import MonitorApp
from metabonk_tui.ui.dialogs.operation import OperationDialog
from metabonk_tui.ui.dialogs.preflight import PreflightDialog
from tests.support import snapshots as scenes
from tests.support.paths import UI_GOLDEN as GOLDEN
from tests.support.snapshots import hosts_of
from tests.ui.conftest import ScriptedMonitor, text_of
from tests.ui.person import Person

REASON = "only to see the ports"
GOOD = (
    ChecklistItem("env-file", "environment in the file", "PASS", ("14 of 14 right",)),
    ChecklistItem("ollama", "Ollama", "SKIPPED", ("not needed: preflight.ollama is empty",)),
)
BAD = (
    *GOOD,
    ChecklistItem("ports", "ports", "FAIL", ("5001 is held by python3 (pid 4711)",), "end it"),
    ChecklistItem(
        "test a", "test a", "FAIL", ("failed: exit code 3",), "repair it", ("frames 0", "AssertionError: no frames")
    ),
)


def flight(*items: ChecklistItem, ended: bool = True) -> PreflightView:
    t = scenes.healthy().t
    return PreflightView(3, t - 5, t - 1 if ended else None, items)


def person(*items: ChecklistItem, size: tuple[int, int] = (120, 40), ended: bool = True) -> Person:
    someone = Person(scenes.healthy(), size)
    someone.monitor.flight = flight(*items, ended=ended)
    someone.types("L")
    return someone


def test_a_launch_begins_with_a_preflight_for_as_many_as_fit() -> None:
    someone = person(*GOOD)
    assert someone.monitor.preflights == [3]
    assert isinstance(someone.controller.dialog, PreflightDialog)
    assert "ready to launch" in someone.text
    someone.types("3\n")
    assert "type 3 and press Enter" in someone.text, "what was typed on the first page confirms nothing"
    someone.types("3\n")
    assert [plan.action for plan in someone.monitor.submitted] == [Launch(3)]


def test_what_failed_needs_a_typed_reason() -> None:
    someone = person(*BAD)
    assert "AssertionError: no frames" in someone.text
    assert "a launch needs a typed reason" in someone.text
    someone.types("\n")
    assert "5001 is held by" in someone.text
    assert "locked until a reason is given" in someone.text
    someone.types("\t3\n")
    assert someone.monitor.submitted == []
    someone = person(*BAD)
    someone.types("\n" + REASON + "\n3\n")
    assert [plan.action for plan in someone.monitor.submitted] == [Launch(3, override=REASON)]
    assert isinstance(someone.controller.dialog, OperationDialog)


@pytest.mark.parametrize("reason", ["\n", "ok\n", "just do\n", "\n\n\n", "LLLLLLLL\n", "3\n"])
def test_without_a_real_reason_nothing_is_done(reason: str) -> None:
    someone = person(*BAD)
    someone.types("\n" + reason + "\t\t\t\t3\n")
    assert someone.monitor.submitted == []


def test_a_long_run_shows_the_checklist_and_is_refused() -> None:
    for size in ((80, 24), (120, 40)):
        someone = person(*GOOD, size=size)
        someone.types("\n\t\t24")
        for title in ("component tests pass", "a worker reached gameplay", "recorder on", "memory watch on"):
            assert title in someone.text
        someone.types("\n")
        someone.types("3\n\t3\n")
        assert someone.monitor.submitted == []
    someone.types("\x1b")
    someone = person(*GOOD)
    someone.types("\n\t\t24\n" + REASON + "\n3\n")
    assert [plan.action for plan in someone.monitor.submitted] == [Launch(3, hours=24.0, override=REASON)]


def test_a_resize_that_does_not_fit_says_the_arithmetic() -> None:
    someone = Person(scenes.stop(), (80, 24))
    someone.types("+")
    assert "6 x 1.20 (measured)" in someone.text
    someone.types("6\n6\n")
    assert someone.monitor.submitted == []
    someone = Person(scenes.stop(), (80, 24))
    someone.types("+" + REASON + "\n6\n")
    assert [plan.action for plan in someone.monitor.submitted] == [Resize(6, override=REASON)]


def test_one_may_go_back_to_the_first_page_and_run_it_again() -> None:
    someone = person(*GOOD)
    someone.controller.press("pagedown", None, 200.0, 120, 40)
    assert "LAUNCH POOL" in someone.text
    someone.controller.press("pageup", None, 201.0, 120, 40)
    assert "PREFLIGHT" in someone.text
    someone.types("r")
    assert someone.monitor.preflights == [3, 3]
    someone.types("\x1b")
    assert someone.controller.dialog is None


def test_the_table_says_what_each_number_needs_and_whence_it_is_known() -> None:
    someone = person(*GOOD)
    someone.types("\n")
    budget = scenes.healthy().memory.budget
    assert budget is not None
    for number in (2, 3, 4, budget.fits):
        assert any(
            line.split("│")[1].split()[:1] == [str(number)] for line in someone.text.splitlines() if "│" in line
        )
    assert "worker 1.20 measured" in someone.text
    someone = Person(scenes.no_memory())
    someone.types("+")
    assert "what if" not in someone.text


async def test_news_of_the_preflight_is_drawn_without_a_newer_snapshot(make_app: Callable[..., MonitorApp]) -> None:
    monitor = ScriptedMonitor(scenes.healthy())
    monitor.flight = flight(ChecklistItem("test a", "test a", "running", output=("loading",)), ended=False)
    app = make_app(monitor)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("L")
        assert "loading" in text_of(app)
        monitor.flight = flight(ChecklistItem("test a", "test a", "PASS", ("passed in 1.0 s",)))
        app._wake()
        for _ in range(300):
            if "passed in 1.0 s" in text_of(app):
                break
            await pilot.pause(0.02)
        assert "passed in 1.0 s" in text_of(app)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize(
    ("name", "items", "keys"),
    [("running", (*GOOD, ChecklistItem("test a", "test a", "running", output=("step 1", "step 2"))), ""),
     ("failed", BAD, ""), ("refused", BAD, "\n"), ("long", GOOD, "\n\t\t24"), ("launch", GOOD, "\n")],
    ids=lambda value: value if isinstance(value, str) and value.isalpha() else "",
)  # fmt: skip
def test_it_still_looks_like_this(
    size: tuple[int, int], name: str, items: tuple[ChecklistItem, ...], keys: str
) -> None:
    someone = person(*items, size=size, ended=name != "running")
    someone.types(keys)
    screen_text = "\n".join(line.rstrip() for line in someone.text.splitlines()) + "\n"
    kept = GOLDEN / f"preflight-{name}-{size[0]}x{size[1]}.txt"
    if os.environ.get("METABONK_TUI_GOLDEN") == "write":
        kept.write_text(screen_text, encoding="utf-8")
    assert screen_text == kept.read_text(encoding="utf-8")


def test_a_change_of_the_pool_is_judged_anew() -> None:
    someone = person(*GOOD)
    someone.types("\n3")
    assert "Enter" in someone.filled
    scene = scenes.healthy()
    assert scene.memory.budget is not None
    tight = replace(scene.memory, budget=replace(scene.memory.budget, budget_bytes=5_000_000_000))
    someone.sees(replace(scene, t=scene.t + 1, hosts=hosts_of(tight)))
    assert someone.filled == "Cancel  Esc"
    someone.types("\n")
    assert someone.monitor.submitted == []


def test_what_fails_while_one_reads_asks_for_its_reason_first() -> None:
    someone = person(ChecklistItem("ports", "ports", "running"), ended=False)
    someone.monitor.flight = flight(*BAD)
    someone.types("\n" + REASON + "\n3\n")
    assert [plan.action for plan in someone.monitor.submitted] == [Launch(3, override=REASON)]
