"""A file is replaced whole or not at all, and only its owner may read it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from metabonk_tui.adapters.files.private import write_private_json


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

    monkeypatch.setattr(json, "dump", full)
    with pytest.raises(OSError, match="No space left"):
        write_private_json(path, {"a": 2})
    assert json.loads(path.read_text()) == {"a": 1}
    assert os.listdir(tmp_path) == ["file.json"]


def test_a_link_in_place_of_the_draft_is_not_followed(tmp_path: Path) -> None:
    path, other = tmp_path / "file.json", tmp_path / "other"
    other.write_text("theirs")
    (tmp_path / f"file.json.{os.getpid()}.draft").symlink_to(other)
    with pytest.raises(OSError, match="symbolic links"):
        write_private_json(path, {"a": 1})
    assert other.read_text() == "theirs"
