"""Dispatches the verbs and maps every ending to an exit code. stdout carries data, stderr narration.

Does not: import what only one verb needs.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from metabonk_tui import __version__
from metabonk_tui.adapters.process.descriptors import limit
from metabonk_tui.cli import exit_codes as exits
from metabonk_tui.cli.exit_codes import UsageError
from metabonk_tui.cli.options import POOL_OPTIONS, PROGRAM, Parser, add_pool_options, nearest


class Verb(NamedTuple):
    """One verb: its module and its texts in `--help`."""

    module: str
    """Its module in `cli.verbs`."""
    what: str
    exit_codes: str = ""
    """What its exit codes mean; "": see `codes_of`, else only the shared codes apply."""
    codes_of: str = ""
    """The verb whose exit codes it shares; `exit_codes`, if set, is listed below that verb's."""


DESCRIPTORS = 4096
"""Enough for 1000 workers. What the monitor launches inherits the limit, so it is not the highest possible."""
VERBS = {
    "watch": Verb("watch", "open the monitor; the default without a verb"),
    "check": Verb(
        "check",
        "poll, print the verdict and its evidence, exit with its code",
        "0 go · 1 caution · 2 STOP · 3 not known yet, or one look while nothing else watches",
    ),
    "alerts": Verb(
        "alerts",
        "list alerts; `alerts test` tries your hook",
        "0 no alert firing · 1 warning · 2 critical · 3 no worker found; test: 0 or 1",
    ),
    "record": Verb(
        "record",
        "record without a screen until stopped",
        "0 stopped, or its time was over · 1 the end of the run could not be stored",
    ),
    "status": Verb(
        "status",
        "print the pool's status in one line, for a prompt or tmux",
        "the same; 3 also when STALE or when no monitor runs",
        codes_of="check",
    ),
    "runs": Verb("runs", "list recorded runs; `runs rm RUN`, `runs prune`"),
    "replay": Verb("replay", "open the monitor on a recorded run or a file"),
    "export": Verb("export", "write a recorded run as .jsonl or as CSV tables"),
    "import": Verb("import_", "import recordings made elsewhere"),
    "report": Verb(
        "report",
        "report on a run: recorded, a .jsonl file, or a CSV folder",
        codes_of="check",
    ),
    "compare": Verb(
        "compare",
        "compare two runs and name their first divergence",
        "0 no divergence · 1 a divergence · 3 nothing comparable",
    ),
    "fit": Verb(
        "fit",
        "compute how many workers fit into memory",
        "0 N workers fit · 1 they do not · 3 memory cannot be read",
    ),
    "contract": Verb(
        "contract",
        "list /status fields: expected, seen, never seen, unexpected",
        "0 every expected field seen · 1 some never seen · 3 no worker answered",
    ),
    "preflight": Verb(
        "preflight",
        "check what a launch needs",
        "0 all passed or skipped · 1 something unknown · 2 something failed",
    ),
    "launch": Verb("pool", "launch N workers", "0 done · 1 failed · 2 refused or declined, nothing changed"),
    "stop": Verb("pool", "stop the pool and verify that it is gone", codes_of="launch"),
    "resize": Verb("pool", "resize the pool to N workers", codes_of="launch"),
    "config": Verb("config", "locate, validate or print the configuration"),
    "demo": Verb("demo", "start a small MetaBonk and open the monitor on it"),
}
SHARED_EXIT_CODES = "64 wrong usage · 70 internal error · 78 bad configuration · 130 interrupted"


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
    if isinstance(error, UsageError):
        _print_error(str(error))
        return exits.USAGE
    if isinstance(error, KeyboardInterrupt):
        return exits.INTERRUPTED
    if isinstance(error, BrokenPipeError):
        # The interpreter flushes stdout again at exit and would fail on the closed pipe: redirect that to /dev/null.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exits.BROKEN_PIPE
    return _report_crash(error)


def dispatch(argv: Sequence[str]) -> int:
    """Parse the options before the verb, then let the verb's module handle the other words. Raises UsageError."""
    parser = _parser()
    options = parser.parse_args(argv)
    words = options.words
    del options.words
    verb = words[0] if words else "watch"
    if verb not in VERBS:
        raise UsageError(f"no such verb: {verb}{nearest(verb, list(VERBS))}\nverbs: {', '.join(VERBS)}")
    use_more_descriptors()
    module = importlib.import_module(f"metabonk_tui.cli.verbs.{VERBS[verb].module}")
    what = VERBS[verb].what
    sub = Parser(prog=f"{PROGRAM} {verb}", description=what[0].upper() + what[1:] + ".")
    module.add_options(sub, verb)
    _refuse_unrelated_options(options, sub, verb)
    code: int = module.main(sub.parse_args(words[1:], namespace=options), verb)
    return code


def use_more_descriptors() -> None:
    """Raise the soft limit of descriptors to at most `DESCRIPTORS`: each worker takes one connection."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):  # a sandbox may forbid it; the old limit still works
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _parser() -> Parser:
    verbs = "\n".join(f"  {name:<9} {entry.what}" for name, entry in VERBS.items())
    parser = Parser(
        prog=PROGRAM,
        usage=f"{PROGRAM} [options] [verb] [options]",
        description="A terminal monitor for MetaBonk training. Without a verb it opens the monitor.",
        epilog=f"verbs:\n{verbs}\n\n{exit_codes_text(VERBS)}",
    )
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    add_pool_options(parser)
    parser.add_argument("words", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return parser


def exit_codes_text(verbs: Mapping[str, Verb]) -> str:
    """List what the exit codes of each verb mean; verbs with the same codes share a line."""
    lines = ["exit codes:"]
    for name, entry in verbs.items():
        if not entry.exit_codes or entry.codes_of:
            continue
        sharing = [(other, its) for other, its in verbs.items() if its.codes_of == name]
        names = [name, *(other for other, its in sharing if not its.exit_codes)]
        lines.append(f"  {', '.join(names):<24} {entry.exit_codes}")
        lines += [f"  {other:<24} {its.exit_codes}" for other, its in sharing if its.exit_codes]
    return "\n".join([*lines, f"  {'all':<24} {SHARED_EXIT_CODES}", ""])


def _refuse_unrelated_options(options: argparse.Namespace, parser: Parser, verb: str) -> None:
    """Raise UsageError for an option before the verb that the verb does not have: ignoring it would mislead."""
    known = {action.dest for action in parser._actions}
    for key in POOL_OPTIONS:
        if hasattr(options, key) and key not in known:
            raise UsageError(f"--{key.replace('_', '-')} is not an option of {verb}\ntry: {PROGRAM} {verb} --help")


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
    _print_error(f"internal error: {type(error).__name__}: {error}; {where}")
    return exits.INTERNAL


def _print_error(text: str) -> None:
    from metabonk_tui.core.text.mask import mask_text

    print(f"{PROGRAM}: {mask_text(text)}", file=sys.stderr)
