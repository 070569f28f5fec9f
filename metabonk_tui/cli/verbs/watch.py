"""`watch`, or no verb at all: opens the monitor on the configured pool; without a terminal it prints plain text."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from metabonk_tui.adapters.http.tls import import_without_openssl
from metabonk_tui.adapters.state.config_files import LoadedConfig, load_config, state_dir
from metabonk_tui.adapters.state.looks import LookFile
from metabonk_tui.cli.exit_codes import DONE
from metabonk_tui.cli.live.no_worker import pool_search, search_of
from metabonk_tui.cli.live.open_app import local_zone, no_terminal, open_app
from metabonk_tui.cli.options import (
    PROGRAM,
    Parser,
    add_plain_option,
    add_pool_options,
    add_screen_options,
    overrides,
)
from metabonk_tui.cli.suggest import command_prefix
from metabonk_tui.core.config.schema import Config

if TYPE_CHECKING:
    from metabonk_tui.core.ports.logs import LogFileReader
    from metabonk_tui.engine.clock import RunClock
    from metabonk_tui.engine.engine import Engine

PAST_SPEED = 60.0
"""Recorded seconds per second of the run's clock, when the past of the run is replayed."""


def add_options(parser: Parser, verb: str) -> None:
    add_pool_options(parser, can_act=True)
    # How `serve` starts the monitor of one browser.
    parser.add_argument("--viewer", action="store_true", help=argparse.SUPPRESS)
    add_plain_option(parser)
    add_screen_options(parser)


def main(options: argparse.Namespace, verb: str) -> int:
    """Open the monitor on the configured pool; print plain text where it cannot be drawn, or with --plain."""
    loaded = load_config(getattr(options, "config", None), overrides(options))
    if options.viewer:
        from metabonk_tui.adapters.web.viewer import take_terminal

        take_terminal()
    is_chosen = getattr(options, "plain", False)
    if is_chosen or (missing := no_terminal()):
        if not is_chosen:
            print(f"{PROGRAM}: {missing}; what changes follows as plain text", file=sys.stderr, flush=True)
        return print_plain(loaded, command_prefix(loaded, options), getattr(options, "speed", 1.0))
    return open_monitor(
        loaded,
        command_prefix(loaded, options),
        speed=getattr(options, "speed", 1.0),
        read_only=options.viewer or getattr(options, "read_only", False),
        is_viewer=options.viewer,
        run_next=None if options.viewer else partial(_run_words, _config_words(options)),
    )


def _config_words(options: argparse.Namespace) -> tuple[str, ...]:
    return ("--config", options.config) if hasattr(options, "config") else ()


def _run_words(config_words: tuple[str, ...], words: tuple[str, ...]) -> int:
    """Replace this process by the command's, as if the person had quit and typed it."""
    from metabonk_tui.cli.setup.recorder_service import own_command

    sys.stdout.flush()
    sys.stderr.flush()
    command = [*own_command(), *words, *(config_words if words != ("demo",) else ())]
    os.execvp(command[0], command)


def print_plain(loaded: LoadedConfig, how: str, speed: float) -> int:
    """Print a sentence for each change until a signal; return 0. It records as the monitor does, and never acts."""
    from metabonk_tui.cli.live.plain_text import print_changes
    from metabonk_tui.cli.live.signalled import Signalled, raise_on_signals
    from metabonk_tui.cli.wiring import watching

    with raise_on_signals():
        try:
            with watching(loaded.config, call=how, speed=speed, read_only=True, notifies=True) as monitor:
                print_changes(monitor, local_zone(), loaded.config, pool_search(loaded))
        except Signalled:
            return DONE
    return DONE


def open_monitor(
    loaded: LoadedConfig,
    how: str,
    *,
    speed: float,
    read_only: bool,
    state: Path | None = None,
    last_words: Callable[[], object] = lambda: None,
    is_viewer: bool = False,
    run_next: Callable[[tuple[str, ...]], int] | None = None,
) -> int:
    """Show the monitor until the user quits; return the exit code.

    `how` is the command prefix of the suggested commands. `state` is the folder for locks and recordings; None: the
    user's. `last_words` runs when the program must exit while its terminal accepts no output. `is_viewer`: in a
    browser, where it sends no alerts and where an open page is no look of the operator. `run_next` runs the
    command of a key on a page without a pool, after the monitor is closed; None: the page has no such keys.
    """
    import_without_openssl()
    from metabonk_tui.adapters.host.local import is_this_machine
    from metabonk_tui.adapters.store.run_directory import runs_dir
    from metabonk_tui.cli.recordings.archive import StoreRunArchive
    from metabonk_tui.cli.recordings.moments import FOLDER, StoreMomentFiles
    from metabonk_tui.cli.recordings.plots import StorePlots
    from metabonk_tui.cli.recordings.replays import StoreReplayOpener
    from metabonk_tui.engine.clock import RunClock

    config, zone, clock = loaded.config, local_zone(), RunClock(speed)
    search = replace(search_of(loaded, how), runs_verbs=run_next is not None)
    runs_path = runs_dir(state or state_dir())
    return open_app(
        _armed(config, how, clock, read_only, state, notifies=not is_viewer),
        loaded,
        # A demo has a state folder of its own; its run can be compared with the user's runs.
        StoreRunArchive((runs_path, runs_dir(state_dir())), config),
        zone,
        read_only=read_only,
        is_viewer=is_viewer,
        speed=speed,
        replay_opener=StoreReplayOpener(runs_path, config, zone, PAST_SPEED * speed) if config.store.enabled else None,
        open_logs=partial(_log_files, config, clock) if is_this_machine(config.pool.host) else None,
        looks=None if is_viewer else LookFile(state or state_dir(), config.pool),
        # Not in the state folder of a demo, which is removed at its end. A viewer writes nothing.
        moment_files=None
        if is_viewer
        else StoreMomentFiles(state_dir() / FOLDER, runs_path if config.store.enabled else None),
        plots=StorePlots(runs_path if config.store.enabled else None, is_local=is_this_machine(config.pool.host)),
        search=search,
        last_words=last_words,
        run_next=run_next,
    )


@contextmanager
def _armed(
    config: Config, how: str, clock: RunClock, read_only: bool, state: Path | None, *, notifies: bool
) -> Iterator[Engine]:
    """Monitor the pool; arm the memory watch where the configuration enables it."""
    from metabonk_tui.cli.wiring import watching

    with watching(
        config,
        call=how,
        speed=clock.speed,
        clock=clock,
        read_only=read_only,
        state=state,
        notifies=notifies,
        when_asked="ask",
    ) as monitor:
        if config.memory_watch.enabled and notifies:
            monitor.arm(True, "config", config.memory_watch.dry_run)
        yield monitor


def _log_files(config: Config, clock: RunClock) -> LogFileReader:
    """Make the reader of the log files. Imported with the first log."""
    from metabonk_tui.adapters.process.log_files import LogFiles
    from metabonk_tui.core.text.mask import secret_words

    return LogFiles(clock, secret_words(config.environment.secret_words))
