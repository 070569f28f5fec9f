"""Names the errors by which the operating system refuses the monitor itself. Does not: say what to do.

Such an error says nothing about a worker, a process or a file: what could not be opened was not observed.
"""

from __future__ import annotations

import errno

_OWN = frozenset({errno.EMFILE, errno.ENFILE})


def is_own_shortage(error: BaseException | None) -> bool:
    """Return whether the monitor, or the machine, had no file descriptor left."""
    return isinstance(error, OSError) and error.errno in _OWN
