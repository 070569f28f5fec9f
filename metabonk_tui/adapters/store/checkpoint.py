"""Stores a Snapshot as a cache, so that a monitor need not step through a long run again.

A cached Snapshot is valid only for the same core source, Python version and configuration.
"""

from __future__ import annotations

import functools
import hashlib
import io
import pickle
import sys
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model import snapshot as snapshot_module
from metabonk_tui.core.model.snapshot import Snapshot

NAME = "snapshot"
CORE_PREFIX = "metabonk_tui.core."


@functools.cache
def _core_digest() -> bytes:
    """Hash the core's source and the Python version: another core may compute other state."""
    digest = hashlib.sha256(sys.version.encode())
    for path in sorted(Path(snapshot_module.__file__).parents[1].rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.digest()


def key(config: Config) -> str:
    """Return the cache key: a hash of the core and the configuration."""
    return hashlib.sha256(_core_digest() + msgspec.json.encode(config)).hexdigest()


def pack(snapshot: Snapshot, seq: int) -> bytes:
    """Pack the Snapshot of sample `seq`, without ended runs: they have their own recordings."""
    return zlib.compress(pickle.dumps((seq, replace(snapshot, ended_runs=())), protocol=5), 3)


def unpack(packed: bytes) -> tuple[int, Snapshot] | None:
    """Unpack (seq, Snapshot); None on any error, because the cache is optional."""
    try:
        seq, snapshot = _Unpickler(io.BytesIO(zlib.decompress(packed))).load()
    except Exception:
        return None
    return (seq, snapshot) if isinstance(seq, int) and isinstance(snapshot, Snapshot) else None


class _Unpickler(pickle.Unpickler):
    """Unpickles only classes of the core: a file must not run code."""

    def find_class(self, module: str, name: str) -> Any:
        """Allow the core's own classes and two plain ones."""
        if module.startswith(CORE_PREFIX) or (module, name) in (("builtins", "frozenset"), ("builtins", "set")):
            found = super().find_class(module, name)
            if isinstance(found, type):
                return found
        raise pickle.UnpicklingError(f"{module}.{name}")
