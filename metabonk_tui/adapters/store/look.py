"""Reads the recording of a pool for a single look. Does not: write it, or become its writer."""

from __future__ import annotations

from collections.abc import Iterable

from metabonk_tui.adapters.store.journal import StoreJournal
from metabonk_tui.core.model.host import ProcessReading
from metabonk_tui.core.model.sample import Sample
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.recordings.restore import RecordedPast


class LookingJournal(StoreJournal):
    """Restores what was recorded, and follows another monitor that writes."""

    def begin(self, processes: Iterable[ProcessReading]) -> RecordedPast | None:
        """Restore the recorded run of these processes; without a writer there is nothing to follow."""
        past = super().begin(processes)
        if self._follower is not None and not self.writer:
            self._follower.close()
            self._follower = None
        return past

    def record(self, sample: Sample, snapshot: Snapshot | None) -> None:
        """Store nothing: one look covers no time."""

    def _try_lock(self) -> bool:
        return False

    def _switch(self) -> tuple[Sample, ...]:
        """Follow only a writer that lives: one that has just ended writes no more."""
        return super()._switch() if self.writer else ()
