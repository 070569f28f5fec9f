"""Windows of real log files: appended to, truncated, replaced, huge, of no file at all."""

from __future__ import annotations

import os
import tracemalloc
from datetime import UTC
from pathlib import Path

import pytest

from metabonk_tui.adapters.process import log_files
from metabonk_tui.adapters.process.log_files import LogFiles
from metabonk_tui.adapters.process.proc import Proc
from metabonk_tui.core.logs.model import LogPlace, LogWindow
from metabonk_tui.core.ports.logs import LogMove
from metabonk_tui.core.text.mask import MASK
from metabonk_tui.engine.clock import RunClock
from tests.support.children import UNTIL_CLOSED, Children
from tests.support.refs import w
from tests.support.waiting import wait_for

FOLLOW = LogMove("follow")


class OneLog:
    """A log that a test writes, and its reader."""

    def __init__(self, path: Path, speed: float = 1.0) -> None:
        self.path = path
        self.clock = RunClock(speed)
        self.files = LogFiles(self.clock, zone=UTC)
        self.place = LogPlace("w0", w(0), paths=(str(path),))
        self.number = 0

    def add(self, text: str) -> None:
        with self.path.open("a") as file:
            file.write(text)

    def read(self, kind: str = "follow", t: float | None = None) -> LogWindow:
        self.number += 1
        (window,) = self.files.read((self.place,), LogMove(kind, self.number, t))  # type: ignore[arg-type]
        return window

    def texts(self, kind: str = "follow", t: float | None = None) -> list[str]:
        return [line.text for line in self.read(kind, t).lines]


@pytest.fixture
def log(tmp_path: Path) -> OneLog:
    return OneLog(tmp_path / "worker_0.log")


def test_what_is_added_is_read_once_and_nothing_is_made_anew_without_a_change(log: OneLog) -> None:
    log.add("first\nsec")
    before = log.read()
    assert [line.text for line in before.lines] == ["first", "sec"]
    assert before.lines[1].is_partial
    assert log.read() is before
    log.add("ond\nthird\n")
    after = log.read()
    assert [line.text for line in after.lines] == ["first", "second", "third"]
    assert [line.seen_t is None for line in after.lines] == [True, False, False]
    assert not after.lines[1].is_partial


def test_a_truncated_log_says_so_and_goes_on(log: OneLog) -> None:
    log.add("before 1\nbefore 2\n")
    log.read()
    os.truncate(log.path, 0)
    log.add("new\n")
    assert log.texts() == ["before 1", "before 2", "here the log was truncated", "new"]
    assert log.texts("older")[0] == "before 1", "what was read is not lost"


def test_a_log_that_was_written_anew_beyond_its_size_is_noticed(log: OneLog) -> None:
    log.add("before\n")
    log.read()
    log.path.write_text("another text that is longer\n")
    assert log.texts() == ["before", "here the log was truncated", "another text that is longer"]


def test_a_rotated_log_is_followed_in_its_new_file(log: OneLog) -> None:
    log.add("before\n")
    log.read()
    log.path.rename(log.path.with_suffix(".1"))
    log.add("after\n")
    assert log.texts() == ["before", "here the log was replaced by a new file", "after"]
    ids = [line.id for line in log.read().lines]
    assert len(set(ids)) == len(ids), "offset 0 of both files"


def test_a_log_that_disappears_says_so_and_comes_back(log: OneLog) -> None:
    assert log.read().problem == f"no file {log.path}"
    log.add("now\n")
    assert log.texts() == ["now"]
    log.path.unlink()
    assert log.read().problem


def dated(number: int) -> str:
    return f"2026-01-01 {number // 3600:02d}:{number // 60 % 60:02d}:{number % 60:02d} line {number}\n"


def test_only_the_end_is_read_and_more_on_request_within_bounds(log: OneLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_files, "FOLLOWED_BYTES", 4096)
    monkeypatch.setattr(log_files, "LEAST_BYTES", 4096)
    monkeypatch.setattr(log_files, "MOST_BYTES", 16_384)
    log.add("".join(map(dated, range(5000))))
    end = log.read()
    assert end.lines[-1].message == "line 4999"
    assert end.has_older
    assert not end.has_newer
    seen = {line.id.offset for line in end.lines}
    for _ in range(8):
        window = log.read("older")
        seen |= {line.id.offset for line in window.lines}
        assert window.end_byte - window.begin_byte <= 16_384
    assert window.has_newer, "the end was given up"
    first = min(seen)
    assert sorted(seen) == [line_at for line_at in offsets(log.path) if line_at >= first], "no line was missed"
    while window.has_newer:
        window = log.read("newer")
        assert window.end_byte - window.begin_byte <= 16_384 + 4096
    assert window.lines[-1].message == "line 4999"
    assert log.read("start").lines[0].message == "line 0"
    assert log.read("follow").lines[-1].message == "line 4999"


def offsets(path: Path) -> list[int]:
    at, found = 0, []
    for line in path.read_bytes().splitlines(keepends=True):
        found.append(at)
        at += len(line)
    return found


def test_a_time_is_found_and_lines_before_it_are_there(log: OneLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_files, "FOLLOWED_BYTES", 4096)
    monkeypatch.setattr(log_files, "LEAST_BYTES", 4096)
    log.add("".join(map(dated, range(5000))))
    t = log.read("start").lines[0].t
    assert t is not None
    window = log.read("time", t + 2500)
    assert [line.t for line in window.lines].count(t + 2500) == 1
    assert (window.lines[0].t or 0) < t + 2490
    assert window.has_older
    assert window.has_newer


