"""`config path|check|show`: prints the configuration's path, whether it is valid, or every key in effect."""

from __future__ import annotations

import argparse
import sys

from metabonk_tui.adapters.state.config_files import load_config, user_config_path
from metabonk_tui.cli.exit_codes import DONE
from metabonk_tui.cli.options import Parser, add_pool_options, overrides
from metabonk_tui.core.config.load import printable


def add_options(parser: Parser, verb: str) -> None:
    parser.add_argument(
        "what",
        nargs="?",
        choices=("path", "check", "show"),
        default="show",
        help="path: print the file in use or its place · check: validate it · show: print every value",
    )
    add_pool_options(parser)


def main(options: argparse.Namespace, verb: str) -> int:
    """Print the requested view. Raises ConfigError, exit code 78, for a configuration that cannot be used."""
    if options.what == "path":
        return _path(options)
    loaded = load_config(getattr(options, "config", None), overrides(options))
    where = f"{loaded.path} ({loaded.origin})" if loaded.path else loaded.origin
    if options.what == "check":
        print(f"ok: {where}")
        return DONE
    import tomli_w

    print(f"# in effect, from: {where}", file=sys.stderr)
    sys.stdout.write(tomli_w.dumps(printable(loaded.config)))
    return DONE


def _path(options: argparse.Namespace) -> int:
    from metabonk_tui.adapters.state.config_files import find_config

    path, origin = find_config(getattr(options, "config", None))
    print(path or user_config_path())
    if path is None:
        print("not there yet: the packaged defaults are in effect", file=sys.stderr)
    else:
        print(f"in effect: {origin}", file=sys.stderr)
    return DONE
