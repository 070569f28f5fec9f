"""Finds and reads the user's configuration, and says where the program keeps its own state.

Refuses to know what the keys mean: `core.config` judges them.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs

from metabonk_tui.adapters.state.package_data import default_config_text
from metabonk_tui.adapters.state.paths import APP, state_path
from metabonk_tui.core.config.load import ConfigError, decode_config, merge
from metabonk_tui.core.config.schema import Config

CONFIG_VARIABLE = "METABONK_TUI_CONFIG"


@dataclass(frozen=True, slots=True)
class LoadedConfig:
    """A configuration and where it came from."""

    config: Config
    path: Path | None
    """The user's file that was laid over the packaged default; None: there is none."""
    origin: str
    """For people: "--config", "$METABONK_TUI_CONFIG", "your configuration directory", "packaged default"."""


def user_config_path() -> Path:
    """Say where a person's own config.toml belongs, whether or not it is there."""
    return platformdirs.user_config_path(APP, appauthor=False) / "config.toml"


def user_themes_dir() -> Path:
    """Say where a person's own themes belong, whether or not the folder is there."""
    return user_config_path().parent / "themes"


def state_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """Say where logs, locks and recordings live; the folder may not exist yet."""
    return Path(state_path(environ))


def find_config(explicit: str | None, environ: Mapping[str, str] = os.environ) -> tuple[Path | None, str]:
    """Choose the file: the command line, the environment, the user's directory, else none.

    Returns (path, origin). A file that was named must exist when it is read; the user's own may be missing.
    """
    if explicit is not None:
        return Path(explicit), "--config"
    named = environ.get(CONFIG_VARIABLE)
    if named:
        return Path(named), f"${CONFIG_VARIABLE}"
    own = user_config_path()
    return (own, "your configuration directory") if own.exists() else (None, "packaged default")


def load_config(
    explicit: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] = os.environ,
) -> LoadedConfig:
    """Read the chosen file over the packaged default, then `overrides`, a tree of the same shape, over both.

    Raises ConfigError where a file cannot be read or used.
    """
    path, origin = find_config(explicit, environ)
    default = tomllib.loads(default_config_text())
    tree = default if path is None else merge(default, _read_toml(path, origin))
    config = decode_config(tree, str(path or origin), default)
    if overrides:
        config = decode_config(merge(tree, dict(overrides)), "command line", default)
    return LoadedConfig(config, path, origin)


def _read_toml(path: Path, origin: str) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({origin}): {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from None
