"""Reads the exit codes of processes from the run's launcher log and from the monitor's own children.

Does not: find the cause. The log has no pid and no time; slot and order identify the process.
"""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from metabonk_tui.core.model.host import ExitReading, Role
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.text.clean import clean_text

LOG = Path("logs") / "omega.log"
_CHUNK_BYTES = 1 << 18
_EXIT = re.compile(rb"\[start_omega\] (?:restarting )?omega-(\d{1,4}) .*\(exit (-?\d{1,3})\b")
_LAST_EXIT = re.compile(
    rb"\[start_omega\] (?:omega-(\d{1,4})|(orchestrator|vision|learner)) exited with (?:code )?(-?\d{1,3})\s*$"
)
"""The launcher's last line about a process: it ends all others then."""
_ASKED = re.compile(rb"\[start_omega\] received (\d{1,2})\b")
_LINE_LIMIT = 120
_SERVICES: dict[bytes, Role] = {b"orchestrator": "orchestrator", b"vision": "vision", b"learner": "learner"}


class ExitCodeReader:
    """Follows the launcher logs of the runs, and takes the exit codes of the monitor's own children."""

    def __init__(self, take_children: Callable[[], list[tuple[int, int]]] = list) -> None:
        """Prepare; `take_children` returns (pid, exit code) of ended launchers that this monitor started."""
        self._take_children = take_children
        self._offsets: dict[str, tuple[int, int]] = {}
        """(inode, offset) by path."""
        self._began_t = time.time()

    def read(self, directories: Iterable[str]) -> tuple[ExitReading, ...]:
        """Return the exits that were logged since the last call."""
        exits = [ExitReading("launcher", str(code), pid=pid) for pid, code in self._take_children()]
        for directory in directories:
            exits += self._follow(Path(directory))
        return tuple(exits)

    def read_end(self, directory: str) -> tuple[ExitReading, ...]:
        """Return what the log of an earlier run says of its end: the process that ended the stack, or the signal."""
        path = Path(directory) / LOG
        if not path.is_absolute():
            return ()
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            # Without a log the end of the run stays without this evidence.
            return ()
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                return ()
            text = os.pread(descriptor, _CHUNK_BYTES, max(0, status.st_size - _CHUNK_BYTES))
        finally:
            os.close(descriptor)
        found = (_reading(line) for line in text.splitlines())
        return tuple(reading for reading in found if reading is not None and reading.line is not None)

    def _follow(self, directory: Path) -> list[ExitReading]:
        path = directory / LOG
        if not path.is_absolute():
            return []
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            # Without a log the monitor reports the end of a worker without an exit code.
            return []
        try:
            return self._read(descriptor, str(path), directory)
        finally:
            os.close(descriptor)

    def _read(self, descriptor: int, path: str, directory: Path) -> list[ExitReading]:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return []
        inode, offset = self._offsets.get(path, (status.st_ino, -1))
        if offset < 0:
            # Lines from before the monitor's start are skipped; the log of a later run is read whole.
            offset = 0 if os.stat(directory).st_mtime >= self._began_t else status.st_size
        if inode != status.st_ino or offset > status.st_size:
            offset = 0
        text = os.pread(descriptor, _CHUNK_BYTES, offset)
        whole = len(text) if len(text) == _CHUNK_BYTES else text.rfind(b"\n") + 1
        self._offsets[path] = (status.st_ino, offset + whole)
        return [reading for line in text[:whole].splitlines() if (reading := _reading(line)) is not None]


def _reading(line: bytes) -> ExitReading | None:
    """Return the exit, or the request to end, that a line of the launcher's log reports."""
    if (found := _EXIT.search(line)) is not None:
        return ExitReading("worker", found[2].decode(), WorkerRef(slot=int(found[1])))
    text = clean_text(line.decode(errors="replace"), _LINE_LIMIT)
    if (found := _LAST_EXIT.search(line)) is not None:
        if found[1] is not None:
            return ExitReading("worker", found[3].decode(), WorkerRef(slot=int(found[1])), line=text)
        return ExitReading(_SERVICES[found[2]], found[3].decode(), line=text)
    if (found := _ASKED.search(line)) is not None:
        return ExitReading("launcher", f"-{int(found[1])}", line=text, asked=True)
    return None
