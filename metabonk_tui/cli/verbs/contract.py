"""`contract [FILE...]`: compares the names that `/status` should have with those seen, live or in recordings.

Exits with 0 when every expected name was seen, 1 when some were not, 3 when no worker answered. Does not: act.
"""

from __future__ import annotations

import argparse
import json
import sys

from metabonk_tui.adapters.recordings.lenient import Problem
from metabonk_tui.adapters.state.config_files import LoadedConfig, load_config
from metabonk_tui.cli.exit_codes import UsageError
from metabonk_tui.cli.live.follow import SnapshotCounter, follow
from metabonk_tui.cli.live.no_worker import no_worker_hint
from metabonk_tui.cli.options import Parser, add_pool_options, overrides
from metabonk_tui.cli.recordings.open import print_problems, sources
from metabonk_tui.cli.recordings.walk import last_of
from metabonk_tui.cli.report.contract_text import contract_json, contract_text
from metabonk_tui.cli.suggest import command_prefix
from metabonk_tui.cli.verbs.check import ENOUGH, patience_s
from metabonk_tui.cli.wiring import watching
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.snapshot import Snapshot

ALL_SEEN, SOME_NEVER, NO_ANSWER = 0, 1, 3


def add_options(parser: Parser, verb: str) -> None:
    parser.add_argument(
        "files",
        nargs="*",
        metavar="FILE",
        help="recordings as for `report`, of which the last run counts; default: the live pool",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    add_pool_options(parser)


def main(options: argparse.Namespace, verb: str) -> int:
    """Print the contract of the pool or of the files; return the exit code."""
    loaded = load_config(getattr(options, "config", None), overrides(options))
    snapshot = _recorded(options.files, loaded.config) if options.files else _live(options, loaded)
    view = snapshot.contract
    if view is None:
        raise RuntimeError("no contract was computed")
    print(json.dumps(contract_json(view), indent=2) if options.json else contract_text(view))
    if not view.answered:
        if not options.files:
            sys.stdout.flush()
            print(no_worker_hint(loaded.config, command_prefix(loaded, options)), file=sys.stderr)
        return NO_ANSWER
    return SOME_NEVER if view.never_seen else ALL_SEEN


def _live(options: argparse.Namespace, loaded: LoadedConfig) -> Snapshot:
    """Poll the pool for as long as a plain `check`; return the last Snapshot."""
    last: Snapshot | None = None
    counter = SnapshotCounter()
    speed = getattr(options, "speed", 1.0)
    with watching(loaded.config, call=command_prefix(loaded, options), speed=speed, read_only=True) as monitor:
        for last in follow(monitor, patience_s(loaded.config.observe.interval_s)):
            counter.count(last)
            if counter.total >= ENOUGH:
                break
    if last is None:
        raise RuntimeError("no sample was taken")
    return last


def _recorded(files: list[str], config: Config) -> Snapshot:
    problems: list[Problem] = []
    ends = [last for source in sources(files, problems) if (last := last_of(source, config)) is not None]
    print_problems(problems)
    if not ends:
        raise UsageError("nothing could be read: " + ", ".join(files))
    return max(ends, key=lambda snapshot: snapshot.run.started_at)
