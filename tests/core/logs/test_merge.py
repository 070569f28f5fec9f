"""Several logs in one order, lines without a time among them, and where a process began."""

from __future__ import annotations

from msgspec.structs import replace

from metabonk_tui.core.logs.merge import before_process, hits, marks, merge, visible, with_starts
from metabonk_tui.core.logs.model import LogWindow
from tests.support.log_views import pool_windows, window

NOW = 1767362523.0 + 1804


def texts(windows: list[LogWindow]) -> list[str]:
    return [line.message for line in merge(windows).lines]


def test_lines_come_by_time_and_a_line_without_one_keeps_its_place() -> None:
    one = window("a", "14:30:00 a1\n  more\n14:30:20 a2\n", NOW)
    other = window("b", "14:30:10 b1\n14:30:30 b2\n", NOW)
    assert texts([one, other]) == ["a1", "  more", "b1", "a2", "b2"]


def test_a_file_keeps_its_order_where_its_times_fall() -> None:
    one = window("a", "14:30:20 late\n14:30:00 early\n", NOW)
    assert texts([one, window("b", "14:30:10 b\n", NOW)]) == ["b", "late", "early"]


def test_nothing_is_shown_from_before_the_latest_begin_of_a_window() -> None:
    cut_off = window("a", "14:30:00 a\n", NOW, begin_byte=4096)
    log = merge([cut_off, window("b", "14:00:00 too old\n14:31:00 b\n", NOW)])
    assert [line.message for line in log.lines] == ["a", "b"]
    assert log.since_t == log.lines[0].t
    assert merge([cut_off]).since_t is None, "one log alone is shown as far as it was read"


def test_a_log_without_times_stands_where_it_was_last_written() -> None:
    untimed = window("a", "x\ny\n", NOW - 600)
    assert texts([window("b", "14:20:00 before\n14:30:00 after\n", NOW), untimed]) == ["before", "x", "y", "after"]


def test_a_line_that_names_a_process_has_the_time_of_its_start() -> None:
    log = with_starts(window("a", "first\nStarted server process [4711]\nafter\n", NOW), {4711: NOW - 900})
    assert merge([log]).order_t == (NOW - 900,) * 3
    assert [line.seen_t for line in log.lines] == [None, NOW - 900, None]
    other = window("a", "(pid 12) and 4711\n", NOW)
    assert with_starts(other, {4711: 0.0}) is other


def test_what_was_added_while_it_was_followed_stands_where_it_was_seen() -> None:
    log = window("a", "old\nnew\n", NOW)
    log = replace(log, lines=(log.lines[0], replace(log.lines[1], seen_t=NOW - 5)))
    assert merge([log]).order_t == (NOW - 5, NOW - 5)


def test_errors_alone_keep_their_tracebacks() -> None:
    log = visible(merge(pool_windows(NOW)), (), True)
    assert [line.level for line in log.lines].count("trace") == 3
    assert {line.level for line in log.lines} == {"error", "warning", "trace"}
    assert len(log.order_t) == len(log.lines)
    assert marks(log) == tuple(
        (t, line.level == "error") for t, line in zip(log.order_t, log.lines, strict=True) if line.level != "trace"
    )


def test_a_search_finds_every_line_in_any_case() -> None:
    log = merge(pool_windows(NOW))
    assert len(hits(log.lines, "TIMED out")) == 3
    assert hits(log.lines, "") == ()
    assert hits(log.lines, "nowhere") == ()


def test_the_last_line_before_a_restart_is_found_by_the_pid_else_by_the_time() -> None:
    named = window("a", "lived\ndied\nStarted server process [12]\nlives\n", NOW).lines
    assert before_process(named, 12, NOW) == 1
    assert before_process(named, 13, NOW) is None
    timed = window("a", "14:30:00 lived\n14:30:10 lives\n", NOW).lines
    assert before_process(timed, 12, NOW - 120) == 0
    assert before_process(timed, 12, NOW + 60) is None, "it died after the last line: the end is the place"


def test_nothing_is_shown_from_after_the_earliest_end_of_a_window() -> None:
    cut_off = replace(window("a", "14:30:00 a\n14:31:00 a2\n", NOW), size_bytes=4096)
    log = merge([cut_off, window("b", "14:30:30 b\n14:31:30 too new\n", NOW)])
    assert [line.message for line in log.lines] == ["a", "b", "a2"]
    assert log.until_t == log.lines[-1].t
