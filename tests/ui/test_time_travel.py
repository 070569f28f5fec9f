"""A replay on screen: it is never taken for live, every key walks, nothing acts, and the bar says where one is."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from metabonk_tui.core.model.snapshot import Gap, Snapshot, VerdictKind
from metabonk_tui.core.recordings.playback import Mark, Playback, RunSpan
from metabonk_tui.core.recordings.seek import Edge, Elapsed, FindMark, SeekTarget, Shift
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.ui.app import MonitorApp
from metabonk_tui.ui.commands import COMMANDS, REPLAY_REFUSAL
from metabonk_tui.ui.controller import Controller
from metabonk_tui.ui.effect import Effect
from metabonk_tui.ui.frame import Frame, UiState
from metabonk_tui.ui.notifier import Notifier
from metabonk_tui.ui.screens.registry import all_screens
from metabonk_tui.ui.style.glyphs import ASCII, UNICODE, Glyphs
from metabonk_tui.ui.style.spans import Row, cells, plain
from metabonk_tui.ui.style.theme import MONO
from metabonk_tui.ui.views.bars.playbar import playbar
from tests.support import snapshots as scenes
from tests.support.draw import defaults
from tests.support.paths import UI_GOLDEN as GOLDEN
from tests.support.refs import w
from tests.support.waiting import wait_for_async
from tests.ui.conftest import ScriptedMonitor, read_config, text_of

SIZES = ((80, 24), (120, 40), (200, 60))
T = scenes.START


def playback(scene: Snapshot, **more: object) -> Playback:
    """Stand at a scene, in a run that goes on for some time."""
    began_t, to_t = scene.run.started_at, scene.t + 1200
    fields: dict[str, object] = {
        "t": scene.t,
        "from_t": began_t,
        "read_to_t": to_t,
        "ends_t": to_t,
        "whole": True,
        "playing": False,
        "speed": 60.0,
        "sample_t": scene.t,
        "runs": (RunSpan(scene.run.name, began_t, began_t, to_t),),
        "marks": (
            Mark(began_t + 1, "verdict", verdict_kind=VerdictKind.VALIDATING),
            Mark(began_t + 600, "warn"),
            Mark(began_t + 900, "crit"),
            Mark(began_t + 1804, "verdict", verdict_kind=VerdictKind.STOP),
            Mark(began_t + 4000, "verdict", verdict_kind=VerdictKind.LAUNCH_24H),
        ),
        "gaps": (Gap(began_t + 2400, began_t + 2900),),
        **more,
    }
    return Playback(**fields)  # type: ignore[arg-type]


class ScriptedTransport:
    """Implements `core.past_ports.Transport`: where it stands is set, what it is told is written down."""

    def __init__(self, state: Playback | None) -> None:
        self.state = state
        self.sent: list[object] = []

    def playback(self) -> Playback | None:
        return self.state

    def step(self, samples: int) -> None:
        self.sent.append(samples)

    def seek(self, target: SeekTarget) -> None:
        self.sent.append(target)

    def play(self) -> None:
        self.sent.append("play")


class Viewer:
    """Sits before a replay."""

    def __init__(
        self,
        scene: Snapshot | None = None,
        size: tuple[int, int] = (120, 40),
        glyphs: Glyphs = UNICODE,
        **more: object,
    ) -> None:
        scene = scene or scenes.stop()
        self.monitor = ScriptedMonitor(scene)
        self.replay_controls = ScriptedTransport(playback(scene, **more))
        self.controller = Controller(
            self.monitor, read_config(), all_screens(), glyphs=glyphs, replay_controls=self.replay_controls
        )
        self.controller.state = UiState(ref=w(2))
        self.controller.update(scene)
        self.size = size
        self.at_s = 100.0

    def press(self, key: str, character: str | None = None) -> Effect:
        self.at_s += 1.0
        return self.controller.press(key, character, self.at_s, *self.size)

    def types(self, keys: str) -> Effect:
        effect = Effect()
        for key in keys:
            effect = self.press("enter") if key == "\n" else self.press(key, key)
        return effect

    @property
    def rows(self) -> tuple[Row, ...]:
        return self.controller.rows(*self.size)

    @property
    def text(self) -> str:
        return "\n".join(plain(row).rstrip() for row in self.rows) + "\n"


def kept(name: str, text: str) -> None:
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("METABONK_TUI_GOLDEN") == "write":
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_it_still_looks_like_this(size: tuple[int, int]) -> None:
    kept(f"replay-stop-{size[0]}x{size[1]}", Viewer(size=size).text)


def test_in_ascii_it_still_looks_like_this() -> None:
    text = Viewer(size=(80, 24), glyphs=ASCII, playing=True).text
    assert text.isascii()
    kept("ascii-replay-stop-80x24", text)


def test_while_it_is_read_it_still_looks_like_this() -> None:
    scene = scenes.stop()
    reading = {"whole": False, "read_to_t": scene.t + 300, "seek_text": "01:00:00"}
    kept("replay-reading-120x40", Viewer(scene, **reading).text)


@pytest.mark.parametrize("screen", ["", "v", "m", "e", "?", "\n"])
@pytest.mark.parametrize("size", [*SIZES, (60, 20), (40, 12)])
def test_no_screen_of_it_looks_live(screen: str, size: tuple[int, int]) -> None:
    viewer = Viewer(size=size)
    viewer.types(screen)
    assert "REPLAY" in viewer.text
    for word in ("LIVE", "PAUSED", "LAG"):
        assert word not in viewer.text
    rows = viewer.rows
    assert len(rows) == size[1]
    assert screen == "?" or all(cells(plain(row)) <= size[0] for row in rows)


@pytest.mark.parametrize("size", [(30, 12), (20, 8), (120, 7), (60, 6), (50, 4)])
def test_where_there_is_hardly_any_room_it_still_says_so(size: tuple[int, int]) -> None:
    assert "REPLAY" in Viewer(size=size).text


def test_nothing_it_does_is_late() -> None:
    viewer = Viewer()
    viewer.controller.lateness.mark_alive(0.0)
    viewer.controller.tick(1000.0)
    assert "LAG" not in viewer.text
    assert viewer.controller.frame(120, 40).mode == "replay"


def test_the_clock_and_the_run_time_are_those_of_the_place() -> None:
    scene = scenes.stop()
    viewer = Viewer(scene, t=scene.t + 61)
    header = plain(viewer.rows[0])
    assert fmt.elapsed(scene.run.elapsed_s + 61) in header
    assert fmt.clock(scene.t + 61) in header
    assert f"sample {fmt.elapsed(scene.run.elapsed_s)}" in viewer.text


@pytest.mark.parametrize(
    ("key", "sent"),
    [
        ("[", -1),
        ("]", 1),
        ("{", Shift(-60.0)),
        ("}", Shift(60.0)),
        ("p", "play"),
        (" ", "play"),
        ("G", Edge("end")),
    ],
)
def test_each_key_walks(key: str, sent: object) -> None:
    viewer = Viewer()
    viewer.press("space" if key == " " else key, key)
    assert viewer.replay_controls.sent == [sent]
    assert viewer.controller.time_travel.asked
    viewer.replay_controls.state = replace(viewer.replay_controls.state, t=T)  # type: ignore[type-var]
    assert viewer.controller.update(viewer.monitor.latest())
    assert not viewer.controller.time_travel.asked


@pytest.mark.parametrize(("key", "edge"), [("home", Edge("start")), ("end", Edge("end"))])
def test_home_and_end_walk_on_the_dashboard_and_scroll_elsewhere(key: str, edge: Edge) -> None:
    viewer = Viewer(size=(80, 24))
    viewer.press(key)
    assert viewer.replay_controls.sent == [edge]
    viewer.types("?")
    viewer.press(key)
    assert viewer.replay_controls.sent == [edge]


@pytest.mark.parametrize("key", ["[", "]", "{", "}", "t"])
def test_live_they_mean_nothing_and_say_so(key: str) -> None:
    controller = Controller(ScriptedMonitor(scenes.stop()), read_config(), all_screens())
    controller.update(scenes.stop())
    controller.press(key, key, 1.0, 120, 40)
    assert "only in a replay" in plain(controller.rows(120, 40)[-1])
    assert controller.dialog is None


ACTING = [command.keys[0] for command in COMMANDS if command.group == "act"]


@pytest.mark.parametrize("key", [*ACTING, "r"])
def test_what_acts_has_nothing_to_act_on(key: str) -> None:
    viewer = Viewer()
    viewer.types(key)
    assert REPLAY_REFUSAL in plain(viewer.rows[-1])
    assert viewer.controller.dialog is None
    assert viewer.monitor.planned == viewer.monitor.submitted == viewer.monitor.armed == []
    assert viewer.monitor.polls == 0


@pytest.mark.parametrize("size", SIZES)
def test_the_footer_has_the_walking_keys_and_none_that_acts(size: tuple[int, int]) -> None:
    viewer = Viewer(size=size)
    spans = {span.text.strip(): span for span in viewer.rows[-1]}
    assert not {"X", "X stop", "R", "L", "+ -", "K", "W"} & set(spans)
    for key in ("[ ]", "{ }", "t", "p", "q", "?"):
        assert spans[key].bold, key
    assert "play" in spans
    viewer.replay_controls.state = replace(viewer.replay_controls.state, playing=True)  # type: ignore[type-var]
    viewer.controller.update(None)
    assert "pause" in {span.text.strip() for span in viewer.rows[-1]}


def test_the_next_row_offers_no_key_that_does_nothing() -> None:
    (row,) = [row for row in Viewer().rows if plain(row).startswith(" NEXT")]
    assert not [span for span in row if span.token == "accent"]


def test_what_is_copied_says_that_it_is_past() -> None:
    viewer = Viewer()
    copied = viewer.types("y").copy
    assert copied.splitlines()[0] == f"replay, as it was on {fmt.day(scenes.stop().t)}"
    assert copied.splitlines()[1].startswith("STOP")


# Where to


@pytest.mark.parametrize(
    ("typed", "target"),
    [
        ("55m", Elapsed(3300)),
        ("3m ago", Shift(-180)),
        ("next verdict", FindMark("verdict", True)),
        ("end", Edge("end")),
    ],
)
def test_what_is_typed_is_gone_to(typed: str, target: SeekTarget) -> None:
    viewer = Viewer()
    viewer.types(f"t{typed}")
    assert typed in plain(viewer.rows[-1])
    viewer.types("\n")
    assert viewer.replay_controls.sent == [target]
    assert viewer.controller.dialog is None


@pytest.mark.parametrize("size", SIZES)
def test_what_cannot_be_understood_stays_typed_beside_what_can(size: tuple[int, int]) -> None:
    viewer = Viewer(size=size)
    viewer.types("tten past\n")
    row_text = plain(viewer.rows[-1])
    assert "ten past" in row_text
    assert "55m" in row_text
    assert "next warning" in row_text
    assert viewer.replay_controls.sent == []
    viewer.types("x")
    assert "ten pastx" in plain(viewer.rows[-1])
    viewer.press("ctrl+u")
    viewer.types("5m\n")
    assert viewer.replay_controls.sent == [Elapsed(300)]


def test_why_there_is_no_such_place_is_said_and_nothing_is_lost() -> None:
    viewer = Viewer()
    viewer.types("t99h\n")
    assert "99h" in plain(viewer.rows[-1])
    assert "long" in plain(viewer.rows[-1])
    viewer.press("escape")
    assert viewer.controller.dialog is None
    assert viewer.replay_controls.sent == []


def test_nothing_typed_goes_nowhere() -> None:
    viewer = Viewer()
    viewer.types("t\n")
    assert viewer.controller.dialog is None
    assert viewer.replay_controls.sent == []


def test_before_anything_is_read_it_says_that_it_reads() -> None:
    viewer = Viewer()
    viewer.replay_controls.state = None
    viewer.controller.snapshot = None
    viewer.controller.update(None)
    assert "reading the recording" in viewer.text
    viewer.types("t5m\n")
    assert viewer.replay_controls.sent == [Elapsed(300)]


# The bar


def bar(wide: int = 120, glyphs: Glyphs = UNICODE, **more: object) -> str:
    scene = scenes.stop()
    state = playback(scene, **more)
    return plain(playbar(Frame(scene, wide, 40, defaults(), glyphs, mode="replay", playback=state)))


def test_the_bar_says_how_it_stands() -> None:
    scene = scenes.stop()
    assert "paused  00:55:04 of 01:15:04" in bar()
    assert "▸ ×60" in bar(playing=True)
    assert "read to 01:00:04" in bar(whole=False, read_to_t=scene.t + 300)
    waits = bar(whole=False, read_to_t=scene.t + 300, seek_text="01:10:00")
    assert "to 01:10:00, read to 01:00:04" in waits
    assert "no gap before this" in bar(note="no gap before this")
    assert "nothing was recorded for 8m20s" in bar(t=scene.run.started_at + 2500)
    assert "3 unreadable" in bar(unread=3)
    assert " of " not in bar(whole=False, ends_t=None, read_to_t=scene.t + 300)


def test_runs_are_counted_where_there_are_several() -> None:
    scene = scenes.stop()
    began_t = scene.run.started_at
    runs = (RunSpan("a", began_t, began_t, scene.t), RunSpan("b", scene.t + 100, scene.t + 100, scene.t + 1200))
    assert "00:55:04 of 00:55:04  run 1/2" in bar(runs=runs)
    assert "00:00:50 of 00:18:20  run 2/2" in bar(runs=runs, t=scene.t + 150)


def test_every_mark_stands_where_it_happened_and_gaps_are_holes() -> None:
    line = bar(200, t=scenes.stop().run.started_at)
    assert line.count("▲") == 1
    assert line.count("■") == 2
    assert line.index("▲") < line.index("■")
    inner = line[line.index("┃") :].rstrip()
    assert "─ " in inner
    assert " ─" in inner
    assert inner.endswith("─")


def test_what_was_not_read_is_dotted() -> None:
    line = bar(120, whole=False, read_to_t=scenes.stop().t + 100, marks=())
    assert line.rstrip().rsplit("read to", 1)[0].rstrip().endswith("·")
    assert "·" not in bar(120, marks=())


@settings(deadline=None)
@given(
    wide=st.integers(1, 240),
    at=st.floats(0, 1),
    read=st.floats(0, 1),
    gaps=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted), max_size=5),
    marks=st.lists(st.floats(0, 1), max_size=30),
    playing=st.booleans(),
    whole=st.booleans(),
    note=st.sampled_from(["", "no warning after this", "x" * 200]),
    ascii_=st.booleans(),
)
def test_it_fits_whatever_it_says(
    wide: int,
    at: float,
    read: float,
    gaps: list[list[float]],
    marks: list[float],
    playing: bool,
    whole: bool,
    note: str,
    ascii_: bool,
) -> None:
    began_t = scenes.stop().run.started_at
    drawn = bar(
        wide,
        ASCII if ascii_ else UNICODE,
        t=began_t + at * 4500,
        read_to_t=began_t + read * 4500,
        whole=whole,
        playing=playing,
        note=note,
        gaps=tuple(Gap(began_t + a * 4500, began_t + b * 4500) for a, b in gaps),
        marks=tuple(Mark(began_t + m * 4500, "warn") for m in sorted(marks)),
    )
    assert cells(drawn) == wide
    assert drawn.isascii() or not ascii_


# Beyond the screen

PICTURES = [
    ((120, 40), "dark", UNICODE),
    ((80, 24), "mono", UNICODE),
    ((200, 60), "light", UNICODE),
    ((80, 24), "ascii", ASCII),
]


@pytest.mark.parametrize(("size", "theme", "glyphs"), PICTURES, ids=[f"{s[0]}x{s[1]}-{t}" for s, t, _ in PICTURES])
def test_the_app_looks_like_this(
    size: tuple[int, int],
    theme: str,
    glyphs: Glyphs,
    make_app: Callable[..., MonitorApp],
    snap_compare: Any,
) -> None:
    scene = scenes.stop()
    how: dict[str, Any] = {"themes": {MONO.name: MONO}} if theme == "mono" else {}
    config = read_config(theme=theme if theme in ("dark", "light") else "dark")
    app = make_app(
        ScriptedMonitor(scene),
        replay_controls=ScriptedTransport(playback(scene)),
        screens=all_screens(),
        config=config,
        glyphs=glyphs,
        zone=UTC,
        **how,
    )
    assert snap_compare(app, press=(), terminal_size=size)


def test_the_title_says_that_it_is_past_and_the_bell_stays_silent() -> None:
    written: list[str] = []
    rung: list[bool] = []
    notifier = Notifier(written.append, lambda: rung.append(True), replay=True)
    notifier.notify(None)
    notifier.notify(scenes.healthy())
    notifier.notify(scenes.stop())
    assert all("REPLAY" in title for title in written)
    assert "■ STOP" in written[-1]
    assert rung == []


async def test_what_a_key_asked_for_is_drawn_at_once(make_app: Callable[..., MonitorApp]) -> None:
    scene = scenes.healthy()
    monitor, replay_controls = ScriptedMonitor(scene), ScriptedTransport(playback(scene))
    app = make_app(monitor, replay_controls=replay_controls, screens=all_screens(), zone=UTC)
    async with app.run_test(size=(120, 40)) as pilot:
        await wait_for_async(lambda: "LAUNCH 24H" in text_of(app))
        await pilot.press("left_square_bracket")
        assert replay_controls.sent == [-1]
        replay_controls.state = replace(playback(scene), t=scene.t - 1)
        drawn: list[bool] = []
        app.draw, draw = lambda: (drawn.append(True), draw()), app.draw  # type: ignore[method-assign,assignment]
        monitor.set(scenes.stop())
        app._take()
        assert drawn
        assert "STOP" in text_of(app)
        assert "REPLAY" in text_of(app)


# Back from now


class ScriptedReplay(ScriptedMonitor, ScriptedTransport):
    """Implements `core.past_ports.Tape`."""

    def __init__(self, scene: Snapshot, state: Playback) -> None:
        ScriptedMonitor.__init__(self, scene)
        ScriptedTransport.__init__(self, state)
        self.running: list[str] = []

    def start(self) -> None:
        self.running.append("start")

    def stop(self) -> None:
        self.running.append("stop")


class ScriptedReplayOpener:
    """Implements `core.past_ports.Tapes`: opens this tape, or says why not."""

    def __init__(self, tape: ScriptedReplay | str) -> None:
        self.tape = tape
        self.asked: list[str] = []

    def open(self, run: str) -> ScriptedReplay | str:
        self.asked.append(run)
        return self.tape


class Watcher(Viewer):
    """Sits before a live run that has a past, in which it was well."""

    def __init__(self, why_not: str = "", **how: Any) -> None:
        super().__init__(scenes.healthy(), **how)
        was = scenes.validating()
        self.tape = ScriptedReplay(was, playback(was))
        self.replay_opener = ScriptedReplayOpener(why_not or self.tape)
        self.controller = Controller(self.monitor, read_config(), all_screens(), replay_opener=self.replay_opener)
        self.controller.update(scenes.healthy())


@pytest.mark.parametrize(
    ("keys", "sent"),
    [("[", -1), ("{", Shift(-60.0)), ("t3m ago\n", Shift(-180.0)), ("tnext stop\n", FindMark("stop", True))],
)
def test_from_now_one_goes_into_the_past_of_the_run(keys: str, sent: object) -> None:
    watcher = Watcher(size=(200, 60))
    assert "[ past" in plain(watcher.rows[-1])
    assert "LIVE" in watcher.text
    watcher.types(keys)
    assert watcher.replay_opener.asked == [scenes.healthy().run.name]
    assert watcher.tape.running == ["start"]
    assert watcher.tape.sent == [sent]
    watcher.controller.update(watcher.monitor.latest())
    assert "VALIDATING" in watcher.text
    assert "REPLAY" in watcher.text
    assert "LIVE" not in watcher.text
    assert "End live" in plain(watcher.rows[-1])


@pytest.mark.parametrize("screen", ["", "v", "m", "?"])
@pytest.mark.parametrize("way", ["end", "G", "tend\n"])
def test_end_goes_back_to_now_from_every_screen(screen: str, way: str) -> None:
    watcher = Watcher()
    watcher.types("[" + screen)
    watcher.controller.update(watcher.monitor.latest())
    if way == "end":
        watcher.press("end")
    else:
        watcher.types(way)
    assert watcher.tape.running == ["start", "stop"]
    assert "REPLAY" not in watcher.text
    assert "LIVE" in watcher.text
    assert watcher.controller.snapshot is watcher.monitor.latest()


@pytest.mark.parametrize("key", [*ACTING, "r"])
def test_in_the_past_nothing_acts_and_it_says_the_way_back(key: str) -> None:
    watcher = Watcher()
    watcher.types("[" + key)
    assert "End returns to live" in plain(watcher.rows[-1])
    assert watcher.controller.dialog is None
    assert watcher.monitor.submitted == watcher.monitor.planned == watcher.monitor.armed == []


def test_why_there_is_no_past_is_said_and_it_stays_live() -> None:
    watcher = Watcher("run-1 is not recorded")
    watcher.types("[")
    assert "run-1 is not recorded" in plain(watcher.rows[-1])
    assert "LIVE" in watcher.text


@pytest.mark.parametrize("key", ["]", "}"])
def test_from_now_there_is_no_way_on(key: str) -> None:
    watcher = Watcher()
    watcher.types(key)
    assert "already live" in plain(watcher.rows[-1])
    assert watcher.replay_opener.asked == []


def test_what_turns_critical_behind_ones_back_is_said() -> None:
    watcher = Watcher()
    watcher.types("[")
    watcher.controller.update(watcher.monitor.latest())
    assert "meanwhile" not in watcher.text
    watcher.monitor.set(scenes.stop())
    watcher.controller.update(watcher.monitor.latest())
    watcher.controller.tick(1000.0)
    assert "live now: the verdict is STOP; End returns to live" in plain(watcher.rows[-1])
    watcher.press("end")
    assert "STOP" in watcher.text
    assert "meanwhile" not in watcher.text


async def test_news_of_what_runs_now_is_drawn_in_the_past_too(make_app: Callable[..., MonitorApp]) -> None:
    scene, was = scenes.healthy(), scenes.validating()
    monitor, tape = ScriptedMonitor(scene), ScriptedReplay(was, playback(was))
    app = make_app(monitor, replay_opener=ScriptedReplayOpener(tape), screens=all_screens(), zone=UTC)
    async with app.run_test(size=(120, 40)) as pilot:
        await wait_for_async(lambda: "LAUNCH 24H" in text_of(app))
        await pilot.press("left_square_bracket")
        tape.set(was)
        await wait_for_async(lambda: "VALIDATING" in text_of(app))
        monitor.set(scenes.stop())
        await wait_for_async(lambda: "live now: the verdict is STOP" in text_of(app))
    assert tape.running == ["start", "stop"]
