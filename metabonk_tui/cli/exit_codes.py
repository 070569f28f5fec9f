"""Names the exit codes. The codes of a verdict, 0 to 3, are in `core.model.snapshot.VerdictKind`."""

from __future__ import annotations

DONE = 0
FAILED = 1
"""`compare`: the runs differ."""
NOT_DONE = 2
"""A verb that acts was refused or declined; nothing was changed."""
NOT_KNOWN = 3
"""`fit`: memory cannot be read. `compare`: nothing is comparable."""
USAGE = 64
INTERNAL = 70
CONFIG = 78
INTERRUPTED = 130
BROKEN_PIPE = 141
"""The reader of stdout closed the pipe: 128 + SIGPIPE (13), as a shell reports it."""


class UsageError(Exception):
    """The command line is invalid or contradicts itself; the message says why."""
