"""Reads whole lines of a large file in blocks, forwards and backwards from an offset, and finds a time by bisection.

Does not: read more than a block at a time, or know what a line means. Every function may raise OSError.
"""

from __future__ import annotations

import os
from collections.abc import Callable

BLOCK_BYTES = 65_536
LONGEST_BYTES = 1_048_576
"""A longer line is cut in pieces: no line may fill the memory."""


def read_before(descriptor: int, end_byte: int, block_bytes: int = BLOCK_BYTES) -> tuple[int, bytes]:
    """Return where the lines of the block before an offset begin, and their bytes; the offset begins a line."""
    wanted = block_bytes
    while True:
        begin = max(0, end_byte - wanted)
        content = _read(descriptor, begin, end_byte - begin)
        if begin == 0:
            return 0, content
        # The byte before the block shows whether a line begins with it.
        is_whole = _read(descriptor, begin - 1, 1) == b"\n"
        first = 0 if is_whole else content.find(b"\n") + 1
        if is_whole or 0 < first < len(content):
            return begin + first, content[first:]
        if wanted >= LONGEST_BYTES:
            return begin, content
        wanted *= 2


def read_after(descriptor: int, begin_byte: int, size: int, block_bytes: int = BLOCK_BYTES) -> tuple[int, bytes]:
    """Return where the whole lines of the block after an offset end, and their bytes; none: no line ends there yet."""
    wanted = block_bytes
    while True:
        content = _read(descriptor, begin_byte, min(wanted, size - begin_byte))
        whole = content.rfind(b"\n") + 1
        if whole or begin_byte + len(content) >= size:
            return begin_byte + whole, content[:whole]
        if wanted >= LONGEST_BYTES:
            return begin_byte + len(content), content
        wanted *= 2


def find_time(
    descriptor: int, size: int, t: float, time_of: Callable[[bytes], float | None], block_bytes: int = BLOCK_BYTES
) -> int:
    """Return the offset of a line near the first one that is not before a time; 0: every line is later.

    `time_of` returns the time of a line, None for a line without one. Looks at about 20 places, however large the file
    is. Where the times of a file fall, any of the places may be returned.
    """
    low, high = 0, size
    while high - low > block_bytes:
        middle = (low + high) // 2
        found = _first_timed(descriptor, middle, high, time_of, block_bytes)
        if found is None or found[1] >= t:
            high = middle
        else:
            low = found[0]
    end, content = read_after(descriptor, low, size, 2 * block_bytes)
    offset = low
    for line in content.split(b"\n")[:-1]:
        its_t = time_of(line)
        if its_t is not None and its_t >= t:
            return offset
        offset += len(line) + 1
    return end if content else low


def _first_timed(
    descriptor: int, from_byte: int, to_byte: int, time_of: Callable[[bytes], float | None], block_bytes: int
) -> tuple[int, float] | None:
    """Return the offset and the time of the first line with a time that begins in a range; looks at two blocks."""
    content = _read(descriptor, from_byte, min(2 * block_bytes, to_byte - from_byte))
    offset = content.find(b"\n") + 1
    while offset and (end := content.find(b"\n", offset)) >= 0:
        its_t = time_of(content[offset:end])
        if its_t is not None:
            return from_byte + offset, its_t
        offset = end + 1
    return None


def find_before(descriptor: int, end_byte: int, text: bytes, most_bytes: int) -> tuple[int | None, int]:
    """Find the last line before an offset that contains a text in small letters, in any case of ASCII letters.

    Returns where the line begins, None where there is none, and the offset to which was searched. Looks at about
    `most_bytes`.
    """
    at = end_byte
    while at > 0 and end_byte - at < most_bytes:
        begin = max(0, at - LONGEST_BYTES)
        content = _read(descriptor, begin, min(end_byte, at + len(text) - 1) - begin)
        found = content.lower().rfind(text)
        if found >= 0:
            return _line_begin(descriptor, begin + found), begin + found
        at = begin
    return None, at


def find_after(descriptor: int, begin_byte: int, size: int, text: bytes, most_bytes: int) -> tuple[int | None, int]:
    """Find the first line after an offset that contains a text, as `find_before` does."""
    at = begin_byte
    while at < size and at - begin_byte < most_bytes:
        content = _read(descriptor, at, min(LONGEST_BYTES + len(text) - 1, size - at))
        found = content.lower().find(text)
        if found >= 0:
            return _line_begin(descriptor, at + found), at + found
        at = min(size, at + LONGEST_BYTES)
    return None, at


def _line_begin(descriptor: int, at: int) -> int:
    """Return where the line of an offset begins; of a line that is too long, where a piece may."""
    begin = max(0, at - LONGEST_BYTES)
    return begin + _read(descriptor, begin, at - begin).rfind(b"\n") + 1


def _read(descriptor: int, begin: int, length: int) -> bytes:
    """Read a range; fewer bytes only at the end of the file."""
    parts: list[bytes] = []
    while length > 0 and (part := os.pread(descriptor, length, begin)):
        parts.append(part)
        begin += len(part)
        length -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)
