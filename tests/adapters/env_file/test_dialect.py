"""Env files written for dotenv or on another system: what bash makes of them is named, with the line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from metabonk_tui.adapters.env_file.dialect import dialect_hints, why_unreadable
from metabonk_tui.adapters.env_file.source import EnvFileError, source_env_file

BASE = {"PATH": os.environ["PATH"]}
END = b"LAST=1\n"


def warning_of(tmp_path: Path, text: bytes) -> str:
    path = tmp_path / "pool.env"
    path.write_bytes(text)
    found = source_env_file(path, BASE)
    return found.text if isinstance(found, EnvFileError) else found.warning


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"A = 1\n" + END, 'line 1: a space beside "="'),
        (b"\nA =1\n" + END, 'line 2: a space beside "="'),
        (b"A= Find\n" + END, 'line 1: a space beside "="'),
        (b"export A = 1\n" + END, 'line 1: a space beside "="'),
        (b"A = 1\nB=2\nC = 3\n" + END, "line 1, 3: a space"),
        (b"A: 1\n" + END, 'line 1: ":" in place of "="'),
        (b"A=Find the play button\n" + END, "line 1: a value of several words without quotes"),
        (b"A=two words\n" + END, "line 1: a value of several words without quotes"),
        (b"A=1\r\nB=2\r\n", "its lines end with CR LF: A, B end with a CR"),
        (b"A=1\rB=2\r", "its lines end with CR alone"),
        (b"\xef\xbb\xbfA=1\n" + END, "byte order mark (BOM)"),
        ("A=1\n".encode("utf-16"), "is written in UTF-16: save it as UTF-8"),
        ("A=1\n".encode("utf-16-le"), "NUL bytes"),
    ],
)
def test_what_bash_reads_otherwise_is_named(tmp_path: Path, text: bytes, expected: str) -> None:
    assert expected in warning_of(tmp_path, text)


@pytest.mark.parametrize(
    "text",
    [
        b"A=1 # a comment\n",
        b"A='two words'\nB=\"two words\"\n",
        b"A=1 B=2\n",
        b"A=\n",
        b"A= \n",
        b"A=$(echo two words)\n",
        b'[ -n "$PATH" ] && A=1\n',
        b"# A = 1\n",
        b"export A=1\nset -a\n",
        b"A=1; B=2\n",
        b"if true; then A=1; fi\n",
    ],
)
def test_right_shell_has_no_hint(tmp_path: Path, text: bytes) -> None:
    assert dialect_hints(text) == ()
    assert warning_of(tmp_path, text) == ""


def test_an_empty_file_is_readable() -> None:
    assert why_unreadable(b"") == ""
