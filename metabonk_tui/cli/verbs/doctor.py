"""`doctor`: checks the terminal, this machine, the program and the pool; says what is missing, and what that costs.

Does not: act on the pool. It calls the hook and the webhooks only with `--test-alert`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import textwrap
import tomllib
from collections.abc import Iterator
from typing import Any

import msgspec

from metabonk_tui import __version__
from metabonk_tui.adapters.state.config_check import check_config
from metabonk_tui.adapters.state.package_data import default_config_text
from metabonk_tui.cli.doctor.finding import Finding, exit_code
from metabonk_tui.cli.doctor.machine import machine_findings, program_findings
from metabonk_tui.cli.doctor.pool import pool_findings
from metabonk_tui.cli.doctor.terminal import terminal_findings
from metabonk_tui.cli.options import Parser, add_config_option, count, factor, host, overrides, port
from metabonk_tui.core.config.load import ConfigError
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.text.clean import clean_text

SCHEMA = 1
WIDE = 100
"""Columns of the text, at most."""
INDENT = 11
NAMED = ("TERM", "COLORTERM", "TERM_PROGRAM", "LANG", "LC_ALL", "TMUX", "SSH_TTY", "NO_COLOR")
"""Variables that a bug report needs; of the last ones only whether they are set."""
ONLY_WHETHER = ("TMUX", "SSH_TTY", "NO_COLOR")


def add_options(parser: Parser, verb: str) -> None:
    add = parser.add_argument
    add("--json", action="store_true", help="print one JSON object instead of text, for a bug report")
    add("--test-alert", action="store_true", help="send one test alert to the hook and each webhook")
    add_config_option(parser)
    add("--base-port", type=port, metavar="P", default=argparse.SUPPRESS, help="check the pool at this base port")
    add("--host", type=host, metavar="H", default=argparse.SUPPRESS, help="check the pool on this host")
    add("--workers", type=count, metavar="N", default=argparse.SUPPRESS, help="ask this many workers")
    # A command that a monitor of a demo suggests has it.
    add("--speed", type=factor, metavar="X", default=argparse.SUPPRESS, help=argparse.SUPPRESS)


def main(options: argparse.Namespace, verb: str) -> int:
    """Print every finding; return 0 when all passed, 1 when something is missing, 2 when something is wrong."""
    config, mistakes, place = _config(options)
    found: list[Finding] = []
    for finding in _findings(config, mistakes, place, options.test_alert):
        found.append(msgspec.structs.replace(finding, found=clean_text(finding.found, 2000)))
    code = exit_code(found)
    print(json.dumps(_document(found, code), indent=2) if options.json else "\n".join(_text(found)))
    return code


def _config(options: argparse.Namespace) -> tuple[Config, tuple[str, ...], str]:
    """Return the configuration without its wrong keys, its mistakes, and where it is from."""
    from metabonk_tui.ui.key_map import key_mistakes

    try:
        checked = check_config(getattr(options, "config", None), overrides(options), more=key_mistakes)
        mistakes, place = checked.mistakes, checked.where
        if checked.config is not None:
            return checked.config, mistakes, place
    except ConfigError as error:
        mistakes, place = tuple(str(error).splitlines()), ""
    return msgspec.convert(tomllib.loads(default_config_text()), Config), mistakes, place


def _findings(config: Config, mistakes: tuple[str, ...], place: str, tests_hook: bool) -> Iterator[Finding]:
    yield from terminal_findings(config.ui)
    yield from machine_findings(config)
    yield from program_findings(config, mistakes, place)
    yield from pool_findings(config, tests_hook=tests_hook)


def _document(found: list[Finding], code: int) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "version": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "environment": {
            name: "set" if name in ONLY_WHETHER else clean_text(os.environ[name])
            for name in NAMED
            if name in os.environ
        },
        "exit": code,
        "findings": [msgspec.structs.asdict(finding) for finding in found],
    }


def _text(found: list[Finding]) -> Iterator[str]:
    counts = {word: sum(finding.standing == word for finding in found) for word in ("WRONG", "MISSING", "PASS")}
    wrong, missing, passed = counts.values()
    yield f"doctor: {wrong} wrong, {missing} missing, {passed} passed"
    width = max(len(finding.title) for finding in found) + 2
    group = ""
    for finding in found:
        if finding.group != group:
            group = finding.group
            yield f"\n{group.upper()}"
        yield from _wrapped(f"  {finding.standing:<7}  {finding.title:<{width}}", finding.found, INDENT + width)
        for label, text in (("costs", finding.costs), ("do", finding.remedy)):
            if text and finding.standing != "PASS":
                yield from _wrapped(" " * INDENT + f"{label:<{width}}", text, INDENT + width)
    yield f"\nmetabonk-tui {__version__}, Python {platform.python_version()}, {platform.system()} {platform.release()}"


def _wrapped(head: str, text: str, indent: int) -> list[str]:
    return textwrap.wrap(text, WIDE, initial_indent=head, subsequent_indent=" " * indent) or [head.rstrip()]
