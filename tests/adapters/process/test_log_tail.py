"""Logs as they lie on a disk: found through a real process or its status, followed, and never taken from anyone."""

from __future__ import annotations

import json
import os
import stat
import threading
from pathlib import Path

import pytest

from metabonk_tui.adapters.process.log_tail import CHUNK_BYTES, LINE_CHARACTERS, LogTails
from metabonk_tui.adapters.process.proc import Proc
from metabonk_tui.core.ports.live import LogOwner
from metabonk_tui.core.status.log_lines import KEPT_LINES
from tests.support.children import UNTIL_CLOSED, Children
from tests.support.paths import SHARED_DATA
from tests.support.refs import w
from tests.support.waiting import wait_for

REAL = SHARED_DATA / "real"
with_real = pytest.mark.skipif(not REAL.is_dir(), reason="the real logs are not beside this checkout")
WARN = "[worker:omega-0] WARN: meta-learning unavailable (no module); disabling"
FAILED = "omega-0: System2 request failed: connection refused"
POLL = 'INFO:     127.0.0.1:50906 - "GET /status HTTP/1.1" 500 Internal Server Error'


def started_at(pid: int) -> float:
    seen = Proc().stat(pid)
    assert seen is not None
    return seen.started_at


def log_in(folder: Path, *lines: str, slot: int = 0) -> Path:
    log = folder / "logs" / f"worker_{slot}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("".join(f"{line}\n" for line in lines))
    return log


def add(log: Path, *lines: str) -> None:
    with log.open("a") as file:
        file.writelines(f"{line}\n" for line in lines)


def owner_in(folder: Path | str) -> LogOwner:
    return LogOwner(w(0), None, None, str(folder))


@with_real
def test_a_real_log_is_found_where_the_status_says_and_only_what_matters_is_kept(tmp_path: Path) -> None:
    log_in(tmp_path, *(REAL / "worker-imports-broken.log").read_text().splitlines())
    lines = LogTails().read(owner_in(tmp_path))
    assert lines is not None
    assert len(lines) == 3
    assert all("unavailable" in line for line in lines)


@with_real
@pytest.mark.parametrize("name", ["full", "code-defaults", "intrinsic-not-applied-in-pure-vision"])
def test_a_real_log_without_complaints_reports_nothing(tmp_path: Path, name: str) -> None:
    log_in(tmp_path, *(REAL / f"worker-{name}.log").read_text().splitlines())
    assert LogTails().read(owner_in(tmp_path)) == ()


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_what_a_process_writes_into_is_followed(children: Children, tmp_path: Path, stream: str) -> None:
    log = tmp_path / "anywhere.txt"
    number = 1 if stream == "stdout" else 2
    code = (
        f"import os, sys\nprint('ready', flush=True)\nf = os.open({str(log)!r}, os.O_CREAT | os.O_WRONLY)\n"
        f"os.dup2(f, {number})\n"
        f"print({WARN!r}, file=sys.{stream}, flush=True)\n" + UNTIL_CLOSED
    )
    child = children.python(code)
    owner = LogOwner(w(0), child.pid, started_at(child.pid), None)
    tails = LogTails()
    wait_for(lambda: tails.read(owner) == (WARN,))
    log.unlink()
    assert tails.read(owner) == (WARN,), "a file that was deleted is still what it writes into"


def test_another_process_with_that_pid_is_not_asked(tmp_path: Path) -> None:
    assert LogTails().read(LogOwner(w(0), os.getpid(), started_at(os.getpid()) - 60, None)) is None
    assert LogTails().read(LogOwner(w(0), os.getpid(), None, None)) is None, "a pid from afar is no process of ours"
    assert LogTails().read(LogOwner(w(0), 2**22 + 1, 1.0, None)) is None


def test_one_file_behind_both_doors_is_read_once(children: Children, tmp_path: Path) -> None:
    log = log_in(tmp_path)
    code = (
        f"import os\nprint('ready', flush=True)\nf = os.open({str(log)!r}, os.O_WRONLY | os.O_APPEND)\n"
        f"os.dup2(f, 1)\nos.dup2(f, 2)\nprint({WARN!r}, flush=True)\n" + UNTIL_CLOSED
    )
    child = children.python(code)
    owner = LogOwner(w(0), child.pid, started_at(child.pid), str(tmp_path))
    tails = LogTails()
    wait_for(lambda: tails.read(owner) == (WARN,))


def test_what_is_added_is_added_and_our_own_polls_are_nothing(tmp_path: Path) -> None:
    log = log_in(tmp_path, WARN)
    tails = LogTails()
    assert tails.read(owner_in(tmp_path)) == (WARN,)
    add(log, *[POLL] * 200)
    assert tails.read(owner_in(tmp_path)) == (WARN,)
    add(log, FAILED, FAILED)
    assert tails.read(owner_in(tmp_path)) == (WARN, FAILED)


def test_half_a_line_waits_for_its_end(tmp_path: Path) -> None:
    log = log_in(tmp_path)
    tails = LogTails()
    with log.open("a") as file:
        file.write(WARN[:30])
    assert tails.read(owner_in(tmp_path)) == ()
    with log.open("a") as file:
        file.write(WARN[30:] + "\n")
    assert tails.read(owner_in(tmp_path)) == (WARN,)


