"""Shows places of a recording that are not read yet, stepped from the nearest Snapshot that the recording keeps.

Does not: know runs, marks or gaps of the part before; `ReplayIndex` does, once it is read.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

from metabonk_tui.core.model.sample import Sample
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.ports.recordings import SeekableRecording
from metabonk_tui.core.run.replay import Step

MOST = 128
"""Snapshots in the window, so that single steps back cost nothing."""


class FarWindow:
    """Some consecutive Snapshots around an unread place. For one thread only."""

    def __init__(self, recording: SeekableRecording, step: Step) -> None:
        self._recording = recording
        self._step = step
        self._window: list[Snapshot] = []
        self._number = 0
        """The number of the newest sample in the window."""
        self._following: tuple[int, Sample] | None = None
        """The sample after the window; None: the recording ends there."""
        self._ahead: Iterator[tuple[int, Sample]] = iter(())

    def at(self, t: float, read_to: int) -> Snapshot | None:
        """Return the Snapshot of the last sample at or before `t`.

        None: nothing is kept between sample number `read_to` and `t`, so reading on is as quick.
        """
        if not self._window or t < self._window[0].t or self._is_kept_nearer(t):
            number = self._recording.kept_before(t)
            if number is None or number <= read_to or not self._begin(number):
                return None
        while self._following is not None and self._following[1].t <= t:
            self._step_on()
        place = bisect_right(self._window, t, key=_time) - 1
        return self._window[max(place, 0)]

    def shifted(self, t: float, samples: int, read_to: int) -> float | None:
        """Return the time of the sample `samples` after that at `t`; None: it is not reached from what is kept."""
        if self.at(t, read_to) is None:
            return None
        place = bisect_right(self._window, t, key=_time) - 1 + samples
        while place >= len(self._window) and self._following is not None:
            before = len(self._window)
            self._step_on()
            place -= before + 1 - len(self._window)
        if place < 0:
            # Step again from an earlier Snapshot, up to the sample that is now the first.
            first_t = self._window[0].t
            number = self._recording.kept_before(first_t - 1)
            if number is None or number <= read_to or not self._begin(number):
                return None
            while self._following is not None and self._following[1].t < first_t:
                self._step_on()
            place += len(self._window)
        return self._window[min(max(place, 0), len(self._window) - 1)].t

    def _is_kept_nearer(self, t: float) -> bool:
        """Return whether stepping on from the window would take longer than from a kept Snapshot."""
        if self._following is None or t <= self._following[1].t:
            return False
        number = self._recording.kept_before(t)
        return number is not None and number > self._number

    def _begin(self, number: int) -> bool:
        snapshot = self._recording.kept(number)
        if snapshot is None:
            return False
        self._window, self._number = [snapshot], number
        self._ahead = self._recording.samples(after=number)
        self._following = next(self._ahead, None)
        return True

    def _step_on(self) -> None:
        assert self._following is not None
        self._number, sample = self._following
        self._window = [*self._window[1 - MOST :], self._step(self._window[-1], sample)]
        self._following = next(self._ahead, None)


def _time(snapshot: Snapshot) -> float:
    return snapshot.t
