"""`status`: prints the state of the pool in one line, from the file that the monitor writes.

Does not: poll workers. The plain form bypasses this module, see `cli.entry`.
"""

from __future__ import annotations

import argparse

from metabonk_tui.cli.live.status_print import FORMATS, show
from metabonk_tui.cli.options import Parser, add_config_option, host, port


def add_options(parser: Parser, verb: str) -> None:
    add, absent = parser.add_argument, argparse.SUPPRESS
    add("--format", choices=FORMATS, default="line", help="print a line, everything as JSON, or tmux's colours")
    json_text = "the same as --format json"
    add("--json", dest="format", action="store_const", const="json", default=absent, help=json_text)
    add("--base-port", type=port, metavar="P", default=absent, help="select the pool whose worker i answers on P + i")
    add("--host", type=host, metavar="H", default=absent, help="select the pool whose workers answer on H")
    add_config_option(parser)


def main(options: argparse.Namespace, verb: str) -> int:
    """Print the state of the named pool; without a name the most severe monitored pool, else the newest."""
    host, base_port = getattr(options, "host", None), getattr(options, "base_port", None)
    if hasattr(options, "config"):
        from metabonk_tui.adapters.state.config_files import load_config

        pool = load_config(options.config).config.pool
        host, base_port = host or pool.host, base_port or pool.base_port
    return show(options.format, host, base_port)
