"""Gives random access to a stored run. `recordings.spool` does the same for a file.

Does not: interpret the samples.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from metabonk_tui.adapters.recordings.lenient import Problem
from metabonk_tui.adapters.store.run_directory import UNREADABLE
from metabonk_tui.adapters.store.run_reader import Recording
from metabonk_tui.core.model.sample import Sample


class StoredRecording:
    """A stored run with random access."""

    def __init__(self, path: Path) -> None:
        """Open the recording. Raises the errors in `UNREADABLE`."""
        self._path = path
        self._recording = Recording(path)
        self._own_problems: list[Problem] = []
        self.ends_t: float | None = self._recording.span[1]
        self.known_events = self._recording.events()

    @property
    def problems(self) -> list[Problem]:
        """Read problems so far, each once."""
        return list(dict.fromkeys((*self._recording.problems, *self._own_problems)))

    @property
    def unread(self) -> int:
        """The number of read problems so far."""
        return len(self.problems)

    def samples(self, after: int = 0) -> Iterator[tuple[int, Sample]]:
        """Yield (number, sample) for numbers above `after`. A read error ends the iteration with a problem."""
        try:
            yield from self._recording.numbered(after=after)
        except UNREADABLE as error:
            self._own_problems.append(Problem(str(self._path), None, f"cannot be read further: {error}"))

    def close(self) -> None:
        self._recording.close()
