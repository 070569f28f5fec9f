"""Takes in recordings that were made elsewhere: each run becomes a file of its own."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from metabonk_tui.adapters.commands import make_private_directory
from metabonk_tui.adapters.store.page import Page
from metabonk_tui.adapters.store.retention import remove
from metabonk_tui.adapters.store.shelf import free_name
from metabonk_tui.core.config import Config
from metabonk_tui.core.sample import Sample
from metabonk_tui.core.snapshot import Snapshot


def file_runs(folder: Path, judged: Iterable[tuple[Sample, Snapshot]], config: Config) -> list[Path]:
    """File Samples with what they mean; return the recordings, one for each run. Raises what `UNREADABLE` names.

    What breaks off on the way leaves no half of a recording behind.
    """
    made: list[Path] = []
    page: Page | None = None
    run = ""
    try:
        for sample, snapshot in judged:
            if page is None or snapshot.run.name != run:
                if page is not None:
                    page.finish()
                    page = None
                make_private_directory(folder)
                run = snapshot.run.name
                made.append(free_name(folder, run))
                page = Page(made[-1], config)
            page.add(sample, snapshot, {})
        if page is not None:
            page.finish()
    except BaseException:
        if page is not None:
            page.close()
        for path in made:
            remove(path)
        raise
    return made
