"""Starts commands that outlive the monitor: own session, no input, output in a private file. Reads its tail.

Does not: interpret the output, or end a process that it did not start.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from msgspec import Struct

from metabonk_tui.adapters.files.kind import is_dir, is_file
from metabonk_tui.adapters.files.private import make_private_directory, open_private
from metabonk_tui.adapters.process.log_rotation import ROTATES_AT_BYTES, keep_log_small, shift_old_logs
from metabonk_tui.adapters.process.pool_cgroup import NO_GROUP, Placement
from metabonk_tui.core.text.clean import LOOKED_AT, clean_masked, without_colours
from metabonk_tui.core.text.mask import mask_lines, masked_command

_TAIL_BYTES = 16384
_ENDED_KEPT = 50
_PR_SET_CHILD_SUBREAPER = 36
_ended: list[tuple[int, int]] = []
_started: list[subprocess.Popen[bytes]] = []
_reaping = threading.Lock()
"""Started commands that no caller waits for; `reap` removes them when they have ended."""


class Child(Struct, frozen=True):
    """A command that this monitor started."""

    process: subprocess.Popen[bytes]
    log_path: Path
    log_offset: int
    """The offset in the log at which its own output begins."""

    @property
    def pid(self) -> int:
        """Its pid, which is also its session and group."""
        return self.process.pid

    def exit_code(self) -> int | None:
        """Return its exit code, negative for a signal; None while it runs."""
        return self.process.poll()

    def tail(self, lines: int = 12) -> tuple[str, ...]:
        """Return the last lines that it printed, cleaned."""
        return tail_lines(self.log_path, self.log_offset, lines)

    def kill(self) -> None:
        """Kill the command and its group with SIGKILL."""
        # poll() reaps: while it returns None, no other process can have this pid. `reap` runs on another thread.
        with _reaping:
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGKILL)


def start_child(
    argv: Sequence[str],
    directory: Path,
    environment: Mapping[str, str],
    log_path: Path,
    placement: Placement = NO_GROUP,
) -> Child:
    """Start a command that outlives the monitor. Raises OSError or ValueError if it cannot start."""
    reap()
    log = open_log(log_path)
    try:
        os.write(log, f"--- {masked_command(argv)}\n".encode(errors="replace"))
        offset = os.fstat(log).st_size
        process = start_session(
            (*placement.argv_prefix, *argv), directory, environment, log, log, prepare=placement.prepare
        )
        _started.extend(keep_log_small(log_path, log))
    finally:
        os.close(log)
    _started.append(process)
    return Child(process, log_path, offset)


def start_session(
    argv: Sequence[str],
    directory: Path | None,
    environment: Mapping[str, str] | None,
    stdout: int | IO[bytes],
    stderr: int | IO[bytes],
    stdin: int = subprocess.DEVNULL,
    prepare: Callable[[], None] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a command as the leader of its own session. Raises OSError or ValueError.

    `prepare` runs in the new process before the command. It must only make system calls: a lock that another
    thread held at the fork stays locked in the new process.
    """
    return subprocess.Popen(
        list(argv),
        cwd=directory,
        env=None if environment is None else dict(environment),
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
        preexec_fn=prepare,
    )


def kill_group(pid: int) -> None:
    """Kill a child that leads its own group, with that group. Does nothing once the child was reaped.

    asyncio reaps on a thread of its own and says so later: until then the pid may have become another process's.
    """
    try:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG)
        os.killpg(pid, signal.SIGKILL)
    except (ChildProcessError, ProcessLookupError):
        return


def adopt_orphans() -> Callable[[], None] | None:
    """Return a `prepare` for a command that adopts the orphans among its descendants; None: this system has no such.

    The mark survives the exec and is not inherited. A detached process stays a descendant of the command.
    """
    if sys.platform != "linux":
        return None
    import ctypes  # imported late: only a launch and an env file need it

    prctl = ctypes.CDLL(None).prctl  # looked up before the fork
    return lambda: prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap() -> None:
    """Reap the commands that have ended, and keep the last 50 exit codes for `take_ended`."""
    with _reaping:
        for process in [process for process in _started if process.poll() is not None]:
            _started.remove(process)
            _ended.append((process.pid, process.returncode))
    del _ended[:-_ENDED_KEPT]


def take_ended() -> list[tuple[int, int]]:
    """Return (pid, exit code) of the commands that were reaped since the last call."""
    taken = []
    while _ended:
        taken.append(_ended.pop(0))
    return taken


def tail_lines(path: Path, offset: int, lines: int) -> tuple[str, ...]:
    """Read the last lines after `offset`, cleaned, from at most 16 KiB; empty if the file cannot be read.

    Of a log that was rotated just now the last lines are in its newest part.
    """
    is_rotated, found = _read_tail(path, offset)
    if is_rotated and not found:
        found = _read_tail(path.with_name(path.name + ".1"), 0)[1]
    return found[-lines:]


def _read_tail(path: Path, offset: int) -> tuple[bool, tuple[str, ...]]:
    """Return whether the file is shorter than `offset`, and its last lines."""
    is_rotated = False
    try:
        with path.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            if size < offset:
                is_rotated, offset = True, 0  # all of its content is new
            begin = max(offset, size - _TAIL_BYTES)
            log.seek(begin)
            text = log.read(_TAIL_BYTES).decode(errors="replace")
    except OSError:
        return False, ()
    return is_rotated, output_lines(text, is_cut=begin > offset)


def output_lines(text: str, *, is_cut: bool) -> tuple[str, ...]:
    """Split a command's output into clean lines without colours and secrets; `is_cut`: its beginning is missing."""
    found = without_colours(text).splitlines()
    if is_cut and len(found) > 1:
        del found[0]
    elif is_cut and found:
        # The first word may be the rest of a secret, whose name is missing.
        found[0] = found[0].partition(" ")[2]
    masked = mask_lines(line[:LOOKED_AT] for line in found if line.strip())
    return tuple(clean_masked(line) for line in masked)


def describe_exit(code: int) -> str:
    """Describe an exit code for people: "exit code 3", "ended by SIGTERM"."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"ended by signal {-code}"


def open_log(path: Path) -> int:
    """Open the log of launched commands to append; a log over 50 MB is put aside first. Raises OSError."""
    if not is_dir(path.parent):
        make_private_directory(path.parent)
    if is_file(path) and path.stat().st_size > ROTATES_AT_BYTES:
        shift_old_logs(str(path))
        path.replace(path.with_name(path.name + ".1"))
    return open_private(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
