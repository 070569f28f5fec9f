"""Keeps the runs of a demo among the user's recordings, marked as such, and only the newest of them.

Does not: know how a demo runs.
"""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

from metabonk_tui.adapters.files.kind import may_exist
from metabonk_tui.adapters.files.private import open_private
from metabonk_tui.adapters.store.retention import remove, thin_to
from metabonk_tui.adapters.store.run_directory import (
    free_name,
    is_of_demo,
    make_folder,
    paths,
    size_bytes,
    written_t,
)
from metabonk_tui.adapters.store.run_file import RunFile
from metabonk_tui.adapters.store.run_reader import Recording

MOST_RUNS = 5
MOST_BYTES = 20_000_000
"""Bytes of one demo's recording; of a longer one only a sample a minute is kept."""
ACTIVE_S = 60.0
"""A recording that was written to within this time may have a writer."""
END = "the demo was closed"


def keep_runs(folder: Path, into: Path, scenario: str) -> list[Path]:
    """Move a demo's recordings into a folder and remove the oldest demos there; return them, the newest first.

    Their writer must have ended. Raises the errors in `UNREADABLE`.
    """
    kept: list[Path] = []
    for path in reversed(paths(folder)):
        if _close(path):
            make_folder(into)
            kept.insert(0, _moved(path, free_name(into, f"demo-{scenario}")))
    _remove_old(into, kept)
    return [path for path in kept if may_exist(path)]


def _close(path: Path) -> bool:
    """Note that the run is over and of no pool that lives on; return whether it has a sample."""
    with Recording(path) as recording:
        meta, (_, last_t), count = recording.meta, recording.span, recording.newest_seq
    if not count:
        return False
    ended = {"ended_t": last_t, "end": END} | meta.get("summary", {})
    # Without a pool no later run on the same ports continues it, and no screen shows it as the last run of a pool.
    RunFile(path).finish(meta={"summary": ended, "pool": ""})
    if size_bytes(path) > MOST_BYTES:
        thin_to(path, last_t + 1.0)
    return True


def _moved(path: Path, target: Path) -> Path:
    """Move a file, also between file systems; its name appears when it is whole."""
    draft = target.with_name(f".{target.name}.{os.getpid()}.draft")
    draft.unlink(missing_ok=True)
    try:
        with (
            path.open("rb") as source,
            os.fdopen(open_private(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb") as to,
        ):
            shutil.copyfileobj(source, to)
        draft.rename(target)
    finally:
        draft.unlink(missing_ok=True)
    remove(path)
    return target


def _remove_old(folder: Path, kept: list[Path]) -> None:
    demos = [path for path in paths(folder) if is_of_demo(path)]
    for path in demos[MOST_RUNS:]:
        if path in kept or time.time() - written_t(path) > ACTIVE_S:
            remove(path)
