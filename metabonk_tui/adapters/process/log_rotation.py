"""Bounds the log of a launch while its processes write it: 50 MB, and ten older parts.

A small process of its own copies the log's end and truncates it, because a launch outlives the monitor. The writers
append, so they continue at the new end; if this process dies, they notice nothing. Runs as a script, without the
package. Does not: read what the log contains.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import signal
import stat
import subprocess
import sys
import time

LOG = logging.getLogger(__name__)
ROTATES_AT_BYTES = 50_000_000
KEPT_PARTS = 10
FLOOD_SHARE = 50
"""Of a flood one part in 50 is kept: 1 MB."""
FASTEST_S = 0.01
SLOWEST_S = 1.0


def keep_log_small(
    path: str | os.PathLike[str], descriptor: int, limit_bytes: int = ROTATES_AT_BYTES
) -> list[subprocess.Popen[bytes]]:
    """Start the process that bounds this open log; it ends when no process has the log open any more.

    Returns it, or nothing for a device and where it cannot start: a launch and a stop work without it.
    """
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        return []
    # -I and -S: 10 ms and 8 MB; the environment must not mark it as part of the launch.
    numbers = map(str, (found.st_dev, found.st_ino, limit_bytes))
    argv = [sys.executable, "-I", "-S", __file__, os.fspath(path), *numbers]
    try:
        return [
            subprocess.Popen(
                argv,
                cwd="/",
                env={},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        ]
    except OSError as error:
        LOG.warning("the log %s will not be rotated: %s", path, error)
        return []


def shift_old_logs(path: str, parts: int = KEPT_PARTS) -> None:
    """Rename PATH.1 to PATH.2 and so on; the oldest part is replaced. Raises OSError."""
    for number in range(parts - 1, 0, -1):
        with contextlib.suppress(FileNotFoundError):
            os.replace(f"{path}.{number}", f"{path}.{number + 1}")


def rotate(path: str, log: int, limit_bytes: int = ROTATES_AT_BYTES, *, is_flood: bool = False) -> None:
    """Keep the log's end as PATH.1, and truncate the log. Raises OSError.

    Bytes that arrive meanwhile are lost. A full disk loses the part, and the log is still truncated. A flood of 1 GB/s
    continues during a copy, so of a flood only the end is kept, in memory until the log is truncated.
    """
    size = os.fstat(log).st_size
    flood = b""
    if is_flood or size >= 2 * limit_bytes:
        begin = _line_begin(log, size - limit_bytes // FLOOD_SHARE)
        flood = os.pread(log, size - begin, begin)
        os.ftruncate(log, 0)
    try:
        if _is_at(path, log):
            shift_old_logs(path)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
            part = os.open(f"{path}.1", flags, 0o600)
            try:
                os.fchmod(part, 0o600)
                if flood:
                    _write(part, flood)
                else:
                    _copy(log, part, _line_begin(log, size - limit_bytes), size)
            finally:
                os.close(part)
    finally:
        if not flood:
            os.ftruncate(log, 0)


def _line_begin(log: int, at: int) -> int:
    """Return where the next line begins: half a line may be the end of a secret without its name."""
    if at <= 0:
        return 0
    return at + max(0, os.pread(log, 1 << 16, at - 1).find(b"\n"))


def _copy(source: int, target: int, at: int, end: int) -> None:
    while at < end and (chunk := os.pread(source, min(1 << 20, end - at), at)):
        at += len(chunk)
        _write(target, chunk)


def _write(target: int, content: bytes) -> None:
    while content:
        content = content[os.write(target, content) :]


def _is_at(path: str, log: int) -> bool:
    """Return whether the log is still at its path: the next launch may have renamed it."""
    try:
        return os.path.samestat(os.lstat(path), os.fstat(log))
    except OSError:
        return False


def _is_closed(log: int) -> bool:
    """Return whether no other process has the log open: only then the kernel grants a write lease."""
    try:
        fcntl.fcntl(log, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    except BlockingIOError:
        return False
    except OSError:
        return os.getppid() == 1  # no leases here: the monitor's end is the only sign
    fcntl.fcntl(log, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return True


def watch(path: str, device: int, inode: int, limit_bytes: int) -> None:
    """Rotate the log whenever it exceeds `limit_bytes`, until no other process has it open. Raises OSError."""
    log = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    found = os.fstat(log)
    if not stat.S_ISREG(found.st_mode) or (found.st_dev, found.st_ino) != (device, inode):
        return
    try:
        fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return  # an earlier launch's process does it
    pause_s, size, looked_s = FASTEST_S, found.st_size, time.monotonic()
    while not _is_closed(log):
        time.sleep(pause_s)
        before, size = size, os.fstat(log).st_size
        now_s = time.monotonic()
        bytes_per_s = max(1.0, (size - before) / max(now_s - looked_s, 0.001))
        looked_s = now_s
        # Look again after a tenth of the limit: a flood of 1 GB/s every 10 ms, a quiet log every second. The pause
        # grows by half, because a writer without a processor for 10 ms looks quiet and then writes 1 GB in a second.
        pause_s = min(SLOWEST_S, 1.5 * pause_s, max(FASTEST_S, limit_bytes / 10 / bytes_per_s))
        if size > limit_bytes:
            with contextlib.suppress(OSError):
                rotate(path, log, limit_bytes, is_flood=bytes_per_s > limit_bytes)
            size, looked_s = os.fstat(log).st_size, time.monotonic()


if __name__ == "__main__":
    # A reader that opens the log while the lease is tried sends this signal, which would end the process.
    signal.signal(signal.SIGIO, signal.SIG_IGN)
    with contextlib.suppress(OSError):  # only root may; on a busy machine a flood gains 100 MB between two looks
        os.setpriority(os.PRIO_PROCESS, 0, -10)
    watch(sys.argv[1], *map(int, sys.argv[2:]))
