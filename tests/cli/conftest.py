"""What every test of the command line needs: the program in a subprocess, with a home of its own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Metabonk = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """Give the program directories of its own, so that no test sees the user's or another test's."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("METABONK_", "XDG_", "COLUMNS"))}
    return kept | {
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "METABONK_TUI_STATE_DIR": str(tmp_path / "state"),
        "NO_COLOR": "1",
    }


@pytest.fixture
def metabonk(home: dict[str, str], tmp_path: Path) -> Metabonk:
    """Run the program to its end: metabonk("check", "--json", input=..., env={...})."""

    def run(*argv: str, env: dict[str, str] | None = None, limit_s: float = 60, **how: object) -> object:
        command = [sys.executable, "-m", "metabonk_tui", *argv]
        environment = home | (env or {})
        settings = {"stdin": subprocess.DEVNULL} if "input" not in how else {}
        return subprocess.run(
            command, capture_output=True, text=True, env=environment, cwd=tmp_path, timeout=limit_s, **settings, **how
        )  # type: ignore[call-overload]

    return run  # type: ignore[return-value]