def test_the_complaints_of_the_start_outlive_megabytes_and_the_newest_lines_are_seen(tmp_path: Path) -> None:
    log = log_in(tmp_path, WARN, *["[REWARD_HIT] nothing"] * (CHUNK_BYTES // 10), FAILED)
    assert log.stat().st_size > 2 * CHUNK_BYTES
    tails = LogTails()
    assert tails.read(owner_in(tmp_path)) == (WARN, FAILED)
    add(log, *["[REWARD_HIT] nothing"] * (CHUNK_BYTES // 10), "RuntimeError: boom")
    assert tails.read(owner_in(tmp_path)) == (WARN, FAILED, "RuntimeError: boom")


def test_a_flood_of_different_complaints_stays_bounded(tmp_path: Path) -> None:
    log_in(tmp_path, *(f"error {n}" for n in range(5000)))
    lines = LogTails().read(owner_in(tmp_path))
    assert lines is not None
    assert len(lines) == KEPT_LINES
    assert (lines[0], lines[-1]) == ("error 0", "error 4999")


def test_a_truncated_log_is_read_from_its_start_again(tmp_path: Path) -> None:
    log = log_in(tmp_path, WARN, "x" * 500)
    tails = LogTails()
    assert tails.read(owner_in(tmp_path)) == (WARN,)
    os.truncate(log, 0)
    assert tails.read(owner_in(tmp_path)) == (WARN,), "what was said was said"
    add(log, FAILED)
    assert tails.read(owner_in(tmp_path)) == (WARN, FAILED)


def test_a_rotated_log_is_another_one(tmp_path: Path) -> None:
    log = log_in(tmp_path, WARN)
    tails = LogTails()
    assert tails.read(owner_in(tmp_path)) == (WARN,)
    log.rename(log.with_suffix(".1"))
    assert tails.read(owner_in(tmp_path)) is None, "it is not there yet"
    log_in(tmp_path, FAILED)
    assert tails.read(owner_in(tmp_path)) == (FAILED,)


def test_binary_rubbish_does_no_harm(tmp_path: Path) -> None:
    log = log_in(tmp_path)
    rubbish = bytes(range(256)) * 4096
    log.write_bytes(
        rubbish.replace(b"\n", b"") + b"\nerror \x1b[2J\x00\xff\xfe " + b"y" * 5000 + b"\n" + WARN.encode() + b"\n"
    )
    lines = LogTails().read(owner_in(tmp_path))
    assert lines is not None
    assert lines[-1] == WARN
    assert all(line.isprintable() and len(line) <= LINE_CHARACTERS for line in lines)


def test_a_line_that_never_ends_is_not_waited_for(tmp_path: Path) -> None:
    log = log_in(tmp_path)
    tails = LogTails()
    log.write_bytes(b"z" * (3 * CHUNK_BYTES))
    assert tails.read(owner_in(tmp_path)) == ()
    with log.open("ab") as file:
        file.write(b"\n" + WARN.encode() + b"\n")
    assert tails.read(owner_in(tmp_path)) == (WARN,)


def test_secrets_are_masked(tmp_path: Path) -> None:
    log_in(tmp_path, "error http://me:s3cret@127.0.0.1/ API_KEY=s3cret password: s3cret hf-token=s3cret")
    [line] = LogTails().read(owner_in(tmp_path)) or ()
    assert "s3cret" not in line
    assert "http://" in line


def test_a_pipe_is_never_opened(tmp_path: Path) -> None:
    fifo = tmp_path / "logs" / "worker_0.log"
    fifo.parent.mkdir()
    os.mkfifo(fifo)
    opened = threading.Event()

    def write() -> None:
        # Opening to write waits until a reader opens it.
        os.close(os.open(fifo, os.O_WRONLY))
        opened.set()

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    for _ in range(20):
        assert LogTails().read(owner_in(tmp_path)) is None
    assert not opened.wait(0.2)
    os.close(os.open(fifo, os.O_RDONLY))
    writer.join(10)


def test_a_terminal_or_a_pipe_behind_a_process_is_left_alone(children: Children) -> None:
    code = (
        "import os, sys\nmaster, slave = os.openpty()\nos.dup2(slave, 2)\nos.write(slave, b'error\\n')\n"
        "print('ready', flush=True)\nsys.stdin.readline()\nprint(os.read(master, 100), flush=True)\n"
    )
    child = children.python(code + UNTIL_CLOSED)
    doors = [Path(f"/proc/{child.pid}/fd/{n}").stat().st_mode for n in (1, 2)]
    assert stat.S_ISFIFO(doors[0])
    assert stat.S_ISCHR(doors[1])
    assert LogTails().read(LogOwner(w(0), child.pid, started_at(child.pid), None)) is None
    children.send(child, "look")
    assert "error" in children.line(child), "it was not taken away"


@pytest.mark.parametrize("directory", ["", "relative/path", "/nowhere/at/all", "/proc/self", "/\0", "x" * 5000])
def test_a_directory_that_leads_nowhere_is_no_log(
    directory: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    log_in(tmp_path / "relative" / "path", WARN)
    assert LogTails().read(owner_in(directory)) is None


def test_a_folder_in_its_place_is_no_log(tmp_path: Path) -> None:
    (tmp_path / "logs" / "worker_0.log").mkdir(parents=True)
    assert LogTails().read(owner_in(tmp_path)) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_what_is_not_permitted_is_no_log(tmp_path: Path) -> None:
    log = log_in(tmp_path, WARN)
    log.chmod(0o600)
    ours = LogOwner(w(0), os.getpid(), started_at(os.getpid()), str(tmp_path))
    tails = LogTails()
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            os.write(write_end, json.dumps(tails.read(ours)).encode())
        except BaseException as error:
            os.write(write_end, json.dumps(repr(error)).encode())
        finally:
            os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end) as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    assert json.loads(answer) is None
