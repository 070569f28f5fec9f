"""Decompresses gzip in small steps: what comes before a damaged place is read, with every Python.

Does not: know what the bytes mean. From Python 3.14 on `gzip.GzipFile` decompresses 128 KiB at once, and a damage
within them costs them all.
"""

from __future__ import annotations

import io
import zlib
from typing import BinaryIO

STEP_BYTES = 8192
"""Decompressed bytes that a damaged place costs at most."""
INPUT_BYTES = 4096
WITH_GZIP_HEADER = 31
"""The `wbits` of zlib for a window of any size in a gzip member; it also checks the sum at the end."""


def unzipped(file: BinaryIO) -> io.BufferedReader:
    """Return what a gzip file of one or more members contains. Reading raises zlib.error, or EOFError when cut off."""
    return io.BufferedReader(_Unzipped(file), STEP_BYTES)


class _Unzipped(io.RawIOBase):
    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._member = zlib.decompressobj(WITH_GZIP_HEADER)
        self._input = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)[:STEP_BYTES]  # type: ignore[arg-type]
        while True:
            if self._member.eof and not self._next_member():
                return 0
            if not self._input:
                self._input = self._file.read(INPUT_BYTES)
            at_end = not self._input
            text = self._member.decompress(self._input, len(view))
            self._input = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
            if text:
                view[: len(text)] = text
                return len(text)
            if at_end and not self._member.eof:
                raise EOFError("it ends before its end mark")

    def _next_member(self) -> bool:
        """Begin the next member, after zeros that may fill up the file; return whether there is one."""
        while not (rest := self._input.lstrip(b"\0")):
            self._input = self._file.read(INPUT_BYTES)
            if not self._input:
                return False
        self._input = rest
        self._member = zlib.decompressobj(WITH_GZIP_HEADER)
        return True
