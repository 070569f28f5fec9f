"""Knows what an exit code means. The verdict's own codes, 0 to 3, stand in `core.snapshot.Word`."""

from __future__ import annotations

DONE = 0
FAILED = 1
"""Of `compare`: something parts them."""
NOT_DONE = 2
"""An acting verb was refused, or the person said no: nothing was touched."""
NOT_KNOWN = 3
"""`fit`: memory cannot be read. `compare`: nothing is comparable."""
USAGE = 64
INTERNAL = 70
CONFIG = 78
INTERRUPTED = 130
BROKEN_PIPE = 141
"""Whoever read our output has gone: 128 + SIGPIPE, as a shell reports it."""


class UsageError(Exception):
    """The command line cannot be understood or cannot be meant; its text says why."""
