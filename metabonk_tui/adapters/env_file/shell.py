"""Runs a bash script with its output bounded in memory, and ends all that the script started.

Needs no disk and no temporary folder. Does not: interpret the output.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from metabonk_tui.adapters.process.handles import handle_of
from metabonk_tui.adapters.process.proc import Proc, ProcessStat
from metabonk_tui.adapters.process.spawn import adopt_orphans, start_session
from metabonk_tui.adapters.process.tree import descendants, own_ancestry

MAX_BYTES = 1 << 20
"""The limit of the output and of the error output, each."""
MARK_VARIABLE = "METABONK_TUI_SOURCES"
"""Marks what the script starts. A process that escapes from the outer shell is found by it."""
_POLL_S = 0.05
_END_LIMIT_S = 1.0
# The outer shell adopts the orphans of the inner shell. It waits on its input until they are ended.
_OUTER = 'bash --noprofile --norc -c "$0" env-file "$1" "$2" </dev/null; printf "END %s %s\\0" "$2" "$?"; read -r _'


class ShellRun(Struct, frozen=True):
    """How a script ended, and what it printed."""

    code: int | None
    """Its exit code, above 128 for a signal; None: it did not end in time, printed too much, or killed its shell."""
    out: bytes = b""
    err: bytes = b""
    problem: str = ""
    """Why there is no code; "" with one."""
    left: tuple[int, ...] = ()
    """The pids that the script started and that could not be ended."""


def run_script(script: str, path: Path, environment: Mapping[str, str], timeout_s: float) -> ShellRun:
    """Run `script` in bash with $1 = `path` and $2 = a random word, in the folder of `path`. Blocks.

    Ends every process that the script started, also detached ones. Raises OSError if bash cannot start.
    """
    mark = uuid.uuid4().hex
    argv = ("bash", "--noprofile", "--norc", "-c", _OUTER, script, str(path), mark)
    marked = {**environment, MARK_VARIABLE: mark}
    child = start_session(
        argv, path.parent, marked, subprocess.PIPE, subprocess.PIPE, subprocess.PIPE, prepare=adopt_orphans()
    )
    streams = _Streams(child)
    try:
        problem = streams.read_until(f"END {mark} ".encode(), timeout_s)
    finally:
        left = _end_all(child, mark)
        streams.close()
    code = None if problem else streams.code(mark)
    out, whole, _ = bytes(streams.out).partition(f"ENV {mark}\0".encode())
    return ShellRun(code, out if whole else b"", bytes(streams.err), problem, left)


class _Streams:
    """The bounded output of the outer shell."""

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stderr is not None
        self._child = child
        self._pipes = (child.stdin, child.stdout, child.stderr)
        self.out, self.err = bytearray(), bytearray()
        self._open = {child.stdout.fileno(): self.out, child.stderr.fileno(): self.err}
        for descriptor in self._open:
            os.set_blocking(descriptor, False)

    def read_until(self, end: bytes, timeout_s: float) -> str:
        """Read until `end` is printed. Returns why that did not happen; "" when it did."""
        deadline_s = time.monotonic() + timeout_s
        while True:
            has_exited = os.waitid(os.P_PID, self._child.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None
            self._read(0.0 if has_exited else _POLL_S)
            for output, name in ((self.out, "its environment"), (self.err, "errors")):
                if len(output) > MAX_BYTES:
                    return f"prints more than {MAX_BYTES} bytes of {name}"
            if end in self.out[-len(end) - 8 :]:
                self._read(0.0)
                return ""
            if has_exited:
                return "ended the shell that reads it"
            if time.monotonic() >= deadline_s:
                return f"did not end within {timeout_s:g} s"

    def code(self, mark: str) -> int | None:
        """Return the exit code after the END mark."""
        text = bytes(self.out).rpartition(f"END {mark} ".encode())[2].rstrip(b"\0")
        return int(text) if text.isdigit() and len(text) <= 3 else None

    def close(self) -> None:
        for pipe in self._pipes:
            pipe.close()

    def _read(self, wait_s: float) -> None:
        ready = select.select(list(self._open), [], [], wait_s)[0] if self._open else []
        for descriptor in ready:
            chunk = os.read(descriptor, 1 << 16)
            self._open[descriptor].extend(chunk)
            if not chunk:
                del self._open[descriptor]
        if not self._open:
            time.sleep(wait_s)


def _end_all(child: subprocess.Popen[bytes], mark: str) -> tuple[int, ...]:
    """Kill what the script started, then the shell and its group. Returns the pids that live on."""
    proc = Proc()
    deadline_s = time.monotonic() + _END_LIMIT_S
    while (living := list(_started(proc, child.pid, mark))) and time.monotonic() < deadline_s:
        for stat in living:
            _kill(proc, stat)
        time.sleep(0.001)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    return tuple(stat.pid for stat in living if proc.is_same(stat.pid, stat.started_at))


def _started(proc: Proc, shell_pid: int, mark: str) -> Iterator[ProcessStat]:
    """Yield the living processes of the script: below the shell, or with the mark in their environment."""
    protected_pids = own_ancestry(proc) | {shell_pid}
    entry = f"{MARK_VARIABLE}={mark}".encode()
    below = {stat.pid: stat for stat in descendants(proc, [shell_pid])}
    for pid in proc.pids():
        if pid not in below and pid not in protected_pids and _has_entry(proc, pid, entry):
            stat = proc.stat(pid)
            if stat is not None:
                below[pid] = stat
    yield from below.values()


def _has_entry(proc: Proc, pid: int, entry: bytes) -> bool:
    try:
        return entry in proc.environment(pid).split(b"\0")
    except OSError:
        return False  # gone, or of another user: not started by this script


def _kill(proc: Proc, stat: ProcessStat) -> None:
    """Kill this process, but no later one with the same pid. One that may not be killed stays and is reported."""
    try:
        with handle_of(stat.pid) as handle:
            if proc.is_same(stat.pid, stat.started_at):
                signal.pidfd_send_signal(handle, signal.SIGKILL)
    except OSError:
        return
