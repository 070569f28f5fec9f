"""Finds the METABONK_ names in a folder of Python source. Does not: know how the source uses them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

MAX_FILES = 2000
MAX_BYTES = 20_000_000
_NAME = re.compile(rb"METABONK_[A-Z0-9_]*")
_ANY = "METABONK_"
"""The bare prefix: code that reads every name with it shows no use of a single name."""
_IGNORED = frozenset({"__pycache__", "node_modules", ".git", ".venv", "venv"})


class SourceKeys:
    """Collects the names of one folder; reads a file again only after it changed (mtime or size)."""

    def __init__(self, folder: Path, max_files: int = MAX_FILES, max_bytes: int = MAX_BYTES) -> None:
        self._folder = folder
        self._max_files = max_files
        self._max_bytes = max_bytes
        self._known: dict[str, tuple[tuple[int, int], frozenset[str]]] = {}

    def names(self) -> frozenset[str] | None:
        """Return every name that occurs; None: no source, more than the limits, or a file that is not readable.

        A name that ends in `_` is a prefix from which the code builds names.
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
