"""Knows how this program was called, so that the commands it suggests mean the same pool when they are copied."""

from __future__ import annotations

import shlex
import shutil
import sys
from argparse import Namespace
from pathlib import Path

from metabonk_tui.adapters.state.config_files import LoadedConfig, user_config_path
from metabonk_tui.cli.options import PROGRAM


def program() -> str:
    """Write the program as it can be called again from here."""
    called = Path(sys.argv[0])
    if called.name == PROGRAM:
        return PROGRAM if shutil.which(PROGRAM) else shlex.quote(str(called))
    return f"{shlex.quote(sys.executable)} -m metabonk_tui"


def command_prefix(loaded: LoadedConfig, options: Namespace, **more: object) -> str:
    """Write the program with the options that say which pool is meant; `more` beats what was typed."""
    chosen: dict[str, object] = {}
    if loaded.path is not None and loaded.path != user_config_path():
        chosen["config"] = loaded.path.absolute()
    for key in ("host", "base_port", "speed"):
        if hasattr(options, key):
            chosen[key] = getattr(options, key)
    return with_options(**(chosen | more))


def with_options(**chosen: object) -> str:
    """Write the program with these options, as they can be typed."""
    words = [program()]
    for key, value in chosen.items():
        text = f"{value:g}" if isinstance(value, float) else str(value)
        words += [f"--{key.replace('_', '-')}", shlex.quote(text)]
    return " ".join(words)
