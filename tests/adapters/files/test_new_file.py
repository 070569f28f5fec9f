"""Files for a person to keep: written whole or not at all, never over another one, renamed under a free name."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from metabonk_tui.adapters.files.new_file import move_aside, write_new_file


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_is_written_with_its_folder_and_only_for_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "x.toml"
    write_new_file(path, "ä")
    assert (path.read_text(encoding="utf-8"), mode_of(path), mode_of(path.parent)) == ("ä", 0o600, 0o700)


@pytest.mark.parametrize("present", ["file", "link"])
def test_what_is_there_stays(tmp_path: Path, present: str) -> None:
    path = tmp_path / "x.toml"
    if present == "file":
        path.write_text("mine")
    else:
        path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        write_new_file(path, "new")
    assert not (tmp_path / "elsewhere").exists()
    assert present == "link" or path.read_text() == "mine"


def test_a_write_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(UnicodeEncodeError):
        write_new_file(tmp_path / "x", "\udce4")
    assert os.listdir(tmp_path) == []


def test_root_makes_no_folder_in_the_home_of_a_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_UID", str(os.geteuid()))
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(PermissionError, match="set HOME to your own"):
        write_new_file(tmp_path / "config" / "x", "")
    assert os.listdir(tmp_path) == []


def test_a_file_is_renamed_to_a_free_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.strftime", lambda form: "NOW")
    for text, name in (("1", "x.old-NOW"), ("2", "x.old-NOW-1")):
        (tmp_path / "x").write_text(text)
        assert move_aside(tmp_path / "x") == tmp_path / name
        assert (tmp_path / name).read_text() == text
    assert sorted(os.listdir(tmp_path)) == ["x.old-NOW", "x.old-NOW-1"]
