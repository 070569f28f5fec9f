"""Remembers which files the workers' processes write to, and reads the end of a file when its process is gone.

Does not: read terminals and pipes, because reading takes the data from their reader.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from metabonk_tui.adapters.process.proc import Proc
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.ports.live import LogOwner
from metabonk_tui.core.status.log_lines import ACCESS
from metabonk_tui.core.text.clean import LOOKED_AT, clean_masked, without_colours
from metabonk_tui.core.text.mask import WORDS, mask_lines

END_BYTES = 65_536
"""How much of the end of a log is read: polls of the monitor fill most of it."""
KEPT_LINES = 12
LINE_CHARACTERS = 300
_Id = tuple[WorkerRef, int]
"""The worker and its pid."""


class _OpenFile(Struct, frozen=True):
    """A regular file that a process has open as its output."""

    path: str
    device: int
    inode: int


class LogEnds:
    """Follows where the workers write. For one thread at a time."""

    def __init__(self, root: Path = Path("/"), words: tuple[str, ...] = WORDS) -> None:
        """Set the file system's root and the words that make a name secret."""
        self._words = words
        self._root = root
        self._process = Proc(root)
        self._files: dict[_Id, tuple[_OpenFile, ...]] = {}

    def read(self, running: Iterable[LogOwner], gone: Iterable[LogOwner]) -> dict[WorkerRef, tuple[str, ...]]:
        """Return the last lines of the logs of processes that are gone; note where the running ones write.

        A process whose files were not seen while it ran, or of which no file can be read, has no entry.
        """
        files: dict[_Id, tuple[_OpenFile, ...]] = {}
        for owner in running:
            if owner.pid is not None and owner.started_at is not None:
                key = (owner.ref, owner.pid)
                files[key] = self._files.get(key) or self._outputs(owner.pid, owner.started_at)
        ends: dict[WorkerRef, tuple[str, ...]] = {}
        for owner in gone:
            known = self._files.get((owner.ref, owner.pid)) if owner.pid is not None else None
            lines = next((found for file in known or () if (found := self._end(file))), ())
            if lines:
                ends[owner.ref] = lines
        self._files = files
        return ends

    def _outputs(self, pid: int, started_at: float) -> tuple[_OpenFile, ...]:
        """Return the files behind stderr and stdout, stderr first: last words are there."""
        if not self._process.is_same(pid, started_at):
            return ()
        found: dict[tuple[int, int], _OpenFile] = {}
        for descriptor in ("2", "1"):
            link = self._root / "proc" / str(pid) / "fd" / descriptor
            try:
                seen = os.stat(link)
                if stat.S_ISREG(seen.st_mode):
                    found.setdefault(
                        (seen.st_dev, seen.st_ino), _OpenFile(os.readlink(link), seen.st_dev, seen.st_ino)
                    )
            except OSError:
                continue
        return tuple(found.values())

    def _end(self, file: _OpenFile) -> tuple[str, ...]:
        """Return the last lines of a file; empty when another file is there by now, or it cannot be read."""
        try:
            descriptor = os.open(file.path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        except (OSError, ValueError):
            return ()
        try:
            seen = os.fstat(descriptor)
            if (seen.st_dev, seen.st_ino) != (file.device, file.inode):
                return ()
            start = max(0, seen.st_size - END_BYTES)
            content = os.pread(descriptor, END_BYTES, start)
        except OSError:
            return ()
        finally:
            os.close(descriptor)
        lines = without_colours(content.decode(errors="replace")).split("\n")[1 if start else 0 :]
        kept = [line.rstrip()[:LOOKED_AT] for line in lines if line.strip() and ACCESS not in line]
        # Masked from further above: a key in PEM form begins lines before the ones that are kept.
        masked = list(mask_lines(kept, self._words))
        return tuple(clean_masked(line, LINE_CHARACTERS) for line in masked[-KEPT_LINES:])
