"""Reads a recording once from its start, and returns the Snapshot of any sample in moments.

Keeps some of the Snapshots, and steps again from the nearest kept one. Does not: know playback time or keys.
"""

from __future__ import annotations

import time
from array import array
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterator
from itertools import chain

from metabonk_tui.core.model.sample import Sample
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.ports.recordings import SeekableRecording
from metabonk_tui.core.recordings.playback import MarkCollector

KEPT_WORKERS = 2000
"""Limit of kept Snapshots times their workers: one worker of one Snapshot takes about 50 kB."""
KEPT_LEAST = 32
FIRST_SPACING = 16
NEAR = 16
RECENT = 128
"""Number of recently visited Snapshots that are kept, so that single steps back cost nothing."""

ReplayStep = Callable[[Snapshot | None, Sample], Snapshot]


class ReplayIndex:
    """The part of a recording that is read so far. For one thread only."""

    def __init__(self, recording: SeekableRecording, step: ReplayStep) -> None:
        """Prepare; the first `read` reads."""
        self._recording = recording
        self._step = step
        self._ahead = recording.samples()
        self._newest: Snapshot | None = None
        self._times = array("d")
        self._numbers = array("q")
        self._kept: OrderedDict[int, Snapshot] = OrderedDict()
        self._spacing = FIRST_SPACING
        self._recent: OrderedDict[int, Snapshot] = OrderedDict()
        self._cursor: tuple[int, Snapshot, Iterator[tuple[int, Sample]]] | None = None
        self.mark_collector = MarkCollector()
        """Runs, marks and gaps of the part that is read."""
        self.whole = False
        """Whether the whole recording is read."""

    def __len__(self) -> int:
        return len(self._times)

    @property
    def kept(self) -> int:
        """The number of Snapshots kept to step from."""
        return len(self._kept)

    @property
    def newest_number(self) -> int:
        """The number of the newest sample that is read; 0: none is."""
        return self._numbers[-1] if self._numbers else 0

    def time(self, place: int) -> float:
        """Return the time of a sample by its place, from 0."""
        return self._times[place]

    def place(self, t: float) -> int:
        """Return the place of the last sample at or before `t`; 0 if there is none."""
        return max(0, bisect_right(self._times, t) - 1)

    def read(self, limit_s: float) -> None:
        """Read further samples for about `limit_s` seconds."""
        ends_s = time.monotonic() + limit_s
        while not self.whole:
            found = next(self._ahead, None)
            if found is None:
                self.whole = True
                return
            self._take(*found)
            if time.monotonic() >= ends_s:
                return

    def at(self, place: int) -> Snapshot:
        """Return the Snapshot of the sample at a place; a place outside is moved to the nearest end."""
        place = min(max(place, 0), len(self) - 1)
        if place == len(self) - 1 and self._newest is not None:
            return self._newest
        if place in self._recent:
            self._recent.move_to_end(place)
            return self._recent[place]
        return self._step_to(place)

    def _take(self, number: int, sample: Sample) -> None:
        before = self._newest
        after = self._step(before, sample)
        self.mark_collector.add(before, after)
        place = len(self)
        # `place` searches by time, so times must not fall: an earlier time counts as the time before it.
        self._times.append(max(sample.t, self._times[-1]) if self._times else sample.t)
        self._numbers.append(number)
        self._newest = after
        if place % self._spacing == 0:
            self._kept[place] = after
            if len(self._kept) > max(KEPT_LEAST, KEPT_WORKERS // max(1, len(after.workers))):
                self._spacing *= 2
                for one in [one for one in self._kept if one % self._spacing]:
                    del self._kept[one]

    def _step_to(self, place: int) -> Snapshot:
        from_place = place - place % self._spacing
        # Reading up to 16 + spacing samples further is cheaper than opening the recording at another place.
        nearest = from_place - NEAR
        if self._cursor is None or not nearest <= self._cursor[0] <= place:
            snapshot = self._kept[from_place]
            self._remember(from_place, snapshot)
            self._cursor = (from_place, snapshot, self._recording.samples(after=self._numbers[from_place]))
        at, snapshot, ahead = self._cursor
        while at < place:
            found = next(ahead, None)
            if found is None:
                break  # what could be read before can not be read any more
            # The recorder may have thinned the recording out in between: then some samples are gone.
            following = max(at + 1, bisect_right(self._numbers, found[0]) - 1)
            if following > place:
                ahead = chain((found,), ahead)
                break
            at = following
            snapshot = self._step(snapshot, found[1])
            self._remember(at, snapshot)
        self._cursor = (at, snapshot, ahead)
        return snapshot

    def _remember(self, place: int, snapshot: Snapshot) -> None:
        self._recent[place] = snapshot
        self._recent.move_to_end(place)
        if len(self._recent) > RECENT:
            self._recent.popitem(last=False)
