"""Puts runs into the store as a monitor of some pool, boot and machine would have recorded them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from metabonk_tui.adapters.store.importer import import_runs
from metabonk_tui.core.model.sample import Sample
from metabonk_tui.core.run.replay import replay_pairs
from metabonk_tui.core.step.pipeline import stepper
from tests.support.samples import CONFIG


def stored(folder: Path, samples: Iterable[Sample], **meta: Any) -> Path:
    """Store one run, with these notes of its monitor beside it; return its file."""
    (path,) = import_runs(folder, replay_pairs(samples, stepper(CONFIG)), CONFIG)
    with closing(sqlite3.connect(path)) as connection, connection:
        for key, value in meta.items():
            connection.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (key, json.dumps(value)))
    return path
