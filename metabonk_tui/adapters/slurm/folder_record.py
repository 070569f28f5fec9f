"""Keeps in the shared folder what a later monitor needs of a pool: its token, its arrays, how many are wanted.

Any monitor of the same user that sees the folder takes the pool over. Does not: prove that a job is ours; the token
in the job's comment, its user and its name together do.
"""

from __future__ import annotations

import fcntl
import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct, field

from metabonk_tui.adapters.files.private import (
    ForeignFile,
    make_private_directory,
    open_private,
    read_private,
    write_private_json,
)

MOST_BYTES = 1 << 16
MOST_ARRAYS = 200
COMMENT = "metabonk-tui:"
SCRIPT = '#!/bin/sh\nexec "$@"\n'
"""sbatch accepts only a script. This one becomes its arguments, so no shell reads a word of the configuration."""


class FolderRecord(Struct, frozen=True):
    """What is known of the pool of one shared folder."""

    token: str = field(default_factory=lambda: uuid.uuid4().hex)
    workers: int | None = None
    """How many are wanted; None: the pool was stopped, or never launched."""
    arrays: tuple[int, ...] = ()
    """The ids of the arrays that were submitted for it, the newest last."""
    launched_at: float | None = None

    @property
    def comment(self) -> str:
        """The comment of every job of this pool."""
        return COMMENT + self.token


class FolderRecordFile:
    """The record in a shared folder, which only its owner may read and write."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "pool.json"
        self.problem = ""
        """Why the record cannot be used, for people; then nothing may be done with the pool."""

    def read(self) -> FolderRecord | None:
        """Return the record; None: there is none, or `problem` says why it cannot be read."""
        self.problem = ""
        try:
            return msgspec.convert(json.loads(read_private(self.path, MOST_BYTES)), FolderRecord)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as error:
            why = error.strerror if isinstance(error, ForeignFile) else error
            self.problem = f"the record of the pool cannot be read ({self.path}): {why}"
            return None

    def write(self, record: FolderRecord) -> None:
        """Replace the record atomically. Raises OSError."""
        kept = msgspec.structs.replace(record, arrays=record.arrays[-MOST_ARRAYS:])
        write_private_json(self.path, msgspec.structs.asdict(kept))


def write_script(path: Path) -> None:
    """Write the batch script where it is missing or differs. Raises OSError."""
    descriptor = open_private(path, os.O_RDWR | os.O_CREAT)
    with os.fdopen(descriptor, "r+") as file:
        if file.read() != SCRIPT:
            file.seek(0)
            file.truncate()
            file.write(SCRIPT)


@contextmanager
def acting(folder: Path) -> Iterator[str]:
    """Keep monitors on other machines from acting while the block runs; yields why that is impossible, else "".

    The role of a monitor excludes only those of its own machine. A file system without locks excludes none.
    """
    try:
        make_private_directory(folder)
        descriptor = open_private(folder / "acting.lock", os.O_RDWR | os.O_CREAT)
    except OSError as error:
        yield f"the shared folder cannot be used: {error.strerror or error}"
        return
    try:
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            why = ""
        except (BlockingIOError, PermissionError):
            why = "a monitor on another machine acts on this pool right now"
        except OSError:
            why = ""
        yield why
    finally:
        os.close(descriptor)
