"""The logs read in the background: which one first, when, and what is kept when the screen closes."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from msgspec.structs import replace

from metabonk_tui.core.logs.model import MERGED, LogPlace, LogWindow
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import Generation
from metabonk_tui.core.ports.logs import LogMove
from metabonk_tui.ui.log_job import EVERY_S, MERGED_LOGS, LogJob
from metabonk_tui.ui.log_view import LogChoice, cursor_of, follows
from tests.support.draw import text_of
from tests.support.log_views import ScriptedLogs, window
from tests.support.refs import w
from tests.support.snapshots import healthy, many, memory_watch
from tests.support.waiting import wait_for


class Job:
    """A job on a scripted reader, looked at until it has read."""

    def __init__(self, snapshot: Snapshot, texts: dict[str, str]) -> None:
        self.snapshot = snapshot
        self.reader = ScriptedLogs(texts, snapshot.t)
        self.wakes = 0
        self.at_s = 100.0
        self.job = LogJob(lambda: self.reader, self._wake)
        self.choice = LogChoice()

    def _wake(self) -> None:
        self.wakes += 1

    def sync(self) -> None:
        self.job.sync(self.choice, self.snapshot, None, self.at_s)

    def read(self, after_s: float = 0.0) -> None:
        """Start the reading that is due, and take its result."""
        self.at_s += after_s
        before = self.wakes
        self.sync()
        wait_for(lambda: self.wakes > before, "something was read")
        self.sync()

    @property
    def texts(self) -> list[str]:
        return [line.message for line in self.job.view.lines]


def test_all_logs_are_merged_where_no_worker_needs_attention() -> None:
    job = Job(healthy(), {"w0": "14:00:00 a\n", "w1": "14:00:05 b\n", "launch": "14:00:02 c\n"})
    job.read()
    assert job.texts == ["a", "c", "b"]
    assert job.job.view.source == MERGED
    assert job.job.view.names == (MERGED, "w0", "w1", "w2", "launch", "orch", "ollama")
    assert follows(job.job.view, job.choice)


def test_the_log_of_the_worker_in_the_worst_state_comes_first() -> None:
    job = Job(memory_watch(), {"w3": "x\n"})
    job.read()
    assert job.job.view.source == "w3"
    assert job.reader.asked == [(("w3",), LogMove("follow"))], "no other file is touched"


def restarted(age_s: float) -> Snapshot:
    base = healthy()
    lives = (*base.workers[1].generations, Generation(2, base.t - age_s, 4711, "new pid"))
    workers = (base.workers[0], replace(base.workers[1], generation=2, generations=lives), base.workers[2])
    return replace(base, workers=workers)


DEATH = "lived\ndied\nStarted server process [4711]\nlives\n"


def test_after_a_death_the_log_opens_at_the_line_before_the_new_process() -> None:
    job = Job(restarted(60.0), {"w1": DEATH})
    job.read()
    view = job.job.view
    assert view.source == "w1"
    assert view.lines[cursor_of(view, job.choice)].message == "died"
    assert view.opened_why == "where pid 4711 began"
    assert not follows(view, job.choice)
    job.choice = replace(job.choice, follow=True)
    assert cursor_of(view, job.choice) == 3, "f and End follow again"


def test_an_old_death_is_no_news() -> None:
    job = Job(restarted(7200.0), {"w1": DEATH})
    job.read()
    assert job.job.view.source == MERGED
    assert follows(job.job.view, job.choice)


def test_files_are_looked_at_once_a_second_and_what_is_shown_changes_only_with_them() -> None:
    job = Job(memory_watch(), {"w3": "x\n"})
    job.read()
    view = job.job.view
    for _ in range(5):
        job.sync()
    assert len(job.reader.asked) == 1
    job.read(EVERY_S)
    assert len(job.reader.asked) == 2
    assert job.job.view is view, "nothing is drawn anew"
    job.reader.texts["w3"] = "x\ny\n"
    job.read(EVERY_S)
    assert job.texts == ["x", "y"]


def test_a_move_is_made_at_once_and_once() -> None:
    job = Job(memory_watch(), {"w3": "x\n"})
    job.read()
    job.choice = replace(job.choice, follow=False, move=LogMove("older", 1))
    job.read()
    job.read(EVERY_S)
    assert [move.kind for _, move in job.reader.asked] == ["follow", "older", "hold"]


def test_polls_are_hidden_errors_are_found_and_counted() -> None:
    poll = 'INFO: 127.0.0.1:1 - "GET /status HTTP/1.1" 200 OK\n'
    job = Job(memory_watch(), {"w3": f"a\n{poll}ERROR b\n{poll}"})
    job.read()
    assert job.texts == ["a", "ERROR b"]
    assert job.job.view.polls == 2
    assert job.job.view.counts["w3"] == (4, 1)
    job.choice = replace(job.choice, filter="errors")
    job.sync()
    assert job.texts == ["ERROR b"]
    job.choice = replace(job.choice, filter="all", wanted="error")
    job.sync()
    assert len(job.texts) == 4
    assert job.job.view.hits == (2,)
    assert len(job.reader.asked) == 1, "a filter reads nothing"


def test_an_error_of_the_reader_is_said_and_the_next_reading_tries_again() -> None:
    job = Job(memory_watch(), {"w3": "x\n"})
    job.reader.error = RuntimeError("boom")
    job.read()
    assert job.job.view.windows[0].problem == "internal error, see the log: RuntimeError"
    job.reader.error = None
    job.read(EVERY_S)
    assert job.texts == ["x"]


def test_another_log_forgets_the_first_and_its_late_answer() -> None:
    job = Job(memory_watch(), {"w3": "x\n", "w1": "y\n"})
    job.read()
    job.choice = replace(job.choice, source="w1")
    job.read()
    assert job.texts == ["y"]
    assert set(job.job.view.counts) == {"w1"}


def test_a_worker_that_is_gone_leaves_all_logs() -> None:
    job = Job(memory_watch(), {"w0": "x\n"})
    job.choice = replace(job.choice, source="w7")
    job.read()
    assert job.job.view.source == MERGED


def test_a_death_beyond_the_lines_that_were_read_is_searched() -> None:
    job = Job(restarted(60.0), {"w1": "polls\n" * 3})
    whole = job.reader.read
    far = replace(window("w1", DEATH, job.snapshot.t, 1), size_bytes=9000)

    def read(places: Sequence[LogPlace], move: LogMove) -> tuple[LogWindow, ...]:
        (near,) = whole(places, move)
        return (far if move.kind == "hit before" else replace(near, begin_byte=4096),)

    job.reader.read = read  # type: ignore[method-assign]
    job.read()
    wait_for(lambda: job.wakes == 2, "the search")
    job.sync()
    view = job.job.view
    assert view.lines[cursor_of(view, job.choice)].message == "died"
    assert job.reader.asked[1][1].text == "server process [4711]"
    assert len(job.reader.asked) == 2


def test_a_disk_that_does_not_answer_is_said() -> None:
    job = Job(memory_watch(), {"w3": "x\n"})
    job.read()
    hangs = threading.Event()
    whole = job.reader.read

    def read(places: Sequence[LogPlace], move: LogMove) -> tuple[LogWindow, ...]:
        hangs.wait(30)
        return whole(places, move)

    job.reader.read = read  # type: ignore[method-assign]
    try:
        job.at_s += EVERY_S
        job.sync()
        job.at_s += 12.0
        job.sync()
        assert job.job.view.late_s == 12.0
        drawn = text_of(job.snapshot, 120, 40, "logs", logs=job.job.view)
        assert "? not read for 12s" in drawn
    finally:
        hangs.set()
    wait_for(lambda: job.wakes == 2, "the disk answers")
    job.sync()
    assert job.job.view.late_s == 0.0


def test_a_large_pool_merges_the_first_logs_and_says_how_many_are_left_out() -> None:
    job = Job(many(256), {"w0": "x\n"})
    job.choice = replace(job.choice, source=MERGED)
    job.read()
    assert len(job.reader.asked[0][0]) == MERGED_LOGS
    assert job.job.view.left_out == 256 + 3 - MERGED_LOGS


def test_without_a_snapshot_nothing_is_read() -> None:
    job = Job(healthy(), {})
    job.job.sync(LogChoice(), None, w(0), 1.0)
    assert job.reader.asked == []
