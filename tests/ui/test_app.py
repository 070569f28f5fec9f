"""The app on a scripted monitor: keys, news, pause, themes, what reaches the terminal, and leaving."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest
from msgspec.structs import replace
from textual.events import Resize
from textual.geometry import Size

from metabonk_tui.core.config.schema import UiSettings
from metabonk_tui.core.model import pool as actions
from metabonk_tui.core.model.snapshot import Snapshot, VerdictKind
from metabonk_tui.core.model.worker import Reach
from metabonk_tui.ui import commands
from metabonk_tui.ui.app import LARGEST, MonitorApp
from metabonk_tui.ui.frame import Page
from metabonk_tui.ui.key_map import key_table
from metabonk_tui.ui.notifier import Notifier
from metabonk_tui.ui.screens.registry import all_screens
from metabonk_tui.ui.style.glyphs import ASCII
from metabonk_tui.ui.style.spans import Row, Span, plain, width
from metabonk_tui.ui.style.theme import MONO
from metabonk_tui.ui.terminal.driver import Driver
from tests.support import snapshots as scenes
from tests.support.waiting import wait_for_async
from tests.ui.conftest import PlainScreen, ScriptedMonitor, plain_screens, read_config, text_of

Make = Callable[..., MonitorApp]


def later(snapshot: Snapshot, seconds: float = 1.0) -> Snapshot:
    return replace(snapshot, t=snapshot.t + seconds, tick=snapshot.tick + 1)


async def test_it_shows_the_newest_snapshot_and_follows(make_app: Make) -> None:
    monitor = ScriptedMonitor()
    app = make_app(monitor)
    async with app.run_test(size=(120, 40)):
        assert "nothing yet" in text_of(app)
        monitor.set(scenes.healthy())
        await wait_for_async(lambda: "LAUNCH 24H" in text_of(app))
        monitor.set(scenes.stop())
        await wait_for_async(lambda: "STOP" in text_of(app))


async def test_news_from_another_thread_never_waits_for_the_screen(make_app: Make) -> None:
    monitor = ScriptedMonitor(scenes.healthy())
    app = make_app(monitor)
    async with app.run_test(size=(80, 24)):
        # The loop is held up here, as by a terminal that takes no output: the engine must not notice.
        done = threading.Event()

        news = [later(scenes.healthy(), i) for i in range(1000)]

        def engine() -> None:
            for snapshot in news:
                monitor.set(snapshot)
            done.set()

        thread = threading.Thread(target=engine)
        thread.start()
        held = done.wait(60)
        thread.join()
        assert held
        await wait_for_async(lambda: app.controller.snapshot is monitor.latest())


async def test_it_draws_at_most_twice_a_second_and_keys_at_once(make_app: Make) -> None:
    screens = plain_screens()
    dashboard = screens["dashboard"]
    assert isinstance(dashboard, PlainScreen)
    monitor = ScriptedMonitor(scenes.healthy())
    app = make_app(monitor, screens=screens)
    async with app.run_test(size=(80, 24)) as pilot:
        loop = asyncio.get_running_loop()
        before, began = dashboard.pages, loop.time()
        for i in range(60):
            monitor.set(later(scenes.healthy(), i))
            await asyncio.sleep(0.02)
        spent = loop.time() - began
        assert dashboard.pages - before <= spent / 0.5 + 2
        # The last news may still wait for its half second, and then the key would not be alone.
        await wait_for_async(lambda: dashboard.drawn is monitor.latest())
        draws = []
        for density in ("panels", "table", "grid"):
            before = dashboard.pages
            await pilot.press("z")
            assert f"density {density}" in text_of(app)
            draws.append(dashboard.pages - before)
        # A second may turn while a key is drawn; of three keys at least one is drawn alone.
        assert min(draws) == 1


async def test_pause_holds_the_picture_and_going_on_shows_what_is_now(make_app: Make) -> None:
    monitor = ScriptedMonitor(scenes.healthy())
    app = make_app(monitor)
    async with app.run_test(size=(120, 40)) as pilot:
        await wait_for_async(lambda: "LAUNCH 24H" in text_of(app))
        await pilot.press("p")
        assert "PAUSED" in text_of(app)
        monitor.set(scenes.stop())
        await asyncio.sleep(0.05)
        assert "LAUNCH 24H" in text_of(app)
        await pilot.press("X")
        assert app.controller.dialog is None
        assert "paused" in text_of(app)
        await pilot.press("space")
        assert "STOP" in text_of(app)
        assert "PAUSED" not in text_of(app)


async def test_a_picture_that_stands_still_says_so(make_app: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("metabonk_tui.ui.notices.LATE_S", 0.2)
    monitor = ScriptedMonitor(scenes.healthy())
    app = make_app(monitor, speed=1000.0)
    async with app.run_test(size=(120, 40)):
        await wait_for_async(lambda: "LAG" in text_of(app))
        monitor.set(later(scenes.healthy()))
        await wait_for_async(lambda: "LIVE" in text_of(app))


@pytest.mark.parametrize("key", ["q", "ctrl+c"])
async def test_quitting_touches_nothing(make_app: Make, key: str) -> None:
    monitor = ScriptedMonitor(scenes.healthy())
    app = make_app(monitor)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(key)
        await wait_for_async(lambda: not app.is_running)
    assert monitor.submitted == []
    assert monitor.planned == []


async def test_ctrl_c_quits_from_a_dialog_too_and_q_does_not(make_app: Make) -> None:
    monitor = ScriptedMonitor(scenes.healthy())
    app = make_app(monitor)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("X", "q")
        assert app.is_running
        assert app.controller.dialog is not None
        await pilot.press("ctrl+c")
        await wait_for_async(lambda: not app.is_running)
    assert monitor.submitted == []


async def test_flow_control_keys_stop_and_close_nothing(make_app: Make) -> None:
    app = make_app(ScriptedMonitor(scenes.healthy()))
    async with app.run_test(size=(100, 30)) as pilot:
        for key in ("ctrl+s", "ctrl+q"):
            await pilot.press(key)
            assert key in app.controller.notice.lower()
            assert app.is_running


async def test_a_write_that_was_lost_is_said(make_app: Make) -> None:
    app = make_app(ScriptedMonitor(scenes.healthy()))
    async with app.run_test(size=(100, 30)):
        app.post_message(Driver.WriteFailed())
        await wait_for_async(lambda: "could not be written" in app.controller.notice)


async def test_textuals_own_keys_do_nothing(make_app: Make) -> None:
    app = make_app(ScriptedMonitor(scenes.healthy()))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("ctrl+p")
        assert len(app.screen_stack) == 1
        assert "COMMANDS" in text_of(app)
        await pilot.press("escape", "f12", "ctrl+a", "ctrl+b", "ctrl+s", "S")
        assert app.is_running
        assert len(app.screen_stack) == 1
    assert not app._bindings.key_to_bindings


async def test_screens_open_and_escape_goes_back(make_app: Make) -> None:
    app = make_app(ScriptedMonitor(scenes.healthy()))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("tab", "enter")
        assert "worker slot 1" in text_of(app)
        await pilot.press("v")
        assert "verdict slot 1" in text_of(app)
        await pilot.press("escape")
        assert "worker slot 1" in text_of(app)
        await pilot.press("escape")
        assert "dashboard slot 1" in text_of(app)
        await pilot.press("escape", "escape")
        assert "dashboard slot 0" in text_of(app), "nothing is selected"
        assert app.is_running


async def test_only_the_screen_in_front_draws(make_app: Make) -> None:
    screens = plain_screens()
    dashboard = screens["dashboard"]
    assert isinstance(dashboard, PlainScreen)
    monitor = ScriptedMonitor(scenes.healthy())
    app = make_app(monitor, screens=screens)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("v")
        before = dashboard.pages
        monitor.set(scenes.stop())
        await wait_for_async(lambda: "STOP" in text_of(app))
        assert dashboard.pages == before


async def test_a_long_page_scrolls_and_says_that_there_is_more(make_app: Make) -> None:
    screens = plain_screens()
    screens["verdict"] = PlainScreen("verdict", body=100)
    app = make_app(ScriptedMonitor(scenes.healthy()), screens=screens)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("v")
        assert "↓" in text_of(app)
        await pilot.press("j", "j", "pagedown")
        assert "verdict slot" not in text_of(app)
        assert "↑" in text_of(app)
        await pilot.press("end")
        assert "line 99" in text_of(app)
        assert "↓" not in text_of(app)
        await pilot.press("up")
        assert "line 99" not in text_of(app)
        await pilot.press("home")
        assert "verdict slot" in text_of(app)


async def test_copy_puts_the_verdict_into_the_clipboard_and_says_so(make_app: Make) -> None:
    app = make_app(ScriptedMonitor(scenes.stop()))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("y")
        assert app.clipboard.startswith("STOP since ")
        assert "  because " in app.clipboard
        assert "copied" in text_of(app).splitlines()[-1]


async def test_poll_now(make_app: Make) -> None:
    monitor = ScriptedMonitor(scenes.healthy())
    app = make_app(monitor)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("r")
        assert monitor.polls == 1


async def test_themes_cycle_live_and_by_name(make_app: Make) -> None:
    app = make_app(ScriptedMonitor(scenes.healthy()))
    async with app.run_test(size=(80, 24)) as pilot:
        before = app.canvas.render_line(1)
        await pilot.press("T")
        assert "theme light" in text_of(app)
        assert app.canvas.render_line(1) != before
        await pilot.press(":", *"theme ansi", "enter")
        assert "theme ansi-16" in text_of(app)
        colours = {segment.style.bgcolor for segment in app.canvas.render_line(2) if segment.style}
        assert colours == {None}
        await pilot.press(":", *"theme tokyo", "enter", "T")
        assert "theme dark" in text_of(app), "the first one follows the last one"


async def test_the_theme_of_the_config_and_an_unknown_one(make_app: Make) -> None:
    for name, shown in (("light", "#fbfbf9"), ("no such", "#0e1116")):
        app = make_app(ScriptedMonitor(scenes.healthy()), config=read_config(theme=name))
        async with app.run_test(size=(80, 24)):
            backgrounds = {s.style.bgcolor.name for s in app.canvas.render_line(0) if s.style and s.style.bgcolor}
            assert backgrounds == {shown}


async def test_without_colour_no_row_has_any(make_app: Make) -> None:
    app = make_app(ScriptedMonitor(scenes.stop()), themes={MONO.name: MONO})
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("T")
        assert "this terminal shows no colours" in text_of(app)
        for y in range(24):
            for segment in app.canvas.render_line(y):
                assert segment.style is not None
                assert segment.style.color is None
                assert segment.style.bgcolor is None
        assert any(s.style and s.style.reverse for s in app.canvas.render_line(1))


async def test_notices_at_the_start_are_shown(make_app: Make) -> None:
    app = make_app(ScriptedMonitor(scenes.healthy()), notices=("theme mine.toml, line 3: broken",))
    async with app.run_test(size=(80, 24)):
        assert "theme mine.toml, line 3" in text_of(app)


@pytest.mark.parametrize("size", [(20, 5), (1, 1), (2, 40), (200, 1), (39, 8), (200, 60)])
async def test_no_terminal_is_refused(make_app: Make, size: tuple[int, int]) -> None:
    app = make_app(ScriptedMonitor(scenes.stop()))
    async with app.run_test(size=size) as pilot:
        for keys in (("?",), ("escape", ":"), ("escape", "+"), ("escape", "X"), ("escape", "/"), ("escape",)):
            await pilot.press(*keys)
            assert len(app.canvas.rows) == size[1]
            for y in range(size[1]):
                assert app.canvas.render_line(y).cell_length == size[0]


async def test_resizing_draws_for_the_new_size(make_app: Make) -> None:
    app = make_app(ScriptedMonitor(scenes.healthy()))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.resize_terminal(80, 24)
        await wait_for_async(lambda: len(app.canvas.rows) == 24)
        assert max(width(row) for row in app.canvas.rows) <= 80


HOSTILE = ("[/oops]", "[@click=app.quit]x[/]", "[bold red]", "\\[", "${x}", "[link=http://x]y[/link]")


class EvilScreen(PlainScreen):
    """Shows texts that a markup parser would act on."""

    def page(self, frame: object) -> Page:
        rows: tuple[Row, ...] = tuple((Span(text),) for text in HOSTILE)
        return Page((), rows, ((Span("end"),),))


async def test_markup_is_text(make_app: Make) -> None:
    screens = {**plain_screens(), "dashboard": EvilScreen("dashboard")}
    app = make_app(ScriptedMonitor(scenes.healthy()), screens=screens)
    async with app.run_test(size=(80, 24)) as pilot:
        for y, text in enumerate(HOSTILE):
            assert app.canvas.render_line(y).text.startswith(text)
            await pilot.click(offset=(2, y))
        assert app.is_running


async def test_a_hostile_snapshot_is_drawn_whole(make_app: Make) -> None:
    app = make_app(ScriptedMonitor(scenes.hostile()))
    async with app.run_test(size=(120, 40)) as pilot:
        for key in ("v", "escape", "enter", "escape", ":", "escape", "X", "escape", "y"):
            await pilot.press(key)
            drawn = "".join(app.canvas.render_line(y).text for y in range(40))
            assert drawn.isprintable(), repr(drawn)


def test_the_window_title_carries_the_verdict_and_nothing_else_can() -> None:
    output: list[str] = []
    notifier = Notifier(output.append, lambda: None)
    stop = scenes.stop()
    notifier.notify(replace(stop, run=replace(stop.run, name="run\x1b]0;pwn\x07\x9d")))
    assert len(output) == 1
    assert output[0].startswith("\x1b]2;■ STOP ")
    assert output[0].endswith("\x07")
    assert output[0][4:-1].isprintable()
    Notifier(output.append, lambda: None, glyphs=ASCII).notify(stop)
    assert output[1].isascii()


def test_the_bell_rings_once_when_it_turns_critical() -> None:
    rung: list[int] = []
    notifier = Notifier(lambda _: None, lambda: rung.append(1))
    healthy, stop = scenes.healthy(), scenes.stop()
    assert stop.verdict.kind is VerdictKind.STOP
    for scene, wanted in ((stop, 0), (healthy, 0), (stop, 1), (later(stop), 1), (healthy, 1), (stop, 2)):
        notifier.notify(scene)
        assert len(rung) == wanted
    notifier = Notifier(lambda _: None, lambda: rung.append(1))
    for scene in (None, healthy, stop):
        notifier.notify(scene)
    assert len(rung) == 3


# The table of commands


def test_no_key_means_two_things_and_none_is_taken_from_the_terminal() -> None:
    keys = [(command.screen, key) for command in commands.COMMANDS for key in command.keys]
    assert len(keys) == len(set(keys))
    assert not {"ctrl+a", "ctrl+b", "ctrl+s"} & {key for _, key in keys}
    for command in commands.COMMANDS:
        letters = [key for key in command.keys if len(key) == 1 and key.isalpha()]
        if command.group == "act":
            assert all(key.isupper() for key in letters)
        elif command.id not in ("theme", "end", "invert", "log_errors", "log_hit_before", "hand_over", "picture"):
            assert all(key.islower() for key in letters)


def test_every_command_does_something(make_app: Make) -> None:
    app = make_app(ScriptedMonitor(scenes.healthy()))
    app.controller.update(scenes.healthy())
    for command in commands.COMMANDS:
        app.controller.dialog = None
        frame = app.controller.frame(80, 24)
        app.controller.run(command.id, frame)


def test_the_footer_has_only_keys_that_mean_something_now(make_app: Make) -> None:
    app = make_app(ScriptedMonitor(scenes.healthy()))
    controller = app.controller

    def keys() -> set[str]:
        return {hint.key for hint in controller.frame(200, 24).hints}

    assert keys() == {"?", "q", "z", "a", "/"}
    controller.update(scenes.healthy())
    assert {"Enter", "v", "L", "+ -", "R", "X", "p", "y"} <= keys()
    controller.update(scenes.observer())
    assert not {"L", "+ -", "R", "X", "K"} & keys()
    assert "v" in keys()


def test_a_pool_that_is_gone_can_only_be_launched(make_app: Make) -> None:
    scene = scenes.healthy()
    # The pids stay in the picture as history; the memory of a process that is gone does not.
    workers = tuple(replace(worker, reach=Reach.DOWN, rss_bytes=None) for worker in scene.workers)
    gone = replace(scene, workers=workers, pool=replace(scene.pool, launcher_pid=None))
    app = make_app(ScriptedMonitor(gone))
    app.controller.update(gone)
    assert {hint.key for hint in app.controller.frame(200, 24).hints if hint.acts} == {"L"}
    app.controller.press("X", "X", 1.0, 120, 40)
    assert "no pool is running; L launches one" in app.controller.notice
    app.controller.press("K", "K", 1.0, 120, 40)
    assert "select a worker first" in app.controller.notice
    app.controller.press("tab", None, 1.0, 120, 40)
    app.controller.press("K", "K", 1.0, 120, 40)
    assert "w1 is not running" in app.controller.notice
    still = replace(gone, workers=(replace(workers[0], rss_bytes=10**9), *workers[1:]))
    app.controller.update(still)
    assert "X" in {hint.key for hint in app.controller.frame(200, 24).hints}


def test_read_only_says_why_an_acting_key_does_nothing(make_app: Make) -> None:
    monitor = ScriptedMonitor(scenes.healthy())
    app = make_app(monitor, read_only=True)
    app.controller.update(scenes.healthy())
    for key in "L+-RXK":
        app.controller.press(key, key, 1.0, 120, 40)
        assert app.controller.dialog is None
        assert "--read-only" in app.controller.notice
    assert monitor.planned == []


def test_an_observer_says_who_holds_the_pool(make_app: Make) -> None:
    app = make_app(ScriptedMonitor(scenes.observer()))
    app.controller.update(scenes.observer())
    app.controller.press("X", "X", 1.0, 120, 40)
    assert "read-only: pid 4711" in app.controller.notice
    assert scenes.observer().pool.holder in app.controller.notice


def test_the_recommended_key_is_the_first_of_the_next_row(make_app: Make) -> None:
    app = make_app(ScriptedMonitor(scenes.stop()))
    app.controller.update(scenes.stop())
    filled = [hint.key for hint in app.controller.frame(80, 24).hints if hint.recommended]
    assert filled == ["X"]
    bottom = app.controller.rows(80, 24)[-1]
    assert [span.text for span in bottom if span.on == "accent"] == ["X stop"]


def test_a_short_footer_keeps_help_quit_and_the_acting_keys(make_app: Make) -> None:
    app = make_app(ScriptedMonitor(scenes.healthy()))
    app.controller.update(scenes.healthy())
    for wide in range(60, 201, 7):
        bottom = plain(app.controller.rows(wide, 24)[-1])
        assert len(bottom) == wide
        for keep in ("? help", "q quit", " L", " R", " X"):
            assert keep in bottom
        looking = ("m memory", "l logs", "e env", "! alerts", "/ filter") if wide >= 80 else ("m memory", "l logs")
        assert [key for key in looking if key not in bottom] == []


def test_help_leads_with_the_signs_and_the_keys_of_the_screen_one_came_from(make_app: Make) -> None:
    controller = make_app(ScriptedMonitor(scenes.healthy())).controller
    controller.update(scenes.healthy())
    controller.press("l", "l", 1.0, 80, 24)
    controller.press("?", "?", 2.0, 80, 24)
    text = "\n".join(plain(row) for row in controller.rows(80, 200))
    places = [text.index(part) for part in ("STATES", "KEYS ON THE LOGS SCREEN", "follow the newest line", "VIEW")]
    assert places == sorted(places)
    for key in "/swap":
        controller.press(key, key, 3.0, 80, 24)
    assert "nothing; Esc shows everything" in "\n".join(plain(row) for row in controller.rows(80, 24))
    for _ in range(4):
        controller.press("backspace", None, 4.0, 80, 24)
    for key in "OOM":
        controller.press(key, key, 5.0, 80, 24)
    controller.press("escape", None, 6.0, 80, 24)
    for key in "/picture":
        controller.press(key, key, 7.0, 80, 24)
    controller.press("enter", None, 8.0, 80, 24)
    found = "\n".join(plain(row) for row in controller.rows(80, 24))
    assert "1 line with" in found
    assert "Save the screen as an SVG picture" in found
    controller.press("escape", None, 9.0, 80, 24)
    assert controller.screen == "help"
    assert "STATES" in "\n".join(plain(row) for row in controller.rows(80, 24))


def test_help_has_every_key_and_every_sign(make_app: Make) -> None:
    app = make_app(ScriptedMonitor(scenes.healthy()))
    app.controller.update(scenes.healthy())
    app.controller.press("?", "?", 1.0, 200, 90)
    text = "\n".join(plain(row) for row in app.controller.rows(200, 90))
    for command in commands.COMMANDS:
        assert command.key.split()[0] in text
        assert command.what[:40] in text
    for word in ("ABSENT", "unproven", "exit 2: STOP", "/etc/x.toml"):
        assert word in text


def test_the_filter_follows_what_is_typed_and_escape_puts_it_back(make_app: Make) -> None:
    app = make_app(ScriptedMonitor(scenes.healthy()))
    controller = app.controller
    controller.update(scenes.healthy())
    for key in "/w1":
        controller.press(key, key, 1.0, 80, 24)
    assert controller.state.filter == "w1"
    controller.press("enter", "\r", 1.0, 80, 24)
    assert controller.dialog is None
    for key in "/x":
        controller.press(key, key, 1.0, 80, 24)
    assert controller.state.filter == "w1x"
    controller.press("escape", None, 1.0, 80, 24)
    assert controller.state.filter == "w1"


def test_the_palette_finds_and_runs_and_says_why_not(make_app: Make) -> None:
    app = make_app(ScriptedMonitor(scenes.observer()))
    controller = app.controller
    controller.update(scenes.observer())
    controller.press(":", ":", 1.0, 120, 40)
    for key in "whole pool":
        controller.press(key, key, 1.0, 120, 40)
    text = "\n".join(plain(row) for row in controller.rows(120, 40))
    assert "read-only: pid 4711" in text
    controller.press("enter", "\r", 1.0, 120, 40)
    assert controller.dialog is None
    assert "controls this pool" in controller.notice
    controller.press(":", ":", 1.0, 120, 40)
    for key in "evidence":
        controller.press(key, key, 1.0, 120, 40)
    controller.press("enter", "\r", 1.0, 120, 40)
    assert controller.screen == "verdict"


async def test_a_bug_of_the_engine_never_looks_like_a_quiet_pool(make_app: Make) -> None:
    monitor = ScriptedMonitor(scenes.healthy())
    app = make_app(monitor)
    async with app.run_test(size=(120, 40)):
        await wait_for_async(lambda: "LAUNCH 24H" in text_of(app))
        monitor.fault = "ValueError: no such slot"
        await wait_for_async(lambda: "internal error" in text_of(app))
        assert "ValueError: no such slot" in text_of(app)
        monitor.fault = None
        await wait_for_async(lambda: "internal error" not in text_of(app))


async def test_a_lost_wake_costs_a_second_and_not_the_picture(make_app: Make) -> None:
    monitor = ScriptedMonitor(scenes.healthy())
    app = make_app(monitor)
    async with app.run_test(size=(120, 40)):
        await wait_for_async(lambda: "LAUNCH 24H" in text_of(app))
        monitor._snapshot = later(scenes.stop())
        await wait_for_async(lambda: "STOP" in text_of(app))


async def test_a_bug_of_a_screen_ends_with_one_sentence(make_app: Make, caplog: pytest.LogCaptureFixture) -> None:
    app = make_app(ScriptedMonitor(scenes.healthy()))
    async with app.run_test(size=(80, 24)):
        try:
            raise ZeroDivisionError("nobody divides by \x1b[2J zero")
        except ZeroDivisionError:
            app._fatal_error()
        output = "".join(str(rendered) for rendered in app._exit_renderables)
    assert app.return_code == 70
    assert output.startswith("metabonk-tui: internal error, see the log: ZeroDivisionError")
    assert "\x1b" not in output
    assert "Traceback" in caplog.text


async def test_a_bug_in_the_picture_of_a_snapshot_ends_it_too(
    make_app: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monitor = ScriptedMonitor(scenes.healthy())
    app = make_app(monitor)
    async with app.run_test(size=(80, 24)):
        await wait_for_async(lambda: "LAUNCH 24H" in text_of(app))
        monkeypatch.setattr(app.controller, "rows", lambda *_: 1 // 0)
        app._drawn_s = 0.0  # the next picture is due at once
        monitor.set(scenes.stop())
        await wait_for_async(lambda: app.return_code is not None)
    assert app.return_code == 70
    assert "ZeroDivisionError" in caplog.text


async def test_a_snapshot_each_second_leaves_the_clock_no_wake_up_of_its_own(make_app: Make) -> None:
    monitor = ScriptedMonitor(scenes.healthy())
    app = make_app(monitor)
    async with app.run_test(size=(80, 24)):
        await wait_for_async(lambda: "LAUNCH 24H" in text_of(app))
        app._looked_s, before = 0.0, app._next_look
        app._take()
        after = app._next_look
        assert before is not None
        assert after is not None
        assert before.cancelled()
        assert after.when() - asyncio.get_running_loop().time() > 1.1, "the next Snapshot comes first"
        app._take()
        assert app._next_look is after, "it is looked once a second only"


async def test_a_terminal_that_reports_nonsense_as_its_size_is_drawn_in_part(make_app: Make) -> None:
    app = make_app(ScriptedMonitor(scenes.healthy()))
    async with app.run_test(size=(80, 24)) as pilot:
        for huge, drawn in (((65535, 65535), LARGEST), ((65535, 24), (1000, 24)), ((120, 40), (120, 40))):
            app.post_message(Resize(Size(*huge), Size(*huge)))
            await wait_for_async(lambda drawn=drawn: app.canvas.size == drawn)
            await pilot.pause()
            assert app.size == drawn
        assert "LAUNCH 24H" in text_of(app)


def test_escape_takes_back_a_zoom_then_a_filter_then_nothing(make_app: Make) -> None:
    app = make_app(ScriptedMonitor(scenes.healthy()))
    controller = app.controller
    controller.update(scenes.healthy())
    controller.state = replace(controller.state, filter="w1", zoom="events")
    labels = []
    for _ in range(3):
        labels.append([hint.label for hint in controller.frame(120, 40).hints if hint.key == "Esc"])
        controller.press("escape", None, 1.0, 120, 40)
    assert labels == [["clear zoom"], ["clear filter"], []]
    assert (controller.state.zoom, controller.state.filter) == ("", "")
    assert controller.notice == "Esc back: already on this screen"


def test_pasted_text_goes_into_a_field_and_never_confirms(make_app: Make) -> None:
    monitor = ScriptedMonitor(scenes.healthy())
    controller = make_app(monitor).controller
    controller.update(scenes.healthy())
    controller.paste("X", 1.0, 120, 40)
    assert controller.notice == "pasted text was ignored: there is no field for it here"
    controller.press("slash", "/", 1.0, 120, 40)
    controller.paste("rss>1k\n!w1", 1.0, 120, 40)
    assert controller.state.filter == "rss>1k !w1"
    controller.press("escape", None, 1.0, 120, 40)
    controller.press("X", "X", 1.0, 120, 40)
    controller.paste("stop", 2.0, 120, 40)
    assert "pasted text does not confirm" in "\n".join(map(plain, controller.rows(120, 40)))
    controller.press("enter", "\r", 9.0, 120, 40)
    assert monitor.submitted == []


def test_a_number_is_replaced_by_the_first_digit_and_a_reason_is_remembered(make_app: Make) -> None:
    monitor = ScriptedMonitor(scenes.healthy())
    controller = make_app(monitor).controller
    controller.update(scenes.healthy())
    for key in ("-", "tab", "2", "tab"):
        controller.press(key, key if len(key) == 1 else None, 1.0, 120, 40)
    assert monitor.planned[-1] == actions.Resize(2)
    for key in ("1", "left", "2"):
        controller.press(key, key if len(key) == 1 else None, 1.0, 120, 40)
    assert controller.dialog is not None


def test_a_key_polls_less_often_and_the_choice_is_kept(make_app: Make) -> None:
    monitor = ScriptedMonitor(scenes.healthy())
    app = make_app(monitor)
    controller = app.controller
    controller.update(scenes.healthy())
    notices = []
    for key in (",", ",", ",", ",", "."):
        controller.press(key, key, 1.0, 120, 40)
        notices.append(controller.notice)
    assert monitor.intervals_s == [2.0, 5.0, 10.0, 5.0]
    assert notices[3] == "polls every 10 s: the longest interval"
    assert notices[4] == "polls every 5 s; , slower, . faster"
    controller.press("z", "z", 1.0, 120, 40)
    controller.press("s", "s", 1.0, 120, 40)
    assert controller.settings == UiSettings("", "panels", "worst", False, 5.0)
    again = ScriptedMonitor(scenes.healthy())
    begun = make_app(again, settings=UiSettings("light", "grid", "gone", True, 5.0)).controller
    assert again.intervals_s == [5.0]
    assert (begun.theme, begun.state.density, begun.state.sort, begun.state.inverted) == ("light", "grid", "", False)


async def test_changed_settings_are_kept_and_a_failure_is_said(make_app: Make) -> None:
    kept: list[UiSettings] = []

    def keep(settings: UiSettings) -> str:
        kept.append(settings)
        return "no space left on device"

    app = make_app(ScriptedMonitor(scenes.healthy()), keep=keep)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("T")
        await wait_for_async(lambda: "the change is not kept: no space left on device" in text_of(app))
    assert [settings.theme for settings in kept] == ["light"]


def test_own_keys_are_shown_where_the_usual_ones_were(make_app: Make) -> None:
    keys = key_table({"layout": "de", "stop": "D", "verdict": "b"})
    app = make_app(ScriptedMonitor(scenes.stop()), keys=keys, screens=all_screens())
    controller = app.controller
    controller.update(scenes.stop())
    text = "\n".join(map(plain, controller.rows(120, 40)))
    assert "D stop" in text
    assert "X stop" not in text
    assert "[b]" in text
    controller.press("b", "b", 1.0, 120, 40)
    assert controller.screen == "verdict"
    controller.press("?", "?", 1.0, 120, 90)
    help_text = "\n".join(map(plain, controller.rows(120, 90)))
    assert "ö [" in help_text
    assert "D X" in help_text


async def test_after_a_stop_it_says_how_long_nothing_was_observed(make_app: Make) -> None:
    app = make_app(ScriptedMonitor(scenes.healthy()))
    async with app.run_test(size=(120, 40)):
        await wait_for_async(lambda: "LAUNCH 24H" in text_of(app))
        app._looked_s -= 100.0
        app.on_driver_resumed()
        await wait_for_async(lambda: "nothing was observed in that time" in text_of(app))
        assert "the monitor stood for 1m4" in text_of(app) or "for 1m3" in text_of(app)


def test_a_refused_dialog_leaves_the_next_step_its_key(make_app: Make) -> None:
    monitor = ScriptedMonitor(scenes.stop())
    monitor.refusal = "the ports are held"
    controller = make_app(monitor).controller
    controller.update(scenes.stop())
    controller.press("L", "L", 1.0, 120, 40)
    before = controller.dialog
    assert before is not None
    controller.press("R", "R", 1.0, 120, 40)
    assert controller.dialog is before, "only the next step's key passes"
    controller.press("X", "X", 2.0, 120, 40)
    assert controller.dialog is not None
    assert controller.dialog is not before
