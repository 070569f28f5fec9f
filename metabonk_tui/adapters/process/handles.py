"""Opens a handle (pidfd) on the process that /proc shows under a number.

A number means another process in another pid namespace, and /proc may show one that is not ours, for example after
`unshare --pid` without `--mount-proc`. Does not: signal a process, or know its start.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from metabonk_tui.adapters.process.proc import Proc, read_bytes

FOREIGN_PROC = "/proc shows the processes of another pid namespace: mount it again in this one"


def why_not_ours(proc: Proc) -> str:
    """Return why the numbers in /proc must not be signalled; "" when they are ours, or there is no /proc."""
    itself = proc.link(".", "self") if proc.is_real else None
    return "" if itself in (None, str(os.getpid())) else FOREIGN_PROC


@contextmanager
def handle_of(pid: int) -> Iterator[int]:
    """Open a handle for the block. Raises ProcessLookupError if the process is gone, OSError if /proc is foreign."""
    handle = os.pidfd_open(pid)
    try:
        shown = _number_in_proc(handle)
        if shown == -1:
            raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH))
        # A sandbox's kernel may not write the number; then the number of this process in /proc decides.
        if (shown is None and why_not_ours(Proc())) or shown not in (None, pid):
            raise OSError(errno.EXDEV, FOREIGN_PROC)
        yield handle
    finally:
        os.close(handle)


def _number_in_proc(handle: int) -> int | None:
    """Return the pid under which /proc shows the handle's process; -1: it has ended; None: not readable."""
    for line in (read_bytes(f"/proc/self/fdinfo/{handle}") or b"").splitlines():
        name, _, number = line.partition(b":")
        if name == b"Pid":
            return int(number)
    return None
