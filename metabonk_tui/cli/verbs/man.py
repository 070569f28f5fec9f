"""`man`: prints the man page in roff."""

from __future__ import annotations

import argparse
import sys

from metabonk_tui.cli.exit_codes import DONE
from metabonk_tui.cli.options import Parser


def add_options(parser: Parser, verb: str) -> None:
    pass


def main(options: argparse.Namespace, verb: str) -> int:
    from metabonk_tui.cli.shell.man_page import man_page

    sys.stdout.write(man_page())
    return DONE
