"""`alerts`: lists the firing and pending alerts; `alerts test` calls the hook with an example alert."""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from typing import Any

from metabonk_tui.adapters.state.config_files import load_config
from metabonk_tui.cli.exit_codes import DONE, FAILED, UsageError
from metabonk_tui.cli.options import Parser, add_pool_options, overrides
from metabonk_tui.cli.suggest import command_prefix
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.alert import Alert
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.text.mask import mask_arguments
from metabonk_tui.core.text.numbers import elapsed

QUIET, WARNING, CRITICAL, NOT_SEEN = 0, 1, 2, 3
"""Exit codes: the highest severity that fires; 3: no worker was seen, so no alert can fire."""


def add_options(parser: Parser, verb: str) -> None:
    parser.add_argument(
        "what",
        nargs="?",
        choices=("list", "test"),
        default="list",
        help="list (default): print alerts · test: run the hook with a test alert",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    add_pool_options(parser)


def main(options: argparse.Namespace, verb: str) -> int:
    """Print the alerts or the result of the hook; return the exit code. Raises UsageError without a hook."""
    loaded = load_config(getattr(options, "config", None), overrides(options))
    if options.what == "test":
        return _try(loaded.config, options.json)
    return _list(loaded.config, options, command_prefix(loaded, options))


def _list(config: Config, options: argparse.Namespace, how: str) -> int:
    from metabonk_tui.cli.live.follow import SnapshotCounter, follow
    from metabonk_tui.cli.verbs.check import ENOUGH, patience_s
    from metabonk_tui.cli.wiring import watching

    snapshot, counter = None, SnapshotCounter()
    with watching(config, call=how, speed=getattr(options, "speed", 1.0), read_only=True) as monitor:
        for snapshot in follow(monitor, patience_s(config.observe.interval_s)):
            counter.count(snapshot)
            if counter.total >= ENOUGH:
                break
    if snapshot is None:
        raise RuntimeError("no sample was taken")
    print(json.dumps(_public(snapshot), indent=2) if options.json else _table(snapshot))
    sys.stdout.flush()
    severities = {alert.severity for alert in snapshot.alerts if alert.state == "firing"}
    if not severities and not any(worker.last_good_t is not None for worker in snapshot.workers):
        return NOT_SEEN
    return CRITICAL if "crit" in severities else WARNING if "warn" in severities else QUIET


def _public(snapshot: Snapshot) -> dict[str, Any]:
    from metabonk_tui.core.alerts.payload import SCHEMA, alert_document

    return {
        "schema": SCHEMA,
        "run": {"name": snapshot.run.name, "started_at": snapshot.run.started_at},
        "alerts": [alert_document(alert, snapshot.t) for alert in snapshot.alerts],
    }


def _table(snapshot: Snapshot) -> str:
    standing = [alert for alert in snapshot.alerts if alert.state != "resolved"]
    ended = len(snapshot.alerts) - len(standing)
    after = f"; {ended} ended earlier in this run" if ended else ""
    if not standing:
        return f"no alert fires or is pending{after}"
    rows = [_row(alert, snapshot.t) for alert in standing]
    widths = [max(len(row[place]) for row in rows) for place in range(4)]
    lines = ["  ".join([*(cell.ljust(w) for cell, w in zip(row, widths, strict=False)), row[4]]) for row in rows]
    return "\n".join([*lines, *([f"{ended} ended earlier in this run"] if ended else [])])


def _row(alert: Alert, t: float) -> tuple[str, ...]:
    seen = "seen" if alert.acknowledged is not None else ""
    return (
        f"{alert.state} {seen}".strip(),
        alert.severity.upper(),
        elapsed(alert.duration_s(t)),
        alert.id,
        alert.text,
    )


def _try(config: Config, as_json: bool) -> int:
    from metabonk_tui.adapters.alerts.command_hook import call_hook
    from metabonk_tui.core.alerts.payload import make_example

    if not config.alerts.hook.command:
        raise UsageError("no hook is configured: alerts.hook.command is empty; `config path` prints the file to edit")
    done = call_hook(config.alerts.hook, make_example(time.time(), config), threading.Event())
    if as_json:
        result = {
            "command": list(mask_arguments(config.alerts.hook.command)),
            "ok": done.ok,
            "how": done.how,
            "seconds": done.seconds,
        }
        print(json.dumps({**result, "output": list(done.tail)}, indent=2))
    else:
        print("\n".join([f"{done.how} after {done.seconds:.2f} s", *(f"  {line}" for line in done.tail)]))
    return DONE if done.ok else FAILED
