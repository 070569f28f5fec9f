"""`compare A B`: compares two runs at equal elapsed times, metric by metric, and names the first divergence."""

from __future__ import annotations

import argparse
import json
from typing import Any

from metabonk_tui.adapters.state.config_files import load_config
from metabonk_tui.cli.exit_codes import DONE, FAILED, NOT_KNOWN
from metabonk_tui.cli.options import Parser, add_config_option
from metabonk_tui.cli.recordings.walk import timeline_of
from metabonk_tui.cli.report.compare_text import compare_markdown, compare_text
from metabonk_tui.core.report.compare import Comparison, Divergence, compare
from metabonk_tui.core.report.compare_metrics import MetricValue, Share
from metabonk_tui.core.report.json_report import SCHEMA, run
from metabonk_tui.core.report.run_history import RunHistory
from metabonk_tui.core.report.timeline import RunTimeline


def add_options(parser: Parser, verb: str) -> None:
    run = (
        "a recorded run ('last', 'sample:failed', or a prefix of its name), or a recording, of which the last run"
        " counts"
    )
    parser.add_argument("a", metavar="A", help=f"{run}; FILE#2: its second run")
    parser.add_argument("b", metavar="B", help="the other run, in the same form")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    how.add_argument("--markdown", action="store_true", help="print Markdown tables, for an issue")
    add_config_option(parser)


def main(options: argparse.Namespace, verb: str) -> int:
    """Print the comparison; return 0 without a divergence, 1 with one, 3 where nothing is comparable."""
    config = load_config(getattr(options, "config", None)).config
    found = compare(timeline_of(options.a, config), timeline_of(options.b, config))
    if options.json:
        print(json.dumps(public(found), indent=2))
    else:
        print(compare_markdown(found) if options.markdown else compare_text(found))
    if not found.comparable:
        return NOT_KNOWN
    return FAILED if found.first else DONE


def public(found: Comparison) -> dict[str, Any]:
    """Return the JSON object of a comparison. Every `*_s` is in seconds after the start of each run."""
    return {
        "schema": SCHEMA,
        "a": _summary(found.a),
        "b": _summary(found.b),
        "common_s": round(found.common_s, 3),
        "comparable": found.comparable,
        "first_divergence": _divergence(found.first) if found.first else None,
        "divergences": [_divergence(one) for one in found.divergences],
        "marks_s": [round(at_s, 3) for at_s in found.marks_s],
        "metrics": [
            {
                "metric": line.metric.id,
                "title": line.metric.title,
                "compared": line.compared,
                "diverges_at_s": round(line.divergence.at_s, 3) if line.divergence else None,
                "a": [_value(a) for a, _ in line.pairs],
                "b": [_value(b) for _, b in line.pairs],
            }
            for line in found.lines
        ],
    }


def _summary(run_timeline: RunTimeline) -> dict[str, Any]:
    """Return run and verdict in the shape of `report --json`."""
    whole = run(RunHistory(run_timeline.last, run_timeline.last.events))
    return {key: whole[key] for key in ("run", "verdict")}


def _divergence(divergence: Divergence) -> dict[str, Any]:
    return {
        "metric": divergence.metric.id,
        "at_s": round(divergence.at_s, 3),
        "a": _value(divergence.a),
        "b": _value(divergence.b),
    }


def _value(value: MetricValue | None) -> Any:
    if isinstance(value, Share):
        return {"count": value.count, "of": value.of, **({"what": value.what} if value.what else {})}
    return value
