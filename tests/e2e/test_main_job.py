"""The main job, lived through: the real program in a real terminal over real worker processes."""

from __future__ import annotations

import os
import re
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.alone import demo_alone
from tests.support.examples import ONLY_THOROUGH, THOROUGH
from tests.support.terminal import Screen
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

Open = Callable[..., Screen]
# The other tests here open 120 by 40; what differs at more cells, tests/ui/views compares.
SIZES = ((80, 24), (40, 12), (20, 6), *(((120, 40), (200, 60)) if os.environ.get(THOROUGH) else ()))


@pytest.fixture
def open_screen(tmp_path: Path) -> Iterator[Open]:
    screens: list[Screen] = []

    def start(*arguments: str, **size: int) -> Screen:
        screens.append(Screen(list(arguments), tmp_path, **size))
        return screens[-1]

    yield start
    for screen in reversed(screens):
        screen.close()


def ports_of(screen: Screen) -> list[int]:
    return [int(port) for port in re.findall(r"w\d+ :(\d+)", screen.text)]


def pids_of(screen: Screen) -> list[int]:
    return [int(pid) for pid in re.findall(r"\d/\d+ +pid (\d+)", screen.text)]


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


# test_the_failed_run_is_saved reads the same words off another pool; cli/verbs/test_watch.py presses q in a demo.
@ONLY_THOROUGH
def test_a_silent_pool_is_stopped_and_nothing_is_left_behind(open_screen: Open) -> None:
    screen = open_screen("demo", "--scenario", "silent", "--speed", "60")
    screen.wait_for(r"VERDICT\s+■ STOP .*config not loaded 0\.9\d · required flags missing", 60)
    assert "ABSENT never seen" in screen.text
    ports = ports_of(screen)
    assert len(ports) == 3
    assert all(is_open(port) for port in ports)
    screen.keys("q")
    assert screen.wait_end() == 0
    assert not any(is_open(port) for port in ports)


def test_a_healthy_pool_is_launched_and_succeeds(open_screen: Open) -> None:
    screen = open_screen("demo", "--scenario", "healthy", "--speed", "240")
    screen.wait_for(r"VERDICT\s+◌ VALIDATING", 30)
    screen.wait_for(r"VERDICT\s+● LAUNCH 24H .*due components 3/3", 90)
    assert "■" not in screen.text.splitlines()[3], "no check of a healthy run fails"
    screen.wait_for(r"VERDICT\s+● SUCCESS .*gameplay [123]/3", 90)


def test_the_failed_run_is_saved_by_doing_what_the_next_row_says(open_screen: Open) -> None:
    screen = open_screen("demo", "--speed", "120")
    screen.wait_for(r"VERDICT\s+■ STOP .*config not loaded 0\.9\d · required flags missing", 60)
    screen.wait_for(r"NEXT\s+relaunch with the file exported")
    # The launcher switches System2 on by itself: it moves, and nothing else does.
    screen.wait_for(r"system2\s+● +[1-9]\d* .*forced", 60)
    screen.wait_for(r"intrinsic\s+— ABSENT never seen +unset")
    screen.wait_for(r"or X stop the pool\s+then\s+L relaunch 3 workers with the env")
    assert "5 up" in screen.text
    screen.keys("X")
    screen.wait_for(r"locked until stop is typed")
    screen.confirm("stop")
    screen.wait_for(r"the pool is gone", 40)
    screen.keys("\x1b")
    screen.wait_for(r"q quit")
    screen.wait_for(r"VERDICT\s+■ STOP ended .*the pool was stopped")
    screen.keys("L")
    screen.wait_for(r"ready to launch")
    screen.keys("\r")
    screen.wait_for(r"locked until 3 is typed")
    screen.wait_for(r"env file\s+● .*14 keys")
    screen.confirm("3")
    screen.wait_for(r"3/3 workers answer|3/3 answer|WORKERS\s+3 up|all 3|workers answer", 40)
    screen.keys("\x1b")
    screen.wait_for(r"WORKERS\s+3 up")
    screen.wait_for(r"VERDICT\s+● LAUNCH 24H", 90)
    assert "ABSENT" not in screen.text


