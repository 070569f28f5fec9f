"""Another monitor asks for control: the person sees who and why, and answers with one key that was meant."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from metabonk_tui.core.model.pool import RoleRequest
from metabonk_tui.core.model.sample import WatchReading
from metabonk_tui.ui.dialogs.control import ControlDialog
from tests.support import snapshots as scenes
from tests.support.snapshots import hosts_of
from tests.ui.person import Person

REQUEST = RoleRequest(1, "pid 4711 of root", "stop the pool", 9.9)


def asked(size: tuple[int, int] = (80, 24)) -> Person:
    person = Person(scenes.healthy(), size)
    person.monitor.request = REQUEST
    person.controller.update(scenes.healthy())
    return person


def later(person: Person, left_s: float) -> None:
    person.monitor.request = replace(REQUEST, left_s=left_s)
    person.controller.update(scenes.healthy())


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (60, 16), (40, 12)])
def test_it_shows_who_asks_for_what_and_what_happens_then(size: tuple[int, int]) -> None:
    person = asked(size)
    for wanted in ("CONTROL OF THE POOL", "pid 4711 of root", "stop the pool", "let it act", "refuse"):
        assert wanted in person.text


def test_it_says_that_the_memory_watch_will_be_off() -> None:
    scene = scenes.healthy()
    assert "memory watch is off" not in asked().text
    person = Person(scene)
    armed = replace(scene, hosts=hosts_of(replace(scene.memory, watch=WatchReading(True))))
    person.monitor.request = REQUEST
    person.sees(armed)
    assert "memory watch is off" in person.text


@pytest.mark.parametrize(("key", "yes"), [("y", True), ("n", False)])
def test_a_key_answers_once_the_question_was_readable(key: str, yes: bool) -> None:
    person = asked()
    person.types(key)
    assert person.monitor.answers == [], "this key was meant for something else"
    later(person, 8.0)
    person.types(key)
    assert person.monitor.answers == [(1, yes)]
    assert person.controller.dialog is None


@pytest.mark.parametrize("key", [*"XLR\n ", "stop\n"])
def test_no_other_key_answers(key: str) -> None:
    person = asked()
    later(person, 8.0)
    person.types(key)
    assert person.monitor.answers == []
    assert isinstance(person.controller.dialog, ControlDialog)


def test_escape_decides_nothing_and_it_does_not_come_back() -> None:
    person = asked()
    person.types("\x1b")
    later(person, 5.0)
    assert person.controller.dialog is None
    assert person.monitor.answers == []


def test_it_closes_when_the_request_has_ended() -> None:
    person = asked()
    person.monitor.request = None
    assert person.controller.update(scenes.healthy())
    assert person.controller.dialog is None


def test_the_seconds_left_count_down() -> None:
    person = asked()
    assert "in 10 s" in person.text
    later(person, 4.2)
    assert "in 4 s" in person.text


def test_an_open_dialog_keeps_its_keys_and_the_request_is_a_notice() -> None:
    person = Person(scenes.healthy())
    person.types("X")
    open_before = person.controller.dialog
    person.monitor.request = REQUEST
    person.controller.update(scenes.healthy())
    assert person.controller.dialog is open_before
    assert "pid 4711 of root asks for control" in person.controller.notice
    person.types("\x1b")
    person.controller.update(scenes.healthy())
    assert isinstance(person.controller.dialog, ControlDialog)
