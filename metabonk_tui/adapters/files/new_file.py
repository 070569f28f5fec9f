"""Writes text files for a person to keep: never over one that is there.

Does not: follow a link, or make a folder in the home of another user.
"""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

from metabonk_tui.adapters.files.kind import is_dir
from metabonk_tui.adapters.files.private import ForeignFile, refuse_to_make, remove_quietly

FOLDER_MODE = 0o700
FILE_MODE = 0o600


def write_new_file(path: Path, text: str, mode: int = FILE_MODE) -> None:
    """Write a file that does not exist yet, with its folder. Raises OSError: FileExistsError where one is there.

    A write that fails leaves no file. Raises ForeignFile where root would make a folder in a user's home.
    """
    folder = path.absolute().parent
    if not is_dir(folder):
        if reason := refuse_to_make(folder):
            raise ForeignFile(reason)
        try:
            folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        except FileExistsError:
            raise NotADirectoryError(errno.ENOTDIR, f"{folder} is no folder") from None
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode())
    except BaseException:
        remove_quietly(str(path))
        raise


def move_aside(path: Path) -> Path:
    """Rename a file to `NAME.old-TIME` beside it, and return its new path. Raises OSError."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    for number in range(100):
        aside = path.with_name(f"{path.name}.old-{stamp}" + (f"-{number}" if number else ""))
        if not os.path.lexists(aside):
            os.rename(path, aside)
            return aside
    raise FileExistsError(f"{path}.old-{stamp} and 99 more are there")
