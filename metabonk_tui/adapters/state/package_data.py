"""Locates the packaged files: `config.toml`, the manual, and `themes/`.

Does not: interpret them.
"""

from __future__ import annotations

from pathlib import Path


def data_root() -> Path:
    """Return the folder of `config.toml` and `themes/`: inside the package in a wheel, beside it in a checkout."""
    package = Path(__file__).resolve().parents[2]
    return package if (package / "config.toml").is_file() else package.parent


def default_config_text() -> str:
    return (data_root() / "config.toml").read_text(encoding="utf-8")


def themes_dir() -> Path:
    return data_root() / "themes"
