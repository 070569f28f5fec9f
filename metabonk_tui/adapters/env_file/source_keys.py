"""Finds the METABONK_ names that a checkout reads: its code, its scripts, its launcher, its container files.

Does not: know how a file uses a name. Tests, documents and env files read no variable for a worker.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from metabonk_tui.adapters.files.kind import is_file, may_exist

MAX_FILES = 5000
MAX_ENTRIES = 100_000
"""The most directory entries that are listed: a home directory set by mistake must not be searched."""
MAX_BYTES = 50_000_000
_NAME = re.compile(rb"(METABONK_(?:[A-Z0-9_]*[A-Z0-9])?)(?![A-Z0-9_])|(METABONK_[A-Z0-9_]*_)(?=[\"'`{%$])")
"""A name, or a prefix that the code completes: `"METABONK_ACE_" + key`. `METABONK_UI_*` in a text is neither."""
_SHELL_READS = re.compile(
    rb"\$\{?[#!]?(METABONK_[A-Z0-9_]*)|(?:printenv|-v)\s+(METABONK_[A-Z0-9_]+)|[\"'](METABONK_[A-Z0-9_]*[A-Z0-9])[\"']"
)
"""A shell reads `$NAME`, `printenv NAME`, `[[ -v NAME ]]`, or runs code with the quoted name; `NAME=` sets it."""
_EXPANDED = re.compile(rb"\$\{?(METABONK_[A-Z0-9_]*)")
_COMMENT = re.compile(rb"^[ \t]*#.*$", re.MULTILINE)
_ANY = "METABONK_"
"""The bare prefix: code that reads every name with it shows no use of a single name."""
_IGNORED = frozenset(
    {"__pycache__", "node_modules", "site-packages", "venv", "env", "docs", "doc", "test", "tests", "runs", "logs"}
)
_CODE = frozenset(
    {".py", ".pyi", ".pyx", ".rs", ".go", ".c", ".cc", ".cpp", ".cxx", ".h", ".hpp", ".cu", ".cs", ".java", ".kt"}
    | {".js", ".mjs", ".cjs", ".jsx", ".ts", ".tsx", ".lua", ".rb", ".pl"}
)
_SHELL = frozenset({".sh", ".bash", ".zsh", ".ksh"})
_TEMPLATES = frozenset({".yml", ".yaml", ".service", ".mk"})
_TEMPLATE_NAMES = ("Dockerfile", "Makefile", "GNUmakefile", "justfile", "Justfile", "Procfile")


class SourceNames(Struct, frozen=True):
    """Every name that the source reads. A name that ends in `_` is a prefix from which the code builds names."""

    names: frozenset[str]
    read: str
    """What was read: "914 files of /srv/metabonk"."""


class SourceNotRead(Struct, frozen=True):
    """The reason why nothing can be said of any name, for people."""

    why: str


class _SourceFile(Struct, frozen=True):
    stamp: tuple[int, int]
    names: frozenset[str]


class SourceKeys:
    """Collects the names of one checkout; reads a file again only after it changed (mtime or size)."""

    def __init__(self, root: Path, max_files: int = MAX_FILES, max_bytes: int = MAX_BYTES) -> None:
        self._root = root
        self._max_files = max_files
        self._max_bytes = max_bytes
        self._known: Mapping[str, _SourceFile] = {}

    def read(self) -> SourceNames | SourceNotRead:
        """Read what changed. Half of a checkout says nothing: over a limit or not permitted is `SourceNotRead`."""
        if not may_exist(self._root):
            return SourceNotRead(f"{self._root} does not exist")
        try:
            listed = self._list()
            if isinstance(listed, SourceNotRead):
                return listed
            known = {}
            for path, stamp in listed.items():
                before = self._known.get(path)
                known[path] = before if before and before.stamp == stamp else _SourceFile(stamp, _names_in(Path(path)))
        except OSError as error:
            return SourceNotRead(f"{error.filename or self._root} cannot be read: {error.strerror or error}")
        self._known = known
        if not known:
            return SourceNotRead(f"no source is in {self._root}")
        count = "1 file" if len(known) == 1 else f"{len(known)} files"
        names = frozenset[str]().union(*(file.names for file in known.values()))
        return SourceNames(names, f"{count} of {self._root}")

    def _list(self) -> dict[str, tuple[int, int]] | SourceNotRead:
        """List the files with their stamps before any is opened, so that a too large folder costs no reading."""
        found: dict[str, tuple[int, int]] = {}
        total = entries = 0
        for path, more in _files_below(self._root):
            entries += more
            if entries > MAX_ENTRIES:
                return SourceNotRead(f"{self._root} has more than {MAX_ENTRIES} entries")
            if path is None or (status := _regular(path)) is None:
                continue
            total += status.st_size
            if len(found) >= self._max_files:
                return SourceNotRead(f"{self._root} has more than {self._max_files} source files")
            if total > self._max_bytes:
                return SourceNotRead(f"{self._root} has more than {self._max_bytes / 1e6:g} MB of source")
            found[path] = (status.st_mtime_ns, status.st_size)
        return found


def unread(keys: Iterable[str], names: frozenset[str]) -> tuple[str, ...]:
    """List the METABONK_ keys that never occur among the names, sorted."""
    prefixes = tuple(name for name in names if name.endswith("_") and name != _ANY)
    return tuple(sorted(k for k in keys if k.startswith(_ANY) and k not in names and not k.startswith(prefixes)))


def _files_below(root: Path) -> Iterator[tuple[str | None, int]]:
    """Yield the possible source files; (None, n) counts n other entries of a folder."""
    if is_file(root):
        yield str(root), 1
        return

    def stop(error: OSError) -> None:
        raise error

    for directory, folders, files in os.walk(root, onerror=stop):
        folders[:] = [name for name in folders if _is_searched(os.path.join(directory, name), name)]
        yield None, len(folders) + len(files)
        yield from ((os.path.join(directory, name), 0) for name in sorted(files) if _may_be_source(name))


def _is_searched(path: str, name: str) -> bool:
    if name in _IGNORED or name.startswith("."):
        return False
    # A virtual environment under any name: its packages are not the checkout's.
    return not os.path.exists(os.path.join(path, "pyvenv.cfg"))


def _may_be_source(name: str) -> bool:
    suffix = os.path.splitext(name)[1].lower()
    return suffix in _CODE or suffix in _SHELL or suffix in _TEMPLATES or (not suffix and not name.startswith("."))


def _regular(path: str) -> os.stat_result | None:
    """Return the status of a regular file; None for a pipe, a device, or a link whose target is missing."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found if stat.S_ISREG(found.st_mode) else None


def _names_in(path: Path) -> frozenset[str]:
    suffix, name = path.suffix.lower(), path.name
    if not suffix and not name.startswith(_TEMPLATE_NAMES):
        with path.open("rb") as file:
            first = file.readline(200)
            if not first.startswith(b"#!"):
                return frozenset()
            text = first + file.read()
        pattern = _NAME if b"python" in first or b"node" in first else _SHELL_READS
    else:
        text = path.read_bytes()
        pattern = _NAME if suffix in _CODE else _SHELL_READS if suffix in _SHELL else _EXPANDED
    if pattern is not _NAME:
        text = _COMMENT.sub(b"", text)
    found = (match[match.lastindex or 0] for match in pattern.finditer(text))
    return frozenset(name.decode() for name in found)
