"""An open monitor in a real terminal: hostile answers, sizes, files that break, a terminal that is not read."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import sys
import time

import pytest

from metabonk_tui.adapters.process.proc import Proc
from metabonk_tui.adapters.state.role_wire import is_suspended
from tests.faults.conditions import LONG
from tests.faults.conftest import MakeWorld
from tests.faults.world import World, long_gaps
from tests.support.refs import w
from tests.support.terminal import Screen
from tests.support.waiting import wait_for

pytestmark = [LONG, pytest.mark.e2e, pytest.mark.timeout(180)]
OPENED = r"(?s)VERDICT.*q quit"
HOSTILE = {
    "title": "\x1b]0;owned\x07",
    "clear": "\x1b[2J\x1b[1;1H",
    "clipboard": "\x1b]52;c;b3duZWQ=\x1b\\",
    "c1": "\x9b31mred \x9d0;owned\x9c",
    "bell": "\x07\x00\x08",
    "bidi": "\u202egnitirw\u2066",
    "markup": "[/oops] [@click=app.quit]x[/] [link=file:///]y",
    "long": "x" * 200_000,
}


def captured(screen: Screen) -> bytearray:
    """Keep every byte that the monitor writes from now on."""
    written, feed = bytearray(), screen._stream.feed

    def keep(data: bytes) -> None:
        written.extend(data)
        feed(data)

    screen._stream.feed = keep  # type: ignore[method-assign]
    return written


def opened(world: World, **more: int) -> Screen:
    screen = world.screen(**more)
    screen.wait_for(OPENED, 60.0)
    return screen


def test_no_text_of_a_worker_acts_on_the_terminal(make_world: MakeWorld) -> None:
    world = make_world()
    names = {f"odd_{name}": text for name, text in HOSTILE.items()}
    words = ("policy_name", "dynamic_ui_state_type", "system2_trigger_reason", "last_error", "log")
    world.answer_with(set=names | {f"key {text}": text for text in HOSTILE.values() if len(text) < 99})
    world.pool()
    screen = opened(world)
    written = captured(screen)
    screen.wait_for("2/2 up", 60.0)
    for text in HOSTILE.values():
        world.answer_with(set=names | dict.fromkeys(words, text))
        for key in ("\r", "\x1b", "m", "\x1b", "e", "\x1b", "!", "\x1b"):
            screen.keys(key)
            screen.settle(0.25, 1.0)
    assert not screen.ended()
    world.answer_with(set=names | dict.fromkeys(words, HOSTILE["title"]))
    screen.keys("\r")
    screen.wait_for("owned", 60.0)  # as text, on the page of the worker
    for bad in (
        "\x1b]0;owned",
        "\x1b]52",
        "\x1b[2J\x1b[1;1H",
        "\x9b",
        "\x9d",
        "\x9c",
        "\x08",
        "\x00",
        "\u202e",
        "\u2066",
    ):
        assert bad.encode() not in written, ascii(bad)
    assert not re.search(rb"\x1b\][^\x1b\x07]*owned", written), "no title and no clipboard"
    for raw in (b"\x9b31m", b"\x9d0;"):
        assert raw not in written
    screen.keys("q")
    assert screen.wait_end() == 0
    assert world.open_ports() == [0, 1]


def test_ten_thousand_hostile_keys_leave_keys_quick(make_world: MakeWorld) -> None:
    world = make_world()
    many = {f"key-{number} \x1b[31m\u202e": number for number in range(4000)}
    world.answer_with(set=many)
    world.pool()
    screen = opened(world)
    screen.wait_for("2/2 up", 60.0)
    times = []
    for _ in range(5):
        for key, shows in (("m", "available"), ("\x1b", "WORKERS")):
            began = time.monotonic()
            screen.keys(key)
            screen.wait_until(lambda shows=shows: shows in screen.text, shows, 30.0)
            times.append(time.monotonic() - began)
    assert sorted(times)[len(times) // 2] < 5.0
    with open(f"/proc/{screen.pid}/status") as status:
        peak_kb = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    assert peak_kb < 250_000


def test_two_hundred_sizes_leave_a_whole_picture(make_world: MakeWorld) -> None:
    world, chance = make_world(1), random.Random(34)
    world.pool()
    screen = opened(world)
    for _ in range(200):
        screen.resize(chance.choice((1, 2, 20, 80, 120, 300)), chance.choice((1, 2, 10, 24, 40, 90)))
        screen._read(0.005)
    screen.resize(100, 30)
    screen.wait_for(OPENED, 60.0)
    screen.wait_until(lambda: len(screen.text.splitlines()[0].rstrip()) in range(97, 101), "the first row", 30.0)
    screen.keys("q")
    assert screen.wait_end() == 0


def test_a_configuration_and_a_theme_that_break_change_nothing_that_runs(make_world: MakeWorld) -> None:
    world = make_world()
    themes = world.state / "metabonk-tui" / "themes"
    themes.mkdir(parents=True)
    (themes / "own.toml").write_text('[tokens]\nok = "green"\n')
    world.pool()
    screen = opened(world)
    screen.wait_for("2/2 up", 60.0)
    whole = world.config.read_text()
    for text in ("", "[pool\n", "\x00\xff", whole.replace(str(world.base_port), "1")):
        world.config.write_text(text)
        (themes / "own.toml").write_text(text)
        screen.keys(" ")
        screen.settle(0.2, 1.5)
        assert "2/2 up" in screen.text
    world.config.unlink()
    screen.settle(0.2, 1.5)
    # It must still stop the pool that it opened on, and no other.
    screen.keys("X")
    screen.wait_for(r"(?i)stop", 30.0)
    assert "2/2 up" in screen.text or re.search(r"w0.*pid|pid \d+", screen.text)
    screen.keys("\x1b")
    screen.settle()
    screen.keys("q")
    assert screen.wait_end() == 0
    assert world.open_ports() == [0, 1]


def test_a_terminal_that_is_not_read_leaves_the_recording_whole(make_world: MakeWorld) -> None:
    world = make_world(lines="[observe]\ninterval_s = 0.5\n")
    _, second = world.pool()
    screen = opened(world)
    screen.wait_for("2/2 up", 60.0)
    world.wait_stored(4)
    second.kill()
    second.wait()
    world.wait_stored(24)  # nothing is read from the terminal meanwhile, and its buffer fills
    os.kill(screen.pid, signal.SIGTERM)
    began = time.monotonic()
    assert wait_for(lambda: os.waitpid(screen.pid, os.WNOHANG)[0], "the monitor ends", 30.0)
    screen.code = 143
    assert time.monotonic() - began < 15
    _, events = world.read()
    assert long_gaps(events) == []
    assert w(1) in [event.worker for event in events if event.kind in ("worker.down", "process.exit", "worker.died")]
    assert world.open_ports() == [0]


def test_a_state_directory_that_becomes_unwritable_writes_nothing_over_the_screen(make_world: MakeWorld) -> None:
    world = make_world(lines="[observe]\ninterval_s = 0.5\n")
    world.pool()
    screen = opened(world)
    screen.wait_for("2/2 up", 60.0)
    world.wait_stored(2)
    moved = world.state.rename(world.folder / "moved")
    world.state.write_text("in the way\n")
    screen.settle(0.5, 8.0)
    assert "Traceback" not in screen.text
    assert "Logging error" not in screen.text
    assert "VERDICT" in screen.text
    world.state.unlink()
    moved.rename(world.state)
    screen.keys("q")
    assert screen.wait_end() == 0
    assert json.dumps(world.open_ports()) == "[0, 1]"


def test_ctrl_z_does_not_stop_a_pool_of_the_same_job(make_world: MakeWorld) -> None:
    world = make_world(1)
    launcher = [sys.executable, str(world.script), "launch", "--workers", "1", "--base-port", str(world.base_port)]
    world.state.mkdir(mode=0o700)
    screen = Screen(
        ["--config", str(world.config)],
        world.state,
        module="tests.support.job_shell",
        environment={**world.environment, "JOB_BESIDE": json.dumps(launcher)},
    )
    try:
        screen.wait_for(r"(?s)1/1 up.*env +\S +0/6", 60.0)  # its environment is read by its pid
        screen.keys(";")
        screen.wait_for("; does nothing here")  # until then the kernel may read the keys
        screen.keys("\x1a")
        screen.wait_for("the pool is of the same job of the shell")
        (pid,) = world.launches()
        assert Proc().stat(pid) is not None
        assert not is_suspended(pid)
        screen.keys("q")
        assert screen.wait_end() == 0
    finally:
        screen.close()
