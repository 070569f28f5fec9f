"""Opens the screens over a monitor, live or replayed. Imports the screens only when `open_app` is called."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING

from msgspec.structs import replace

from metabonk_tui.adapters.files.small import read_small_text
from metabonk_tui.adapters.process.suspension import with_hooks
from metabonk_tui.adapters.state.config_files import LoadedConfig, state_dir, user_config_path, user_themes_dir
from metabonk_tui.adapters.state.package_data import themes_dir
from metabonk_tui.adapters.state.ui_settings import UiSettingsFile
from metabonk_tui.cli.live import first_frame
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.ports.live import LookStore, Monitor
from metabonk_tui.core.ports.logs import LogFileReader
from metabonk_tui.core.ports.recordings import ReplayControls, ReplayOpener, RunArchive

if TYPE_CHECKING:
    from metabonk_tui.core.model.pool import PoolSearch
    from metabonk_tui.core.ports.moments import MomentFiles
    from metabonk_tui.core.ports.plots import PlotReader
    from metabonk_tui.ui.controller import Controller
    from metabonk_tui.ui.hints import KeyTable
    from metabonk_tui.ui.style.spans import Row
    from metabonk_tui.ui.style.theme import Theme

FIRST_WAIT_S = 0.5
"""How long Textual waits for the first Snapshot, to be imported after its picture. The wait takes no CPU."""
SLOW_THEME = "ansi-16"
"""The theme of a slow terminal: its escape sequences are the shortest, and no background has a tint."""
LARGEST = (1000, 500)
"""The columns and rows of the largest terminal that gets a first picture."""
SWITCH_S = 0.001
"""A thread that computes makes way this soon. A key passes three threads; at Python's 5 ms, polling 1000 workers, its
output came after 43 ms, now after 29 ms (p50, means of four runs each; 0.5 ms: 34 ms, two runs)."""


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


def with_environment(config: Config, environ: Mapping[str, str] = os.environ) -> Config:
    """Return the configuration with what the environment asks of the screen: NO_MOTION, set to anything."""
    if not environ.get("NO_MOTION"):
        return config
    return replace(config, ui=replace(config.ui, motion="reduced"))


def open_app(
    opening: AbstractContextManager[Monitor],
    loaded: LoadedConfig,
    archive: RunArchive,
    zone: tzinfo,
    *,
    read_only: bool = False,
    is_viewer: bool = False,
    speed: float = 1.0,
    replay_opener: ReplayOpener | None = None,
    replay_controls: ReplayControls | None = None,
    open_logs: Callable[[], LogFileReader] | None = None,
    looks: LookStore | None = None,
    moment_files: MomentFiles | None = None,
    plots: PlotReader | None = None,
    search: PoolSearch | None = None,
    begin: tuple[str, WorkerRef | None] | None = None,
    last_words: Callable[[], object] = lambda: None,
    run_next: Callable[[tuple[str, ...]], int] | None = None,
) -> int:
    """Show a monitor until the user quits; return the exit code.

    `opening` starts the monitor, before the screens are imported, and stops it. `open_logs` makes the reader of the
    log files; `moment_files` writes hand-overs. `search`: where a pool is looked for. `begin`: the first screen and
    the selected worker. `last_words` runs when the program must exit while its terminal accepts no output. `run_next`
    runs the command of a key, after the monitor is closed.
    """
    from metabonk_tui.cli.log import log_path, open_log

    no_log = open_log()
    settings_file = UiSettingsFile(state_dir())
    settings, unread = settings_file.read()
    config, keys = with_environment(loaded.config), own_keys(loaded)
    if is_viewer:
        settings = replace(settings, interval_s=0.0)
    if config.ui.slow:
        config, settings = replace(config, ui=replace(config.ui, theme=SLOW_THEME)), replace(settings, theme="")
    places = (
        ("configuration", str(loaded.path or user_config_path())),
        ("your themes", str(user_themes_dir())),
        ("log", str(log_path())),
        ("kept settings", str(settings_file.path)),
    )
    sys.setswitchinterval(SWITCH_S)
    with opening as monitor:
        first_frame.unwind_on_signals()
        # Imported while the engine waits for the first answers.
        from metabonk_tui.ui.controller import Controller
        from metabonk_tui.ui.hints import USUAL_KEYS
        from metabonk_tui.ui.screens.registry import all_screens
        from metabonk_tui.ui.style.glyphs import choose_glyphs
        from metabonk_tui.ui.style.theme import AUTO, LIGHT, MONO, fitted
        from metabonk_tui.ui.style.theme_files import load_themes
        from metabonk_tui.ui.terminal.background import is_light
        from metabonk_tui.ui.terminal.colors import color_name, is_monochrome

        if config.ui.theme == AUTO and is_light():
            config = replace(config, ui=replace(config.ui, theme=LIGHT))
        themes, warnings = load_themes(themes_dir(), user_themes_dir(), read_small_text)
        themes = fitted({MONO.name: MONO} if is_monochrome() else themes, color_name() or None)
        controller = Controller(
            monitor,
            config,
            all_screens(places),
            themes=tuple(themes),
            glyphs=choose_glyphs(config.ui.glyphs, encoding=sys.stdout.encoding or "ascii"),
            read_only=read_only,
            is_viewer=is_viewer,
            speed=speed,
            notices=tuple(filter(None, (no_log, unread, *warnings))),
            zone=zone,
            replay_controls=replay_controls,
            replay_opener=replay_opener,
            archive=archive,
            open_logs=open_logs,
            looks=looks,
            moment_files=moment_files,
            plots=plots,
            keys=keys or USUAL_KEYS,
            settings=settings,
            search=search,
        )
        if begin is not None:
            controller.open_at(*begin)
        rows = _draw_first_picture(monitor, controller, themes[controller.theme]) if first_frame.is_showing() else ()
        from metabonk_tui.ui.app import MonitorApp, run_app
        from metabonk_tui.ui.terminal.driver import Driver

        Driver.around_stop = staticmethod(with_hooks)
        Driver.take_modes = staticmethod(first_frame.take_modes)
        app = MonitorApp(
            controller,
            config,
            themes=themes,
            rows=rows,
            on_first_picture=first_frame.settle,
            keep=settings_file.write if not is_viewer else lambda _: "",
        )
        first_frame.hand_over()
        code = run_app(app, lambda: (last_words(), None)[1])
    return run_next(app.next_words) if run_next is not None and app.next_words else code


def own_keys(loaded: LoadedConfig) -> KeyTable | None:
    """Return the commands with the configured keys; None: the usual ones. Raises ConfigError."""
    if loaded.config.keys == {"layout": "us"}:
        return None
    from metabonk_tui.ui.key_map import key_table

    return key_table(loaded.config.keys, str(loaded.path or loaded.origin))


def _draw_first_picture(monitor: Monitor, controller: Controller, theme: Theme) -> tuple[Row, ...]:
    """Draw the first Snapshot if it comes soon; return the rows that the terminal shows."""
    from metabonk_tui.ui.terminal.colors import color_name
    from metabonk_tui.ui.terminal.first_picture import sequence_of

    controller.screens[controller.screen]  # imports it, while the engine waits for the workers
    came = threading.Event()
    monitor.subscribe(came.set)
    if monitor.latest() is None:
        came.wait(FIRST_WAIT_S)
    (wide, high), colors = first_frame.size(), color_name()
    if not (colors and 0 < wide <= LARGEST[0] and 0 < high <= LARGEST[1] and controller.update(monitor.latest())):
        return ()
    rows = controller.rows(wide, high)
    first_frame.draw(sequence_of(rows, wide, theme, colors))
    return rows
