"""Finds and reads the user's configuration, and locates the program's own state.

Does not: check the keys. `core.config` does.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from metabonk_tui.adapters.files.kind import may_exist
from metabonk_tui.adapters.files.small import read_small_text
from metabonk_tui.adapters.state.package_data import default_config_text
from metabonk_tui.adapters.state.paths import config_path, state_path
from metabonk_tui.core.config.load import ConfigError, decode_config, merge, parse_toml
from metabonk_tui.core.config.schema import Config

CONFIG_VARIABLE = "METABONK_TUI_CONFIG"


class LoadedConfig(Struct, frozen=True):
    """A configuration and its origin."""

    config: Config
    path: Path | None
    """The user's file, merged over the packaged default; None: there is none."""
    origin: str
    """Display text: "--config", "$METABONK_TUI_CONFIG", "your configuration directory", "packaged default"."""
    describes_pool: bool = False
    """Whether the file sets any key of the pool: its host, ports, workers or launcher."""


def user_config_path() -> Path:
    """Return the path of the user's config.toml; the file may not exist."""
    return Path(config_path()) / "config.toml"


def user_themes_dir() -> Path:
    """Return the folder of the user's themes; it may not exist."""
    return user_config_path().parent / "themes"


def state_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of logs, locks and recordings; it may not exist yet."""
    return Path(state_path(environ))


def find_config(explicit: str | None, environ: Mapping[str, str] = os.environ) -> tuple[Path | None, str]:
    """Choose the file: command line, environment, the user's directory, else none.

    Returns (path, origin). A named file must exist when it is read; the user's own file is optional.
    """
    if explicit is not None:
        return Path(explicit), "--config"
    named = environ.get(CONFIG_VARIABLE)
    if named:
        return Path(named), f"${CONFIG_VARIABLE}"
    own = user_config_path()
    return (own, "your configuration directory") if may_exist(own) else (None, "packaged default")


def load_config(
    explicit: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] = os.environ,
) -> LoadedConfig:
    """Merge the packaged default, the chosen file and `overrides`, a tree of the same shape; later ones win.

    Raises ConfigError for a file that is unreadable or invalid.
    """
    path, origin = find_config(explicit, environ)
    default = tomllib.loads(default_config_text())
    text = None if path is None else read_config_text(path, origin)
    own = {} if text is None else parse_toml(text, str(path))
    tree = merge(default, own)
    config = decode_config(tree, str(path or origin), default, text)
    if overrides:
        config = decode_config(merge(tree, dict(overrides)), "command line", default)
    return LoadedConfig(config, path, origin, bool(own.get("pool")))


def read_config_text(path: Path, origin: str) -> str:
    """Read a configuration file. Raises ConfigError for one that cannot be read."""
    try:
        return read_small_text(path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({origin}): {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from None
