"""A file is replaced whole or not at all, and only its owner may read it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from metabonk_tui.adapters.files.private import (
    ForeignFile,
    make_private_directory,
    open_private,
    read_private,
    refuse_foreign,
    refuse_to_make,
    write_private_json,
)


def test_it_is_written_for_its_owner_alone_in_a_folder_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.json"
    write_private_json(path, {"a": 1})
    write_private_json(path, {"a": 2})
    assert json.loads(path.read_text()) == {"a": 2}
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert os.listdir(path.parent) == ["file.json"]


def test_a_failed_write_leaves_the_old_file_and_no_draft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file.json"
    write_private_json(path, {"a": 1})

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        write_private_json(path, {"a": 2})
    assert json.loads(path.read_text()) == {"a": 1}
    assert os.listdir(tmp_path) == ["file.json"]


def test_a_link_in_place_of_the_draft_is_not_followed(tmp_path: Path) -> None:
    path, other = tmp_path / "file.json", tmp_path / "other"
    other.write_text("theirs")
    (tmp_path / f"file.json.{os.getpid()}.draft").symlink_to(other)
    with pytest.raises(OSError, match="is a link"):
        write_private_json(path, {"a": 1})
    assert other.read_text() == "theirs"


@pytest.mark.parametrize("umask", [0o000, 0o002, 0o022, 0o077, 0o777])
def test_files_and_folders_are_private_under_any_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        write_private_json(tmp_path / "a" / "b" / "file.json", {})
        os.close(open_private(tmp_path / "a" / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND))
    finally:
        os.umask(before)
    modes = {str(path.relative_to(tmp_path)): oct(path.stat().st_mode & 0o777) for path in tmp_path.rglob("*")}
    assert modes == {"a": "0o700", "a/b": "0o700", "a/b/file.json": "0o600", "a/log": "0o600"}


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_may_write_is_refused_with_its_mode_and_the_remedy(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "file"
    path.write_text("x")
    path.chmod(mode)
    for flags in (os.O_RDONLY, os.O_WRONLY | os.O_APPEND):
        with pytest.raises(ForeignFile, match=f"file has mode {mode:04o}.*chmod go-w"):
            open_private(path, flags)
    assert path.stat().st_mode & 0o777 == mode


@pytest.mark.parametrize("mode", [0o720, 0o702, 0o777])
def test_a_folder_that_others_may_write_is_refused_for_writing(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    folder.chmod(mode)
    with pytest.raises(PermissionError, match=f"state has mode {mode:04o}"):
        write_private_json(folder / "file.json", {})
    assert os.listdir(folder) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give a file away")
def test_files_and_folders_of_another_user_are_refused_with_their_owner(tmp_path: Path) -> None:
    folder, path = tmp_path / "state", tmp_path / "file"
    folder.mkdir(mode=0o700)
    path.write_text("x")
    for given in (folder, path):
        os.chown(given, 65534, 65534)
        assert "belongs to uid 65534" in (refuse_foreign(given) or "")
    with pytest.raises(ForeignFile, match="belongs to uid 65534, and this is uid 0"):
        read_private(path, 10)
    with pytest.raises(ForeignFile, match="belongs to uid 65534"):
        make_private_directory(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give a file away")
def test_sudo_makes_nothing_in_the_home_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, 65534, 65534)
    state = home / ".local" / "state"
    assert refuse_to_make(state) is None, "in a container the home may be mounted from a user"
    monkeypatch.setenv("SUDO_UID", "65534")
    assert "sudo -H" in (refuse_to_make(state) or "")
    with pytest.raises(ForeignFile, match="home belongs to uid 65534, and this is uid 0"):
        make_private_directory(state)
    assert list(home.iterdir()) == []
    os.chown(home, 0, 0)
    make_private_directory(state)
    assert refuse_to_make(state) is None


def test_links_pipes_and_devices_are_refused_without_a_wait(tmp_path: Path) -> None:
    real, link, pipe = tmp_path / "real", tmp_path / "link", tmp_path / "pipe"
    real.write_text("theirs")
    link.symlink_to(real)
    os.mkfifo(pipe)
    for path, why in ((link, "is a link"), (pipe, "is no regular file"), (tmp_path, "is no regular file")):
        with pytest.raises(ForeignFile, match=why):
            read_private(path, 10)
    with pytest.raises(ForeignFile, match="is a link"):
        open_private(link, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    assert real.read_text() == "theirs"
    assert "is a link" in (refuse_foreign(link) or "")


def test_an_own_link_to_an_own_folder_counts_by_the_folder(tmp_path: Path) -> None:
    folder, link = tmp_path / "disk", tmp_path / "state"
    folder.mkdir(mode=0o700)
    link.symlink_to(folder)
    make_private_directory(link)
    folder.chmod(0o770)
    with pytest.raises(ForeignFile, match="mode 0770"):
        make_private_directory(link)


def test_a_sticky_folder_of_ours_serves_as_state(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    folder.chmod(0o1777)
    write_private_json(folder / "file.json", {})
    assert (folder / "file.json").exists()


def test_an_old_file_loses_the_read_permission_of_others_when_written(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("x")
    path.chmod(0o644)
    assert read_private(path, 10) == b"x"
    os.close(open_private(path, os.O_WRONLY | os.O_APPEND))
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_longer_than_the_limit_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 11)
    with pytest.raises(OSError, match="more than 10 bytes"):
        read_private(path, 10)
    assert refuse_foreign(tmp_path / "absent") is None
