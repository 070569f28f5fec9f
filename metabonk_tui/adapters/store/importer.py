"""Imports recordings made elsewhere: each run becomes one file."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from itertools import zip_longest
from pathlib import Path

from metabonk_tui.adapters.files.private import make_private_directory
from metabonk_tui.adapters.store.retention import remove
from metabonk_tui.adapters.store.run_directory import UNREADABLE, free_name, paths
from metabonk_tui.adapters.store.run_reader import Recording
from metabonk_tui.adapters.store.run_writer import RunWriter
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.sample import Sample
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.run.replay import pairs_by_name


def import_runs(folder: Path, steps: Iterable[tuple[Sample, Snapshot]], config: Config) -> list[Path]:
    """Write Samples with their Snapshots; return one recording per run. Raises the errors in `UNREADABLE`.

    An error removes every file written so far.
    """
    written: list[Path] = []
    run_writer: RunWriter | None = None
    try:
        for walk in pairs_by_name(steps):
            run_writer = None
            for sample, snapshot in walk:
                if run_writer is None:
                    make_private_directory(folder)
                    written.append(free_name(folder, snapshot.run.name))
                    run_writer = RunWriter(written[-1], config)
                run_writer.add(sample, snapshot, {})
            if run_writer is not None:
                run_writer.finish(walk.following)
    except BaseException:
        if run_writer is not None:
            run_writer.close()
        for path in written:
            remove(path)
        raise
    return written


def find_duplicate(path: Path) -> Path | None:
    """Return another recording in the same folder with identical samples. Raises the errors in `UNREADABLE`."""
    with Recording(path) as mine:
        fingerprint = _fingerprint(mine)
        for other in paths(path.parent):
            with suppress(*UNREADABLE), Recording(other) as theirs:
                if other != path and _fingerprint(theirs) == fingerprint and _same(mine, theirs):
                    return other
    return None


def _fingerprint(recording: Recording) -> tuple[object, ...]:
    summary = recording.summary()
    return summary.run, summary.started_at, summary.last_t, summary.samples


def _same(mine: Recording, theirs: Recording) -> bool:
    pairs = zip_longest(mine.samples(), theirs.samples())
    return all(a == b for a, b in pairs)
