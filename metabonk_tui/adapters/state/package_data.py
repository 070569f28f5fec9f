"""Knows where the files that travel with the program lie: `config.toml`, the manual, and `themes/`.

Refuses to know what stands in them.
"""

from __future__ import annotations

from pathlib import Path


def data_root() -> Path:
    """Find the folder of `config.toml` and `themes/`: inside the package in a wheel, beside it in a checkout."""
    package = Path(__file__).resolve().parents[2]
    return package if (package / "config.toml").is_file() else package.parent


def default_config_text() -> str:
    """Read the packaged default configuration."""
    return (data_root() / "config.toml").read_text(encoding="utf-8")


def themes_dir() -> Path:
    """Say where the packaged themes are."""
    return data_root() / "themes"
