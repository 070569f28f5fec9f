"""Locates the packaged files: `config.toml`, `themes/`, `monitoring/`, the recorder's unit, the sample recordings.

Does not: interpret them.
"""

from __future__ import annotations

from pathlib import Path

from metabonk_tui.adapters.files.kind import is_file

RECORDER_UNIT = "metabonk-tui-record.service"


def data_root() -> Path:
    """Return the folder of the packaged files: inside the package in a wheel, beside it in a checkout."""
    package = Path(__file__).resolve().parents[2]
    return package if is_file(package / "config.toml") else package.parent


def default_config_text() -> str:
    return (data_root() / "config.toml").read_text(encoding="utf-8")


def themes_dir() -> Path:
    return data_root() / "themes"


def recorder_unit_text() -> str:
    """Return the systemd unit of the recorder: beside `config.toml` in a wheel, in docs/ of a checkout."""
    root = data_root()
    packaged = root / RECORDER_UNIT
    return (packaged if is_file(packaged) else root / "docs" / RECORDER_UNIT).read_text(encoding="utf-8")


def monitoring_text(name: str) -> str:
    """Return a file for Prometheus or Grafana."""
    return (data_root() / "monitoring" / name).read_text(encoding="utf-8")


def samples_dir() -> Path:
    """Return the folder of the sample recordings, which only `bench.sample_runs` writes."""
    return Path(__file__).resolve().parents[2] / "samples"
