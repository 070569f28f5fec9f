"""The bound of a launch's log: rotated while a real process writes it, without the writer's help."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from metabonk_tui.adapters.process import log_rotation
from metabonk_tui.adapters.process.log_rotation import KEPT_PARTS, keep_log_small, rotate, shift_old_logs
from metabonk_tui.adapters.process.spawn import Child, start_child, tail_lines
from tests.support.children import Children
from tests.support.waiting import wait_for

LIMIT = 10_000
WRITER = (
    "import os, sys\n"
    "log = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND)\n"
    "print('ready', flush=True)\n"
    "for line in sys.stdin: print(os.write(log, line.encode() * 100), flush=True)\n"
)


def opened(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)


def test_a_rotated_log_has_its_end_in_the_newest_part(tmp_path: Path) -> None:
    path = tmp_path / "pool.log"
    log = opened(path)
    before = os.umask(0)
    try:
        for number in range(KEPT_PARTS + 3):
            os.write(log, f"{number:05d}\n".encode() * 10)
            rotate(str(path), log, LIMIT)
    finally:
        os.umask(before)
        os.close(log)
    assert path.stat().st_size == 0
    parts = {part.name for part in tmp_path.iterdir()} - {"pool.log"}
    assert parts == {f"pool.log.{number}" for number in range(1, KEPT_PARTS + 1)}
    assert (tmp_path / "pool.log.1").read_text() == "00012\n" * 10
    assert {part.stat().st_mode & 0o777 for part in tmp_path.iterdir()} == {0o600}


def test_of_a_flood_only_the_end_is_copied(tmp_path: Path) -> None:
    path = tmp_path / "pool.log"
    log = opened(path)
    os.write(log, b"a line token=x9\n" * LIMIT + b"END")
    rotate(str(path), log, LIMIT)
    os.close(log)
    kept = (tmp_path / "pool.log.1").read_bytes()
    assert kept.startswith(b"a line"), "half a line may be half a secret"
    assert kept.endswith(b"END")
    assert len(kept) <= LIMIT


def test_a_renamed_log_is_bounded_and_its_new_name_untouched(tmp_path: Path) -> None:
    """The next launch renames the log of processes that still write."""
    path = tmp_path / "pool.log"
    log = opened(path)
    path.rename(tmp_path / "pool.log.1")
    path.write_text("the next launch")
    os.write(log, b"x" * LIMIT)
    rotate(str(path), log, LIMIT)
    os.close(log)
    assert path.read_text() == "the next launch"
    assert {part.name: part.stat().st_size for part in tmp_path.iterdir()} == {"pool.log": 15, "pool.log.1": 0}


def test_a_full_disk_still_bounds_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "pool.log"
    log = opened(path)
    os.write(log, b"x" * LIMIT)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(log_rotation, "_copy", full)
    with pytest.raises(OSError, match="No space"):
        rotate(str(path), log, LIMIT)
    assert os.fstat(log).st_size == 0
    os.close(log)


def test_it_rotates_while_a_process_writes_and_ends_with_it(tmp_path: Path, children: Children) -> None:
    path = tmp_path / "pool.log"
    path.touch(0o600)
    writer = children.python(WRITER, str(path))
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
    (watching,) = keep_log_small(path, descriptor, LIMIT)
    os.close(descriptor)
    assert writer.stdin is not None
    for _ in range(3):
        writer.stdin.write("x" * 200 + "\n")
        writer.stdin.flush()
        assert children.line(writer) == str(201 * 100)
        wait_for(lambda: path.stat().st_size == 0, "the log was never rotated")
    assert watching.poll() is None, "the writer still has the log open"
    # Of a flood, the log is truncated before its end is written.
    wait_for(lambda: len(list(tmp_path.glob("pool.log.*"))) == 3, "not every part was kept")
    writer.stdin.close()
    writer.wait(60)
    assert watching.wait(60) == 0


def test_two_watches_of_one_log_are_one(tmp_path: Path, children: Children) -> None:
    path = tmp_path / "pool.log"
    path.touch(0o600)
    writer = children.python(WRITER, str(path))
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
    first, second = keep_log_small(path, descriptor)[0], keep_log_small(path, descriptor)[0]
    os.close(descriptor)
    wait_for(lambda: (first.poll() is None) != (second.poll() is None), "both or none watch")
    assert {first.poll(), second.poll()} == {None, 0}
    assert writer.stdin is not None
    writer.stdin.close()
    assert {first.wait(60), second.wait(60)} == {0}


def test_the_watching_process_inherits_no_mark_of_the_launch(tmp_path: Path) -> None:
    path = tmp_path / "pool.log"
    descriptor = opened(path)
    child = keep_log_small(path, descriptor)[0]
    environ = wait_for(lambda: Path(f"/proc/{child.pid}/cmdline").read_bytes(), "it never started") and Path(
        f"/proc/{child.pid}/environ"
    )
    assert b"METABONK" not in environ.read_bytes()
    assert os.getsid(child.pid) == child.pid
    os.close(descriptor)
    assert child.wait(60) == 0


def test_a_device_is_not_watched() -> None:
    descriptor = os.open("/dev/null", os.O_WRONLY)
    assert keep_log_small("/dev/null", descriptor) == []
    os.close(descriptor)


def test_the_tail_continues_after_a_rotation(tmp_path: Path) -> None:
    path = tmp_path / "pool.log"
    path.write_text("earlier launches\n" * 100)
    offset = path.stat().st_size
    with path.open("a") as log:
        log.write("the last words token=abc9\n" * 2)
    descriptor = os.open(path, os.O_RDWR)
    rotate(str(path), descriptor, 2000)
    os.close(descriptor)
    assert tail_lines(path, offset, 1) == ("the last words token=••••",), "an empty log: its newest part has them"
    path.write_text("after it\n")
    assert tail_lines(path, offset, 1) == ("after it",)


def test_a_large_log_becomes_a_part_at_the_next_launch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("metabonk_tui.adapters.process.spawn.ROTATES_AT_BYTES", 100)
    path = tmp_path / "pool.log"
    path.write_text("x" * 200)
    (tmp_path / "pool.log.1").write_text("older")
    child: Child = start_child(["true"], tmp_path, dict(os.environ), path)
    wait_for(lambda: child.exit_code() is not None, "true never ended")
    assert (tmp_path / "pool.log.1").read_text() == "x" * 200
    assert (tmp_path / "pool.log.2").read_text() == "older"
    assert path.stat().st_mode & 0o777 == 0o600


def test_shifting_leaves_gaps_alone(tmp_path: Path) -> None:
    (tmp_path / "a.2").write_text("two")
    shift_old_logs(str(tmp_path / "a"))
    assert [part.name for part in tmp_path.iterdir()] == ["a.3"]


def test_it_runs_without_the_package(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", log_rotation.__file__, str(tmp_path / "gone"), "1", "1", "1"],
        capture_output=True,
        text=True,
        cwd="/",
        env={},
        timeout=60,
    )
    assert "FileNotFoundError" in done.stderr
    assert "ImportError" not in done.stderr
