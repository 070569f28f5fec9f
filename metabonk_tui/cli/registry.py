"""Lists the verbs, and builds their parsers: `--help`, completion and the man page are made from them.

Does not: import the module of a verb before its parser is needed.
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from metabonk_tui import __version__
from metabonk_tui.cli.options import (
    PROGRAM,
    Parser,
    add_plain_option,
    add_pool_options,
    add_screen_options,
    unrecognized,
)
from metabonk_tui.core.text.phrases import cut_list


class Verb(NamedTuple):
    """One verb: its module and its texts in `--help`."""

    module: str
    """Its module in `cli.verbs`."""
    what: str
    exit_codes: str = ""
    """What its exit codes mean; "": see `codes_of`, else only the shared codes apply."""
    codes_of: str = ""
    """The verb whose exit codes it shares; `exit_codes`, if set, is listed below that verb's."""
    examples: tuple[str, ...] = ()
    """Command lines without the program's name, each followed by two spaces and what it does."""


VERBS = {
    "watch": Verb(
        "watch",
        "open the monitor; the default without a verb; without a terminal, plain text",
        examples=(
            "--base-port 6000 --workers 5  # the pool whose worker i answers on 6000 + i",
            "watch --read-only  # no key can change the pool",
        ),
    ),
    "check": Verb(
        "check",
        "poll, print the verdict and its evidence, exit with its code",
        "0 go · 1 caution · 2 STOP · 3 not known yet, or one look while nothing else watches",
        examples=(
            "check --wait && echo go  # waits for the decision of the gate",
            "check --for 10m --json > check.json",
        ),
    ),
    "alerts": Verb(
        "alerts",
        "list alerts; `alerts test` tries your hook and webhooks",
        "0 no alert firing · 1 warning · 2 critical · 3 no worker found; test: 0 or 1",
        examples=(
            "alerts --json",
            "alerts test  # sends one to your hook and each webhook",
        ),
    ),
    "record": Verb(
        "record",
        "record without a screen until stopped",
        "0 stopped, or its time was over · 1 the end of the run could not be stored · 2 --install: another unit stays",
        examples=(
            "record --for 24h",
            "record --memory-watch  # may act when memory runs out",
            "record --install  # writes a systemd user service",
        ),
    ),
    "serve": Verb(
        "serve",
        "show the monitor in a browser of this machine, view only",
        "0 stopped · 1 the port or the extra web is not there",
        examples=("serve", "serve --port 8765 --base-port 6000"),
    ),
    "status": Verb(
        "status",
        "print the pool's status in one line, for a prompt or tmux",
        "0 go · 1 caution · 2 STOP · 3 not known, STALE, or no monitor runs",
        examples=(
            "status --format tmux",
            "status --format json | jq .verdict",
        ),
    ),
    "runs": Verb(
        "runs",
        "list recorded runs; `runs rm RUN`, `runs prune`",
        examples=(
            "runs --json",
            "runs rm RUN  # a prefix of its name is enough",
        ),
    ),
    "replay": Verb(
        "replay",
        "open the monitor on a recorded run or a file",
        examples=(
            "replay last",
            "replay last --at 1h20m  # paused there",
            "replay sample  # a failed run that comes with the program",
        ),
    ),
    "export": Verb(
        "export",
        "write a recorded run as .jsonl or as CSV tables",
        examples=("export last  # writes RUN.jsonl into this folder", "export last --jsonl - > run.jsonl"),
    ),
    "import": Verb(
        "import_",
        "import recordings made elsewhere",
        examples=("import recording.jsonl",),
    ),
    "report": Verb(
        "report",
        "report on a run: recorded, a .jsonl file, or a CSV folder",
        "0 go · 1 caution · 2 STOP · 3 not known",
        examples=(
            "report last --html report.html",
            "report last --markdown  # for an issue",
        ),
    ),
    "compare": Verb(
        "compare",
        "compare two runs and name their first divergence",
        "0 no divergence · 1 a divergence · 3 nothing comparable",
        examples=(
            "compare RUN last",
            "compare sample:failed sample:rescued",
            "compare a.jsonl b.jsonl --markdown",
        ),
    ),
    "fit": Verb(
        "fit",
        "compute how many workers fit into memory",
        "0 N workers fit · 1 they do not · 3 memory cannot be read",
        examples=(
            "fit --workers 5 && metabonk-tui launch 5",
            "fit --json",
        ),
    ),
    "contract": Verb(
        "contract",
        "list /status fields: expected, seen, never seen, unexpected",
        "0 every expected field seen · 1 some never seen · 3 no worker answered",
        examples=(
            "contract --json",
            "contract recording.jsonl",
        ),
    ),
    "preflight": Verb(
        "preflight",
        "check what a launch needs",
        "0 all passed or skipped · 1 something unknown · 2 something failed",
        examples=("preflight && metabonk-tui launch 3",),
    ),
    "launch": Verb(
        "pool",
        "launch N workers",
        "0 done · 1 failed · 2 refused or declined, nothing changed",
        examples=(
            "launch 3 --yes",
            "launch 3 --hours 24  # refused until every item of the checklist passes",
            "launch 4 --hosts node1,node2  # 4 workers on each of these hosts",
        ),
    ),
    "stop": Verb(
        "pool",
        "stop the pool and verify that it is gone",
        codes_of="launch",
        examples=(
            "stop",
            "stop --yes  # for a script",
        ),
    ),
    "resize": Verb(
        "pool",
        "resize the pool to N workers",
        codes_of="launch",
        examples=("resize 2",),
    ),
    "setup": Verb(
        "setup",
        "find MetaBonk, write the configuration, offer the recorder",
        "0 done · 1 a step failed · 2 declined, or the configuration that is there stays",
        examples=(
            "setup",
            "setup --yes --directory ~/MetaBonk  # asks nothing, overwrites nothing",
        ),
    ),
    "config": Verb(
        "config",
        "locate, validate, print or write the configuration",
        "0 done · 1 init: the file cannot be written · 2 init: a file is there and stays",
        examples=(
            "config init  # writes your file, with every key as a comment",
            "config manual | less",
            "config check  # lists every mistake",
        ),
    ),
    "doctor": Verb(
        "doctor",
        "check the terminal, this machine, and what the monitor can read",
        "0 all passed · 1 something is missing · 2 something is wrong",
        examples=(
            "doctor",
            "doctor --json > doctor.json  # for a bug report",
            "doctor --test-alert",
        ),
    ),
    "demo": Verb(
        "demo",
        "start a small MetaBonk and open the monitor on it",
        "0 done · 1 a process or a folder of the pool is left",
        examples=(
            "demo",
            "demo --story  # how a run died, and how it was saved",
            "demo --scenario leak --speed 60",
        ),
    ),
    "agent": Verb(
        "agent",
        "read this host for a monitor on another one, over a pipe",
        "0 the monitor closed the pipe · 1 the agent gave up",
        examples=("agent  # started by a monitor: ssh HOST metabonk-tui agent",),
    ),
    "slurm-task": Verb(
        "slurm_task",
        "become one worker on a node of a Slurm cluster",
        "0 what the worker exits with, as any other code · 1 the worker cannot start",
        examples=(
            "slurm-task --folder /home/me/pool --pool MARK --base-port 5000 -- worker {port}  # in a task of an array",
        ),
    ),
    "completion": Verb(
        "completion",
        "print a completion script for bash, zsh or fish",
        examples=(
            "completion bash > ~/.local/share/bash-completion/completions/metabonk-tui",
            "completion fish > ~/.config/fish/completions/metabonk-tui.fish",
        ),
    ),
    "man": Verb("man", "print the man page", examples=("man | man -l -",)),
    "schema": Verb(
        "schema",
        "print the JSON Schema of the configuration or of a --json output",
        examples=("schema", "schema config > config.schema.json"),
    ),
    "metrics": Verb(
        "metrics",
        "print the metrics, a Grafana dashboard or Prometheus rules",
        examples=(
            "metrics dashboard > metabonk.json  # import it into Grafana",
            "metrics rules > metabonk.rules.yml",
        ),
    ),
    "help": Verb("help", "print the help of a verb", examples=("help check",)),
    "version": Verb("version", "print the version", examples=("version",)),
}
SHARED_EXIT_CODES = "64 wrong usage · 70 internal error · 78 bad configuration · 130 interrupted"


