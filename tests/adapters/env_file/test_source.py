"""What an env file sets, learned from bash itself; and files that hang, fail or are not there."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from pathlib import Path

import pytest

from metabonk_tui.adapters.env_file.source import EnvFileError, Sourced, source_env_file
from metabonk_tui.adapters.process.proc import Proc
from tests.support.waiting import wait_for

BASE = {"PATH": os.environ["PATH"], "HOME": "/home/someone", "OLD": "old"}


def sourced(tmp_path: Path, text: str, timeout_s: float = 10.0) -> Sourced | EnvFileError:
    path = tmp_path / "the file.env"
    path.write_text(text)
    return source_env_file(path, BASE, timeout_s)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("A=1\nB=2\n", {"A": "1", "B": "2"}),
        ("export A=1\n", {"A": "1"}),
        ("export I=1 J=2\n", {"I": "1", "J": "2"}),
        ("A='single $HOME'\nB=\"double $HOME\"\n", {"A": "single $HOME", "B": "double /home/someone"}),
        ("A=$HOME/x\n", {"A": "/home/someone/x"}),
        ("A=$(echo made)\nB=`echo too`\n", {"A": "made", "B": "too"}),
        ("A=${MISSING:-fallback}\n", {"A": "fallback"}),
        ("A=a\\ b\n", {"A": "a b"}),
        ('if [ -n "$HOME" ]; then A=1; else A=2; fi\n', {"A": "1"}),
        ('A=1\n[ -n "$NOTHING" ] && B=2\n', {"A": "1"}),
        ('[ -n "$HOME" ] && B=2\nC=3\n', {"B": "2", "C": "3"}),
        ("echo loading; A=1\n", {"A": "1"}),
        ("# A=0\nA=1 # yes\n", {"A": "1"}),
        ("A='two\nlines'\n", {"A": "two\nlines"}),
        ("A=\n", {"A": ""}),
        ("OLD=old\nNEW=new\n", {"NEW": "new"}),
        ("OLD=changed\n", {"OLD": "changed"}),
        ("export G\nA=1\n", {"A": "1"}),
        ("PATH=/nowhere\nA=1\n", {"PATH": "/nowhere", "A": "1"}),
        ("r=5\n", {"r": "5"}),
        ("A=é\n", {"A": "é"}),
        ("", {}),
        ("A=1", {"A": "1"}),
        ("cd /\nA=$PWD\n", {"A": "/"}),
    ],
)
def test_constructs_that_people_write(tmp_path: Path, text: str, values: dict[str, str]) -> None:
    result = sourced(tmp_path, text)
    assert isinstance(result, Sourced), result
    assert dict(result.values) == values
    assert result.count == len(values)


def test_it_runs_in_the_folder_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "more.env").write_text("B=2\n")
    result = sourced(tmp_path, ". ./more.env\nA=1\n")
    assert isinstance(result, Sourced)
    assert result.values == {"A": "1", "B": "2"}


def test_what_is_unset_is_reported(tmp_path: Path) -> None:
    result = sourced(tmp_path, "unset OLD\nA=1\n")
    assert isinstance(result, Sourced)
    assert result.removed == {"OLD"}


def test_bytes_that_are_no_text_travel_unharmed(tmp_path: Path) -> None:
    path = tmp_path / "bytes.env"
    path.write_bytes(b"A=\xff\xfe\n")
    result = source_env_file(path, BASE)
    assert isinstance(result, Sourced)
    assert os.fsencode(result.values["A"]) == b"\xff\xfe"


def test_bash_env_of_ours_is_not_run(tmp_path: Path) -> None:
    (tmp_path / "evil").write_text("EVIL=1\n")
    (tmp_path / "a.env").write_text("A=1\n")
    result = source_env_file(tmp_path / "a.env", BASE | {"BASH_ENV": str(tmp_path / "evil")})
    assert isinstance(result, Sourced)
    assert dict(result.values) == {"A": "1"}
    assert result.removed == frozenset()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("A=1\nexit 3\n", "exit code 3"),
        ("A=1\necho no database >&2\nreturn 4\n", "exit code 4: no database"),
        ("if [ ; then\nA=1\n", "no valid shell"),
        ("A='open\n", "no valid shell"),
        ("no_such_command_at_all\n", "no_such_command_at_all"),
        ("A=1\nexit 0\n", "exit code 0, so it is not whole"),
        ("A=1\nset -e\nfalse\nB=2\n", "exit code 1, so it is not whole"),
        ("A=1\nkill -9 $$\n", "exit code 137, so it is not whole"),
        ("A=1\nkill -9 $PPID\n", "ended the shell that reads it"),
        ("A=$(head -c 3000000 /dev/zero | tr '\\0' x)\n", "Argument list too long"),
        ("yes >&2\n", "prints more than 1048576 bytes of errors"),
        ("for i in $(seq 12); do export A$i=$(head -c 100000 /dev/zero | tr '\\0' x); done\n", "bytes of its environ"),
    ],
)
def test_a_file_that_fails_says_so(tmp_path: Path, text: str, why: str) -> None:
    result = sourced(tmp_path, text)
    assert isinstance(result, EnvFileError), result
    assert why in result.text


def test_a_complaint_that_does_no_harm_is_a_warning(tmp_path: Path) -> None:
    result = sourced(tmp_path, "echo careful >&2\nA=1\n")
    assert isinstance(result, Sourced)
    assert result.warning == "careful"


def test_a_file_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    began = time.monotonic()
    result = sourced(tmp_path, f"MARK={tmp_path}\nsleep 300 &\nsleep 300\n", timeout_s=0.5)
    assert isinstance(result, EnvFileError)
    assert "within 0.5 s" in result.text
    assert time.monotonic() - began < 10
    wait_for(lambda: bearers(f"MARK={tmp_path}") == [])


def test_a_job_left_in_the_background_neither_blocks_nor_stays(tmp_path: Path) -> None:
    result = sourced(tmp_path, f"MARK={tmp_path}\nsleep 300 &\nA=1\n")
    assert isinstance(result, Sourced)
    assert result.values["A"] == "1"
    wait_for(lambda: bearers(f"MARK={tmp_path}") == [])


@pytest.mark.parametrize("end", ["A=1\n", "exit 3\n", "kill -9 $$\n", "kill -9 $PPID\n", "exec sleep 300\n"])
def test_a_detached_job_does_not_stay_however_the_file_ends(tmp_path: Path, end: str) -> None:
    sourced(tmp_path, f"MARK={tmp_path}\n(setsid sleep 300 </dev/null >/dev/null 2>&1 &)\n{end}", timeout_s=0.5)
    wait_for(lambda: bearers(f"MARK={tmp_path}") == [])


def test_a_detached_job_without_our_environment_does_not_stay(tmp_path: Path) -> None:
    job = tmp_path / "job"
    job.write_text(f"#!/bin/bash\necho $$ >{tmp_path}/pid\nexec sleep 300\n")
    job.chmod(0o755)
    sourced(tmp_path, f"(setsid env -i {job} </dev/null >/dev/null 2>&1 &)\nuntil [ -s {tmp_path}/pid ]; do :; done\n")
    pid = int((tmp_path / "pid").read_text())
    wait_for(lambda: Proc().stat(pid) is None)


def test_it_needs_no_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise FileNotFoundError(2, "No usable temporary directory found")

    for name in ("TemporaryFile", "NamedTemporaryFile", "mkstemp", "mkdtemp"):
        monkeypatch.setattr(tempfile, name, refuse)
    assert isinstance(sourced(tmp_path, "A=1\n"), Sourced)


def test_bash_that_cannot_run_is_an_error_with_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "a.env").write_text("A=1\n")
    result = source_env_file(tmp_path / "a.env", {"PATH": str(tmp_path)})
    assert isinstance(result, EnvFileError)
    assert "bash cannot be run: No such file" in result.text


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    result = sourced(tmp_path, f"echo B=2 >>'{tmp_path}/the file.env'\nA=1\n")
    assert isinstance(result, EnvFileError)
    assert "was changed while it was read" in result.text


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"\xef\xbb\xbfA=1\nB=2\n", "byte order mark (BOM)"),
        (b"A=1\r\nB=2\r\n", "CR LF: A, B end with a CR"),
        (b"B=2\nA=Find the button\n", "the: command not found"),
    ],
)
def test_a_dialect_of_another_program_is_named(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "x.env"
    path.write_bytes(content + b"C=3\n")
    result = source_env_file(path, BASE)
    assert isinstance(result, Sourced), result
    assert why in result.warning


def test_a_file_that_reads_gets_nothing(tmp_path: Path) -> None:
    result = sourced(tmp_path, "read X\nA=1\n")
    assert isinstance(result, Sourced)
    assert result.values == {"A": "1", "X": ""}


def test_a_file_that_is_not_there_or_none_is_reported(tmp_path: Path) -> None:
    for path, why in ((tmp_path / "absent", "does not exist"), (tmp_path, "is no file")):
        result = source_env_file(path, BASE)
        assert isinstance(result, EnvFileError)
        assert why in result.text


def test_a_name_is_no_code(tmp_path: Path) -> None:
    path = tmp_path / "$(touch pwned); x.env"
    path.write_text("A=1\n")
    result = source_env_file(path, BASE)
    assert isinstance(result, Sourced)
    assert dict(result.values) == {"A": "1"}
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def bearers(entry: str) -> list[int]:
    """Who lives with this in its environment; zombies do not count."""
    proc, found = Proc(), []
    for pid in proc.pids():
        with contextlib.suppress(OSError):
            if entry.encode() in proc.environment(pid).split(b"\0") and proc.stat(pid) is not None:
                found.append(pid)
    return found
