"""Reads a run of the store from any place on. A file is read so by recordings.spool.

Refuses to know what the samples mean.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from metabonk_tui.adapters.recordings.lenient import Problem
from metabonk_tui.adapters.store.run_directory import UNREADABLE
from metabonk_tui.adapters.store.run_reader import Recording
from metabonk_tui.core.model.sample import Sample


class StoredRecording:
    """A run of the store."""

    def __init__(self, path: Path) -> None:
        """Open it. Raises what `UNREADABLE` names."""
        self._path = path
        self._recording = Recording(path)
        self._own_problems: list[Problem] = []
        self.ends_t: float | None = self._recording.span[1]
        self.known_events = self._recording.events()

    @property
    def problems(self) -> list[Problem]:
        """What could not be read so far, each once."""
        return list(dict.fromkeys((*self._recording.problems, *self._own_problems)))

    @property
    def unread(self) -> int:
        """How many things could not be read so far."""
        return len(self.problems)

    def samples(self, after: int = 0) -> Iterator[tuple[int, Sample]]:
        """Yield the samples behind a number."""
        try:
            yield from self._recording.numbered(after=after)
        except UNREADABLE as error:
            self._own_problems.append(Problem(str(self._path), None, f"cannot be read further: {error}"))

    def close(self) -> None:
        """Let go of the file."""
        self._recording.close()
