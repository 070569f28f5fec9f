"""The end of a dead worker's log: of the file that it had open, without polls, without secrets."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from metabonk_tui.adapters.process.log_ends import KEPT_LINES, LogEnds
from metabonk_tui.adapters.process.proc import Proc
from metabonk_tui.core.ports.live import LogOwner
from tests.support.refs import w


class Writer:
    """A real process that has a log open until it is ended."""

    def __init__(self, log: Path, text: str) -> None:
        self.log = log
        log.write_text(text, encoding="utf-8")
        with log.open("ab") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE, stdout=file, stderr=file
            )
        seen = Proc(Path("/")).stat(self.process.pid)
        assert seen is not None
        self.owner = LogOwner(w(0), self.process.pid, seen.started_at, None)

    def end(self) -> None:
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process.wait(30)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "omega-0.log"


def read_end(writer: Writer, more: str = "") -> tuple[str, ...] | None:
    ends = LogEnds()
    assert ends.read([writer.owner], []) == {}
    writer.end()
    with writer.log.open("a", encoding="utf-8") as file:
        file.write(more)
    return ends.read([], [writer.owner]).get(w(0))


def test_the_last_lines_are_read_without_the_polls(log: Path) -> None:
    lines = [f"line {n}" for n in range(40)]
    polls = ['INFO: 127.0.0.1:1 - "GET /status HTTP/1.1" 200 OK'] * 30
    found = read_end(Writer(log, "\n".join([*lines, *polls]) + "\n"), "MemoryError: no room\nhalf a l")
    assert found is not None
    assert found == (*lines[-(KEPT_LINES - 2) :], "MemoryError: no room", "half a l")


def test_secrets_and_control_characters_do_not_get_through(log: Path) -> None:
    found = read_end(Writer(log, "API_TOKEN=abcdef0123456789 \x1b[31mred\x07\n"))
    assert found is not None
    assert "abcdef0123456789" not in found[0]
    assert "\x1b" not in found[0]


def test_a_file_that_was_replaced_is_not_read(log: Path, tmp_path: Path) -> None:
    writer = Writer(log, "mine\n")
    ends = LogEnds()
    ends.read([writer.owner], [])
    writer.end()
    other = tmp_path / "other"
    other.write_text("not mine\n", encoding="utf-8")
    os.replace(other, log)
    assert ends.read([], [writer.owner]) == {}


def test_a_process_that_was_never_seen_has_no_end() -> None:
    assert LogEnds().read([], [LogOwner(w(0), 2**22 + 7, 1.0, None), LogOwner(w(1), None, None, None)]) == {}
