"""Knows how much room there is on disk where something will be written."""

from __future__ import annotations

import os
from pathlib import Path

from metabonk_tui.core.launch.preflight import DiskFinding


def free_space(path: Path) -> DiskFinding:
    """Look where this folder is, or would be: what does not exist yet lies in its nearest parent that does."""
    place = path
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        found = os.statvfs(place)
    except OSError as error:
        return DiskFinding(str(path), None, error.strerror or str(error))
    return DiskFinding(str(path), found.f_bavail * found.f_frsize)
