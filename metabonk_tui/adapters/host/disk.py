"""Reads the free disk space of a folder that may not exist yet."""

from __future__ import annotations

import os
from pathlib import Path

from metabonk_tui.adapters.files.kind import may_exist
from metabonk_tui.core.launch.preflight import DiskFinding


def free_space(path: Path) -> DiskFinding:
    """Return the bytes that a user may still write; for a missing folder, those of its nearest existing parent."""
    place = path
    while not may_exist(place) and place != place.parent:
        place = place.parent
    try:
        found = os.statvfs(place)
    except OSError as error:
        return DiskFinding(str(path), None, error.strerror or str(error))
    return DiskFinding(str(path), found.f_bavail * found.f_frsize)
