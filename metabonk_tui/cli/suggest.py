"""Writes command lines that address the same pool when a user copies them."""

from __future__ import annotations

import shlex
import shutil
import sys
from argparse import Namespace
from pathlib import Path

from metabonk_tui.adapters.state.config_files import LoadedConfig, user_config_path
from metabonk_tui.cli.options import PROGRAM


def program() -> str:
    """Return the shell-quoted command that starts this program again."""
    called = Path(sys.argv[0])
    if called.name == PROGRAM:
        return PROGRAM if shutil.which(PROGRAM) else shlex.quote(str(called))
    return f"{shlex.quote(sys.executable)} -m metabonk_tui"


def command_prefix(loaded: LoadedConfig, options: Namespace, **more: object) -> str:
    """Return the program with the options that select the pool; `more` overrides the typed options."""
    chosen: dict[str, object] = {}
    if loaded.path is not None and loaded.path != user_config_path():
        chosen["config"] = loaded.path.absolute()
    for key in ("host", "base_port", "speed"):
        if hasattr(options, key):
            chosen[key] = getattr(options, key)
    return with_options(**(chosen | more))


def with_options(**chosen: object) -> str:
    """Return the program followed by these options, shell-quoted."""
    words = [program()]
    for key, value in chosen.items():
        text = f"{value:g}" if isinstance(value, float) else str(value)
        words += [f"--{key.replace('_', '-')}", shlex.quote(text)]
    return " ".join(words)
