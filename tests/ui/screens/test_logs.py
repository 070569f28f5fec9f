"""The log screen as a person uses it: follow and hold, search, filter, other logs, times, the whole line, the past."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from metabonk_tui.core.logs.model import MERGED, LogWindow
from metabonk_tui.ui.effect import Effect
from metabonk_tui.ui.log_view import LogView, cursor_of, follows
from metabonk_tui.ui.screens.logs import LogsScreen
from metabonk_tui.ui.style.spans import width
from tests.support.draw import SIZES, chosen, frame_of, page_of, text_of
from tests.support.examples import examples
from tests.support.log_views import OTHERS, W3, ScriptedLogs, pool_windows, searched, view_of, window
from tests.support.snapshots import healthy, memory_watch
from tests.support.waiting import wait_for
from tests.ui.person import Person

NOW = memory_watch().t
MANY = "".join(f"14:{i // 60:02d}:{i % 60:02d} line {i}\n" for i in range(1800))


class Reader(Person):
    """A person who has opened the logs, of which nothing is read that a test did not put there."""

    def __init__(self, texts: dict[str, str], size: tuple[int, int] = (120, 40)) -> None:
        self.logs = ScriptedLogs(texts, NOW)
        super().__init__(memory_watch(), size, open_logs=lambda: self.logs)
        self.controller.logs.tick(self.at_s)
        self.types("l")
        self.waits()

    def types(self, keys: str, apart_s: float = 1.0) -> Effect:
        """Press keys; the app draws after each."""
        effect = Effect()
        for key in keys:
            effect = super().types(key, apart_s)
            self.controller.rows(*self.size)
        return effect

    def waits(self) -> None:
        """Wait until nothing is being read any more, as the wake-ups of the app do."""

        def is_quiet() -> bool:
            job = self.controller.logs._job
            self.controller.update(self.monitor.latest())
            self.controller.rows(*self.size)
            return job is not None and job._reading is None and bool(job.view.windows)

        wait_for(is_quiet, "the logs were read")

    @property
    def view(self) -> LogView:
        return self.controller.logs.view

    @property
    def line(self) -> str:
        """The line at the cursor."""
        return self.view.lines[cursor_of(self.view, self.controller.state.log)].message

    @property
    def follows(self) -> bool:
        return follows(self.view, self.controller.state.log)


def test_it_opens_at_the_ill_worker_and_follows_until_a_key_moves_up() -> None:
    reader = Reader({"w3": W3})
    assert "LOG w3" in reader.text
    assert "FOLLOW" in reader.text
    reader.types("k")
    assert "HELD" in reader.text
    assert reader.line.startswith("dynamic UI exploration eps_ui=0.80 action=key_enter")
    reader.types("f")
    assert "FOLLOW" in reader.text
    reader.types("kkG")
    assert reader.follows, "End follows, too"


def test_what_is_added_is_shown_while_followed_and_counted_while_held() -> None:
    reader = Reader({"w3": MANY}, (80, 24))
    assert "line 1799" in reader.text
    reader.types("k")
    reader.logs.texts["w3"] = MANY + "14:31:00 added\n"
    reader.controller.tick(reader.at_s + 5)
    reader.waits()
    assert "HELD  1 below" in reader.text
    assert reader.line == "line 1798", "the cursor stays on its line"
    reader.types("f")
    reader.waits()
    assert "added" in reader.text


def test_a_search_goes_from_hit_to_hit_and_esc_clears_it_before_it_leaves() -> None:
    reader = Reader({"w3": W3})
    reader.types("/TIMED OUT")
    assert "2 hits" in reader.text
    reader.types("\n")
    assert "hit 2 of 2" in reader.text
    assert reader.line.startswith("TimeoutError")
    reader.types("N")
    assert "hit 1 of 2" in reader.text
    reader.types("n")
    assert "hit 2 of 2" in reader.text
    assert not reader.follows
    reader.types("\x1b")
    assert "/ searches" in reader.text
    assert reader.controller.screen == "logs"
    reader.types("\x1b")
    assert reader.controller.screen == "dashboard"


def test_esc_in_the_search_brings_back_the_text_before() -> None:
    reader = Reader({"w3": W3})
    reader.types("/system2\n/xyz")
    assert "0 hits" in reader.text
    reader.types("\x7f\x7f\x7f")
    reader.types("\x1b")
    assert "find     system2" in reader.text


def test_errors_alone_keep_the_traceback_and_polls_are_hidden_by_default() -> None:
    reader = Reader({"w3": W3})
    assert "without 1 poll" in reader.text
    assert "GET /status" not in reader.text
    reader.types("E")
    assert [line.level for line in reader.view.lines] == ["warning", "error", "trace", "trace", "trace", "error"]
    reader.types("E")
    assert "GET /status" in reader.text
    assert "every line" in reader.text
    reader.types("E")
    assert "without 1 poll" in reader.text


def test_files_change_with_their_keys_and_all_are_merged() -> None:
    reader = Reader({"w3": W3, **OTHERS})
    seen = [reader.view.source]
    for _ in range(9):
        reader.types(">")
        reader.waits()
        seen.append(reader.view.source)
    assert seen == ["w3", "w4", "launch", "orch", "ollama", MERGED, "w0", "w1", "w2", "w3"]
    reader.types("<")
    reader.waits()
    assert reader.view.source == "w2"


def test_the_worker_of_the_log_is_the_one_that_keys_act_on() -> None:
    reader = Reader({"w3": W3})
    assert reader.controller.state.ref is None
    worker = reader.controller.frame(*reader.size).worker
    assert worker is not None
    assert worker.ref.label == "w3"
    reader.types("\x1b")
    worker = reader.controller.frame(*reader.size).worker
    assert worker is not None
    assert worker.ref.label == "w0"


def test_a_log_that_is_not_there_says_where_it_was_looked_for() -> None:
    reader = Reader({"w3": W3})
    reader.types(">>>>")
    reader.waits()
    assert reader.view.source == "ollama"
    assert "ollama: no file; as a service it logs to the journal: journalctl -u ollama" in reader.text


@pytest.mark.parametrize(
    ("typed", "line"),
    [("14:05", "line 300"), ("14:05:07", "line 307"), ("27m ago", "line 307"), ("start", "line 0")],
)
def test_a_time_is_gone_to(typed: str, line: str) -> None:
    reader = Reader({"w3": MANY})
    reader.types("t" + typed + "\n")
    reader.waits()
    assert reader.line == line
    assert not reader.follows
    assert f" {line}" in reader.text


def test_what_is_no_time_stays_in_the_field_with_the_forms() -> None:
    reader = Reader({"w3": MANY})
    reader.types("tnoon\n")
    assert "not valid; type" in reader.text
    reader.types("\x1b")
    assert "not valid" not in reader.text
    reader.types("tend\n")
    assert reader.follows


def test_enter_shows_the_line_whole_and_y_copies_it() -> None:
    long = "14:30:00 " + "word " * 60 + "its end\n"
    reader = Reader({"w3": long})
    assert "its end" not in reader.text
    reader.types("\n")
    assert "its end" in reader.text
    assert "2026-01-02 14:30:00" in reader.text
    assert "/srv/metabonk/run/logs/w3.log, byte 0" in reader.text
    assert reader.types("y").copy == long.strip()
    reader.types("w")
    assert "its end" in reader.text, "wrapped"


def test_a_line_that_is_longer_than_what_is_kept_says_how_long_it_is() -> None:
    reader = Reader({"w3": "before\n" + "x" * 200_000 + "\n"})
    assert "x… 200.0 kB in all" in reader.text


def test_pages_and_ends_of_a_long_log() -> None:
    reader = Reader({"w3": MANY}, (80, 24))
    reader.types("k")
    top = reader.text
    reader.controller.press("pageup", None, reader.at_s, *reader.size)
    assert reader.text != top
    reader.controller.press("pagedown", None, reader.at_s, *reader.size)
    assert reader.line == "line 1798"
    reader.controller.press("home", None, reader.at_s, *reader.size)
    reader.waits()
    assert reader.line == "line 0"


def test_lines_above_are_asked_for_as_the_cursor_comes_near() -> None:
    reader = Reader({"w3": W3})
    view = view_of([older(W3)], source="w3")
    frame = frame_of(reader.monitor.latest(), 80, 24, "logs", logs=view)
    state = LogsScreen().do("up", frame)
    assert state is not None
    assert state.log.move.kind == "older"
    assert state.log.move.number == 1
    assert LogsScreen().do("down", frame) is not None


def older(text: str) -> LogWindow:
    return window("w3", text, NOW, 3, begin_byte=4096)


def test_the_panel_is_that_of_the_worker_at_the_cursor() -> None:
    reader = Reader({"w3": W3, **OTHERS})
    reader.types("<<<<")
    reader.waits()
    assert reader.view.source == MERGED
    assert "w3 :5003" in reader.text, "followed: the worst"
    reader.types("/engage\n")
    assert reader.line.startswith("system2 engage")
    assert "w0 :5000" in reader.text


def test_nothing_is_read_on_another_screen_nor_in_the_past() -> None:
    reader = Reader({"w3": W3})
    reader.types("kkv")
    asked = len(reader.logs.asked)
    for second in range(5):
        reader.controller.tick(reader.at_s + second)
        reader.controller.rows(*reader.size)
    assert len(reader.logs.asked) == asked
    reader.types("\x1b")
    assert "LOG w3" in reader.text
    assert "line 10 of 12" in reader.text, "what was read is still there, and the cursor"
    reader.types("\x1b")
    assert reader.controller.logs._job is None, "left: nothing is kept"
    past = text_of(memory_watch(), 120, 40, "logs", mode="past", logs=LogView(why_not="only live"))
    assert "only live" in past
    assert "no such line found" in past


def test_a_key_of_the_log_says_why_it_does_nothing() -> None:
    person = Person(healthy())
    person.types("lw")
    assert person.controller.notice == "w wrap: no log file can be read here"
    reader = Reader({"w3": W3})
    reader.types("n")
    assert "nothing is searched; / searches" in reader.text


def test_hits_are_marked_and_the_current_one_is_filled() -> None:
    view, choice = searched(NOW, "w3")
    rows = page_of(memory_watch(), 120, 40, "logs", state=chosen(log=choice), logs=view).body
    hits = [span for row in rows for span in row if span.text == "timed out"]
    assert [span.on for span in hits] == ["", "accent"]


KEYS = (
    *("up", "down", "page_up", "page_down", "home", "end", "back"),
    *("log_hit", "log_hit_before", "log_errors", "log_wrap", "log_follow", "log_next"),
)


@settings(max_examples=examples(60), deadline=None)
@given(
    st.lists(
        st.sampled_from(KEYS),
        max_size=12,
    ),
    st.sampled_from(SIZES),
    st.sampled_from(["", "timed out", "e"]),
)
def test_any_keys_leave_the_cursor_in_sight(keys: list[str], size: tuple[int, int], wanted: str) -> None:
    snapshot, windows = memory_watch(), pool_windows(NOW)
    state = replace(chosen(), log=replace(chosen().log, wanted=wanted))
    for key in keys:
        view = view_of(windows, state.log)
        state = LogsScreen().do(key, frame_of(snapshot, *size, "logs", state=state, logs=view)) or state
        view = view_of(windows, state.log)
        page = page_of(snapshot, *size, "logs", state=state, logs=view)
        composed, _ = page.compose(*size, 0, frame_of(snapshot, *size).glyphs)
        assert len(composed) == size[1]
        assert all(width(row) <= size[0] for row in composed)
        if view.lines and page.body and size[0] >= 80:
            text = view.lines[cursor_of(view, state.log)].message[:20].strip()
            drawn = "\n".join("".join(span.text for span in row) for row in page.body)
            assert text in drawn


@pytest.mark.parametrize(("key", "begin", "where"), [("N", 4096, "before"), ("n", 0, "after")])
def test_without_a_hit_the_search_goes_on_outside_the_lines_in_memory(key: str, begin: int, where: str) -> None:
    near = replace(window("w3", W3, NOW, 3, begin_byte=begin), size_bytes=10_000)
    state = replace(chosen(), log=replace(chosen().log, wanted="episode", follow=False))
    view = view_of([near], state.log, "w3")
    command = "log_hit_before" if key == "N" else "log_hit"
    after = LogsScreen().do(command, frame_of(memory_watch(), 120, 40, "logs", state=state, logs=view))
    assert after is not None
    assert (after.log.move.kind, after.log.move.text) == (f"hit {where}", "episode")
    far = "14:00:00 episode 1\n14:00:10 episode 2\n14:00:20 x\n" if key == "N" else "14:40:00 episode 1\n14:41:00 x\n"
    found = view_of([window("w3", far, NOW, 3, begin_byte=0 if key == "N" else 9000)], after.log, "w3")
    line = found.lines[cursor_of(found, after.log)].message
    assert line == ("episode 2" if key == "N" else "episode 1")
    nothing = replace(near, searched_to=0 if key == "N" else 10_000)
    drawn = text_of(memory_watch(), 120, 40, "logs", state=after, logs=view_of([nothing], after.log, "w3"))
    assert f"none {'above' if key == 'N' else 'below'}" in drawn
