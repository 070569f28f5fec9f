"""Locates the program's state directory, without platformdirs on plain Linux: `status` runs at every prompt.

Does not: know the files in it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

APP = "metabonk-tui"
STATE_VARIABLE = "METABONK_TUI_STATE_DIR"


def state_path(environ: Mapping[str, str] = os.environ) -> str:
    """Return the directory of logs, locks and recordings; it may not exist yet."""
    return environ.get(STATE_VARIABLE) or _linux_state_path(environ) or _platformdirs_state_path()


def pool_name(host: str, port: int) -> str:
    """Return `HOST-PORT` for file and unit names. `host` is in its one spelling."""
    safe = "".join(c if c.isascii() and (c.isalnum() or c in ".-") else "_" for c in host)
    return f"{safe}-{port}"


def pool_stem(host: str, port: int) -> str:
    """Return the begin of the file names of one pool: `pool-PORT` on 127.0.0.1, else `pool-HOST-PORT`.

    `host` is in its one spelling. Earlier versions wrote `pool-PORT` for every host.
    """
    return f"pool-{port}" if host == "127.0.0.1" else f"pool-{pool_name(host, port)}"


def _linux_state_path(environ: Mapping[str, str]) -> str:
    """Return the path that platformdirs gives on plain Linux, without its import; "" elsewhere."""
    if sys.platform != "linux" or "ANDROID_DATA" in environ:
        return ""
    base = environ.get("XDG_STATE_HOME", "")
    if not base:
        home = environ.get("HOME", "")
        base = f"{home.rstrip('/')}/.local/state" if home.startswith("/") else ""
    return f"{base}/{APP}" if base.startswith("/") and base == base.strip() else ""


def _platformdirs_state_path() -> str:
    import platformdirs  # its import costs more than the rest of `status`

    return platformdirs.user_state_dir(APP, appauthor=False)