class TopParser(Parser):
    """The parser of the options before the verb."""

    argv: Sequence[str] = ()
    """The command line that is parsed: a wrong option is looked for among those of its verb."""

    def _hint(self, message: str) -> str:
        if "unrecognized arguments:" in message and (typed := unrecognized(message)):
            for word in self.argv:
                if word in VERBS and typed in parser_of(word).option_names():
                    return f"; {typed} belongs after the verb: {PROGRAM} {word} {typed}"
        return super()._hint(message)


class VerbParser(Parser):
    """The parser of the words after a verb."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Refuse an option that other verbs have before argparse takes its value for an argument of this verb."""
        own = self.option_names()
        others = set(top_parser().option_names()) - {*own, "-V", "--version"}
        for word in args or ():
            if word == "--":
                break
            if (option := word.partition("=")[0]) in others:
                self.error(not_of_verb(option, self.prog.removeprefix(PROGRAM).strip()))
        return super().parse_known_args(args, namespace)


def not_of_verb(option: str, verb: str) -> str:
    """Say that an option is not one of this verb, and which verbs have it. Imports the module of every verb."""
    owners = [name for name in VERBS if option in parser_of(name).option_names()]
    return f"{option} is not an option of {verb}" + (f", but of {cut_list(owners, 4)}" if owners else "")


