"""Runs a scripted monitor in a pseudo-terminal: `python -m tests.support.pty_child WORDS_FILE [REPAINT_S]`."""

from __future__ import annotations

import fcntl
import itertools
import sys
import termios
import threading
import time
from contextlib import suppress
from pathlib import Path

from msgspec.structs import replace

from metabonk_tui.adapters.files.small import read_small_text
from metabonk_tui.adapters.state.package_data import themes_dir
from metabonk_tui.core.config.load import parse_config
from metabonk_tui.core.model.alert import Alert
from metabonk_tui.ui import app as app_module
from metabonk_tui.ui.app import MonitorApp, run_app
from metabonk_tui.ui.controller import Controller
from metabonk_tui.ui.screens.registry import all_screens
from metabonk_tui.ui.style.theme_files import load_themes
from tests.support import snapshots as scenes
from tests.ui.conftest import ROOT, ScriptedMonitor


def main(words: Path, repaint_s: float | None = None) -> int:
    """Show scenes that change every cell ten times a second, until the user quits or a signal arrives.

    `repaint_s`: show one scene that stands, and repaint it this often.
    """
    # The kernel sends SIGHUP only for the controlling terminal. A shell that starts this has one already.
    with suppress(PermissionError):
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    monitor = ScriptedMonitor(scenes.healthy())
    ended = threading.Event()

    def engine() -> None:
        for i in itertools.count():
            if ended.wait(0.1):
                return
            scene = scenes.stop() if i % 2 else scenes.mixed()
            alerts = (Alert("MemCritical", "", "crit", "firing", "0.4 GB available", 0.0),) if i > 3 else ()
            monitor.set(replace(scene, t=time.time(), alerts=alerts))
            words.with_suffix(".ticks").write_text(str(i))

    if repaint_s is None:
        threading.Thread(target=engine, daemon=True).start()
    else:
        app_module.REPAINT_S = repaint_s
    config = parse_config((ROOT / "config.toml").read_text(encoding="utf-8"), None)
    themes = load_themes(themes_dir(), None, read_small_text)[0]
    app = MonitorApp(Controller(monitor, config, all_screens(), themes=tuple(themes)), config, themes=themes)
    code = run_app(app, lambda: (words.write_text("last words"), None)[1])
    ended.set()
    return code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *map(float, sys.argv[2:3])))
