"""Starts the program. A plain `status` takes a short path: tmux and shell prompts call it every few seconds.

Every other command line goes through `cli.main`. Does not: import a module before it is needed.
"""

from __future__ import annotations

import io
import os
import sys

from metabonk_tui.cli.live import first_frame

LONGEST_HOST = 253
LONGEST_PORT = 5


def run() -> None:
    """Run the program and exit with its code."""
    never_fail_to_encode()
    words = sys.argv[1:]
    first_frame.show(words)
    plain = plain_status(words)
    if plain is None:
        from metabonk_tui.cli.main import guarded

        code = guarded(words)
        first_frame.leave()
        sys.exit(code)
    from metabonk_tui.cli.live.status_print import show

    try:
        code = show(*plain)
        sys.stdout.flush()
    except (Exception, KeyboardInterrupt) as error:
        from metabonk_tui.cli.main import exit_code_for

        code = exit_code_for(error)
    sys.exit(code)


def never_fail_to_encode() -> None:
    """Write "?" for a character that the locale cannot express: a report must not end as an internal error."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the caller: `status >&-`
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def plain_status(words: list[str]) -> tuple[str, str | None, int | None] | None:
    """Parse a plain `status` into (format, host, base port); None: `cli.main` must parse this command line."""
    if words[:1] != ["status"]:
        return None
    from metabonk_tui.cli.live.status_print import FORMATS

    given: dict[str, str] = {}
    rest = iter(words[1:])
    for word in rest:
        name, equals, value = word.partition("=")
        value = value if equals else next(rest, "")
        known = name in ("--format", "--host", "--base-port") and name not in given
        if not known or not value or value.startswith("-"):
            return None
        given[name] = value
    how, port = given.get("--format", "line"), given.get("--base-port", "")
    if how not in FORMATS or not (port == "" or (port.isascii() and port.isdigit() and len(port) <= LONGEST_PORT)):
        return None
    if port and not 1 <= int(port) <= 65535:
        return None
    host = given.get("--host", "localhost")
    # A subset of the names that the parser accepts; it judges all others.
    if not (host.isascii() and host.replace(".", "a").replace("-", "a").isalnum() and len(host) <= LONGEST_HOST):
        return None
    if not (host[0].isalnum() and host[-1].isalnum()):
        return None
    return how, given.get("--host"), int(port) if port else None
