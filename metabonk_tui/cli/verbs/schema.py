"""`schema [NAME]`: prints a JSON Schema; without a name, the names."""

from __future__ import annotations

import argparse
import json

from metabonk_tui.cli.exit_codes import DONE
from metabonk_tui.cli.options import Parser

NAMES = (
    "config", "check", "report", "alerts", "alerts-test", "hook", "runs", "compare", "fit", "contract", "preflight",
    "doctor", "status",
)  # fmt: skip


def add_options(parser: Parser, verb: str) -> None:
    parser.add_argument(
        "name",
        nargs="?",
        metavar="NAME",
        choices=NAMES,
        help=f"config: of the configuration · hook: of what the alert hook receives · of a --json output: "
        f"{', '.join(name for name in NAMES if name not in ('config', 'hook'))}; default: list the names",
    )


def main(options: argparse.Namespace, verb: str) -> int:
    if options.name is None:
        print("\n".join(NAMES))
        return DONE
    print(schema_text(options.name))
    return DONE


def schema_text(name: str) -> str:
    """Return one of the schemas as JSON."""
    from metabonk_tui.adapters.state.package_data import default_config_text
    from metabonk_tui.cli.schemas.generate import json_schema

    return json.dumps(json_schema(name, default_config_text()), indent=2, ensure_ascii=False)
