"""The file of what earlier runs held: tolerant, bounded, never torn, and no run's number is lost."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from metabonk_tui.adapters.state.peaks import MAX_BYTES, MAX_POOLS, MAX_RUNS, NAME, PeakKeeper, PeaksFile, pool_key
from metabonk_tui.core.model.host import RunPeaks
from metabonk_tui.core.model.snapshot import Snapshot
from tests.support.samples import CONFIG, GB, last, script
from tests.support.snapshots import hosts_of

ONE = RunPeaks(100.0, GB, 4 * GB)


def test_what_was_saved_is_read_by_the_same_pool_only(tmp_path: Path) -> None:
    assert PeaksFile(tmp_path, "a").read() == ()
    assert PeaksFile(tmp_path, "a").save("run-1", ONE)
    assert PeaksFile(tmp_path, "a").read() == (ONE,)
    assert PeaksFile(tmp_path, "b").read() == ()
    assert stat.S_IMODE((tmp_path / NAME).stat().st_mode) == 0o600


def test_a_pool_is_its_checkout_and_profile_or_where_it_answers() -> None:
    pool = CONFIG.pool
    other = msgspec.structs.replace(pool, profile="24hr")
    assert pool_key(pool) != pool_key(other)
    assert pool_key(pool) == pool_key(msgspec.structs.replace(pool, base_port=6000))
    watched = msgspec.structs.replace(pool, backend="none")
    assert pool_key(watched) != pool_key(msgspec.structs.replace(watched, base_port=6000))


def test_a_run_is_written_once_with_its_highest(tmp_path: Path) -> None:
    file = PeaksFile(tmp_path, "a")
    for peaks in (ONE, RunPeaks(200.0, GB // 2, None), RunPeaks(150.0, 2 * GB, None)):
        assert file.save("run-1", peaks)
    assert file.read() == (RunPeaks(200.0, 2 * GB, 4 * GB),)


def test_it_is_bounded_and_the_oldest_go(tmp_path: Path) -> None:
    for i in range(MAX_RUNS + 3):
        assert PeaksFile(tmp_path, "a").save(f"run-{i}", RunPeaks(float(i), GB))
    assert [peaks.t for peaks in PeaksFile(tmp_path, "a").read()] == [3.0, 4.0, 5.0, 6.0, 7.0]
    for i in range(MAX_POOLS):
        assert PeaksFile(tmp_path, f"pool {i}").save("run", RunPeaks(100.0 + i, GB))
    assert PeaksFile(tmp_path, "a").read() == ()
    assert PeaksFile(tmp_path, "old").save("run", RunPeaks(0.0, GB))
    assert PeaksFile(tmp_path, "old").read() != (), "what was just saved stays, however old its clock is"
    assert len(json.loads((tmp_path / NAME).read_text())["pools"]) == MAX_POOLS


@pytest.mark.parametrize(
    "found",
    [
        b"",
        b"\x00\xff",
        b'{"version": 1, "pools": {"a": {"run-1": {"t": 1',
        b"[]",
        b'{"pools": []}',
        b'{"other": "program"}',
        b'{"pools": {"a": ' + b"[" * 5000 + b"]" * 5000 + b"}}",
        b" " * (MAX_BYTES + 1),
    ],
    ids=["empty", "bytes", "torn", "list", "no pools", "foreign", "deep", "large"],
)
def test_a_file_that_is_not_ours_is_nothing_known_and_is_replaced(tmp_path: Path, found: bytes) -> None:
    (tmp_path / NAME).write_bytes(found)
    file = PeaksFile(tmp_path, "a")
    assert file.read() == ()
    assert "not a file of ours" in file.problem
    assert file.save("run-1", ONE)
    assert file.read() == (ONE,)
    assert file.problem == ""


@pytest.mark.parametrize(
    ("one", "read"),
    [
        ({"t": 1.0, "worker_bytes": "big"}, RunPeaks(1.0)),
        ({"t": 1.0, "worker_bytes": -5, "ollama_bytes": 7}, RunPeaks(1.0, None, 7)),
        ({"t": 1.0, "worker_bytes": True}, RunPeaks(1.0)),
        ({"worker_bytes": 5}, None),
        ({"t": float("nan"), "worker_bytes": 5}, None),
        ([1], None),
        ({"t": 1.0, "worker_bytes": 5, "later": 9}, RunPeaks(1.0, 5)),
    ],
)
def test_one_bad_number_costs_itself(tmp_path: Path, one: Any, read: RunPeaks | None) -> None:
    (tmp_path / NAME).write_text(json.dumps({"pools": {"a": {"run-1": one, "run-2": {"t": 2.0}}, "b": 3}}))
    known = (RunPeaks(2.0),) if read is None else (read, RunPeaks(2.0))
    assert PeaksFile(tmp_path, "a").read() == known
    assert PeaksFile(tmp_path, "a").save("run-3", ONE), "what cannot be read must not stop what is new"


def test_where_nothing_can_be_written_it_says_so_and_goes_on(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where the directory should be")
    file = PeaksFile(tmp_path / "state", "a")
    assert not file.save("run-1", ONE)
    assert "cannot be kept" in file.problem
    assert file.read() == ()
    assert "cannot be read" in file.problem


def test_a_directory_that_only_lets_us_read() -> None:
    program = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from metabonk_tui.adapters.state.peaks import PeaksFile, RunPeaks\n"
        "file = PeaksFile(Path(sys.argv[1]), 'a')\n"
        "warm = PeaksFile(Path(sys.argv[1]) / 'warm', 'a')\n"  # whatever Python loads for it is loaded now
        "warm.save('run-1', RunPeaks(100.0, 5)), warm.read()\n"
        "os.getuid() == 0 and os.setuid(65534)\n"  # root may write anywhere
        "print(len(file.read()), file.save('run-2', RunPeaks(200.0, 5)), file.problem)"
    )
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        assert PeaksFile(folder, "a").save("run-1", ONE)
        (folder / NAME).chmod(0o644)
        folder.chmod(0o555)
        if os.getuid() == 0:
            for path in (folder, folder / NAME):
                os.chown(path, 65534, 65534)  # what another user owns is not read at all
        done = subprocess.run([sys.executable, "-c", program, made], capture_output=True, text=True, timeout=60)
        for path in (folder, folder / NAME):
            os.chown(path, os.getuid(), os.getgid())
        folder.chmod(0o700)
        assert PeaksFile(folder, "a").read() == (ONE,)
    assert done.stdout.startswith("1 False what this run holds cannot be kept"), done.stderr


def test_many_writers_at_once_lose_nobody(tmp_path: Path) -> None:
    program = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from metabonk_tui.adapters.state.peaks import PeaksFile, RunPeaks\n"
        "file, until = PeaksFile(Path(sys.argv[1]), sys.argv[2]), time.monotonic() + 50\n"
        "for i in range(1, 21):\n"
        "    while not file.save('run', RunPeaks(float(i), i)):\n"
        "        assert time.monotonic() < until, file.problem\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", program, str(tmp_path), str(i)]) for i in range(4)]
    try:
        while any(writer.poll() is None for writer in writers):
            if (tmp_path / NAME).exists():
                json.loads((tmp_path / NAME).read_text())  # never half of one
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()
    assert [writer.returncode for writer in writers] == [0] * 4
    assert [PeaksFile(tmp_path, str(i)).read() for i in range(4)] == [(RunPeaks(20.0, 20),)] * 4


# When it is written


def shown(name: str, worker: int | None, t: float = 10.0) -> Snapshot:
    base = last(script(for_s=10))
    peaks_to_keep = None if worker is None else RunPeaks(t, worker)
    return replace(
        base, run=replace(base.run, name=name), hosts=hosts_of(replace(base.memory, peaks_to_keep=peaks_to_keep))
    )


class Seconds:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_it_is_written_now_and_then_at_the_end_of_a_run_and_at_the_end(tmp_path: Path) -> None:
    file, clock = PeaksFile(tmp_path, "a"), Seconds()
    keeper = PeakKeeper(file, lambda t: t + 1000, clock)
    keeper.note(shown("run-1", None))
    assert file.read() == ()
    keeper.note(shown("run-1", 1))
    assert file.read() == (RunPeaks(1010.0, 1),)
    clock.now = 59.0
    keeper.note(shown("run-1", 2))
    assert file.read() == (RunPeaks(1010.0, 1),), "not so often"
    clock.now = 60.0
    keeper.note(shown("run-1", 2))
    assert file.read() == (RunPeaks(1010.0, 2),)
    keeper.note(shown("run-1", 3))
    keeper.note(shown("run-2", None))
    assert file.read() == (RunPeaks(1010.0, 3),), "at once when the run has ended"
    keeper.note(shown("run-2", 4))
    keeper.close()
    assert [peaks.worker_bytes for peaks in file.read()] == [3, 4]


def test_what_did_not_change_is_not_written_again(tmp_path: Path) -> None:
    clock = Seconds()
    keeper = PeakKeeper(PeaksFile(tmp_path, "a"), float, clock)
    keeper.note(shown("run-1", 1))
    (tmp_path / NAME).unlink()
    clock.now = 1000.0
    keeper.note(shown("run-1", 1))
    keeper.close()
    assert not (tmp_path / NAME).exists()
