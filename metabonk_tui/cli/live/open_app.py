"""Opens the screens over a monitor, live or replayed. Imports the screens only when `open_app` is called."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, tzinfo

from metabonk_tui.adapters.files.small import read_small_text
from metabonk_tui.adapters.process.suspension import with_hooks
from metabonk_tui.adapters.state.config_files import LoadedConfig, user_config_path, user_themes_dir
from metabonk_tui.adapters.state.package_data import themes_dir
from metabonk_tui.core.ports.live import Monitor
from metabonk_tui.core.ports.recordings import ReplayControls, ReplayOpener, RunArchive


def no_terminal() -> str:
    """Return why the monitor cannot be drawn here; "" when it can."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return "the monitor needs a terminal"
    if os.environ.get("TERM", "dumb") == "dumb":
        return "the monitor needs a terminal that can move its cursor; TERM is dumb or not set"
    return ""


def local_zone() -> tzinfo:
    """Return the time zone in which the screen writes the time of day."""
    return datetime.now(UTC).astimezone().tzinfo or UTC


def open_app(
    opening: AbstractContextManager[Monitor],
    loaded: LoadedConfig,
    archive: RunArchive,
    zone: tzinfo,
    *,
    read_only: bool = False,
    speed: float = 1.0,
    replay_opener: ReplayOpener | None = None,
    replay_controls: ReplayControls | None = None,
    last_words: Callable[[], object] = lambda: None,
) -> int:
    """Show a monitor until the user quits; return the exit code.

    `opening` starts the monitor after the screens are imported, and stops it. `last_words` runs when the program
    must exit while its terminal accepts no output.
    """
    from metabonk_tui.cli.log import log_path, open_log
    from metabonk_tui.ui.app import MonitorApp, run_app
    from metabonk_tui.ui.screens.registry import all_screens
    from metabonk_tui.ui.style.glyphs import choose_glyphs
    from metabonk_tui.ui.style.theme import MONO
    from metabonk_tui.ui.style.theme_files import load_themes
    from metabonk_tui.ui.terminal.driver import Driver, is_monochrome

    no_log = open_log()
    themes, warnings = load_themes(themes_dir(), user_themes_dir(), read_small_text)
    places = (
        ("configuration", str(loaded.path or user_config_path())),
        ("your themes", str(user_themes_dir())),
        ("log", str(log_path())),
    )
    Driver.around_stop = staticmethod(with_hooks)
    with opening as monitor:
        app = MonitorApp(
            monitor,
            loaded.config,
            all_screens(places),
            themes={MONO.name: MONO} if is_monochrome() else themes,
            glyphs=choose_glyphs(loaded.config.ui.glyphs, encoding=sys.stdout.encoding or "ascii"),
            read_only=read_only,
            speed=speed,
            notices=(no_log, *warnings) if no_log else warnings,
            zone=zone,
            replay_controls=replay_controls,
            replay_opener=replay_opener,
            archive=archive,
        )
        return run_app(app, lambda: (last_words(), None)[1])
