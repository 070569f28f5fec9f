"""Finds and opens a run of the store by the name that a person gave it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from metabonk_tui.adapters.settings import state_dir
from metabonk_tui.adapters.store.recording import Recording
from metabonk_tui.adapters.store.shelf import UNREADABLE, find, paths, runs_dir
from metabonk_tui.adapters.store.trouble import said
from metabonk_tui.cli.exits import UsageError
from metabonk_tui.cli.options import nearest
from metabonk_tui.core.status import clean_text


def store() -> Path:
    """Say where the user's recordings lie."""
    return runs_dir(state_dir())


def recording_path(name: str) -> Path:
    """Find a run of the store. Raises UsageError with what there is."""
    path = find(store(), name)
    if path is None:
        known = [one.stem for one in paths(store())]
        raise UsageError(f"no such run: {name}{nearest(name, known)}\nwhat there is: metabonk-tui runs")
    return path


@contextmanager
def opened(path: Path) -> Iterator[Recording]:
    """Open a run of the store for as long as the block runs. Raises UsageError where it cannot be read."""
    try:
        with Recording(path) as one:
            yield one
    except UNREADABLE as error:
        raise UsageError(f"{path}: cannot be read: {clean_text(said(error))}") from None
