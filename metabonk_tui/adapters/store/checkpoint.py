"""Stores a Snapshot as a cache, so that a monitor need not step through a long run again.

A cached Snapshot is valid only for the same core source, Python version and configuration. Does not: run or name code
from the file. Bytes that cannot be read give `UnusableCheckpoint`, and the run is rebuilt from its samples.
"""

from __future__ import annotations

import functools
import hashlib
import sys
import zlib
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from metabonk_tui.adapters.recordings.value_codec import ValueCodec
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model import snapshot as snapshot_module
from metabonk_tui.core.model.snapshot import Snapshot, computed
from metabonk_tui.core.step.state import State

NAME = "snapshot"
FORMAT = b"MBC1"
"""The first bytes of a checkpoint; another format gets another number."""
PACKING = b"streams"
"""Another word for each way to pack the Snapshots of a run: what the same core packed in another way is not found."""
MAX_PACKED_BYTES = 32_000_000
MAX_BYTES = 256_000_000
"""64 workers pack to 0.13 MB, from 1.4 MB."""


class Checkpoint(Struct, frozen=True):
    """The Snapshot of sample `seq`."""

    seq: int
    snapshot: Snapshot
    """Without its state, which `state` has with its type."""
    state: State


class UnusableCheckpoint(Struct, frozen=True):
    """Why a stored checkpoint cannot be read."""

    reason: str


@functools.cache
def _core_digest() -> bytes:
    """Hash the core's source and the Python version: another core may compute other state."""
    digest = hashlib.sha256(sys.version.encode())
    for path in sorted(Path(snapshot_module.__file__).parents[1].rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.digest()


def key(config: Config) -> str:
    """Return the cache key: a hash of how Snapshots are packed, of the core and of the configuration."""
    return hashlib.sha256(PACKING + _core_digest() + msgspec.json.encode(config)).hexdigest()


@functools.cache
def _codec() -> ValueCodec[Checkpoint]:
    return ValueCodec(Checkpoint)


def fingerprint() -> bytes:
    """Return what differs between two versions that do not read each other's Snapshots."""
    return _codec().fingerprint


def encoded(snapshot: Snapshot, seq: int) -> bytes:
    """Encode the Snapshot of sample `seq`, without ended runs: they have their own recordings.

    Raises ValueError when the Snapshot holds anything that cannot be read back equal.
    """
    whole = replace(computed(snapshot), ended_runs=(), state=None)
    return _codec().encode(Checkpoint(seq, whole, snapshot.state))


def decoded(plain: bytes) -> tuple[int, Snapshot] | UnusableCheckpoint:
    """Decode (seq, Snapshot) from what `encoded` returned, or from any other bytes."""
    try:
        checkpoint = _codec().decode(plain)
    except (ValueError, MemoryError) as error:
        return UnusableCheckpoint(f"damaged: {error}")
    # What is computed at the first read is a list in the bytes.
    return checkpoint.seq, replace(computed(checkpoint.snapshot), state=checkpoint.state)


def _head() -> bytes:
    return FORMAT + fingerprint()


def pack(snapshot: Snapshot, seq: int) -> bytes:
    """Pack the Snapshot of sample `seq` by itself. Raises ValueError as `encoded` does."""
    return packed(encoded(snapshot, seq))


def packed(plain: bytes) -> bytes:
    """Pack what `encoded` returned."""
    # Level 3 would save 7 % of the bytes and cost 20 % more time.
    return _head() + zlib.compress(plain, 1)


def unpack(packed: object) -> tuple[int, Snapshot] | UnusableCheckpoint:
    """Unpack (seq, Snapshot). The bytes may be damaged, of another version, or made to do harm."""
    if not isinstance(packed, bytes):
        return UnusableCheckpoint("not bytes")
    if not packed.startswith(FORMAT):
        return UnusableCheckpoint("unknown format")
    if not packed.startswith(_head()):
        return UnusableCheckpoint("written by another version")
    if len(packed) > MAX_PACKED_BYTES:
        return UnusableCheckpoint(f"too big: {len(packed)} bytes")
    try:
        plain = _inflated(packed[len(_head()) :])
    except (zlib.error, MemoryError) as error:
        return UnusableCheckpoint(f"damaged: {error}")
    return plain if isinstance(plain, UnusableCheckpoint) else decoded(plain)


def _inflated(packed: bytes) -> bytes | UnusableCheckpoint:
    inflate = zlib.decompressobj()
    plain = inflate.decompress(packed, MAX_BYTES)
    if inflate.unconsumed_tail:
        return UnusableCheckpoint(f"too big: more than {MAX_BYTES} bytes unpacked")
    if not inflate.eof or inflate.unused_data:
        return UnusableCheckpoint("damaged: wrong length")
    return plain
