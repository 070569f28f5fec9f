"""What is at a path, also at one that no file can have or that may not be looked at."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from metabonk_tui.adapters.files.kind import is_dir, is_file, may_exist, why_no_file

TOO_LONG = "x" * 300


@pytest.mark.parametrize("name", ["absent", "file/below", TOO_LONG, f"{TOO_LONG}/below", "a\0b", "circle"])
def test_at_some_paths_nothing_can_be(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "circle").symlink_to("circle")
    path = tmp_path / name
    assert (is_file(path), is_dir(path), may_exist(path)) == (False, False, False)
    assert why_no_file(path)


def test_what_is_there_is_there(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert [is_file(tmp_path / "file"), is_dir(tmp_path / "file"), may_exist(tmp_path / "file")] == [True, False, True]
    assert [is_file(tmp_path), is_dir(tmp_path), may_exist(tmp_path)] == [False, True, True]
    assert (why_no_file(tmp_path / "file"), why_no_file(tmp_path)) == ("", "is no file")


def test_absent_is_not_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "stat", refuse)
    path = tmp_path / "file"
    assert may_exist(path), "opening it says why it cannot be read"
    assert (is_file(path), is_dir(path)) == (False, False)
    assert why_no_file(path) == "cannot be read: Permission denied"
