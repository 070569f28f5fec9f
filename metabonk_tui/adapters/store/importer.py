"""Takes in recordings that were made elsewhere: each run becomes a file of its own."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from itertools import zip_longest
from pathlib import Path

from metabonk_tui.adapters.process.spawn import make_private_directory
from metabonk_tui.adapters.store.retention import remove
from metabonk_tui.adapters.store.run_directory import UNREADABLE, free_name, paths
from metabonk_tui.adapters.store.run_reader import Recording
from metabonk_tui.adapters.store.run_writer import Page
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.sample import Sample
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.run.replay import pairs_by_name


def file_runs(folder: Path, judged: Iterable[tuple[Sample, Snapshot]], config: Config) -> list[Path]:
    """File Samples with what they mean; return the recordings, one for each run. Raises what `UNREADABLE` names.

    What breaks off on the way leaves no half of a recording behind.
    """
    made: list[Path] = []
    page: Page | None = None
    try:
        for walk in pairs_by_name(judged):
            page = None
            for sample, snapshot in walk:
                if page is None:
                    make_private_directory(folder)
                    made.append(free_name(folder, snapshot.run.name))
                    page = Page(made[-1], config)
                page.add(sample, snapshot, {})
            if page is not None:
                page.finish(walk.following)
    except BaseException:
        if page is not None:
            page.close()
        for path in made:
            remove(path)
        raise
    return made


def twin(path: Path) -> Path | None:
    """Find another recording beside it of the very same samples. Raises what `UNREADABLE` names."""
    with Recording(path) as mine:
        told = _mark(mine)
        for other in paths(path.parent):
            with suppress(*UNREADABLE), Recording(other) as theirs:
                if other != path and _mark(theirs) == told and _same(mine, theirs):
                    return other
    return None


def _mark(one: Recording) -> tuple[object, ...]:
    told = one.summary()
    return told.run, told.started_at, told.last_t, told.samples


def _same(mine: Recording, theirs: Recording) -> bool:
    pairs = zip_longest(mine.samples(), theirs.samples())
    return all(a == b for a, b in pairs)
