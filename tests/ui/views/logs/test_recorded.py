"""The logs screen: whose lines, in whose order, and what is said where there are none."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from metabonk_tui.core.model.sample import WorkerStatus
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.ui.screens.logs import LogsScreen
from metabonk_tui.ui.views.logs.recorded import lines_of
from tests.support.draw import chosen, frame_of, text_of
from tests.support.rare_snapshots import logged
from tests.support.refs import w
from tests.support.samples import healthy as life
from tests.support.samples import last, script
from tests.support.snapshots import healthy


def drawn(snapshot: Snapshot, pane: int = 0) -> str:
    return text_of(snapshot, 120, 40, "logs", state=chosen(pane=pane))


def test_what_several_say_is_one_line_and_keeps_each_ones_order() -> None:
    seen = replace(healthy(), log_lines={w(0): ("a", "b"), w(2): ("b", "c")})
    assert lines_of(seen, seen.workers) == {"a": (w(0),), "b": (w(0), w(2)), "c": (w(2),)}
    assert lines_of(seen, seen.workers[2:]) == {"b": (w(2),), "c": (w(2),)}


@pytest.mark.parametrize(("name", "its_own"), [("omega-0", True), ("omega-1", False), (None, True)])
def test_a_line_that_bears_another_name_is_not_this_workers(name: str | None, its_own: bool) -> None:
    base = healthy(1)
    fields = {} if name is None else {"instance_id": name}
    seen = replace(
        base,
        workers=(replace(base.workers[0], status=WorkerStatus(fields)),),
        log_lines={w(0): ("[worker:omega-0] WARN: x",)},
    )
    assert bool(lines_of(seen, seen.workers)) is its_own


def test_tab_goes_through_the_workers_and_back_to_all() -> None:
    screen, seen = LogsScreen(), logged()
    states = [chosen()]
    for _ in range(len(seen.workers) + 1):
        state = screen.do("next", frame_of(seen, 80, 24, "logs", state=states[-1]))
        assert state is not None
        states.append(state)
    assert [state.pane for state in states] == [0, 1, 2, 3, 4, 5, 0]
    assert [state.ref for state in states[1:6]] == [w(slot) for slot in range(5)], "whom one looks at is selected"
    back = screen.do("left", frame_of(seen, 80, 24, "logs", state=states[1]))
    assert back is not None
    assert back.pane == 0
    assert screen.do("down", frame_of(seen, 80, 24, "logs")) is None, "arrows scroll"


def test_one_worker_alone_shows_its_own() -> None:
    screen_text = drawn(logged(), 2)
    assert "w1 alone" in screen_text
    assert "Read timed out" in screen_text
    assert "Traceback" not in screen_text


def test_a_worker_less_than_before_leaves_the_screen_standing() -> None:
    assert "all 3 workers" in drawn(healthy(), 4)
    assert "w0 alone" in drawn(healthy(), 5)


def test_nothing_found_says_where_it_was_looked_for() -> None:
    screen_text = drawn(healthy())
    assert "no such line found" in screen_text
    assert "/proc/41207/fd/1" in screen_text
    unknown = replace(healthy(1).workers[0], pid=None, status=None)
    assert "neither its process nor its log directory" in drawn(replace(healthy(1), workers=(unknown,)))


def test_the_lines_of_a_sample_come_through() -> None:
    samples = script(life, for_s=60)
    samples[2] = replace(samples[2], log_tails={w(1): ("WARN: this",)})
    assert last(samples).log_lines == {w(1): ("WARN: this",)}


def test_the_dashboard_has_the_newest_lines_where_there_is_room_and_there_are_any() -> None:
    assert "LOG  lines that may tell a cause" in text_of(logged(), 200, 60)
    assert "ModuleNotFoundError: No module named" in text_of(logged(), 200, 60)
    assert "LOG " not in text_of(logged(), 120, 40)
    assert "LOG " not in text_of(healthy(), 200, 60)
