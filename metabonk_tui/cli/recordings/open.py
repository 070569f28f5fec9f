"""Finds and opens a run of the store by the name that a person gave it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from metabonk_tui.adapters.state.config_files import state_dir
from metabonk_tui.adapters.store.errors import error_text
from metabonk_tui.adapters.store.run_directory import MAX_RUNS_CHECKED, SAME_START_S, UNREADABLE, find, paths, runs_dir
from metabonk_tui.adapters.store.run_reader import Recording
from metabonk_tui.cli.exit_codes import UsageError
from metabonk_tui.cli.options import nearest
from metabonk_tui.core.model.sample import Event
from metabonk_tui.core.status.decode import clean_text


def store() -> Path:
    """Say where the user's recordings lie."""
    return runs_dir(state_dir())


def found_path(name: str) -> Path | None:
    """Find a run of the store; None: there is none of that name. Raises UsageError where the store is shut."""
    try:
        return find(store(), name)
    except OSError as error:
        raise UsageError(f"{store()}: cannot be read: {error.strerror or error}") from None


def recording_path(name: str) -> Path:
    """Find a run of the store. Raises UsageError with what there is."""
    path = found_path(name)
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
        raise UsageError(f"{path}: cannot be read: {clean_text(error_text(error))}") from None


def events_of(run: str, started_at: float) -> tuple[Event, ...] | None:
    """Return all that happened in a run that was recorded lately; None: it was not, or cannot be read."""
    try:
        newest = paths(store())[:MAX_RUNS_CHECKED]
    except OSError:
        return None
    for path in newest:
        try:
            with Recording(path) as one:
                summary = one.summary()
                if summary.run == run and abs(summary.started_at - started_at) < SAME_START_S:
                    return one.events()
        except UNREADABLE:
            continue
    return None
