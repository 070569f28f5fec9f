"""A recorder whose clock jumps, that stands still, that is killed again and again, or whose disk is full."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from pathlib import Path

import pytest

from tests.faults.conditions import FAKETIME, LONG, in_mounts, needs_mounts
from tests.faults.conftest import MakeWorld
from tests.faults.world import long_gaps
from tests.support.refs import w
from tests.support.waiting import wait_for

pytestmark = [LONG, pytest.mark.timeout(180)]
QUICK = "[observe]\ninterval_s = 0.2\n"
ALARMS = ("worker.down", "worker.generation", "monitor.error", "memory.forecast")


@pytest.mark.skipif(not FAKETIME, reason="libfaketime is not installed")
def test_a_wall_clock_that_jumps_an_hour_changes_no_time_of_the_run(make_world: MakeWorld, tmp_path: Path) -> None:
    world, offset = make_world(lines=QUICK), tmp_path / "offset"
    world.pool()
    offset.write_text("+0")
    fake = {"LD_PRELOAD": FAKETIME, "FAKETIME_TIMESTAMP_FILE": str(offset), "FAKETIME_NO_CACHE": "1"}
    recorder = world.start("record", env=fake | {"FAKETIME_DONT_FAKE_MONOTONIC": "1"})
    world.wait_stored()
    for jump in ("+1h", "-1h", "+0"):
        offset.write_text(jump)
        world.wait_stored()
    assert world.end(recorder) == (0, "")
    samples, events = world.read()
    assert samples[-1].t - samples[0].t < 120
    assert [event.text for event in events if event.kind in ALARMS] == []
    assert long_gaps(events) == []
    assert [event.kind for event in events].count("run.start") == 1


def test_a_recorder_that_stood_still_has_one_gap_and_sees_the_new_worker(make_world: MakeWorld) -> None:
    world = make_world(lines=QUICK)
    _, second = world.pool()
    recorder = world.start("record")
    world.wait_stored(8)
    os.kill(recorder.pid, signal.SIGSTOP)
    stopped = world.stored()
    second.kill()
    second.wait()
    world.worker(1)
    line = wait_for(
        lambda: (done := world.run("status")).returncode == 3 and "STALE" in done.stdout and done.stdout,
        "status says that the recorder stands",
        every_s=0.5,
    )
    assert "STALE" in line
    assert world.stored() <= stopped + 1
    os.kill(recorder.pid, signal.SIGCONT)
    world.wait_stored(8)
    assert world.end(recorder) == (0, "")
    _, events = world.read()
    kinds = [event.kind for event in events]
    assert len(long_gaps(events)) == 1
    assert [event.worker for event in events if event.kind == "worker.generation"] == [w(1)]
    assert "monitor.error" not in kinds


def test_two_recorders_of_which_the_writer_is_killed_again_and_again_make_one_recording(make_world: MakeWorld) -> None:
    world, chance = make_world(lines=QUICK), random.Random(15)
    world.pool()
    recorders = [world.start("record")]
    world.wait_stored()
    recorders.append(world.start("record"))
    longest_s = 0.0
    for _ in range(4):
        world.wait_stored(8)
        time.sleep(chance.random() * 0.5)
        pid = writer_of(world.state)
        killed = next(one for one in recorders if one.pid == pid)
        killed.kill()
        killed.communicate(timeout=20)
        recorders.remove(killed)
        began = time.monotonic()
        recorders.append(world.start("record"))
        world.wait_stored(2)
        longest_s = max(longest_s, time.monotonic() - began)
    for recorder in recorders:
        # The last one may still be starting, without a handler of the signal.
        assert world.end(recorder)[0] in (0, -signal.SIGTERM)
    _, events = world.read()
    assert [event.kind for event in events].count("run.start") == 1
    assert longest_s < 30


@pytest.mark.timeout(400)
def test_a_recorder_killed_at_fifty_moments_leaves_one_whole_recording(make_world: MakeWorld) -> None:
    world, chance = make_world(1, lines="[observe]\ninterval_s = 0.1\n"), random.Random(37)
    world.pool()
    kept = 0
    for _ in range(50):
        recorder = world.start("record")
        world.wait_stored(1)
        time.sleep(chance.random() * 0.3)
        recorder.kill()
        recorder.communicate(timeout=20)
        assert world.stored() >= kept, "what was stored stays"
        kept = world.stored()
    samples, events = world.read()
    assert len(samples) == kept
    assert [event.kind for event in events].count("run.start") == 1


def writer_of(state: Path) -> int:
    (file,) = (state / "runs").glob("*.writer")
    return int(json.loads(file.read_text())["pid"])


def test_a_full_tmpfs_stops_no_poll_and_recording_resumes_with_room(make_world: MakeWorld) -> None:
    needs_mounts()
    world = make_world(lines=QUICK)
    world.pool()
    world.state.mkdir(mode=0o700)
    mount = f"mount -t tmpfs -o size=3m,mode=700 none {world.state}"
    recorder = world.start("record", wrap=in_mounts(mount))
    inside = Path(f"/proc/{recorder.pid}/root{world.state}")
    wait_for(lambda: list(inside.glob("runs/*.db")), "a recording inside the namespace")
    filler = inside / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(65536))
        except OSError:
            pass
    looking = world.run("check", "--for", "3s", "--json")
    report = json.loads(looking.stdout)
    assert [worker["reach"] for worker in report["workers"]] == ["up", "up"]
    assert recorder.poll() is None
    filler.unlink()

    # SQLite follows links, so it cannot open the recording through another namespace: its size must do.
    def stored_bytes() -> int:
        return sum(path.stat().st_size for path in inside.glob("runs/*"))

    before = stored_bytes()
    wait_for(lambda: stored_bytes() > before + 100_000, "it records again", every_s=0.2)
    code, output = world.end(recorder)
    assert (code, output) == (0, "")


@pytest.mark.parametrize("place", ["read-only mount", "a file", "a link to nowhere"])
def test_a_state_directory_that_takes_nothing_leaves_the_watching_whole(make_world: MakeWorld, place: str) -> None:
    world = make_world()
    world.pool()
    wrap: list[str] = []
    if place == "read-only mount":
        needs_mounts()
        world.state.mkdir(mode=0o700)
        wrap = in_mounts(f"mount -t tmpfs -o ro,size=1m,mode=700 none {world.state}")
    elif place == "a file":
        world.state.write_text("not a folder\n")
    else:
        world.state.symlink_to(world.folder / "nowhere")
    done = world.run("check", "--for", "3s", "--json", wrap=wrap)
    assert "Traceback" not in done.stderr
    report = json.loads(done.stdout)
    assert [worker["reach"] for worker in report["workers"]] == ["up", "up"]
    said = " ".join(event["text"] for event in report["events"] if event["kind"].endswith(".error")) + done.stderr
    assert str(world.state) in said or "not recorded" in said or "Read-only" in said, said
