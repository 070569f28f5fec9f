"""`alerts`: lists the firing and pending alerts; `alerts test` sends an example to the hook and the webhooks."""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from metabonk_tui.adapters.state.config_files import load_config
from metabonk_tui.cli.exit_codes import DONE, FAILED, UsageError
from metabonk_tui.cli.options import Parser, add_pool_options, overrides
from metabonk_tui.cli.suggest import command_prefix
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.alert import Alert
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.text.mask import mask_arguments
from metabonk_tui.core.text.numbers import elapsed

if TYPE_CHECKING:
    from metabonk_tui.adapters.alerts.channel import DeliveryResult

HOOK = "hook"
QUIET, WARNING, CRITICAL, NOT_SEEN = 0, 1, 2, 3
"""Exit codes: the highest severity that fires; 3: no worker was seen, so no alert can fire."""


def add_options(parser: Parser, verb: str) -> None:
    parser.add_argument(
        "what",
        nargs="?",
        choices=("list", "test"),
        default="list",
        help="list (default): print alerts · test: send a test alert to hook and webhooks",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    add_pool_options(parser)


def main(options: argparse.Namespace, verb: str) -> int:
    """Print the alerts or the results of the test; return the exit code. Raises UsageError: nothing to test."""
    loaded = load_config(getattr(options, "config", None), overrides(options))
    if options.what == "test":
        return try_hook(loaded.config, options.json)
    return _list(loaded.config, options, command_prefix(loaded, options))


def _list(config: Config, options: argparse.Namespace, how: str) -> int:
    from metabonk_tui.cli.live.follow import SnapshotCounter, follow
    from metabonk_tui.cli.live.no_worker import no_worker_hint, saw_none
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
    severities = {alert.severity for alert in snapshot.alerts if alert.state == "firing"}
    not_seen = not severities and saw_none(snapshot)
    print(json.dumps(_public(snapshot), indent=2) if options.json else _table(snapshot, not_seen))
    sys.stdout.flush()
    if not_seen:
        print(no_worker_hint(config, how), file=sys.stderr)
        return NOT_SEEN
    return CRITICAL if "crit" in severities else WARNING if "warn" in severities else QUIET


def _public(snapshot: Snapshot) -> dict[str, Any]:
    from metabonk_tui.core.alerts.payload import SCHEMA, alert_document

    return {
        "schema": SCHEMA,
        "run": {"name": snapshot.run.name, "started_at": snapshot.run.started_at},
        "alerts": [alert_document(alert, snapshot.t) for alert in snapshot.alerts],
    }


def _table(snapshot: Snapshot, not_seen: bool = False) -> str:
    standing = [alert for alert in snapshot.alerts if alert.state != "resolved"]
    ended = len(snapshot.alerts) - len(standing)
    after = f"; {ended} ended earlier in this run" if ended else ""
    if not standing:
        return (
            f"no worker was seen, so no alert can fire{after}" if not_seen else f"no alert fires or is pending{after}"
        )
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


def try_hook(config: Config, as_json: bool) -> int:
    """Send an example to the hook and to each webhook once, and print the results; return 0, or 1 where one failed."""
    from metabonk_tui.core.alerts.payload import SCHEMA, make_example

    hook, webhooks = config.alerts.hook, config.alerts.webhook
    if not hook.command and not webhooks:
        raise UsageError(
            "no hook and no webhook is configured: alerts.hook.command is empty; `config path` prints the file to "
            "edit; `doctor` says what else is missing"
        )
    example, give_up = make_example(time.time(), config), threading.Event()
    done: dict[str, DeliveryResult] = {}
    if hook.command:
        from metabonk_tui.adapters.alerts.command_hook import call_hook

        done[HOOK] = call_hook(hook, example, give_up)
    for name, webhook in webhooks.items():
        from metabonk_tui.adapters.alerts.webhook import post_alert

        done[name] = post_alert(webhook, example, give_up, repeats=False)
    everything = all(result.ok for result in done.values())
    if as_json:
        first = done.get(HOOK)
        result = {
            "schema": SCHEMA,
            "command": list(mask_arguments(hook.command)),
            "ok": everything,
            "how": first.how if first is not None else "no command",
            "seconds": first.seconds if first is not None else 0.0,
            "output": list(first.tail) if first is not None else [],
            "webhooks": [_tested(name, webhook.kind, done[name]) for name, webhook in webhooks.items()],
        }
        print(json.dumps(result, indent=2))
    else:
        print("\n".join(line for name, result in done.items() for line in _lines(name, result, bool(webhooks))))
    return DONE if everything else FAILED


def _tested(name: str, kind: str, result: DeliveryResult) -> dict[str, Any]:
    how = {"ok": result.ok, "how": result.how, "seconds": round(result.seconds, 2), "output": list(result.tail)}
    return {"name": name, "kind": kind, **how}


def _lines(name: str, result: DeliveryResult, is_named: bool) -> list[str]:
    head = f"{name}: " if is_named else ""
    took = f" after {result.seconds:.2f} s" if result.attempts else ""
    return [f"{head}{result.how}{took}", *(f"  {line}" for line in result.tail)]
