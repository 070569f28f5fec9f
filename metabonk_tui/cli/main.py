"""Dispatches the verbs and maps every ending to an exit code. stdout carries data, stderr narration.

Does not: import what only one verb needs.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import sys
from collections.abc import Sequence
from typing import TextIO

from metabonk_tui.adapters.process.descriptors import limit
from metabonk_tui.cli import exit_codes as exits
from metabonk_tui.cli.exit_codes import UsageError
from metabonk_tui.cli.live import first_frame
from metabonk_tui.cli.options import POOL_OPTIONS, PROGRAM, SCREEN_OPTIONS, Parser, nearest
from metabonk_tui.cli.registry import VERBS, module_of, not_of_verb, parser_of, top_parser

DESCRIPTORS = 4096
"""Enough for 1000 workers. What the monitor launches inherits the limit, so it is not the highest possible."""


def run() -> None:
    """Run the program and exit with its code; `cli.entry` has a faster path for a plain `status`."""
    sys.exit(guarded(sys.argv[1:]))


def guarded(argv: Sequence[str]) -> int:
    """Run one command line and turn every ending into an exit code."""
    try:
        code = dispatch(argv)
        sys.stdout.flush()
        return code
    except (Exception, KeyboardInterrupt) as error:
        return exit_code_for(error)


def exit_code_for(error: BaseException) -> int:
    """Map an exception to an exit code; print to stderr what the user must know."""
    first_frame.leave()
    if isinstance(error, UsageError):
        _print_error(str(error))
        return exits.USAGE
    if isinstance(error, KeyboardInterrupt):
        return exits.INTERRUPTED
    if isinstance(error, BrokenPipeError):
        # The interpreter flushes both again at exit and would fail on the closed pipe: redirect that to /dev/null.
        _discard(sys.stdout)
        try:
            sys.stderr.flush()
        except BrokenPipeError:  # 2>&1 into head
            _discard(sys.stderr)
        return exits.BROKEN_PIPE
    if _is_stdout_full(error):
        _discard(sys.stdout)
        _print_error(f"the output cannot be written: {os.strerror(errno.ENOSPC)}")
        return exits.INTERNAL
    return _report_crash(error)


def _discard(stream: TextIO) -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _is_stdout_full(error: BaseException) -> bool:
    """Return whether a flush of stdout failed for a full disk: no bug, so no traceback. A file would be named."""
    return isinstance(error, OSError) and error.errno == errno.ENOSPC and error.filename is None


def dispatch(argv: Sequence[str]) -> int:
    """Parse the options before the verb, then let the verb's module handle the other words. Raises UsageError."""
    parser = top_parser()
    parser.argv = argv
    options = parser.parse_args(argv)
    words = options.words
    del options.words
    verb = words[0] if words else "watch"
    if verb not in VERBS:
        raise UsageError(f"no such verb: {verb}{nearest(verb, list(VERBS))}\nverbs: {', '.join(VERBS)}")
    use_more_descriptors()
    sub = parser_of(verb)
    _refuse_unrelated_options(options, sub, verb)
    code: int = module_of(verb).main(sub.parse_args(words[1:], namespace=options), verb)
    return code


def use_more_descriptors() -> None:
    """Raise the soft limit of descriptors to at most `DESCRIPTORS`: each worker takes one connection."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):  # a sandbox may forbid it; the old limit still works
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _refuse_unrelated_options(options: argparse.Namespace, parser: Parser, verb: str) -> None:
    """Raise UsageError for an option before the verb that the verb does not have: ignoring it would mislead."""
    known = {action.dest for action in parser._actions}
    for key in (*POOL_OPTIONS, *SCREEN_OPTIONS, "plain"):
        if hasattr(options, key) and key not in known:
            problem = not_of_verb(f"--{key.replace('_', '-')}", verb)
            raise UsageError(f"{problem}\ntry: {PROGRAM} {verb} --help")


def _report_crash(error: BaseException) -> int:
    """Print one line to stderr and return the exit code; the traceback of a bug goes to the log."""
    from metabonk_tui.core.config.load import ConfigError

    if isinstance(error, ConfigError):
        _print_error(str(error))
        return exits.CONFIG
    from metabonk_tui.core.ports.shortage import is_own_shortage

    if is_own_shortage(error):
        _print_error(f"{error}: {PROGRAM} may open {limit()} files; raise the limit with ulimit -n 256")
        return exits.INTERNAL
    from metabonk_tui.cli.log import log_exception

    where = log_exception(error)
    report = f"for a bug report: {PROGRAM} doctor --json"
    _print_error(f"internal error: {type(error).__name__}: {error}; {where}; {report}")
    return exits.INTERNAL


def _print_error(text: str) -> None:
    from metabonk_tui.core.text.mask import mask_text

    try:
        print(f"{PROGRAM}: {mask_text(text)}", file=sys.stderr, flush=True)
    except BrokenPipeError:
        _discard(sys.stderr)
