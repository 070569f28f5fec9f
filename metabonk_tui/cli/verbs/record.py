"""`record`: watch and record without a screen until told to end. Acts only as a memory watch that is asked for."""

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
from metabonk_tui.cli.live.systemd import Notifier
from metabonk_tui.cli.options import Parser, add_pool_options, duration_s, overrides
from metabonk_tui.cli.suggest import call
from metabonk_tui.cli.wiring import watching
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.text.numbers import elapsed

SAY_S = 1.0
"""Real seconds between two progress lines."""


class Told(Exception):
    """A signal told us to end."""


def add_options(parser: Parser, verb: str) -> None:
    """Declare what the verb takes."""
    parser.add_argument(
        "--for",
        dest="for_s",
        type=duration_s,
        metavar="DURATION",
        help="record this long in real time, like 24h; without it: until SIGTERM or Ctrl-C",
    )
    parser.add_argument(
        "--memory-watch",
        action="store_true",
        help="arm the memory watch as [memory_watch] says, as soon as no other monitor holds the pool",
    )
    add_pool_options(parser)


def main(options: argparse.Namespace, verb: str) -> int:
    """Record; 0 when told to end or when the time is over, 1 when nothing could be stored at the end."""
    loaded = load_config(getattr(options, "config", None), overrides(options))
    config = msgspec.structs.replace(loaded.config, store=msgspec.structs.replace(loaded.config.store, enabled=True))
    speed = getattr(options, "speed", 1.0)
    read_only = getattr(options, "read_only", False) or not options.memory_watch
    notifier, progress = Notifier(), Progress()
    latest: Snapshot | None = None
    with _told_by_signals():
        try:
            how = call(loaded, options)
            with watching(config, call=how, speed=speed, read_only=read_only, tells=True) as monitor:
                if options.memory_watch:
                    monitor.arm(True, "option", config.memory_watch.dry_run)
                notifier.ready()
                for latest in follow(monitor, options.for_s):
                    notifier.alive()
                    progress.tell(latest)
        except Told:
            pass
        finally:
            notifier.stopping()
            notifier.close()
            progress.end()
    return FAILED if latest is not None and latest.recording is False else DONE


class Progress:
    """One line on a terminal that is written anew; nothing anywhere else."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()
        self._told_s = 0.0

    def tell(self, snapshot: Snapshot) -> None:
        """Say how it stands."""
        now_s = time.monotonic()
        if not self._shown or now_s - self._told_s < SAY_S:
            return
        self._told_s = now_s
        state = {True: "recording", False: "NOT RECORDED", None: "waiting for workers"}[snapshot.recording]
        run = snapshot.run
        line = (
            f"{state}  {run.name}  {elapsed(run.elapsed_s)}  {snapshot.verdict.word}  {len(snapshot.workers)} workers"
        )
        print(f"\r\x1b[K{line[:100]}", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Leave the line."""
        if self._shown:
            print(file=sys.stderr)


@contextmanager
def _told_by_signals() -> Iterator[None]:
    """Turn the first SIGTERM, SIGINT or SIGHUP into `Told`; the ones after it cannot break off the end."""

    def tell(number: int, frame: FrameType | None) -> None:
        for one in numbers:
            signal.signal(one, signal.SIG_IGN)
        raise Told

    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = {number: signal.signal(number, tell) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
