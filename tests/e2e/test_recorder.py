"""A real recorder over real workers: killed at any moment, out of room, beside an open monitor."""

from __future__ import annotations

import random
import re
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from metabonk_tui.adapters.store.run_reader import Recording
from metabonk_tui.core.model.sample import Event, Sample
from metabonk_tui.core.recordings.restore import GAP_KINDS
from tests.cli.conftest import Pool, demo
from tests.cli.conftest import home as home
from tests.support import forks
from tests.support.examples import ONLY_THOROUGH
from tests.support.refs import w
from tests.support.terminal import Screen
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

Spawn = Callable[..., subprocess.Popen[str]]
SPEED = 240
TICK_S = 0.2
IMPATIENT = (
    "from metabonk_tui.adapters.store import journal;journal.RETRY_S = 1.0;from metabonk_tui.cli.main import run;run()"
)
"""The program, but it tries again sooner what failed."""
HOLE_S = 9 * TICK_S * SPEED
"""A longer one is a gap even where the machine is so slow that ticks come a third as often; on the run's clock."""


@pytest.fixture
def pool(home: dict[str, str], tmp_path: Path) -> Iterator[Pool]:
    """Two workers, looked at five times a second, so that little time passes in these tests."""
    with demo(home, "--scenario", "silent", "--workers", "2", "--speed", str(SPEED)) as made:
        config = tmp_path / "own.toml"
        config.write_text(f"{Path(made.config).read_text()}\n[observe]\ninterval_s = {TICK_S}\n")
        yield Pool(made.process, made.base_port, made.workers, str(config), made.speed)


@pytest.fixture
def record(home: dict[str, str]) -> Iterator[Spawn]:
    """Start a recorder; all of them are ended."""
    started: list[subprocess.Popen[str]] = []

    def spawn(pool: Pool) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", IMPATIENT, "record", *pool.options]
        started.append(
            subprocess.Popen(command, env=home, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        )
        return started[-1]

    yield spawn
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=20)


def runs(folder: Path) -> list[Path]:
    return sorted((folder / "state" / "runs").glob("*.db"))


def stored(folder: Path) -> int:
    try:
        with Recording(runs(folder)[0]) as one:
            return one.newest_seq
    except (IndexError, OSError, sqlite3.Error):
        return 0


def read(folder: Path) -> tuple[list[Sample], tuple[Event, ...]]:
    (path,) = runs(folder)
    with Recording(path) as one:
        samples, events = list(one.samples()), one.events()
        assert one.problems == []
        assert len(samples) == one.newest_seq
        assert one._connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    return samples, events


def asked(folder: Path) -> int:
    """Count how often worker 0 was asked for its status, by its own log."""
    return sum(
        path.read_text(errors="replace").count("GET /status")
        for path in folder.glob("metabonk-demo-*/**/worker_0.log")
    )


def answers_in(folder: Path) -> int:
    """Count what worker 0 answered, as it was stored."""
    if not stored(folder):
        return 0
    with Recording(runs(folder)[0]) as one:
        return sum(w(0) in sample.workers and sample.workers[w(0)].status is not None for sample in one.samples())


def check_recorded_once(samples: list[Sample], events: tuple[Event, ...]) -> list[tuple[float, float]]:
    """Check that nothing is doubled and that every gap told is a hole between samples; return the gaps."""
    times = [sample.t for sample in samples]
    assert times == sorted(set(times)), "no sample is doubled"
    assert [event.kind for event in events].count("run.start") == 1
    assert len({(e.t, e.kind, e.worker, e.text) for e in events}) == len(events), "nothing is told twice"
    gaps = [(e.facts["from"], e.facts["to"]) for e in events if e.kind in GAP_KINDS and "from" in e.facts]
    steps = list(pairwise(times))
    assert set(gaps) <= set(steps)
    assert {(a, b) for a, b in steps if b - a > HOLE_S} <= set(gaps)
    return gaps  # type: ignore[return-value]


def test_killed_at_any_moment_it_loses_the_tick_in_flight_and_nothing_else(
    pool: Pool, record: Spawn, tmp_path: Path
) -> None:
    chance = random.Random(5)
    killed: list[int] = []
    for _ in range(3):
        before, asked_before = answers_in(tmp_path), asked(tmp_path)
        count = stored(tmp_path)
        recorder = record(pool)
        wait_for(lambda count=count + 3: stored(tmp_path) >= count)
        time.sleep(chance.uniform(0, 2 * TICK_S))  # anywhere within a tick
        recorder.send_signal(signal.SIGKILL)
        recorder.wait(10)
        lost = asked(tmp_path) - asked_before - (answers_in(tmp_path) - before)
        assert lost in (0, 1), "all that was seen is stored, but for the tick in flight"
        killed.append(stored(tmp_path))
        time.sleep(HOLE_S / SPEED - 0.5)  # it takes longer than that to start
    samples, events = read(tmp_path)
    gaps = check_recorded_once(samples, events)
    assert {(samples[seq - 1].t, samples[seq].t) for seq in killed[:-1]} <= set(gaps)


