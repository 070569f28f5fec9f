"""Lays out a folder like the public MetaBonk checkout: the files by which setup knows it, and its env files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

LACKING = """\
export METABONK_DYNAMIC_UI_EXPLORATION=1
export METABONK_INTRINSIC_REWARD=1
export METABONK_META_LEARNING=1
export METABONK_SYSTEM2_ENABLED=1
export METABONK_SYSTEM2_TRIGGER_MODE=smart
"""
"""The public env files lack METABONK_INTRINSIC_APPLY_IN_PURE_VISION."""
ENV_FILES = ("game_agnostic_24h_config.env", "game_agnostic_config_CORRECTED.env")
FILES: Mapping[str, str] = {
    "launch.py": "",
    "src/worker/main.py": "import json\n",
    "src/orchestrator/main.py": "",
    "scripts/start_omega.py": "",
    **dict.fromkeys(ENV_FILES, LACKING),
}


def make_checkout(folder: Path, more: Mapping[str, str] | None = None) -> Path:
    """Write the layout into a folder, and return it; `more` has other files, or other texts for these."""
    for name, text in (FILES | dict(more or {})).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder
