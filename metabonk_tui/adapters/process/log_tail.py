"""Finds a worker's log and reads what was added: cleaned, bounded, only lines that may show a cause.

Does not: interpret a line, or read terminals and pipes, because reading takes the data from their reader.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from metabonk_tui.adapters.process.proc import Proc
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.ports.live import LogOwner
from metabonk_tui.core.status.log_lines import add_lines, relevant
from metabonk_tui.core.text.clean import LOOKED_AT, clean_masked, without_colours
from metabonk_tui.core.text.mask import WORDS, mask_lines

CHUNK_BYTES = 262_144
"""The most bytes of one reading: the newest of what was added, and the first of a new log."""
LINE_CHARACTERS = 300


class _Followed(Struct, frozen=True):
    end_byte: int
    """The offset after the last whole line that was read."""
    lines: tuple[str, ...]


File = tuple[int, int]
"""Device and inode: a respawned worker appends to the file of the worker before it."""


class LogTails:
    """Follows the workers' logs. For one thread at a time."""

    def __init__(self, root: Path = Path("/"), words: tuple[str, ...] = WORDS) -> None:
        """Set the file system's root and the words that make a name secret."""
        self._words = words
        self._process = Proc(root)
        self._proc = root / "proc"
        self._followed: dict[WorkerRef, dict[File, _Followed]] = {}

    def read(self, owner: LogOwner) -> tuple[str, ...] | None:
        """Return the relevant lines of a worker's log so far, oldest first; None: no readable log."""
        before = self._followed.get(owner.ref, {})
        after: dict[File, _Followed] = {}
        for path in self._paths(owner):
            try:
                # Checked before it is opened, because opening a pipe wakes its writer.
                if not stat.S_ISREG(os.stat(path).st_mode):
                    continue
                descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
            except (OSError, ValueError):
                continue
            try:
                seen = os.fstat(descriptor)
                file = (seen.st_dev, seen.st_ino)
                if stat.S_ISREG(seen.st_mode) and file not in after:
                    after[file] = _follow(descriptor, seen.st_size, before.get(file), self._words)
            except OSError:
                continue
            finally:
                os.close(descriptor)
        self._followed[owner.ref] = after
        if not after:
            return None
        lines: tuple[str, ...] = ()
        for followed in after.values():
            lines = add_lines(lines, followed.lines)
        return lines

    def _paths(self, owner: LogOwner) -> Iterator[str]:
        """Yield the possible paths: the process's stdout and stderr, then the log directory of its status."""
        if (
            owner.pid is not None
            and owner.started_at is not None
            and self._process.is_same(owner.pid, owner.started_at)
        ):
            for descriptor in ("1", "2"):
                yield str(self._proc / str(owner.pid) / "fd" / descriptor)
        if owner.directory is not None and os.path.isabs(owner.directory):
            yield os.path.join(owner.directory, "logs", f"worker_{owner.ref.slot}.log")


def _follow(descriptor: int, size: int, known: _Followed | None, words: tuple[str, ...]) -> _Followed:
    if known is not None and size < known.end_byte:
        # The file was truncated: all of its content is new.
        known = _Followed(0, known.lines)
    if known is None:
        start, end_byte = _whole_lines(descriptor, 0, words)
        known = _Followed(end_byte, add_lines((), relevant(start)))
    if size <= known.end_byte:
        return known
    skipped = size - known.end_byte > CHUNK_BYTES
    lines, end_byte = _whole_lines(descriptor, size - CHUNK_BYTES if skipped else known.end_byte, words)
    return _Followed(end_byte, add_lines(known.lines, relevant(lines[1:] if skipped else lines)))


def _whole_lines(descriptor: int, from_byte: int, words: tuple[str, ...]) -> tuple[list[str], int]:
    """Read whole lines from an offset; return them and the offset after them. A partial line is left for later."""
    text = os.pread(descriptor, CHUNK_BYTES, from_byte)
    end = text.rfind(b"\n") + 1
    if not end and len(text) == CHUNK_BYTES:
        # No log line has 256 KiB: skip these bytes, or the reader would wait forever for a line end.
        return [], from_byte + len(text)
    lines = without_colours(text[:end].decode(errors="replace")).split("\n")[:-1]
    masked = mask_lines((line.strip()[:LOOKED_AT] for line in lines), words)
    return [clean_masked(line, LINE_CHARACTERS) for line in masked if line], from_byte + end