def test_out_of_room_it_goes_on_looking_and_goes_on_recording_when_there_is_room(
    pool: Pool, record: Spawn, tmp_path: Path
) -> None:
    recorder = record(pool)
    wait_for(lambda: stored(tmp_path) >= 8)
    log = tmp_path / "state" / "metabonk-tui.log"
    most, hard = resource.prlimit(recorder.pid, resource.RLIMIT_FSIZE)
    # As a disk that is full: no file of its grows any more. Works for everybody, everywhere on Linux.
    resource.prlimit(recorder.pid, resource.RLIMIT_FSIZE, (log.stat().st_size + 20_000, hard))
    wait_for(lambda: "recording failed" in log.read_text())
    full_at, asked_then = stored(tmp_path), asked(tmp_path)
    wait_for(lambda: asked(tmp_path) > asked_then + 5)
    assert recorder.poll() is None, "it goes on looking"
    assert stored(tmp_path) == full_at
    resource.prlimit(recorder.pid, resource.RLIMIT_FSIZE, (most, hard))
    wait_for(lambda: stored(tmp_path) >= full_at + 5, limit_s=45)
    recorder.terminate()
    assert recorder.communicate(timeout=20)[0] == ""
    assert recorder.returncode == 0
    samples, events = read(tmp_path)
    assert (samples[full_at - 1].t, samples[full_at].t) in check_recorded_once(samples, events)
    errors = [(event.severity, event.text) for event in events if event.kind == "recorder.error"]
    assert [severity for severity, _ in errors] == ["warn", "ok"]
    assert errors[0][1].startswith("not recorded: ")


def clock(screen: Screen) -> int:
    """Read the run's clock off the screen."""
    found = re.search(r"gen \d+ +up (\d+):(\d\d):(\d\d)", screen.text)
    assert found, screen.text
    hours, minutes, seconds = map(int, found.groups())
    return hours * 3600 + minutes * 60 + seconds


def test_an_open_monitor_beside_a_recorder(pool: Pool, record: Spawn, tmp_path: Path) -> None:
    recorder = record(pool)
    wait_for(lambda: stored(tmp_path) >= 16, limit_s=40)  # ten minutes of the run
    with Recording(runs(tmp_path)[0]) as one:
        began_t = one.summary().started_at
        seen_s = one.span[1] - began_t
    screen = Screen(pool.options, tmp_path / "state")
    try:
        screen.wait_for(r"gen 1 +up \d\d:\d\d:\d\d.*LIVE")
        assert clock(screen) >= int(seen_s), "the run's clock is the recorder's"
        screen.wait_for(r"GATE +[^·\s]")  # checks that were made before it opened
        # No worker is asked twice.
        before, count = asked(tmp_path), stored(tmp_path)
        wait_for(lambda: stored(tmp_path) >= count + 8)
        screen.wait_for(r"LIVE")
        twice = (asked(tmp_path) - before) / (stored(tmp_path) - count)
        assert twice < 1.2
        # It takes over.
        recorder.kill()
        recorder.wait(10)
        count = stored(tmp_path)
        wait_for(lambda: pumped(screen) and stored(tmp_path) >= count + 5)
        # And hands over: opened beside it, another recorder waits for its turn.
        second = record(pool)
        before, count = asked(tmp_path), stored(tmp_path)
        wait_for(lambda: pumped(screen) and stored(tmp_path) >= count + 6)
        assert (asked(tmp_path) - before) / (stored(tmp_path) - count) < 1.6, "one look of its own, before it knows"
        screen.kill()
        count = stored(tmp_path)
        wait_for(lambda: stored(tmp_path) >= count + 5)
        second.terminate()
        assert second.communicate(timeout=20)[0] == ""
    finally:
        screen.close()
    samples, events = read(tmp_path)
    check_recorded_once(samples, events)


def pumped(screen: Screen) -> bool:
    """Let its terminal take what it writes."""
    screen._read(0.0)
    return True


def test_closed_at_minute_10_and_opened_at_minute_25(pool: Pool, tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    first = Screen(pool.options, state)
    try:
        first.wait_until(lambda: re.search("gen 1", first.text) if "up 00:1" in first.text else None, "minute 10", 30)
        first.keys("q")
        assert first.wait_end() == 0
    finally:
        first.close()
    closed = stored(tmp_path)
    with Recording(runs(tmp_path)[0]) as one:
        began_t, closed_t = one.summary().started_at, one.span[1]
    opened_s = 25 * 60 / SPEED
    time.sleep(max(0.0, opened_s - (closed_t - began_t) / SPEED))  # no monitor watches
    second = Screen(pool.options, state)
    try:
        second.wait_for(r"gen 1 +up 00:[2-9]\d:\d\d.*LIVE")
        assert clock(second) >= 24 * 60, "the clock went on"
        second.wait_for(r"GATE .*late")
        wait_for(lambda: pumped(second) and stored(tmp_path) >= closed + 5)
        second.keys("z")  # closes what has changed since the last look
        second.wait_for("q quit")
        second.keys("q")
        assert second.wait_end() == 0
    finally:
        second.close()
    samples, events = read(tmp_path)
    assert (samples[closed - 1].t, samples[closed].t) in check_recorded_once(samples, events)
    checks = [event.text for event in events if event.kind == "check"]
    assert sum("SKIPPED" in text for text in checks) >= 2, checks


# tests/cli/verbs: test_preflight.py has the item without a recorder, test_record.py with one.
@ONLY_THOROUGH
def test_for_a_long_launch_only_a_recorder_that_stays_is_one(
    pool: Pool, record: Spawn, home: dict[str, str], tmp_path: Path
) -> None:
    command = ["launch", "2", "--hours", "24", "--yes", *pool.options]
    for recorder in (None, record):
        if recorder is not None:
            before, process = stored(tmp_path), recorder(pool)
            wait_for(lambda count=before + 3: stored(tmp_path) >= count)
        done = forks.run(command, env=home, timeout=60)
        assert done.returncode == 2
        if recorder is None:
            assert "FAIL      recorder on" in done.stderr
            assert "do        recorder on: in another terminal: metabonk-tui record" in done.stderr
        else:
            assert re.search(rf"PASS +recorder on: pid {process.pid} .*records", done.stderr), done.stderr
