"""`preflight`: runs the checks before a launch, prints every item, exits with 0, 1 or 2. Does not: launch."""

from __future__ import annotations

import argparse
import json
import sys
import threading
from collections.abc import Iterator

from msgspec.structs import asdict

from metabonk_tui.adapters.host.names import why_unresolved
from metabonk_tui.adapters.state.config_files import load_config
from metabonk_tui.cli.exit_codes import UsageError
from metabonk_tui.cli.live.follow import SnapshotCounter, follow
from metabonk_tui.cli.options import Parser, add_pool_options, overrides
from metabonk_tui.cli.suggest import command_prefix
from metabonk_tui.cli.wiring import watching
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.launch.checklist import ChecklistItem, exit_code
from metabonk_tui.core.launch.preflight import PreflightView
from metabonk_tui.core.text.phrases import count_of
from metabonk_tui.core.verdict.next_steps import workers_to_launch
from metabonk_tui.engine.engine import Engine

SCHEMA = 1
ENOUGH = 3
"""Samples before the checks start: environments are read after the processes are found."""
PATIENCE_S = 20.0


def add_options(parser: Parser, verb: str) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    add_pool_options(parser)


def main(options: argparse.Namespace, verb: str) -> int:
    """Run the checks and return the exit code.

    Items go to stderr as they end, the result to stdout. On a terminal everything goes to stdout, once.
    """
    loaded = load_config(getattr(options, "config", None), overrides(options))
    config = loaded.config
    speed = getattr(options, "speed", 1.0)
    with watching(config, call=command_prefix(loaded, options), speed=speed, read_only=True) as monitor:
        snapshot, counter = None, SnapshotCounter()
        for snapshot in follow(monitor, PATIENCE_S):
            counter.count(snapshot)
            if counter.total >= ENOUGH:
                break
        if monitor.preflight() is None:
            if config.pool.is_placed:
                raise UsageError(
                    "no preflight on Ray: it checks this machine, and the workers run on the nodes of a cluster"
                )
            raise UsageError(f"nothing can be launched from here: {why_no_launch(config)}")
        suggested = workers_to_launch(snapshot.memory, config) if snapshot else config.pool.workers
        workers = options.workers if hasattr(options, "workers") else suggested
        view = PreflightView()
        # On a terminal stderr and stdout are the same screen: each item is printed once, as it ends.
        streams = not options.json and sys.stdout.isatty()
        for seen, news in _follow_preflight(monitor, workers):
            view = seen
            for item in news:
                if streams:
                    print("\n".join(item_lines(item)), flush=True)
                else:
                    print(item_line(item), file=sys.stderr, flush=True)
    code = exit_code(view.items)
    if view.problem:
        print(f"warning   {view.problem}", file=sys.stderr)
    if streams:
        print(headline(view, code))
    else:
        print(json.dumps(_tree(view, code), indent=2) if options.json else "\n".join(_text(view, code)))
    return code


def why_no_launch(config: Config) -> str:
    """Say why this monitor has no checks. Blocks up to 3 s for a name server that does not answer."""
    if not config.pool.can_launch:
        return f'pool.backend is "{config.pool.backend}"'
    problem = why_unresolved(config.pool.host)
    return problem or f"the workers are on {config.pool.host}, and only this machine's can be launched"


def _follow_preflight(monitor: Engine, workers: int) -> Iterator[tuple[PreflightView, tuple[ChecklistItem, ...]]]:
    """Yield the preflight until it ends, each time with the newly finished items."""
    news = threading.Event()
    monitor.subscribe(news.set)
    monitor.start_preflight(workers)
    printed: set[str] = set()
    while True:
        news.wait(1.0)
        news.clear()
        view = monitor.preflight()
        assert view is not None
        ended = tuple(i for i in view.items if i.standing not in ("waiting", "running") and i.id not in printed)
        printed |= {item.id for item in ended}
        yield view, ended
        if view.ended_t is not None:
            return


def item_line(item: ChecklistItem) -> str:
    """Write state, title and first evidence of an item as one line."""
    return f"{item.standing:<9} {item.title}" + (f": {item.evidence[0]}" if item.evidence else "")


def headline(view: PreflightView, code: int) -> str:
    """Write the result in one line."""
    skipped = sum(item.standing == "SKIPPED" for item in view.items)  # what was skipped is no pass
    word = {
        0: "all passed" + (f", {skipped} skipped" if skipped else ""),
        1: "not everything is known",
        2: "something is wrong",
    }[code]
    return f"preflight for {count_of(view.workers, 'worker')}: {word}"


def _text(view: PreflightView, code: int) -> Iterator[str]:
    yield headline(view, code)
    for item in view.items:
        yield from item_lines(item)


def item_lines(item: ChecklistItem) -> Iterator[str]:
    """Write an item with all its evidence, and what to do where it did not pass."""
    yield f"  {item_line(item)}"
    yield from (f"              {line}" for line in item.evidence[1:])
    if item.standing == "FAIL":
        yield from (f"            | {line}" for line in item.output[-5:])
    if item.fix and item.standing in ("FAIL", "UNKNOWN"):
        yield f"            do: {item.fix}"


def _tree(view: PreflightView, code: int) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "workers": view.workers,
        "exit": code,
        "items": [asdict(item) for item in view.items],
        "tests": [asdict(test) for test in view.tests],
    }
