"""Packs Snapshots of one run one after another, each as what differs from the ones before it.

A stream is one compression that goes on: of two Snapshots two minutes apart, three quarters of the bytes are the same.
To read one, the parts of its stream up to it are unpacked. Does not: decide which Snapshots are kept, or name them.
"""

from __future__ import annotations

import hashlib
import lzma
import struct
import zlib
from collections.abc import Sequence

from metabonk_tui.adapters.store import checkpoint
from metabonk_tui.adapters.store.checkpoint import UnusableCheckpoint
from metabonk_tui.core.model.snapshot import Snapshot

FORMAT = b"MBC3"
"""The first bytes of a part of a stream."""
DICT_BYTES = 1 << 19
"""How far back the compression looks. A Snapshot of 5 workers has 180 KB."""
MAX_PARTS = 10
"""Parts of a stream. To unpack them all takes 4 ms with five workers."""
_FILTERS = [{"id": lzma.FILTER_LZMA1, "preset": 0, "dict_size": DICT_BYTES}]
"""Preset 1 would take a tenth less bytes, a quarter more CPU, and 2 MB more memory."""
_PLACE = struct.Struct("<III")
"""Where the Snapshot is in its unpacked stream: begin and length; and its CRC-32, which this kind of LZMA has not."""
_LOOKAHEAD = bytes(8192)
"""More than the compressor holds back before it writes, which is 4.5 KB."""
BETWEEN_BYTES = 64 + len(_LOOKAHEAD)
"""Unpacked bytes between two Snapshots."""


class CheckpointStream:
    """Packs the parts of one stream."""

    def __init__(self) -> None:
        self._compressor = lzma.LZMACompressor(lzma.FORMAT_RAW, filters=_FILTERS)
        self._bytes = 0
        self._parts = 0
        self.is_full = False
        """Whether the next Snapshot needs another stream."""

    def add(self, encoded: bytes) -> bytes:
        """Pack one more Snapshot, from `checkpoint.encoded`; return the part to be kept."""
        # The end of a Snapshot is only written when something new follows it.
        new = hashlib.sha512(self._parts.to_bytes(4, "big")).digest()
        packed = self._compressor.compress(b"".join((encoded, new, _LOOKAHEAD)))
        part = b"".join((_head(), _PLACE.pack(self._bytes, len(encoded), zlib.crc32(encoded)), packed))
        self._bytes += len(encoded) + BETWEEN_BYTES
        self._parts += 1
        self.is_full = self._parts >= MAX_PARTS or len(encoded) + BETWEEN_BYTES > DICT_BYTES
        return part


def unpack(parts: Sequence[object]) -> tuple[int, Snapshot] | UnusableCheckpoint:
    """Unpack (seq, Snapshot) of the last of a stream's first parts. The bytes may be damaged, or made to do harm."""
    head = _head()
    begin, length, check, packed = 0, -BETWEEN_BYTES, 0, []
    for part in parts:
        if not isinstance(part, bytes) or not part.startswith(head) or len(part) < len(head) + _PLACE.size:
            return UnusableCheckpoint("a part of another version, or none")
        following = begin + length + BETWEEN_BYTES
        begin, length, check = _PLACE.unpack_from(part, len(head))
        if begin != following:
            return UnusableCheckpoint("damaged: a part is missing")
        packed.append(part[len(head) + _PLACE.size :])
    end = begin + length
    if end > checkpoint.MAX_BYTES:
        return UnusableCheckpoint(f"too big: {end} bytes unpacked")
    try:
        plain = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=_FILTERS).decompress(b"".join(packed), end)
    except (lzma.LZMAError, MemoryError) as error:
        return UnusableCheckpoint(f"damaged: {error}")
    if not packed or len(plain) != end or zlib.crc32(plain[begin:]) != check:
        return UnusableCheckpoint("damaged: other bytes than were written")
    return checkpoint.decoded(plain[begin:])


def _head() -> bytes:
    return FORMAT + checkpoint.fingerprint()
