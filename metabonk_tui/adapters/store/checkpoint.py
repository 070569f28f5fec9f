"""A Snapshot kept so that a long run need not be stepped through again: a cache, never the truth.

It is taken only where it was made by the very same core with the very same configuration.
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
    """Digest the core's source: another one may remember other things."""
    digest = hashlib.sha256(sys.version.encode())
    for path in sorted(Path(snapshot_module.__file__).parents[1].rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.digest()


def key(config: Config) -> str:
    """Name the conditions under which a kept Snapshot may be taken."""
    return hashlib.sha256(_core_digest() + msgspec.json.encode(config)).hexdigest()


def pack(snapshot: Snapshot, seq: int) -> bytes:
    """Write the Snapshot of the sample with this number; runs that ended have recordings of their own."""
    return zlib.compress(pickle.dumps((seq, replace(snapshot, ended_runs=())), protocol=5), 3)


def unpack(packed: bytes) -> tuple[int, Snapshot] | None:
    """Read it; None where it cannot be: it is only a cache."""
    try:
        seq, snapshot = _Unpickler(io.BytesIO(zlib.decompress(packed))).load()
    except Exception:
        return None
    return (seq, snapshot) if isinstance(seq, int) and isinstance(snapshot, Snapshot) else None


class _Unpickler(pickle.Unpickler):
    """Makes what the core is made of and nothing else: a file must not be able to run anything."""

    def find_class(self, module: str, name: str) -> Any:
        """Allow the core's own classes and two plain ones."""
        if module.startswith(CORE_PREFIX) or (module, name) in (("builtins", "frozenset"), ("builtins", "set")):
            found = super().find_class(module, name)
            if isinstance(found, type):
                return found
        raise pickle.UnpicklingError(f"{module}.{name}")
