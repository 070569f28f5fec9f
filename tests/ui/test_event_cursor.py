"""The cursor among the events: where keys move it, and where Enter goes from each kind of event."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.recordings.seek import EventMoment
from metabonk_tui.ui.event_cursor import death_of, jump, moved
from metabonk_tui.ui.frame import Frame, UiState
from metabonk_tui.ui.views.run.events import listed_events, selected_event
from tests.support import rare_snapshots, snapshots
from tests.support.draw import frame_of
from tests.support.refs import w
from tests.ui.person import Person
from tests.ui.test_time_travel import Viewer


def listed(scene: Snapshot, state: UiState | None = None) -> Frame:
    return frame_of(scene, 80, 24, state=state or UiState(zoom="events"))


def test_keys_move_it_among_the_events_and_the_newest_is_first() -> None:
    frame = listed(snapshots.mixed())
    events = listed_events(frame, snapshots.mixed())
    for command, at in (("down", -2), ("page_down", 0), ("page_up", -1), ("end", 0), ("home", -1), ("previous", -1)):
        state = moved(frame, command)
        assert state is not None
        frame = replace(frame, state=state)
        assert selected_event(frame, events) is events[at], command
    assert frame.state.event is None, "on the newest one it stays on whichever that is"
    assert moved(frame, "attention") is None


def test_it_stays_on_its_event_when_newer_ones_come() -> None:
    scene = snapshots.mixed()
    state = moved(listed(scene), "down")
    newer = replace(scene, events=(*scene.events, snapshots.event(scene.t, "warn", "w1 is late")))
    frame = listed(newer, state)
    before = selected_event(listed(scene, state), listed_events(listed(scene), scene))
    assert selected_event(frame, listed_events(frame, newer)) == before


def test_without_an_event_no_key_moves_it() -> None:
    assert moved(listed(replace(snapshots.mixed(), events=())), "down") is None


def test_enter_goes_to_the_moment_with_the_worker_selected() -> None:
    viewer = Viewer(snapshots.mixed())
    viewer.types("4")
    assert "▸ 14:46:10  ~ w4 STALE" in viewer.text
    viewer.types("\n")
    assert viewer.replay_controls.sent == [EventMoment(snapshots.mixed().t - 34.0)]
    assert (viewer.controller.state.ref, viewer.controller.state.zoom) == (w(4), "")


def test_where_nothing_is_recorded_enter_opens_the_worker() -> None:
    person = Person(snapshots.mixed(), open_logs=lambda: pytest.fail("no log is read"))
    person.types("4\n")
    assert person.controller.screen == "worker"
    assert "no recorded past to open" in person.text
    person.types("\x1b")
    assert "▸ 14:46:10" in person.text, "Esc goes back to the list"


@pytest.mark.parametrize(
    ("kind", "seconds", "facts", "found"),
    [
        (EventKind.PROCESS_EXIT, 0.0, {"pid": 41227}, True),
        (EventKind.PROCESS_EXIT, 0.0, {"pid": 1}, False),
        (EventKind.WORKER_DOWN, 5.0, {}, True),
        (EventKind.WORKER_DOWN, 900.0, {}, False),
        (EventKind.WORKER_RATE, 0.0, {}, False),
    ],
)
def test_the_event_of_a_death_opens_its_page(
    kind: EventKind, seconds: float, facts: dict[str, int], found: bool
) -> None:
    scene = rare_snapshots.died()
    page = scene.obituaries[-1]
    event = replace(snapshots.event(page.t + seconds, "crit", "w2 is gone", kind, 2), facts=facts)
    assert (death_of(event, scene) is page) is found
    frame = listed(replace(scene, events=(event,)))
    assert jump(frame)[1] == (page if found else EventMoment(event.t))
