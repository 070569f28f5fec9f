"""A process that only its port makes a worker: reported once, and never mixed with a worker that was seen."""

from __future__ import annotations

from msgspec.structs import replace

from metabonk_tui.core.model.host import ProcessReading
from metabonk_tui.engine.unconfirmed import UnconfirmedWatch, held_by
from tests.support.refs import w

OURS = ProcessReading("worker", 1, w(1), pid=10, started_at=1.0, name="python -m src.worker.main")
STRANGER = ProcessReading("worker", 9, w(1), pid=20, started_at=2.0, name="python squat.py", unconfirmed=True)


def test_a_slot_whose_worker_was_seen_takes_no_stranger() -> None:
    watch = UnconfirmedWatch()
    assert watch.filter((OURS,), 5.0) == (OURS,)
    assert watch.take_events() == ()
    assert watch.filter((STRANGER,), 6.0) == ()
    [event] = watch.take_events()
    assert (event.kind, event.worker, event.t) == ("worker.unconfirmed", w(1), 6.0)
    assert event.text == "w1 port is held by python (pid 20): not our worker's command"
    assert watch.filter((STRANGER,), 7.0) == ()
    assert watch.take_events() == (), "once for each process"


def test_what_holds_a_port_is_no_worker_until_it_answers_like_one() -> None:
    watch = UnconfirmedWatch()
    other = replace(STRANGER, pid=21)
    launcher = ProcessReading("launcher", 1, pid=5, unconfirmed=True)
    assert [watch.is_worker(each) for each in (OURS, STRANGER, other, launcher)] == [True, False, False, True]
    watch.note_answer(STRANGER)
    assert [watch.is_worker(each) for each in (OURS, STRANGER, other)] == [True, True, False]
    assert not watch.is_worker(replace(STRANGER, started_at=9.0)), "another process has the pid"
    assert not watch.is_worker(replace(STRANGER, worker=w(2))), "it answered on another port"
    assert held_by(STRANGER, 5001) == "port 5001 is held by python (pid 20)"


def test_a_slot_without_any_worker_shows_what_listens() -> None:
    watch = UnconfirmedWatch()
    assert watch.filter((STRANGER,), 5.0) == (STRANGER,)
    assert len(watch.take_events()) == 1
