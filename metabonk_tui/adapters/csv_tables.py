"""Writes Samples as MetaBonk's recorder does, a worker_N_metrics.csv each, so that reading gives the numbers back.

A table holds less than a recording: the columns of `metabonk_csv` and no failures. An absent key stays empty.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from metabonk_tui.adapters.metabonk_csv import COLUMNS
from metabonk_tui.core.sample import BadValue, Sample

HEADER = [
    *("elapsed", "worker", "step", "gameplay", "dynamic_state", "dynamic_eps", "dynamic_actions"),
    *("dynamic_text_density", "dynamic_motion", "intrinsic_reward", "intrinsic_reward_total", "system2_engage"),
    *("system2_reason", "meta_success_sequences", "meta_suggestions_applied", "vlm_hints_used", "vlm_hints_applied"),
    "gpu_memory_gb",
]


def write_tables(folder: Path, samples: Iterable[Sample]) -> None:
    """Write a file for each worker into a folder, which is made. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    started_at: float | None = None
    with ExitStack() as files:
        tables: dict[int, Any] = {}
        for sample in samples:
            started_at = started_at if started_at is not None else sample.run.started_at if sample.run else sample.t
            for slot, seen in sample.workers.items():
                if seen.status is None:
                    continue
                if slot not in tables:
                    path = folder / f"worker_{slot}_metrics.csv"
                    tables[slot] = csv.writer(files.enter_context(path.open("w", encoding="utf-8", newline="")))
                    tables[slot].writerow(HEADER)
                elapsed_s = round(max(0.0, sample.t - started_at), 3)
                cells = [_cell(seen.status.fields.get(COLUMNS[name][0])) for name in HEADER[2:]]
                tables[slot].writerow([f"{elapsed_s:g}" if elapsed_s < 1e5 else elapsed_s, slot, *cells])


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, BadValue):
        return value.text
    # A bare 0 where a float is due would be read as an absent key.
    return repr(float(value)) if isinstance(value, int | float) else str(value)
