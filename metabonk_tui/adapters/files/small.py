"""Reads a small text file that a person wrote: a regular file of at most 1 MB, never a pipe, a device or a folder.

Does not: ask who owns it, or interpret it.
"""

from __future__ import annotations

import errno
import os
import stat

MAX_BYTES = 1_000_000


def read_small_text(path: str | os.PathLike[str]) -> str:
    """Read UTF-8 text. Raises OSError, whose `strerror` says what is wrong; UnicodeDecodeError."""
    # Examined before it is opened, because opening a device or a pipe can have an effect.
    _refuse_special(os.stat(path))
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        _refuse_special(os.fstat(descriptor))
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise OSError(errno.EFBIG, f"it has more than {MAX_BYTES} bytes")
    return content.decode()


def _refuse_special(found: os.stat_result) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder")
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "it is no regular file")
