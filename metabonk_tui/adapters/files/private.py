"""Reads and writes files and folders that only their owner may change. Few imports: `status` loads it at every prompt.

Refuses a file or a folder of another user, or that the group or other users may write, as ssh does. Does not: follow
a link to a file.
"""

from __future__ import annotations

import errno
import json
import os
import stat

FOLDER_MODE = 0o700
FILE_MODE = 0o600
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


class ForeignFile(PermissionError):
    """The file or folder is refused; `strerror` gives the path, its owner or mode, and what to do."""

    def __init__(self, reason: str) -> None:
        super().__init__(errno.EPERM, reason)


def make_private_directory(path: str | os.PathLike[str]) -> None:
    """Make a folder and its missing parents with mode 0700 under any umask. Raises OSError.

    Raises ForeignFile where a folder stands there that another user owns or may write, or would be made in such a one.
    """
    path = os.path.abspath(path)
    reason = refuse_to_make(path)
    if reason is None:
        for new in reversed(_missing(path)[0]):
            _make_directory(new)
        reason = refuse_foreign(path)
    if reason is not None:
        raise ForeignFile(reason)
    if not os.path.isdir(path):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), os.fspath(path))


def refuse_foreign(path: str | os.PathLike[str]) -> str | None:
    """Return why a file or folder must not be trusted: the path, its owner or mode, what to do; None: it may be.

    None also when it does not exist. A link to a folder counts by the folder; a link to anything else is refused.
    """
    try:
        found = os.lstat(path)
        if stat.S_ISLNK(found.st_mode):
            if found.st_uid == os.geteuid() and os.path.isdir(path):
                found = os.stat(path)
            else:
                return f"{_shown(path)} is a link: remove it"
    except FileNotFoundError:
        return None
    except OSError as error:
        return f"{_shown(path)} cannot be examined: {error.strerror or error}"
    return _why_foreign(path, found)


def refuse_to_make(path: str | os.PathLike[str]) -> str | None:
    """Return why a folder must not be used, or not be made where it is missing; None: it may be.

    `sudo` may keep the HOME of the user: what root makes there locks that user out.
    """
    missing, folder = _missing(os.path.abspath(path))
    if not missing:
        return refuse_foreign(path)
    try:
        found = os.stat(folder)
    except OSError as error:
        return f"{folder} cannot be examined: {error.strerror or error}"
    ours = os.geteuid()
    # In a container root may own nothing but what is mounted there from a user: only sudo names whose home it is.
    if os.environ.get("SUDO_UID") != str(found.st_uid) or found.st_uid == ours:
        return None
    return (
        f"{folder} belongs to uid {found.st_uid}, and this is uid {ours}: "
        f"set HOME to your own (sudo -H), or set METABONK_TUI_STATE_DIR"
    )


def open_private(path: str | os.PathLike[str], flags: int) -> int:
    """Open a regular file of ours; a new one gets mode 0600 under any umask. Raises OSError.

    Raises ForeignFile for a link, a device, a pipe, another user's file, or a file that others may write. A file
    opened for writing loses the read permission of group and others, which earlier versions left.
    """
    try:
        # O_NONBLOCK: the open of a named pipe must not wait for its other end.
        descriptor = os.open(path, flags & ~os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, FILE_MODE)
    except OSError as error:
        if error.errno == errno.ELOOP and os.path.islink(path):
            raise ForeignFile(f"{_shown(path)} is a link: remove it") from None
        raise
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise ForeignFile(f"{_shown(path)} is no regular file: remove it")
        reason = _why_foreign(path, found)
        if reason is not None:
            raise ForeignFile(reason)
        if flags & (os.O_WRONLY | os.O_RDWR) and stat.S_IMODE(found.st_mode) != FILE_MODE:
            os.fchmod(descriptor, FILE_MODE)
        if flags & os.O_TRUNC:
            os.ftruncate(descriptor, 0)  # only now: a file of another user keeps its content
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def read_private(path: str | os.PathLike[str], max_bytes: int) -> bytes:
    """Read a file of ours. Raises OSError, also for more than `max_bytes`; ForeignFile as `open_private` does."""
    with os.fdopen(open_private(path, os.O_RDONLY), "rb") as file:
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise OSError(errno.EFBIG, f"{_shown(path)} has more than {max_bytes} bytes")
    return content


def write_private_json(path: str | os.PathLike[str], document: object) -> None:
    """Replace a file atomically: a reader finds the old or the new document. Raises OSError.

    Creates a missing folder. Does not call fsync: a machine crash may lose the write.
    """
    make_private_directory(os.path.dirname(path))
    draft = f"{os.fspath(path)}.{os.getpid()}.draft"
    try:
        descriptor = open_private(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        with os.fdopen(descriptor, "wb") as file:
            file.write(json.dumps(document).encode())  # json.dump would encode in Python, ten times as slowly
        os.replace(draft, path)
    except OSError:
        remove_quietly(draft)  # a full disk must not keep half a draft
        raise


def remove_quietly(path: str) -> None:
    """Remove a file and ignore every OSError."""
    try:
        os.unlink(path)
    except OSError:
        return


def _missing(path: str) -> tuple[list[str], str]:
    """Return the folders on this path that do not exist, the innermost first, and the nearest that does."""
    missing = []
    while not os.path.lexists(path):
        missing.append(path)
        path = os.path.dirname(path)
    return missing, path


def _make_directory(path: str) -> None:
    try:
        os.mkdir(path, FOLDER_MODE)
    except FileExistsError:
        return  # another monitor made it meanwhile; the caller checks whose it is
    if stat.S_IMODE(os.lstat(path).st_mode) & FOLDER_MODE != FOLDER_MODE:
        os.chmod(path, FOLDER_MODE)  # a umask such as 0777 also takes the owner's permissions


def _why_foreign(path: str | os.PathLike[str], found: os.stat_result) -> str | None:
    ours = os.geteuid()
    if found.st_uid != ours:
        return (
            f"{_shown(path)} belongs to uid {found.st_uid}, and this is uid {ours}: "
            f"run as its owner, or remove it, or set another METABONK_TUI_STATE_DIR"
        )
    # In a sticky folder, such as the root of a tmpfs, others cannot rename or remove what is ours.
    is_sticky = stat.S_ISDIR(found.st_mode) and found.st_mode & stat.S_ISVTX
    if found.st_mode & _WRITABLE_BY_OTHERS and not is_sticky:
        mode = stat.S_IMODE(found.st_mode)
        return f"{_shown(path)} has mode {mode:04o}, so other users may change it: chmod go-w {_shown(path)}"
    return None


def _shown(path: str | os.PathLike[str]) -> str:
    return os.fspath(path)
