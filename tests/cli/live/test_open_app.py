"""Opening the screen: where it cannot be drawn, and the order in which the monitor starts, is shown and stops."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path
from typing import Any, cast

import pytest

from metabonk_tui.adapters.state.config_files import load_config
from metabonk_tui.cli.live import open_app as module
from metabonk_tui.core.ports.live import Monitor
from metabonk_tui.core.ports.recordings import RunArchive


@pytest.mark.parametrize(
    ("stdin", "stdout", "term", "reason"),
    [
        (True, True, "xterm", ""),
        (False, True, "xterm", "needs a terminal"),
        (True, False, "xterm", "needs a terminal"),
        (True, True, "dumb", "TERM is"),
        (True, True, None, "TERM is"),
    ],
)
def test_where_the_monitor_cannot_be_drawn_the_reason_is_given(
    monkeypatch: pytest.MonkeyPatch, stdin: bool, stdout: bool, term: str | None, reason: str
) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: stdin, raising=False)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: stdout, raising=False)
    monkeypatch.delenv("TERM", raising=False)
    if term is not None:
        monkeypatch.setenv("TERM", term)
    found = module.no_terminal()
    assert (reason in found) if reason else found == ""


@pytest.mark.parametrize("fails", [False, True])
def test_the_monitor_runs_only_while_it_is_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fails: bool) -> None:
    monkeypatch.setenv("METABONK_TUI_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    steps: list[object] = []

    @contextmanager
    def opening() -> Iterator[Monitor]:
        steps.append("started")
        try:
            yield cast(Monitor, "the monitor")
        finally:
            steps.append("stopped")

    def make_controller(monitor: object, config: object, screens: object, **rest: Any) -> str:
        steps.append((monitor, rest["read_only"], rest["speed"], rest["archive"]))
        return "the controller"

    def make_app(controller: object, config: object, **rest: Any) -> str:
        steps.append(controller)
        return "the app"

    def run_app(app: object, emergency_cleanup: Any) -> int:
        emergency_cleanup()
        if fails:
            raise RuntimeError("broken")
        return 7

    monkeypatch.setattr("metabonk_tui.ui.controller.Controller", make_controller)
    monkeypatch.setattr("metabonk_tui.ui.app.MonitorApp", make_app)
    monkeypatch.setattr("metabonk_tui.ui.app.run_app", run_app)

    def show() -> int:
        return module.open_app(
            opening(),
            load_config(environ={}),
            cast(RunArchive, "the archive"),
            UTC,
            read_only=True,
            speed=3.0,
            last_words=lambda: steps.append("last words"),
        )

    if fails:
        with pytest.raises(RuntimeError, match="broken"):
            show()
    else:
        assert show() == 7
    made = ("the monitor", True, 3.0, "the archive")
    assert steps == ["started", made, "the controller", "last words", "stopped"]
