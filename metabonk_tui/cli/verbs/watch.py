"""`watch`, or no verb at all: opens the monitor on the configured pool. Needs a terminal."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from metabonk_tui.adapters.state.config_files import LoadedConfig, load_config, state_dir
from metabonk_tui.cli.exit_codes import UsageError
from metabonk_tui.cli.live.open_app import local_zone, no_terminal, open_app
from metabonk_tui.cli.options import Parser, add_pool_options, overrides
from metabonk_tui.cli.suggest import command_prefix
from metabonk_tui.core.config.schema import Config

if TYPE_CHECKING:
    from metabonk_tui.engine.engine import Engine

PAST_SPEED = 60.0
"""Recorded seconds per second of the run's clock, when the past of the run is replayed."""


def add_options(parser: Parser, verb: str) -> None:
    add_pool_options(parser)


def main(options: argparse.Namespace, verb: str) -> int:
    """Open the monitor on the configured pool. Raises UsageError without a terminal."""
    loaded = load_config(getattr(options, "config", None), overrides(options))
    missing = no_terminal()
    if missing:
        raise UsageError(f"{missing}; without one: metabonk-tui check")
    return open_monitor(
        loaded,
        command_prefix(loaded, options),
        speed=getattr(options, "speed", 1.0),
        read_only=getattr(options, "read_only", False),
    )


def open_monitor(
    loaded: LoadedConfig,
    how: str,
    *,
    speed: float,
    read_only: bool,
    state: Path | None = None,
    last_words: Callable[[], object] = lambda: None,
) -> int:
    """Show the monitor until the user quits; return the exit code.

    `how` is the command prefix of the suggested commands. `state` is the folder for locks and recordings; None: the
    user's. `last_words` runs when the program must exit while its terminal accepts no output.
    """
    from metabonk_tui.adapters.store.run_directory import runs_dir
    from metabonk_tui.cli.recordings.archive import StoreRunArchive
    from metabonk_tui.cli.recordings.replays import StoreReplayOpener

    config, zone = loaded.config, local_zone()
    runs_path = runs_dir(state or state_dir())
    return open_app(
        _armed(config, how, speed, read_only, state),
        loaded,
        # A demo has a state folder of its own; its run can be compared with the user's runs.
        StoreRunArchive((runs_path, runs_dir(state_dir())), config),
        zone,
        read_only=read_only,
        speed=speed,
        replay_opener=StoreReplayOpener(runs_path, config, zone, PAST_SPEED * speed) if config.store.enabled else None,
        last_words=last_words,
    )


@contextmanager
def _armed(config: Config, how: str, speed: float, read_only: bool, state: Path | None) -> Iterator[Engine]:
    """Monitor the pool; arm the memory watch where the configuration enables it."""
    from metabonk_tui.cli.wiring import watching

    with watching(
        config, call=how, speed=speed, read_only=read_only, state=state, notifies=True, when_asked="ask"
    ) as monitor:
        if config.memory_watch.enabled:
            monitor.arm(True, "config", config.memory_watch.dry_run)
        yield monitor
