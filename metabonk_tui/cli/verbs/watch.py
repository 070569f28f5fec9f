"""The monitor itself: needs a terminal, and is the only verb beside `demo` that loads the screens."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from metabonk_tui.adapters.state.config_files import LoadedConfig, load_config, user_config_path, user_themes_dir
from metabonk_tui.adapters.state.package_data import themes_dir
from metabonk_tui.cli.exit_codes import UsageError
from metabonk_tui.cli.options import Parser, add_pool_options, overrides
from metabonk_tui.cli.suggest import command_prefix

PAST_SPEED = 60.0
"""The past of the run is played so many times faster than the run goes."""


def add_options(parser: Parser, verb: str) -> None:
    """Declare what the verb takes."""
    add_pool_options(parser)


def main(options: argparse.Namespace, verb: str) -> int:
    """Open the monitor on the configured pool."""
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


def no_terminal() -> str:
    """Say why the monitor cannot be drawn here; "" when it can."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return "the monitor needs a terminal"
    if os.environ.get("TERM", "dumb") == "dumb":
        return "the monitor needs a terminal that can move its cursor, and TERM says this one cannot"
    return ""


def open_monitor(
    loaded: LoadedConfig,
    how: str,
    *,
    speed: float,
    read_only: bool,
    state: Path | None = None,
    last_words: Callable[[], object] = lambda: None,
) -> int:
    """Watch until the person leaves; return the exit code.

    `how` is how the program is called for this pool; `state` is the folder for locks and records, by default the
    user's; `last_words` runs when the program must end while its terminal takes no output.
    """
    from metabonk_tui.adapters.state.config_files import state_dir
    from metabonk_tui.adapters.store.run_directory import runs_dir
    from metabonk_tui.cli.log import log_path, open_log
    from metabonk_tui.cli.recordings.archive import StoreRunArchive
    from metabonk_tui.cli.recordings.replays import StoreReplayOpener
    from metabonk_tui.cli.wiring import watching
    from metabonk_tui.ui.app import MonitorApp, run_app
    from metabonk_tui.ui.screens.registry import all_screens
    from metabonk_tui.ui.style.glyphs import choose_glyphs
    from metabonk_tui.ui.style.theme import MONO
    from metabonk_tui.ui.style.theme_files import load_themes
    from metabonk_tui.ui.terminal.driver import is_monochrome

    no_log = open_log()
    themes, warnings = load_themes(themes_dir(), user_themes_dir())
    notices = (no_log, *warnings) if no_log else warnings
    places = (
        ("configuration", str(loaded.path or user_config_path())),
        ("your themes", str(user_themes_dir())),
        ("log", str(log_path())),
    )
    config = loaded.config
    zone = datetime.now(UTC).astimezone().tzinfo or UTC
    runs_path = runs_dir(state or state_dir())
    replay_opener = StoreReplayOpener(runs_path, config, zone, PAST_SPEED * speed) if config.store.enabled else None
    with watching(config, call=how, speed=speed, read_only=read_only, state=state, notifies=True) as monitor:
        if config.memory_watch.enabled:
            monitor.arm(True, "config", config.memory_watch.dry_run)
        app = MonitorApp(
            monitor,
            config,
            all_screens(places),
            themes={MONO.name: MONO} if is_monochrome() else themes,
            glyphs=choose_glyphs(config.ui.glyphs, encoding=sys.stdout.encoding or "ascii"),
            read_only=read_only,
            speed=speed,
            notices=notices,
            zone=zone,
            replay_opener=replay_opener,
            # A demo, whose state is its own, can be laid beside the user's runs all the same.
            archive=StoreRunArchive((runs_dir(state or state_dir()), runs_dir(state_dir())), config),
        )
        return run_app(app, lambda: (last_words(), None)[1])
