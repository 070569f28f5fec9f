"""Packs the lines of one chunk, and unpacks those of every schema.

A line is a text of JSON. After a line feed follow the floating-point numbers that it leaves out, and a check, 8 bytes
each. Texts and numbers are compressed apart. The numbers are arranged by byte: all first bytes, then all second bytes,
and so on. The first ones are alike, and the last ones cannot be made smaller by anything.
Does not: know what a line says.
"""

from __future__ import annotations

import lzma
import struct
import zlib
from collections.abc import Iterable

import msgspec

FORMAT = b"MBL3"
"""The first bytes of a chunk with numbers. One of an earlier schema is a stream of LZMA alone."""
MAX_CHUNK_BYTES = 128_000_000
"""Bytes of a decompressed chunk; `run_file` closes one beyond 48 MB, and one line has at most 64 MB."""
BLOCK_BYTES = 64_000
"""Bytes of numbers that are arranged together; a block ends with a line."""
DOUBLE = 8
"""Bytes of a number."""
_SIZE = struct.Struct("<I")


class LinePacker:
    """Compresses the lines of one chunk as they come: of 1000 workers, all at once would hold up a tick."""

    def __init__(self) -> None:
        self._of_texts = zlib.compressobj()
        self._texts: list[bytes] = []
        self._sizes: list[int] = []
        """For each line the count of its numbers."""
        self._open: list[bytes] = []
        self._open_bytes = 0
        self._of_numbers = zlib.compressobj()
        self._numbers: list[bytes] = []

    @property
    def count(self) -> int:
        """The lines so far."""
        return len(self._sizes)

    def add(self, line: bytes) -> None:
        """Compress one more line."""
        text, _, numbers = line.partition(b"\n")
        self._texts.append(self._of_texts.compress(text + b"\n"))
        self._sizes.append(len(numbers) // DOUBLE)
        if numbers:
            self._open.append(numbers)
            self._open_bytes += len(numbers)
            if self._open_bytes >= BLOCK_BYTES:
                self._close_block()

    def finish(self) -> bytes:
        """Return the chunk. No line can be added to it."""
        self._close_block()
        self._texts.append(self._of_texts.compress(msgspec.json.encode(self._sizes)))
        texts = b"".join((*self._texts, self._of_texts.flush()))
        return b"".join((FORMAT, _SIZE.pack(len(texts)), texts, *self._numbers, self._of_numbers.flush()))

    def _close_block(self) -> None:
        block = b"".join(self._open)
        self._numbers.append(self._of_numbers.compress(b"".join(block[place::DOUBLE] for place in range(DOUBLE))))
        self._open, self._open_bytes = [], 0


def pack_lines(lines: Iterable[bytes]) -> bytes:
    """Compress lines into one chunk."""
    packer = LinePacker()
    for line in lines:
        packer.add(line)
    return packer.finish()


def unpack_lines(packed: bytes) -> list[bytes]:
    """Decompress a chunk. Raises LZMAError; ValueError for a chunk that is cut or grows beyond `MAX_CHUNK_BYTES`."""
    if not packed.startswith(FORMAT):
        return _unpacked_by_lzma(packed).split(b"\n")
    begin = len(FORMAT) + _SIZE.size
    if len(packed) < begin:
        raise ValueError("a cut chunk")
    end = begin + _SIZE.unpack_from(packed, len(FORMAT))[0]
    *texts, counts = _inflated(packed[begin:end], MAX_CHUNK_BYTES).split(b"\n")
    try:
        sizes = _SIZES.decode(counts)
    except msgspec.MsgspecError as error:
        raise ValueError(f"a damaged chunk: {error}") from None
    if len(sizes) != len(texts) or min(sizes, default=0) < 0:
        raise ValueError("a damaged chunk: other numbers than lines")
    numbers = _unpacked_numbers(packed[end:], [size * DOUBLE for size in sizes])
    return [b"%b\n%b" % (text, own) if own else text for text, own in zip(texts, numbers, strict=True)]


def _unpacked_by_lzma(packed: bytes) -> bytes:
    decompressor = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MAX_CHUNK_BYTES)
    texts = decompressor.decompress(packed, MAX_CHUNK_BYTES)
    if not decompressor.eof or decompressor.unused_data:
        raise ValueError("a damaged or too big chunk")
    return texts


def _inflated(packed: bytes, most_bytes: int) -> bytes:
    inflate = zlib.decompressobj()
    try:
        plain = inflate.decompress(packed, most_bytes)
    except zlib.error as error:
        raise ValueError(f"a damaged chunk: {error}") from None
    if not inflate.eof or inflate.unused_data:
        raise ValueError("a damaged or too big chunk")
    return plain


def _unpacked_numbers(packed: bytes, sizes: list[int]) -> list[bytes]:
    """Return the numbers of each line, from `sizes` in bytes."""
    whole = sum(sizes)
    if whole > MAX_CHUNK_BYTES:
        raise ValueError("a damaged or too big chunk")
    arranged = _inflated(packed, whole + 1)
    if len(arranged) != whole:
        raise ValueError("a damaged chunk: other numbers than it says")
    found: list[bytes] = []
    lines: list[int] = []
    at = 0
    for size in sizes:
        lines.append(size)
        if sum(lines) >= BLOCK_BYTES:
            at = _add_block(arranged, at, lines, found)
            lines = []
    _add_block(arranged, at, lines, found)
    return found


def _add_block(arranged: bytes, at: int, sizes: list[int], found: list[bytes]) -> int:
    """Add the numbers of the lines of one block, which begins at a place; return the end of the block."""
    whole = sum(sizes)
    count = whole // DOUBLE
    block = bytearray(whole)
    for place in range(DOUBLE):
        block[place::DOUBLE] = arranged[at + place * count : at + (place + 1) * count]
    begin = 0
    for size in sizes:
        found.append(bytes(block[begin : begin + size]))
        begin += size
    return at + whole


_SIZES = msgspec.json.Decoder(list[int])
