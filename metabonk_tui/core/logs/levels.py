"""Marks the errors and warnings among the lines of a log, the tracebacks, and the monitor's own polls. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from metabonk_tui.core.logs.model import LineLevel
from metabonk_tui.core.status.tracebacks import BEGIN

_POLL = re.compile(r"\"GET /(?:status|health|workers)[ ?/].{0,40}\" 2\d\d")
_STATED = re.compile(
    r"\b(?:(?P<error>ERROR|CRITICAL|FATAL|PANIC|SEVERE)|(?P<warning>WARN(?:ING)?)|(?P<calm>INFO|DEBUG|TRACE|NOTICE))\b"
    r"|\blevel\"?[=:] ?\"?(?i:(?P<error_value>err\w*|crit\w*|fatal|panic)|(?P<warning_value>warn\w*)|"
    r"(?P<calm_value>info|debug|trace))"
    r"|^(?:(?P<error_letter>[EF])|(?P<warning_letter>W)|(?P<calm_letter>I))\d{4} \d\d:"
)
"""The level as the line itself states it."""
_ERROR = re.compile(
    r"(?:^|[\s\]:(])(?:[A-Za-z_][\w.]*(?:Error|Exception)|[Ee]rror|[Ff]atal|panic)(?::|$)"
    r"|Segmentation fault|core dumped|(?i:out of memory|oom-kill)|exited with (?:code )?-?[1-9]|restart limit reached"
)
_WARNING = re.compile(
    r"(?i:\bwarn|failed\b|unavailable|cannot |could not |timed out|refused|denied)"
    r"|Warning:|\[start_omega\] restarting|received SIG|; disabling"
)
_ERROR_WORDS = ("error", "exception", "fatal", "panic", "fault", "dumped", "memory", "oom", "exited", "limit")
_WARNING_WORDS = ("warn", "fail", "unavail", "not ", "cannot", "timed", "refus", "denied", "restart", "sig", "disabl")
"""Without any of these words the slower search is not made."""
_STATED_WORDS = ("ERROR", "WARN", "INFO", "DEBUG", "CRITICAL", "FATAL", "PANIC", "SEVERE", "TRACE", "NOTICE", "evel")
_CHAIN = ("During handling of the above exception", "The above exception was the direct cause")


def stated_level(text: str) -> LineLevel:
    """Return the level of a line on its own: as it states it, else as its words show it."""
    head = text[:120]
    may_state = head[:1] in "IWEF" or any(word in head for word in _STATED_WORDS)
    if may_state and (found := _STATED.search(head)) is not None:
        name = (found.lastgroup or "").partition("_")[0]
        if name == "error" or name == "warning":
            return "error" if name == "error" else "warning"
        return "poll" if '"GET /' in text and _POLL.search(text) is not None else ""
    if '"GET /' in text and _POLL.search(text) is not None:
        return "poll"
    lowered = text.lower()
    if any(word in lowered for word in _ERROR_WORDS) and _ERROR.search(text) is not None:
        return "error"
    return "warning" if any(word in lowered for word in _WARNING_WORDS) and _WARNING.search(text) is not None else ""


def line_levels(texts: Iterable[str], inside: bool = False) -> Iterator[tuple[LineLevel, bool]]:
    """Yield the level of each line of one log, and whether a traceback is open after it.

    `inside`: a traceback is open before the first line. Its exception is the first line below that is not indented.
    """
    for text in texts:
        if BEGIN in text:
            inside = True
            yield "trace", inside
        elif inside and (text[:1] in (" ", "\t", "") or text.startswith(_CHAIN)):
            yield "trace", inside
        elif inside:
            inside = False
            yield "error", inside
        else:
            yield ("trace" if text.startswith(_CHAIN) else stated_level(text)), inside
