"""One controller per pool: who holds it is said, and the lock falls with its holder."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from metabonk_tui.adapters.state.pool_lock import PoolLock
from tests.support.children import Children
from tests.support.waiting import wait_for

HOLD = """
import sys
from pathlib import Path
from metabonk_tui.adapters.state.pool_lock import PoolLock
lock = PoolLock(Path(sys.argv[1]))
print(lock.try_acquire(), flush=True)
sys.stdin.read()
"""


def test_one_holds_it_and_the_other_says_who(tmp_path: Path) -> None:
    path = tmp_path / "run" / "pool.lock"
    first, second = PoolLock(path), PoolLock(path)
    assert first.try_acquire()
    assert first.try_acquire(), "asking again is no harm"
    assert not second.try_acquire()
    assert re.fullmatch(rf"pid {os.getpid()}( on \S+)? since \d\d:\d\d", second.holder())
    first.release()
    assert second.try_acquire()
    assert not first.try_acquire()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_it_falls_when_its_holder_is_killed(tmp_path: Path, children: Children) -> None:
    path = tmp_path / "pool.lock"
    child = children.python(HOLD, str(path))
    lock = PoolLock(path)
    assert not lock.try_acquire()
    assert lock.holder().startswith(f"pid {child.pid} ")
    child.kill()
    child.wait(10)
    assert lock.holder() == "", "who is gone holds nothing"
    assert lock.try_acquire()


def test_a_child_does_not_inherit_it(tmp_path: Path) -> None:
    path = tmp_path / "pool.lock"
    lock = PoolLock(path)
    assert lock.try_acquire()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=False) as child:
        lock.release()
        # The kernel closes it for the child a moment after the child is said to have started.
        wait_for(PoolLock(path).try_acquire)
        child.communicate(b"\n")


def test_a_lock_whose_file_was_swept_away_is_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "pool.lock"
    first, second = PoolLock(path), PoolLock(path)
    assert first.try_acquire()
    path.unlink()
    assert second.try_acquire(), "it finds no file, and makes its own"
    assert not first.try_acquire(), "so ours is worth nothing"
    second.release()
    assert first.try_acquire()


@pytest.mark.parametrize("content", ["", "nonsense", "{}", '{"pid": 1e999}', "[" * 5000, '{"pid": null}'])
def test_what_stands_in_the_file_is_not_believed(tmp_path: Path, content: str) -> None:
    path = tmp_path / "pool.lock"
    path.write_text(content)
    assert PoolLock(path).holder() == ""


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "pool.lock").symlink_to(tmp_path / "precious")
    with pytest.raises(OSError, match="is a link: remove it"):
        PoolLock(tmp_path / "pool.lock").try_acquire()
    assert (tmp_path / "precious").read_text() == "precious"


def test_a_pipe_in_its_place_is_named_and_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pool.lock", 0o600)
    lock = PoolLock(tmp_path / "pool.lock")
    for _ in range(2):
        with pytest.raises(OSError, match="is no regular file: remove it"):
            lock.try_acquire()
        assert not lock.held
    assert lock.holder() == ""
