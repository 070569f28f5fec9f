"""`record`: monitors and records without a screen until a signal or the time limit; `--install` writes its unit.

Does not: act on the pool, except as the memory watch with `--memory-watch`, or run systemctl.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import msgspec

from metabonk_tui.adapters.state.config_files import load_config
from metabonk_tui.cli.exit_codes import DONE, FAILED, UsageError
from metabonk_tui.cli.live.follow import follow
from metabonk_tui.cli.live.signalled import Signalled, raise_on_signals
from metabonk_tui.cli.live.systemd import SystemdNotifier
from metabonk_tui.cli.options import POOL_OPTIONS, Parser, add_pool_options, duration_s, overrides
from metabonk_tui.cli.suggest import command_prefix
from metabonk_tui.cli.wiring import watching
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.text.numbers import elapsed
from metabonk_tui.core.text.phrases import count_of

PROGRESS_INTERVAL_S = 1.0
"""Real seconds between two progress lines."""


def add_options(parser: Parser, verb: str) -> None:
    parser.add_argument(
        "--for",
        dest="for_s",
        type=duration_s,
        metavar="DURATION",
        help="record this long in real time: 24h; default: until stopped",
    )
    parser.add_argument(
        "--memory-watch",
        action="store_true",
        help="arm the memory watch once no other monitor controls the pool",
    )
    parser.add_argument(
        "--install",
        action="store_true",
        help="write a systemd user service that records with these options, and say how to start it",
    )
    add_pool_options(parser, can_act=True)


def main(options: argparse.Namespace, verb: str) -> int:
    """Record; return 0 after a signal or the time limit, 1 when the last sample could not be stored."""
    loaded = load_config(getattr(options, "config", None), overrides(options))
    if options.install:
        return _install(options, loaded.path)
    config = msgspec.structs.replace(loaded.config, store=msgspec.structs.replace(loaded.config.store, enabled=True))
    speed = getattr(options, "speed", 1.0)
    read_only = getattr(options, "read_only", False) or not options.memory_watch
    notifier, progress = SystemdNotifier(), Progress()
    latest: Snapshot | None = None
    how = command_prefix(loaded, options)
    with raise_on_signals():
        try:
            with watching(config, call=how, speed=speed, read_only=read_only, notifies=True) as monitor:
                if options.memory_watch:
                    monitor.arm(True, "option", config.memory_watch.dry_run)
                notifier.ready()
                for latest in follow(monitor, options.for_s):
                    notifier.alive()
                    progress.update(latest)
        except Signalled:
            pass
        finally:
            notifier.stopping()
            notifier.close()
            progress.end()
    from metabonk_tui.cli.live.no_worker import saw_none

    if latest is None:
        print("nothing was recorded: it ended before its first look at the workers", file=sys.stderr)
    elif latest.recording is None and saw_none(latest):
        print(f"nothing was recorded: no worker answered; to see what is missing: {how} doctor", file=sys.stderr)
    elif latest.recording is False:
        print(f"the end of the run could not be stored; to see why: {how} doctor", file=sys.stderr)
    return FAILED if latest is not None and latest.recording is False else DONE


def _install(options: argparse.Namespace, config_path: Path | None) -> int:
    """Write the unit; return 0, or 2 where another one is there and stays."""
    from metabonk_tui.cli.setup.recorder_service import install, recorder_arguments

    if options.for_s is not None:
        raise UsageError("--for ends a recording; a service is stopped with systemctl: leave --for out")
    names = (*(name for name in POOL_OPTIONS if name != "config"), "memory_watch")
    typed = {name: value for name in names if (value := getattr(options, name, False))}
    return install(recorder_arguments(config_path, typed))


class Progress:
    """One line on a terminal, rewritten at most once per second; no output elsewhere."""

    def __init__(self) -> None:
        self._is_terminal = sys.stderr.isatty()
        self._updated_s = 0.0

    def update(self, snapshot: Snapshot) -> None:
        now_s = time.monotonic()
        if not self._is_terminal or now_s - self._updated_s < PROGRESS_INTERVAL_S:
            return
        self._updated_s = now_s
        state = {True: "recording", False: "NOT RECORDED", None: "waiting for workers"}[snapshot.recording]
        run = snapshot.run
        many = count_of(len(snapshot.workers), "worker")
        line = f"{state}  {run.name}  {elapsed(run.elapsed_s)}  {snapshot.verdict.kind}  {many}"
        print(f"\r\x1b[K{line[:100]}", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """End the line with a newline."""
        if self._is_terminal:
            print(file=sys.stderr)
