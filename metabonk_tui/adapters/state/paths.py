"""Locates the program's folders, without platformdirs on plain Linux: its import takes 5 ms and 0.4 MB.

Does not: know the files in them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

APP = "metabonk-tui"
STATE_VARIABLE = "METABONK_TUI_STATE_DIR"


def state_path(environ: Mapping[str, str] = os.environ) -> str:
    """Return the directory of logs, locks and recordings; it may not exist yet."""
    if named := environ.get(STATE_VARIABLE):
        return named
    return _linux_path(environ, "XDG_STATE_HOME", ".local/state") or _platformdirs_path("user_state_dir")


def config_path(environ: Mapping[str, str] = os.environ) -> str:
    """Return the directory of the user's configuration; it may not exist."""
    return _linux_path(environ, "XDG_CONFIG_HOME", ".config") or _platformdirs_path("user_config_dir")


def pool_name(host: str, port: int) -> str:
    """Return `HOST-PORT` for file and unit names. `host` is in its one spelling."""
    safe = "".join(c if c.isascii() and (c.isalnum() or c in ".-") else "_" for c in host)
    return f"{safe}-{port}"


def pool_stem(host: str, port: int) -> str:
    """Return the begin of the file names of one pool: `pool-PORT` on 127.0.0.1, else `pool-HOST-PORT`.

    `host` is in its one spelling. Earlier versions wrote `pool-PORT` for every host.
    """
    return f"pool-{port}" if host == "127.0.0.1" else f"pool-{pool_name(host, port)}"


def _linux_path(environ: Mapping[str, str], variable: str, in_home: str) -> str:
    """Return the path that platformdirs gives on plain Linux, without its import; "" elsewhere."""
    if sys.platform != "linux" or "ANDROID_DATA" in environ:
        return ""
    base = environ.get(variable, "")
    if not base:
        home = environ.get("HOME", "")
        base = f"{home.rstrip('/')}/{in_home}" if home.startswith("/") else ""
    return f"{base}/{APP}" if base.startswith("/") and base == base.strip() else ""


def _platformdirs_path(what: str) -> str:
    import platformdirs  # its import costs more than the rest of `status`

    return str(getattr(platformdirs, what)(APP, appauthor=False))
