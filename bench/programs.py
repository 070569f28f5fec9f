"""Lists the programs with a screen: how each is started, which key it answers, and which key quits it.

Does not: run them.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from msgspec import Struct

from bench.documents import Change
from bench.farm import Farm

VENV = Path(__file__).resolve().parent.parent / ".venv-bench" / "bin"
"""Programs that only the measurement needs; `make bench` installs them."""
PYTHON = sys.executable
_SEQUENCE = re.compile(r"\x1b\[[0-9;]*m")


class Pool(Struct, frozen=True):
    """The workers that a program watches."""

    workers: int
    change: Change = Change.USUAL


class Program(Struct, frozen=True):
    """One program that draws on a terminal."""

    name: str
    argv: tuple[str, ...]
    """`{config}`, `{base_port}` and `{workers}` are replaced by those of the pool."""
    keys: tuple[bytes, bytes]
    """Two keys that undo each other and change the screen."""
    quit_key: bytes = b"q"
    pool: Pool | None = None
    """The workers that it watches; None: it watches this machine."""
    missing: str = ""
    """How to install it where it is missing."""

    def path(self) -> str | None:
        """Return the executable; None: it is not installed. What the user has installed comes first."""
        return shutil.which(self.argv[0], path=f"{os.environ.get('PATH', '')}{os.pathsep}{VENV}")

    def version(self) -> str:
        """Return the first line of what `--version` prints; "": it prints nothing."""
        if self.argv[0] == PYTHON:
            return ""
        done = subprocess.run(
            [self.path() or self.argv[0], "--version"], capture_output=True, text=True, check=False, timeout=60
        )
        lines = [line for text in _SEQUENCE.sub("", done.stdout).splitlines() if (line := text.strip())]
        return lines[0] if lines else ""

    def command(self, farm: Farm | None, folder: Path) -> list[str]:
        """Return the arguments for this farm, with the executable's path first."""
        places = {"config": "", "base_port": "", "workers": ""}
        if farm is not None:
            places = {
                "config": str(farm.write_config(folder)),
                "base_port": str(farm.base_port),
                "workers": str(farm.workers),
            }
        return [self.path() or self.argv[0], *(text.format(**places) for text in self.argv[1:])]


DOWN, UP = b"\x1b[B", b"\x1b[A"


def own(name: str, workers: int, change: Change = Change.USUAL) -> Program:
    argv = (PYTHON, "-m", "metabonk_tui", "--config", "{config}", "--read-only")
    return Program(name, argv, (DOWN, UP), pool=Pool(workers, change))


# Only loopback is asked: glances would look up its public address, the cloud and a newer release.
_GLANCES = ("glances", "-t", "1", "--disable-check-update", "--disable-plugin", "cloud,ip")

PROGRAMS = {
    program.name: program
    for program in (
        own("ours", 5),
        Program("htop", ("htop", "-d", "10"), (DOWN, UP), missing="apt-get install htop"),
        Program("btop", ("btop", "--utf-force"), (DOWN, UP), missing="apt-get install btop"),
        Program("glances", _GLANCES, (b"1", b"1"), missing="make bench installs it into .venv-bench"),
        Program("empty", (PYTHON, "-m", "bench.reference.empty"), (b"a", b"b")),
        Program(
            "naive",
            (PYTHON, "-m", "bench.reference.naive", "{base_port}", "{workers}"),
            (b"j", b"k"),
            pool=Pool(5),
        ),
        own("ours-changing", 5, Change.ALL),
        own("ours-quiet", 5, Change.NONE),
        own("ours-64", 64),
        own("ours-256", 256),
        own("ours-1000", 1000),
    )
}

GROWTH = ("ours", "ours-64", "ours-256", "ours-1000")
"""The monitor over a growing number of workers."""


def environment(folder: Path) -> dict[str, str]:
    """Return an environment in which a program finds no settings but those written here, all at 1 Hz."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("METABONK", "MEGABONK", "XDG_", "TEXTUAL"))
        and name not in ("COLUMNS", "LINES", "NO_COLOR")
    }
    settings = folder / "settings"
    (settings / "btop").mkdir(parents=True, exist_ok=True)
    (settings / "btop" / "btop.conf").write_text("update_ms = 1000\n")
    root = str(Path(__file__).resolve().parent.parent)
    return kept | {
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "LC_ALL": "C.UTF-8",
        "HOME": str(folder),
        "XDG_CONFIG_HOME": str(settings),
        "XDG_RUNTIME_DIR": str(folder),
        "METABONK_TUI_STATE_DIR": str(folder / "state"),
        "PYTHONPATH": os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH")))),
    }
