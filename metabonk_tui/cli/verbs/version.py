"""`version`: prints the version, as `--version` does."""

from __future__ import annotations

import argparse

from metabonk_tui.cli.exit_codes import DONE
from metabonk_tui.cli.options import Parser
from metabonk_tui.cli.registry import version_text


def add_options(parser: Parser, verb: str) -> None:
    pass


def main(options: argparse.Namespace, verb: str) -> int:
    print(version_text())
    return DONE
