"""`record`: monitors and records without a screen until a signal or the time limit.

Does not: act on the pool, except as the memory watch with `--memory-watch`.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import msgspec

from metabonk_tui.adapters.state.config_files import load_config
from metabonk_tui.cli.exit_codes import DONE, FAILED
from metabonk_tui.cli.live.follow import follow
from metabonk_tui.cli.live.systemd import SystemdNotifier
from metabonk_tui.cli.options import Parser, add_pool_options, duration_s, overrides
from metabonk_tui.cli.suggest import command_prefix
from metabonk_tui.cli.wiring import watching
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.text.numbers import elapsed

PROGRESS_INTERVAL_S = 1.0
"""Real seconds between two progress lines."""


class Signalled(Exception):
    """A signal asked the recorder to end."""


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
    add_pool_options(parser)


def main(options: argparse.Namespace, verb: str) -> int:
    """Record; return 0 after a signal or the time limit, 1 when the last sample could not be stored."""
    loaded = load_config(getattr(options, "config", None), overrides(options))
    config = msgspec.structs.replace(loaded.config, store=msgspec.structs.replace(loaded.config.store, enabled=True))
    speed = getattr(options, "speed", 1.0)
    read_only = getattr(options, "read_only", False) or not options.memory_watch
    notifier, progress = SystemdNotifier(), Progress()
    latest: Snapshot | None = None
    with _raise_on_signals():
        try:
            how = command_prefix(loaded, options)
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
    return FAILED if latest is not None and latest.recording is False else DONE


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
        line = (
            f"{state}  {run.name}  {elapsed(run.elapsed_s)}  {snapshot.verdict.kind}  {len(snapshot.workers)} workers"
        )
        print(f"\r\x1b[K{line[:100]}", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """End the line with a newline."""
        if self._is_terminal:
            print(file=sys.stderr)


@contextmanager
def _raise_on_signals() -> Iterator[None]:
    """Raise `Signalled` at the first SIGTERM, SIGINT or SIGHUP; ignore later ones, so that the shutdown completes."""

    def handle_signal(number: int, frame: FrameType | None) -> None:
        for one in numbers:
            signal.signal(one, signal.SIG_IGN)
        raise Signalled

    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = {number: signal.signal(number, handle_signal) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
