"""Knows where a worker's log lies, and reads what was added to it: cleaned, bounded, only lines that may tell a cause.

Refuses to know what a line means. Reads regular files only: a terminal or a pipe is somebody else's to read.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from metabonk_tui.adapters.process.environ import MASK, USER_IN_URL
from metabonk_tui.adapters.process.proc import Proc
from metabonk_tui.core.ports.live import LogOwner
from metabonk_tui.core.status.log_lines import add_relevant
from metabonk_tui.core.text.clean import clean_text

CHUNK_BYTES = 262_144
"""Of what was added since the last look at most this much is read, the newest; of a start this much as well."""
LINE_CHARACTERS = 300
_SECRET = re.compile(r"(?i)\b([\w-]*(?:api_?key|token|secret|password)[\w-]*\s*[=:]\s*)\S+")


@dataclass(frozen=True, slots=True)
class _Followed:
    end_byte: int
    """Up to where whole lines were read."""
    lines: tuple[str, ...]


File = tuple[int, int]
"""Device and inode: a worker that was respawned writes on into the file of the one before it."""


class LogTails:
    """Follow the workers' logs. From one thread at a time."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._process = Proc(root)
        self._proc = root / "proc"
        self._followed: dict[int, dict[File, _Followed]] = {}

    def read(self, owner: LogOwner) -> tuple[str, ...] | None:
        """Return the telling lines of a worker's log so far, oldest first; None: no log found, or not permitted."""
        before = self._followed.get(owner.slot, {})
        after: dict[File, _Followed] = {}
        for path in self._paths(owner):
            try:
                # Looked at before it is opened: opening alone wakes whoever writes into a pipe.
                if not stat.S_ISREG(os.stat(path).st_mode):
                    continue
                descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
            except (OSError, ValueError):
                continue
            try:
                seen = os.fstat(descriptor)
                file = (seen.st_dev, seen.st_ino)
                if stat.S_ISREG(seen.st_mode) and file not in after:
                    after[file] = _follow(descriptor, seen.st_size, before.get(file))
            except OSError:
                continue
            finally:
                os.close(descriptor)
        self._followed[owner.slot] = after
        if not after:
            return None
        lines: tuple[str, ...] = ()
        for followed in after.values():
            lines = add_relevant(lines, followed.lines)
        return lines

    def _paths(self, owner: LogOwner) -> Iterator[str]:
        """List where it may lie: what the process writes into, then where its status says that logs are."""
        if (
            owner.pid is not None
            and owner.started_at is not None
            and self._process.is_same(owner.pid, owner.started_at)
        ):
            for descriptor in ("1", "2"):
                yield str(self._proc / str(owner.pid) / "fd" / descriptor)
        if owner.directory is not None and os.path.isabs(owner.directory):
            yield os.path.join(owner.directory, "logs", f"worker_{owner.slot}.log")


def _follow(descriptor: int, size: int, known: _Followed | None) -> _Followed:
    if known is not None and size < known.end_byte:
        # Truncated: what stands there now is new.
        known = _Followed(0, known.lines)
    if known is None:
        start, end_byte = _whole_lines(descriptor, 0)
        known = _Followed(end_byte, add_relevant((), start))
    if size <= known.end_byte:
        return known
    skipped = size - known.end_byte > CHUNK_BYTES
    lines, end_byte = _whole_lines(descriptor, size - CHUNK_BYTES if skipped else known.end_byte)
    return _Followed(end_byte, add_relevant(known.lines, lines[1:] if skipped else lines))


def _whole_lines(descriptor: int, from_byte: int) -> tuple[list[str], int]:
    """Read whole lines from here on, and up to where they go; what is only half written is left for later."""
    text = os.pread(descriptor, CHUNK_BYTES, from_byte)
    end = text.rfind(b"\n") + 1
    if not end and len(text) == CHUNK_BYTES:
        # No line is that long: rubbish, which must not be waited for.
        return [], from_byte + len(text)
    lines = text[:end].decode(errors="replace").split("\n")[:-1]
    return [cleaned for line in lines if (cleaned := _shown(line))], from_byte + end


def _shown(line: str) -> str:
    """Clean and cut a line, and mask what looks like a secret in it."""
    open_ = USER_IN_URL.sub(MASK, line.strip()[: 2 * LINE_CHARACTERS])
    return clean_text(_SECRET.sub(rf"\g<1>{MASK}", open_), LINE_CHARACTERS)
