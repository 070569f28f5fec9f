"""Files that a person wrote: what else may lie at their path, and that nothing waits for it."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from metabonk_tui.adapters.files.small import MAX_BYTES, read_small_text


def test_a_file_and_a_link_to_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("é" * (MAX_BYTES // 2), encoding="utf-8")
    (tmp_path / "link").symlink_to("file")
    assert read_small_text(tmp_path / "link") == "é" * (MAX_BYTES // 2)


def make(path: Path, kind: str) -> None:
    match kind:
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "link to a pipe":
            os.mkfifo(path.with_name("pipe"))
            path.symlink_to("pipe")
        case "device":
            path.symlink_to("/dev/zero")
        case "socket":
            with socket.socket(socket.AF_UNIX) as server:
                server.bind(str(path))
        case "large":
            path.write_bytes(b"x" * (MAX_BYTES + 1))
        case "link to itself":
            path.symlink_to(path.name)


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("folder", "it is a folder"),
        ("pipe", "it is no regular file"),
        ("link to a pipe", "it is no regular file"),
        ("device", "it is no regular file"),
        ("socket", "it is no regular file"),
        ("large", "it has more than 1000000 bytes"),
        ("link to itself", "Too many levels of symbolic links"),
        ("nothing", "No such file or directory"),
    ],
)
def test_anything_else_is_an_error_at_once(tmp_path: Path, kind: str, why: str) -> None:
    path = tmp_path / "x"
    make(path, kind)
    with pytest.raises(OSError, match=why):
        read_small_text(path)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\xff")
    with pytest.raises(UnicodeDecodeError):
        read_small_text(tmp_path / "x")
