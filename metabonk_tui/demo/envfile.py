"""Writes and reads the pool's env file: MetaBonk's keys without `export`, as in MetaBonk's own files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from metabonk_tui.demo.pool import PoolLocation

# key, value when enabled, value when disabled
_KEYS = (
    ("METABONK_DYNAMIC_UI_EXPLORATION", "1", "0"),
    ("METABONK_DYNAMIC_UI_USE_VLM_HINTS", "1", "0"),
    ("METABONK_DYNAMIC_EPS_BASE", "0.10", "0.10"),
    ("METABONK_DYNAMIC_EPS_UI", "0.80", "0.80"),
    ("METABONK_DYNAMIC_EPS_STUCK", "0.90", "0.90"),
    ("METABONK_INTRINSIC_REWARD", "1", "0"),
    ("METABONK_INTRINSIC_APPLY_IN_PURE_VISION", "1", "0"),
    ("METABONK_INTRINSIC_UI_TO_GAMEPLAY_BONUS", "1.0", "1.0"),
    ("METABONK_META_LEARNING", "1", "0"),
    ("METABONK_META_LEARNER_PRE_GAMEPLAY_ONLY", "0", "1"),
    ("METABONK_PURE_VISION_MODE", "1", "1"),
    ("METABONK_SYSTEM2_ENABLED", "1", "0"),
    ("METABONK_SYSTEM2_TRIGGER_MODE", "smart", "always"),
)


def flags_of(pool: PoolLocation, *, enabled: bool, missing_keys: Sequence[str] = ()) -> dict[str, str]:
    """Return the variables that the env file sets, without `missing_keys`."""
    flags = {key: on if enabled else off for key, on, off in _KEYS if key not in missing_keys}
    # System2 needs a host. An empty one keeps a disabled demo away from a real Ollama on this machine.
    flags["OLLAMA_HOST"] = f"http://127.0.0.1:{pool.ollama_port}" if enabled else ""
    return flags


def write_env_file(pool: PoolLocation, *, enabled: bool, missing_keys: Sequence[str] = ()) -> None:
    head = "# Read it with `set -a`: these lines do not export themselves.\n"
    rows = (f"{key}={value}\n" for key, value in flags_of(pool, enabled=enabled, missing_keys=missing_keys).items())
    pool.env_file.write_text(head + "".join(rows))


def read_env_file(path: Path) -> dict[str, str]:
    """Return the KEY=VALUE lines of a file; a missing file sets nothing."""
    try:
        lines = path.read_text().splitlines()
    except FileNotFoundError:
        return {}
    rows = (line.partition("=") for line in lines if "=" in line and not line.startswith("#"))
    return {key: value for key, _, value in rows}
