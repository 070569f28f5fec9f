"""Knows the verbs and what an ending means. stdout is data, stderr is narration.

Imports nothing that only one verb needs.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from metabonk_tui import __version__
from metabonk_tui.cli import exit_codes as exits
from metabonk_tui.cli.exit_codes import UsageError
from metabonk_tui.cli.options import POOL_OPTIONS, PROGRAM, Parser, add_pool_options, nearest

# verb: (module in this package, what it does)
VERBS = {
    "watch": ("watch", "open the monitor; the same as no verb at all"),
    "check": ("check", "poll, print the verdict with its evidence, exit with 0, 1, 2 or 3"),
    "alerts": ("alerts", "say which alerts fire; `alerts test` tries your hook with one that is made up"),
    "record": ("record", "record without a screen until told to end"),
    "status": ("status", "print how the pool stands in one line, for a prompt or a tmux status bar"),
    "runs": ("runs", "list what was recorded; `runs rm RUN`, `runs prune`"),
    "replay": ("replay", "open the monitor over a recording: a run, or a file"),
    "export": ("export", "write a recorded run as .jsonl, or as CSV tables"),
    "import": ("import_", "take recordings that were made elsewhere in among the runs"),
    "report": (
        "report",
        "say what happened in a run: a recorded one, a .jsonl file, a folder of worker_N_metrics.csv",
    ),
    "compare": ("compare", "lay two runs side by side and name the first thing in which they part"),
    "fit": ("fit", "say how many workers fit into memory, with the sum; nothing needs to run"),
    "contract": ("contract", "say which names of /status are expected, seen, never seen, unexpected"),
    "preflight": ("preflight", "look at what must be so before a launch"),
    "launch": ("pool", "launch N workers"),
    "stop": ("pool", "stop the pool, and see that it is gone"),
    "resize": ("pool", "bring the pool to N workers"),
    "config": ("config", "say where the configuration is, whether it can be used, what it amounts to"),
    "demo": ("demo", "start a small MetaBonk of real processes and open the monitor on it"),
}

EXIT_CODES = """\
exit codes:
  check, report            0 go · 1 caution · 2 STOP · 3 not known yet
  status                   the same; 3 also where nobody watches and what is known is STALE
  alerts                   0 none fires · 1 a warning · 2 a critical one · 3 no worker was seen; test: 0 or 1
  record                   0 ended as it was told to · 1 the end of it could not be stored
  compare                  0 nothing parts them · 1 something does · 3 nothing is comparable
  fit                      0 so many fit · 1 they do not · 3 memory cannot be read
  contract                 0 every expected name seen · 1 some never seen · 3 nobody answered
  preflight                0 all passed or skipped · 1 something unknown · 2 something failed
  launch, stop, resize     0 done · 1 failed · 2 refused or declined, nothing touched
  all                      64 wrong usage · 70 internal error · 78 bad configuration · 130 interrupted
"""


def run() -> None:
    """Run the program and leave with its exit code; `cli.entry` knows a shorter way for one verb."""
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
    """Turn what ended the program into an exit code, and say what must be said."""
    if isinstance(error, UsageError):
        _print_error(str(error))
        return exits.USAGE
    if isinstance(error, KeyboardInterrupt):
        return exits.INTERRUPTED
    if isinstance(error, BrokenPipeError):
        # The interpreter flushes stdout once more at its end: give it somewhere to flush to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exits.BROKEN_PIPE
    return _report_crash(error)


def dispatch(argv: Sequence[str]) -> int:
    """Read the options before the verb, then hand the rest to the verb's own module."""
    parser = _parser()
    options = parser.parse_args(argv)
    words = options.words
    del options.words
    verb = words[0] if words else "watch"
    if verb not in VERBS:
        raise UsageError(f"no such verb: {verb}{nearest(verb, list(VERBS))}\nverbs: {', '.join(VERBS)}")
    module = importlib.import_module(f"metabonk_tui.cli.verbs.{VERBS[verb][0]}")
    sub = Parser(prog=f"{PROGRAM} {verb}", description=VERBS[verb][1][0].upper() + VERBS[verb][1][1:] + ".")
    module.add_options(sub, verb)
    _refuse_unrelated_options(options, sub, verb)
    code: int = module.main(sub.parse_args(words[1:], namespace=options), verb)
    return code


def _parser() -> Parser:
    verbs = "\n".join(f"  {name:<9} {what}" for name, (_, what) in VERBS.items())
    parser = Parser(
        prog=PROGRAM,
        usage=f"{PROGRAM} [options] [verb] [options]",
        description="A terminal monitor for MetaBonk training. Without a verb it opens the monitor.",
        epilog=f"verbs:\n{verbs}\n\n{EXIT_CODES}",
    )
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    add_pool_options(parser)
    parser.add_argument("words", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return parser


def _refuse_unrelated_options(options: argparse.Namespace, parser: Parser, verb: str) -> None:
    """Refuse an option before the verb that means nothing to the verb, instead of dropping it in silence."""
    known = {action.dest for action in parser._actions}
    for key in POOL_OPTIONS:
        if hasattr(options, key) and key not in known:
            raise UsageError(f"--{key.replace('_', '-')} means nothing to {verb}\ntry: {PROGRAM} {verb} --help")


def _report_crash(error: BaseException) -> int:
    """Say in one line what ended the program; the traceback of a bug goes to the log."""
    from metabonk_tui.core.config.load import ConfigError

    if isinstance(error, ConfigError):
        _print_error(str(error))
        return exits.CONFIG
    from metabonk_tui.cli.log import log_exception

    where = log_exception(error)
    _print_error(f"internal error: {type(error).__name__}: {error}; {where}")
    return exits.INTERNAL


def _print_error(text: str) -> None:
    print(f"{PROGRAM}: {text}", file=sys.stderr)
