"""Knows which METABONK_ names a folder of Python source mentions; refuses to know what the source does with them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

MAX_FILES = 2000
MAX_BYTES = 20_000_000
_NAME = re.compile(rb"METABONK_[A-Z0-9_]*")
_ANY = "METABONK_"
"""Code that takes every name with this prefix reads none of them in particular."""
_IGNORED = frozenset({"__pycache__", "node_modules", ".git", ".venv", "venv"})


class SourceKeys:
    """The names in one folder; a file is read again only when it changed."""

    def __init__(self, folder: Path, max_files: int = MAX_FILES, max_bytes: int = MAX_BYTES) -> None:
        self._folder = folder
        self._max_files = max_files
        self._max_bytes = max_bytes
        self._known: dict[str, tuple[tuple[int, int], frozenset[str]]] = {}

    def names(self) -> frozenset[str] | None:
        """Return every name that occurs; None: there is no source, or too much of it, or a part was not readable.

        A name that ends in `_` is the beginning of names that the code puts together.
        """
        known: dict[str, tuple[tuple[int, int], frozenset[str]]] = {}
        total = 0
        try:
            for path in _python_files(self._folder):
                stat = path.stat()
                total += stat.st_size
                if len(known) >= self._max_files or total > self._max_bytes:
                    return None
                stamp = (stat.st_mtime_ns, stat.st_size)
                before = self._known.get(str(path))
                known[str(path)] = before if before and before[0] == stamp else (stamp, _names_in(path))
        except OSError:
            return None
        self._known = known
        return frozenset().union(*(names for _, names in known.values())) if known else None


def unread(keys: Iterable[str], names: frozenset[str]) -> tuple[str, ...]:
    """List the METABONK_ keys that never occur among the names, sorted."""
    prefixes = tuple(name for name in names if name.endswith("_") and name != _ANY)
    return tuple(sorted(k for k in keys if k.startswith(_ANY) and k not in names and not k.startswith(prefixes)))


def _python_files(folder: Path) -> Iterator[Path]:
    def stop(error: OSError) -> None:
        raise error

    for directory, folders, files in os.walk(folder, onerror=stop):
        folders[:] = [name for name in folders if name not in _IGNORED]
        yield from (Path(directory) / name for name in files if name.endswith(".py"))


def _names_in(path: Path) -> frozenset[str]:
    return frozenset(found.decode() for found in _NAME.findall(path.read_bytes()))