def test_a_killed_worker_is_seen_within_three_seconds(open_screen: Open) -> None:
    screen = open_screen("demo", "--scenario", "healthy", "--speed", "1")
    # What died before its first answer had no generation that could end.
    screen.wait_for(r"3/3 up", 30)
    # While the screen is being written, half of it is an older picture.
    victim = screen.wait_until(lambda: found if len(found := pids_of(screen)) == 3 else None, "three pids", 30)[1]
    os.kill(victim, signal.SIGKILL)
    killed = time.monotonic()
    screen.wait_for(r"w1 :\d+ (DOWN|.*gen 2)")
    assert time.monotonic() - killed < 3.0
    screen.wait_for(r"w1 :\d+ \S+ gen 2")
    screen.wait_until(
        lambda: re.search(r"pid \d+", screen.text) if len(pids_of(screen)) == 3 else None, "three pids", 30
    )
    assert victim not in pids_of(screen)


def test_cancel_is_the_default_a_held_key_confirms_nothing_and_resize_restarts_all_with_the_new_number(
    open_screen: Open,
) -> None:
    screen = open_screen("demo", "--scenario", "healthy", "--speed", "10")
    before = screen.wait_until(lambda: found if len(found := pids_of(screen)) == 3 else None, "three pids", 30)
    screen.keys("X" * 20)
    screen.wait_for(r"locked until stop is typed")
    screen.keys("\r")
    screen.wait_until(
        lambda: None if "locked until" in screen.text else re.search("WORKERS", screen.text), "closed", 30
    )
    screen.wait_until(lambda: pids_of(screen) == before, "the same pids", 30)
    ports = screen.wait_until(lambda: found if len(found := ports_of(screen)) == 3 else None, "three ports", 30)
    screen.keys("-")
    screen.wait_for(r"RESIZE POOL\s+3 → 2")
    screen.wait_for(r"stops\s+▲ ALL 3 workers")
    screen.confirm("2")
    screen.wait_for(r"outcome", 60)
    screen.keys("\x1b")
    screen.wait_for(r"q quit")
    screen.wait_for(r"WORKERS\s+2 up", 30)
    screen.wait_until(lambda: re.search(r"pid \d+", screen.text) if len(pids_of(screen)) >= 2 else None, "pids", 30)
    assert set(before).isdisjoint(pids_of(screen))
    wait_for(lambda: not is_open(ports[2]), "the third port is free")


def test_quitting_leaves_the_pool_and_the_next_monitor_adopts_it(open_screen: Open, tmp_path: Path) -> None:
    with demo_alone(30, tmp_path / "demo") as config:
        first = open_screen("--config", str(config), "--speed", "30")
        first.wait_for(r"WORKERS\s+3 up", 30)
        ports = ports_of(first)
        second = open_screen("--config", str(config), "--speed", "30")
        second.wait_for(r"WORKERS\s+3 up", 30)
        second.keys("X")
        second.wait_for(rf"pid {first.pid}")
        first.keys("q")
        assert first.wait_end() == 0
        assert all(is_open(port) for port in ports)
        third = open_screen("--config", str(config), "--speed", "30", "--read-only")
        third.wait_for(r"WORKERS\s+3 up", 30)
        third.wait_for(r"run-\d+")
    wait_for(lambda: not any(is_open(port) for port in ports), "the demo's ports are free")


def test_every_size_shows_the_verdict(open_screen: Open, tmp_path: Path) -> None:
    with demo_alone(60, tmp_path / "demo", "seed") as config:
        for columns, lines in SIZES:
            screen = open_screen("--config", str(config), "--speed", "60", columns=columns, lines=lines)
            screen.wait_for(r"STOP", 60)
            if lines > 8 and columns >= 40:
                screen.wait_for(r"GB")
            screen.keys("q")
            assert screen.wait_end() == 0, f"{columns}x{lines}"
