"""Finds the exceptions in lines of a log: the last line of each traceback. Pure.

Does not: need a whole traceback. Of a log, only the lines that may name a cause are kept, and equal lines only once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

BEGIN = "Traceback (most recent call last)"
_DOTTED = r"(?:[A-Za-z_]\w*\.)*"
_EXCEPTION = re.compile(
    rf"\s*{_DOTTED}\w*(?:Error|Exception|Interrupt|Exit|Warning|Iteration|Failure|ExceptionGroup)\s*(?::.*)?$"
)
"""An exception that its name shows to be one: "RuntimeError: no device"."""
_CLASS = re.compile(rf"\s*{_DOTTED}[A-Z]+[a-z]\w*(?:: .*)?$")
"""Any class, as in "queue.Empty": an exception only where a traceback ends. "INFO: ..." of a server is none."""


def raised(lines: Iterable[str]) -> Iterator[str]:
    """Yield the exceptions of the tracebacks; "" for a traceback whose last line is not there.

    The second traceback of a log may lack its first line, because equal lines are kept once.
    """
    is_open = began = False
    for line in lines:
        if BEGIN in line:
            if is_open:
                yield ""
            is_open = began = True
        elif began and (_EXCEPTION.match(line) or (is_open and _CLASS.match(line))):
            is_open = False
            yield line.strip()
    if is_open:
        yield ""


def raised_after(lines: Sequence[str], place: int) -> str | None:
    """Return the first exception below a line of a traceback; None: its last line is not there."""
    return next((found for found in raised((BEGIN, *lines[place + 1 :])) if found), None)


def ends_of_tracebacks(lines: Iterable[str]) -> set[str]:
    """Return the last lines of the tracebacks among whole log lines, whatever the exception's name."""
    return {found for found in raised(lines) if found}
