"""Kernel files that stay open: they read as newly opened ones do, and none stays open in vain."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from metabonk_tui.adapters.host import kept_files
from metabonk_tui.adapters.host.kept_files import MISSING_S, KeptFiles
from metabonk_tui.adapters.process.proc import read_bytes


def opened(path: Path) -> int:
    """Count this process's descriptors of a file."""
    links = (f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd"))
    return sum(os.path.lexists(link) and os.readlink(link) == str(path) for link in links)


def test_every_reading_is_a_new_one_of_the_whole_file(tmp_path: Path) -> None:
    files, path = KeptFiles(), tmp_path / "memory.current"
    for content in (b"1\n", b"", b"x" * 200_000, b"22\n"):
        path.write_bytes(content)
        assert files.read(path) == content
    assert opened(path) == 1
    assert files.read("/proc/self/cgroup") == read_bytes("/proc/self/cgroup")
    assert files.read("/proc/vmstat"), "in pieces"


def test_a_file_that_is_no_longer_asked_for_is_closed(tmp_path: Path) -> None:
    files, path = KeptFiles(), tmp_path / "memory.current"
    path.write_bytes(b"1\n")
    files.read(path)
    files.close_unread()
    assert opened(path) == 1
    files.close_unread()
    assert opened(path) == 0
    files.read(path)
    assert opened(path) == 1
    del files
    assert opened(path) == 0


def test_only_so_many_stay_open(tmp_path: Path) -> None:
    files = KeptFiles()
    for number in range(kept_files.MOST_KEPT + 1):
        path = tmp_path / str(number)
        path.write_text(str(number))
        assert files.read(path) == str(number).encode()
    assert (opened(tmp_path / "0"), opened(path)) == (1, 0)
    assert files.read(path) == path.read_bytes()


def test_a_missing_file_is_looked_for_again_after_a_while(tmp_path: Path) -> None:
    now = [0.0]
    files, path = KeptFiles(lambda: now[0]), tmp_path / "memory.max"
    assert files.read(path) is None
    path.write_bytes(b"max\n")
    assert files.read(path) is None
    now[0] = MISSING_S
    assert files.read(path) == b"max\n"


def test_what_the_kernel_removed_is_opened_anew() -> None:
    """A process's file fails after its end, as a group's does."""
    files = KeptFiles()
    pid = os.fork()
    if pid == 0:
        os.read(os.pipe()[0], 1)
    try:
        assert files.read(f"/proc/{pid}/cgroup")
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    assert files.read(f"/proc/{pid}/cgroup") is None


def test_a_usual_file_in_the_place_of_a_kernels_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Someone laid a file over it, and replaces it: the open one would stay the old one."""
    path, open_file = tmp_path / "vmstat", os.open
    lies = {"/proc/vmstat": str(path)}
    monkeypatch.setattr(os, "open", lambda name, *how: open_file(lies.get(str(name), name), *how))
    files = KeptFiles()
    for content in (b"oom_kill 5\n", b"oom_kill 6\n"):
        (tmp_path / "new").write_bytes(content)
        (tmp_path / "new").rename(path)
        assert files.read("/proc/vmstat") == content
