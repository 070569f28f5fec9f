"""Gives random access to a stored run. `recordings.spool` does the same for a file.

Does not: interpret the samples.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

from metabonk_tui.adapters.recordings.lenient import Problem
from metabonk_tui.adapters.store import checkpoint, checkpoint_stream, seek_points
from metabonk_tui.adapters.store.run_directory import UNREADABLE
from metabonk_tui.adapters.store.run_reader import Recording
from metabonk_tui.core.model.sample import Sample
from metabonk_tui.core.model.snapshot import Snapshot

LOG = logging.getLogger(__name__)


class StoredRecording:
    """A stored run with random access."""

    def __init__(self, path: Path, key: str = "") -> None:
        """Open the recording; `key` is `checkpoint.key`. Raises the errors in `UNREADABLE`."""
        self._key = key
        self._path = path
        self._recording = Recording(path)
        self._own_problems: list[Problem] = []
        self._unusable: set[int] = set()
        """Samples whose kept Snapshot could not be read: an earlier one is taken, and the reason is logged once."""
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

    def kept_before(self, t: float) -> int | None:
        """Return the number of the last sample up to about `t` whose Snapshot is kept; None: there is none."""
        try:
            names = self._recording.cached_names(self._key)
            most = self._recording.number_at(t)
            # After a Snapshot of the time before the thinning, the samples left would look like gaps.
            least = self._recording.thinned_to_number
        except UNREADABLE:
            return None
        numbers = (point.number for point in seek_points.points_of(names))
        usable = (number for number in numbers if least <= number <= most and number not in self._unusable)
        return max(usable, default=None)

    def kept(self, number: int) -> Snapshot | None:
        """Return the Snapshot of a sample; None: it is not kept, or cannot be read."""
        try:
            points = seek_points.points_of(self._recording.cached_names(self._key))
            begin = next((point.begin for point in points if point.number == number), None)
            stream = [point.name for point in points if point.begin == begin and point.number <= number]
            packed = [self._recording.cached(name, self._key) for name in stream]
        except UNREADABLE:
            return None
        if not packed:
            return None
        is_alone = isinstance(packed[0], bytes) and packed[0].startswith(checkpoint.FORMAT)
        found = checkpoint.unpack(packed[0]) if is_alone else checkpoint_stream.unpack(packed)
        if isinstance(found, checkpoint.UnusableCheckpoint):
            self._unusable.add(number)
            LOG.warning("%s: the seek point at sample %d is unusable: %s", self._path.name, number, found.reason)
            return None
        if found[0] != number:
            self._unusable.add(number)
            return None
        return found[1]

    def close(self) -> None:
        self._recording.close()
