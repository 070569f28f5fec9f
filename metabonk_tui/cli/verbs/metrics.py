"""`metrics list|dashboard|rules`: prints the metrics for Prometheus, a dashboard for Grafana, rules for Prometheus.

Does not: read a pool or serve the metrics; a monitor with `metrics.port` does.
"""

from __future__ import annotations

import argparse
import sys
import textwrap

from metabonk_tui.cli.exit_codes import DONE
from metabonk_tui.cli.options import Parser

FILES = {"dashboard": "grafana-dashboard.json", "rules": "prometheus-rules.yml"}
WIDE = 100


def add_options(parser: Parser, verb: str) -> None:
    parser.add_argument(
        "what",
        nargs="?",
        choices=("list", *FILES),
        default="list",
        help="list (default): name, labels, meaning · dashboard: JSON for Grafana · rules: alerts for Prometheus",
    )


def main(options: argparse.Namespace, verb: str) -> int:
    """Print a packaged file, or the table of metrics."""
    if options.what in FILES:
        from metabonk_tui.adapters.state.package_data import monitoring_text

        sys.stdout.write(monitoring_text(FILES[options.what]))
        return DONE
    from metabonk_tui.core.export.prometheus import descriptions

    for family in descriptions():
        labels = f"{{{', '.join(family.labels)}}}" if family.labels else ""
        print(f"{family.name}{labels}  {family.kind}")
        print(textwrap.fill(family.help_text, WIDE, initial_indent="    ", subsequent_indent="    "))
    return DONE
