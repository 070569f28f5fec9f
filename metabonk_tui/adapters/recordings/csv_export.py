"""Writes Samples as MetaBonk's recorder does: one worker_N_metrics.csv per worker.

A table has less than a recording: only the columns of `metabonk_csv`, and no failures. An absent key gives an
empty cell.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from metabonk_tui.adapters.recordings.metabonk_csv import COLUMNS, NUMBER, is_no_number, plain_cell
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.sample import BadValue, Sample, WorkerStatus

HEADER = [
    *("elapsed", "worker", "step", "gameplay", "dynamic_state", "dynamic_eps", "dynamic_actions"),
    *("dynamic_text_density", "dynamic_motion", "intrinsic_reward", "intrinsic_reward_total", "system2_engage"),
    *("system2_reason", "meta_success_sequences", "meta_suggestions_applied", "vlm_hints_used", "vlm_hints_applied"),
    "gpu_memory_gb",
]


def write_tables(folder: Path, samples: Iterable[Sample]) -> None:
    """Write one file per worker into `folder`, which is created. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    started_at: float | None = None
    foreign: tuple[str, ...] = ()
    with ExitStack() as files:
        tables: dict[WorkerRef, tuple[Any, list[str]]] = {}
        for sample in samples:
            if sample.run is not None:
                foreign = sample.run.foreign_fields
            started_at = started_at if started_at is not None else sample.run.started_at if sample.run else sample.t
            for ref, seen in sample.workers.items():
                if seen.status is None:
                    continue
                if ref not in tables:
                    name = str(ref.written).replace("/", "_")
                    path = folder / f"worker_{name}_metrics.csv"
                    table = csv.writer(files.enter_context(path.open("w", encoding="utf-8", newline="")))
                    tables[ref] = table, _columns(seen.status)
                    # Foreign columns stay, empty: the recorder asked for them.
                    table.writerow([*HEADER[:2], *tables[ref][1], *map(plain_cell, foreign)])
                table, columns = tables[ref]
                cells = [_cell(seen.status.fields.get(COLUMNS[name][0])) for name in columns]
                table.writerow([_elapsed(sample.t - started_at), ref.written, *cells, *[""] * len(foreign)])


def _columns(status: WorkerStatus) -> list[str]:
    """Return the observable columns. An empty column would mean: looked for, and absent."""
    seen = status.observable
    return [name for name in HEADER[2:] if seen is None or COLUMNS[name][0] in seen]


def _elapsed(seconds: float) -> str:
    text = f"{max(0.0, seconds):.3f}"
    return text.rstrip("0").rstrip(".")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, BadValue):
        return value.text if NUMBER.fullmatch(value.text) or is_no_number(value.text) else plain_cell(value.text)
    # Write 0.0: the reader takes a bare 0 in a float column for an absent key.
    return repr(float(value)) if isinstance(value, int | float) else plain_cell(str(value))