def top_parser() -> TopParser:
    """Build the parser of the options before the verb; it leaves the verb and what follows in `words`."""
    verbs = "\n".join(f"  {name:<11} {entry.what}" for name, entry in VERBS.items())
    parser = TopParser(
        prog=PROGRAM,
        usage=f"{PROGRAM} [options] [verb] [options]",
        description="A terminal monitor for MetaBonk training. Without a verb it opens the monitor.",
        epilog=f"verbs:\n{verbs}\n\n{exit_codes_text(VERBS)}\nmore: {PROGRAM} help VERB",
    )
    parser.add_argument("-V", "--version", action="version", version=version_text())
    add_pool_options(parser, can_act=True)
    add_plain_option(parser)
    add_screen_options(parser)
    parser.add_argument("words", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return parser


def version_text() -> str:
    return f"{PROGRAM} {__version__}"


def module_of(verb: str) -> Any:
    """Import and return the module of a verb."""
    return importlib.import_module(f"metabonk_tui.cli.verbs.{VERBS[verb].module}")


def parser_of(verb: str) -> Parser:
    """Build the parser of a verb, with its examples and exit codes in the help. Imports the verb's module."""
    what = VERBS[verb].what
    parser = VerbParser(prog=f"{PROGRAM} {verb}", description=what[0].upper() + what[1:] + ".")
    module_of(verb).add_options(parser, verb)
    parser.epilog = "\n\n".join(filter(None, (parser.epilog, examples_text(verb), codes_text(verb))))
    return parser


def examples_text(verb: str) -> str:
    """List the examples of a verb; "" for none."""
    lines = [f"  {PROGRAM} {example}" for example in VERBS[verb].examples]
    return "\n".join(["examples:", *lines]) if lines else ""


def codes_of(verb: str) -> str:
    """Return what the exit codes of a verb mean, besides those that all verbs share; "" for no others than 0."""
    entry = VERBS[verb]
    shared = VERBS[entry.codes_of].exit_codes if entry.codes_of else ""
    return " · ".join(filter(None, (shared, entry.exit_codes.removeprefix("the same; "))))


def codes_text(verb: str) -> str:
    """List the exit codes of a verb and those that all verbs share."""
    own = (codes_of(verb) or "0 done").split(" · ")
    return "\n".join(["exit codes:", *(f"  {code}" for code in own), f"  {SHARED_EXIT_CODES}"])


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
