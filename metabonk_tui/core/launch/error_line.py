"""Finds the line of a command's output that names its error. Does not: read more than the kept lines."""

from __future__ import annotations

import re
from collections.abc import Sequence

_NAMED = r"(?:[A-Za-z_][\w.]*\.)?[A-Z]\w*(?:Error|Exception|Interrupt|Exit|Warning|Failure|Iteration)"
_EXCEPTION = re.compile(rf"{_NAMED}(?::.*)?$")
_PYTEST_EXCEPTION = re.compile(rf"E\s+{_NAMED}\b")
_PYTEST = re.compile(r"E\s{2,}\S")
_PYTEST_SUMMARY = re.compile(r"(?:FAILED|ERROR) \S+ - \S")
_WORDS = re.compile(
    r"\b(?:error|failed|fatal|not found|no such file|permission denied|segmentation fault|killed|core dumped"
    r"|undefined symbol|cannot|out of memory|panicked)\b",
    re.IGNORECASE,
)


def error_line(lines: Sequence[str]) -> str:
    """Return the line that names the error; the last line where none does; "" without output.

    pytest prints the exception before its summary, and a traceback ends with it: the last line alone may be
    "1 error in 0.42s".
    """
    found = [line.strip() for line in lines if line.strip()]
    for pattern, is_last in (
        (_PYTEST_EXCEPTION, False),
        (_PYTEST, False),
        (_EXCEPTION, True),
        (_PYTEST_SUMMARY, False),
    ):
        matching = [line for line in found if pattern.match(line)]
        if matching:
            line = matching[-1 if is_last else 0]
            return line[1:].strip() if pattern in (_PYTEST_EXCEPTION, _PYTEST) else line
    named = [line for line in found if _WORDS.search(line)]
    return (named or found or [""])[-1]
