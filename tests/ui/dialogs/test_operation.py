"""The outcome of an action stays until it is dismissed, and takes no key away from the screen."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.model.sample import Event, Operation, OperationStep
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.ui.dialogs.operation import OperationDialog
from metabonk_tui.ui.style.spans import width
from tests.support import snapshots as scenes
from tests.ui.conftest import with_operation
from tests.ui.person import Person

STEPS = (OperationStep("stop the pool", "done"), OperationStep("launch 2 workers", "done"))


def ended(scene: Snapshot, ok: bool = True) -> Snapshot:
    message = "2 workers answered after 15 s" if ok else "the launcher exited with 3"
    operation = Operation("resize 3 → 2 workers", scene.t, STEPS, ("last line",), scene.t + 15, ok, message)
    return with_operation(scene, operation)


def after_resize(ok: bool = True, size: tuple[int, int] = (120, 40)) -> Person:
    """Return a person who has resized the pool and sees its end."""
    scene = scenes.healthy()
    person = Person(scene, size)
    person.types("-2\n")
    person.sees(ended(scene, ok))
    return person


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (60, 16), (40, 12)])
@pytest.mark.parametrize("ok", [True, False])
def test_the_outcome_stays_on_the_screen_after_the_samples_have_dropped_it(ok: bool, size: tuple[int, int]) -> None:
    person = after_resize(ok, size)
    person.sees(with_operation(scenes.healthy(), None))
    assert isinstance(person.controller.dialog, OperationDialog)
    assert "waiting for the first step" not in person.text
    assert "RESIZE" in person.text
    person.types("j")
    assert person.controller.dialog is None
    assert "resize 3" in person.text.splitlines()[-2]
    keys = "o details  Esc dismisses" if size[0] >= 60 else "o Esc"
    assert keys in person.text.splitlines()[-2]
    assert width(person.rows[-2]) == size[0]
    assert len(person.rows) == size[1]


def test_every_other_key_reaches_the_screen_at_once() -> None:
    assert after_resize().types("q").do == "quit"
    person = after_resize()
    person.types("v")
    assert (person.controller.screen, person.controller.dialog) == ("verdict", None)
    assert "resize 3" in person.text, "the outcome is on every screen"


@pytest.mark.parametrize("keys", ["\x1b", "\n", "j\x1b", "jo\x1b"])
def test_escape_and_enter_dismiss_it(keys: str) -> None:
    person = after_resize()
    person.types(keys)
    assert person.controller.dialog is None
    assert "resize 3" not in person.text
    person.sees(ended(scenes.healthy()))
    assert "resize 3" not in person.text, "dismissed once is dismissed"


def test_escape_goes_back_before_it_dismisses() -> None:
    person = after_resize()
    person.types("v\x1b")
    assert person.controller.screen == "dashboard"
    assert "resize 3" in person.text
    person.types("\x1b")
    assert "resize 3" not in person.text


def test_o_shows_the_details_again_long_after_the_end() -> None:
    person = after_resize()
    person.types("j")
    person.sees(with_operation(scenes.healthy(), None))
    person.types("o")
    assert "last line" in person.text
    assert "2 workers answered after 15 s" in person.text


def test_a_newer_action_replaces_it() -> None:
    person = after_resize()
    person.types("j")
    scene = scenes.healthy()
    running = Operation("stop the pool", scene.t + 60, (OperationStep("stop", "running"),))
    person.sees(with_operation(scene, running))
    assert "resize 3" not in person.text


def test_what_ended_before_the_screen_opened_is_no_outcome() -> None:
    assert "Esc dismisses" not in Person(ended(scenes.healthy())).text


def test_a_refused_plan_is_an_outcome_too() -> None:
    scene = scenes.healthy()
    person = Person(scene)
    person.types("-2\n")
    refused = Event(scene.t + 1, EventKind.POOL_REFUSED, "warn", "refused: another monitor acts on this pool")
    person.sees(replace(scene, events=(*scene.events, refused)))
    assert "another monitor acts on this pool" in person.text
    assert person.types("q").do == "quit"
