"""Writes the files of a hand-over and of a picture into a folder of the monitor.

Slow: call it on a background thread.
"""

from __future__ import annotations

import logging
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from metabonk_tui.adapters.files.private import make_private_directory, open_private
from metabonk_tui.cli.suggest import program
from metabonk_tui.core.text.clean import clean_text

if TYPE_CHECKING:
    from metabonk_tui.core.ports.moments import ClipboardProblem, MomentSlice

LOG = logging.getLogger(__name__)
FOLDER = "handover"
"""The folder of these files in the state folder."""
SLICE_SUFFIX = ".jsonl.gz"
MAX_NAMES = 1000


class StoreMomentFiles:
    """Implements `core.ports.moments.MomentFiles` for the runs of a folder, or for one recording file."""

    def __init__(self, folder: Path, runs: Path | None, opened: Path | None = None) -> None:
        """Write into `folder`, and take slices from the runs in `runs`; None: there are none.

        `opened`: a replay shows this recording: one of the store is sliced, any other file is named itself.
        """
        self._folder = folder
        self._runs = runs
        self._opened = opened

    def write_slice(self, run: str, t: float, stem: str) -> MomentSlice:
        """Export the moment `t` (Unix seconds) of a run as .jsonl.gz; a failure is in the note."""
        # Imported late: most monitors hand nothing over.
        from metabonk_tui.adapters.recordings.jsonl_writer import write_jsonl
        from metabonk_tui.adapters.store.errors import error_text
        from metabonk_tui.adapters.store.moment import moment_samples
        from metabonk_tui.adapters.store.run_directory import SUFFIX, UNREADABLE
        from metabonk_tui.core.ports.moments import MomentSlice

        if self._opened is not None and self._opened.suffix != SUFFIX:
            return MomentSlice(str(self._opened.absolute()), "the file is the recording itself")
        source = self._opened or self._find(run)
        if source is None:
            return MomentSlice(note=f"no recording: {clean_text(run)} is not recorded")
        target: Path | None = None
        try:
            target = self._take_name(f"{stem}{SLICE_SUFFIX}")
            write_jsonl(str(target), moment_samples(source, t))
        except UNREADABLE as error:
            LOG.warning("the slice of %s cannot be written: %s", run, error)
            if target is not None:
                target.unlink(missing_ok=True)
            return MomentSlice(note=f"no recording: the slice cannot be written: {clean_text(error_text(error))}")
        size = target.stat().st_size
        return MomentSlice(str(target), f"slice: 5 min before and after in full, {size / 1000:.0f} KB; send this file")

    def write_text(self, name: str, text: str) -> str:
        """Write a private file; return its path. Raises OSError."""
        path = self._take_name(name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return str(path)

    def replay_command(self, recording: str, *options: str) -> str:
        """Return the shell command that opens a recording with these options."""
        return f"{program()} {shlex.join(('replay', recording, *options))}"

    def clipboard_problem(self) -> ClipboardProblem | None:
        """Return why a text sent to the terminal does not reach a clipboard; None where it may."""
        from metabonk_tui.adapters.process.clipboard import clipboard_problem

        return clipboard_problem()

    def _find(self, run: str) -> Path | None:
        """Find the newest recording of a run by the run's own name."""
        from metabonk_tui.adapters.store.run_directory import SUFFIX, UNREADABLE, summaries

        if self._runs is None:
            return None
        try:
            found = next((one.name for one in summaries(self._runs, []) if one.run == run), None)
        except UNREADABLE:
            return None
        return None if found is None else self._runs / f"{found}{SUFFIX}"

    def _take_name(self, name: str) -> Path:
        """Make a new, empty, private file of this name, with a number where the name is taken. Raises OSError."""
        make_private_directory(self._folder)
        stem, dot, suffix = name.partition(".")
        for number in range(1, MAX_NAMES):
            path = self._folder / (name if number == 1 else f"{stem}-{number}{dot}{suffix}")
            try:
                os.close(open_private(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                continue
            return path
        raise FileExistsError(17, f"{self._folder} has {MAX_NAMES} files of this moment")