def test_held_lines_stay_while_others_are_added(log: OneLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_files, "FOLLOWED_BYTES", 4096)
    monkeypatch.setattr(log_files, "LEAST_BYTES", 4096)
    log.add("".join(map(dated, range(200))))
    first = log.read().lines[0]
    log.add("".join(map(dated, range(200, 600))))
    assert log.read("hold").lines[0] == first
    assert log.read("follow").lines[0] != first
    assert log.read("follow").lines[-1].message == "line 599"


def test_a_sparse_gigabyte_opens_in_little_memory(log: OneLog) -> None:
    with log.path.open("wb") as file:
        file.write(b"2026-01-01 00:00:00 first\n")
        file.seek(1 << 30)
        file.write(b"\n2026-01-01 12:00:00 last\n")
    tracemalloc.start()
    try:
        assert log.read().lines[-1].message == "last"
        assert log.texts("older")[0].endswith("zero bytes]")
        assert log.read("start").lines[0].message == "first"
        log.read("time", log.clock.at(1767225600.0 + 3600))
        assert log.read("follow").lines[-1].message == "last"
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 16_000_000


def test_times_are_on_the_clock_of_the_run(tmp_path: Path) -> None:
    fast = OneLog(tmp_path / "x.log", speed=60.0)
    fast.add("2026-01-01 00:00:00 a\n2026-01-01 00:00:01 b\n")
    a, b = fast.read().lines
    assert (b.t or 0) - (a.t or 0) == pytest.approx(60.0, abs=0.01)
    assert a.t == pytest.approx(fast.clock.at(1767225600.0), abs=0.01)


def test_the_log_of_a_process_is_what_it_writes_to_and_a_pipe_is_left_alone(log: OneLog, children: Children) -> None:
    log.add("its own\n")
    code = "import os; print('ready', flush=True); os.dup2(os.open(%r, os.O_WRONLY | os.O_APPEND), 1)\n"
    child = children.python(code % str(log.path) + UNTIL_CLOSED)
    fd = Path(f"/proc/{child.pid}/fd/1")
    wait_for(lambda: os.readlink(fd) == str(log.path), "its log is open")
    seen = Proc().stat(child.pid)
    assert seen is not None
    place = LogPlace("w0", w(0), child.pid, log.clock.at(seen.started_at), ("/nowhere/worker_0.log",))
    (window,) = log.files.read((place,), FOLLOW)
    assert window.path == str(log.path)
    assert [line.text for line in window.lines] == ["its own"]
    other = LogPlace("w1", w(1), child.pid, log.clock.at(seen.started_at) + 60, ())
    (window,) = log.files.read((other,), FOLLOW)
    assert window.problem == "neither its process nor the folder of its logs is known", "another process by now"
    os.mkfifo(log.path.with_suffix(".pipe"))
    (window,) = log.files.read((LogPlace("w2", paths=(str(log.path.with_suffix(".pipe")),)),), FOLLOW)
    assert window.problem.startswith("no file")


def test_one_file_of_two_names_is_shown_once(log: OneLog) -> None:
    log.add("x\n")
    both = (log.place, LogPlace("launch", paths=(str(log.path),)))
    windows = log.files.read(both, FOLLOW)
    assert [window.problem for window in windows] == ["", "the same file as w0"]


def test_secret_words_of_the_configuration_are_masked(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_text("seed_of_all=abcdefgh\n")
    files = LogFiles(RunClock(), ("SEED",), zone=UTC)
    (window,) = files.read((LogPlace("w0", paths=(str(path),)),), FOLLOW)
    assert window.lines[0].text == f"seed_of_all={MASK}"


def hit(log: OneLog, kind: str, text: str) -> LogWindow:
    log.number += 1
    (window,) = log.files.read((log.place,), LogMove(kind, log.number, text=text))  # type: ignore[arg-type]
    return window


def test_a_search_goes_on_outside_the_window(log: OneLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_files, "FOLLOWED_BYTES", 4096)
    monkeypatch.setattr(log_files, "LEAST_BYTES", 4096)
    log.add("".join(map(dated, range(5000))))
    log.read()
    window = hit(log, "hit before", "LINE 1234")
    assert [line.message for line in window.lines].count("line 1234") == 1
    assert window.lines[0].message != "line 1234", "with lines before it"
    assert window.searched_to is None
    window = hit(log, "hit after", "line 4321")
    assert [line.message for line in window.lines].count("line 4321") == 1
    window = hit(log, "hit before", "nowhere")
    assert window.searched_to == 0
    assert [line.message for line in window.lines].count("line 4321") == 1, "without a hit nothing moves"
    assert log.read("follow").lines[-1].message == "line 4999"


def test_a_search_in_several_logs_goes_to_the_time_of_the_nearest_hit(
    log: OneLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_files, "FOLLOWED_BYTES", 4096)
    monkeypatch.setattr(log_files, "LEAST_BYTES", 4096)
    other = LogPlace("w1", w(1), paths=(str(tmp_path / "other.log"),))
    log.add("".join(dated(i) + (f"  here {i}\n" if i == 1000 else "") for i in range(5000)))
    Path(other.paths[0]).write_text("".join(dated(i) + (f"  here {i}\n" if i == 2000 else "") for i in range(5000)))
    places = (log.place, other)
    first, _ = log.files.read(places, FOLLOW)
    bound_t = first.lines[0].t
    for number, expected in ((1, 2000), (2, 1000)):
        windows = log.files.read(places, LogMove("hit before", number, bound_t, "here"))
        shown = [line for window in windows for line in window.lines]
        assert f"  here {expected}" in [line.text for line in shown]
        bound_t = next(line.t for line in shown if line.message == f"line {expected}")
