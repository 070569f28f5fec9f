"""Reads along while another monitor writes: its newest samples, and a way to hand it what we did."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path

import msgspec

from metabonk_tui.adapters.recordings.jsonl_reader import SampleReader
from metabonk_tui.adapters.recordings.jsonl_writer import sample_documents
from metabonk_tui.adapters.store.run_directory import UNREADABLE
from metabonk_tui.adapters.store.run_reader import Recording
from metabonk_tui.adapters.store.schema import BUSY_TIMEOUT_S
from metabonk_tui.core.model.sample import Event, RunHeader, Sample

LOG = logging.getLogger(__name__)


class Follower:
    """One recording that somebody else writes."""

    def __init__(self, path: Path, after: int = 0) -> None:
        """Begin behind the sample with this number. Raises what `UNREADABLE` names."""
        self.path = path
        self._recording = Recording(path)
        self.seq = after

    def read_new(self) -> tuple[Sample, ...]:
        """Return what was written since. Raises what `UNREADABLE` names."""
        if self._recording.newest_seq <= self.seq:
            return ()
        fresh = list(self._recording.numbered(after=self.seq))
        if fresh:
            self.seq = fresh[-1][0]
        return tuple(sample for _, sample in fresh)

    def submit(self, events: tuple[Event, ...], run: RunHeader | None) -> bool:
        """Put what we did before the writer; False where that is impossible."""
        documents = list(sample_documents(Sample(t=0.0, events=events, run=run)))[:-1]
        try:
            connection = sqlite3.connect(self.path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
            try:
                connection.execute("INSERT INTO inbox (documents) VALUES (?)", (msgspec.json.encode(documents),))
            finally:
                connection.close()
        except UNREADABLE:
            return False
        return True

    def close(self) -> None:
        """Let go of the file."""
        self._recording.close()


def decode_inbox(documents: bytes) -> tuple[tuple[Event, ...], RunHeader | None]:
    """Read what another monitor put before us; nothing of it where it is damaged."""
    reader = SampleReader("inbox", [])
    try:
        for document in msgspec.json.decode(documents):
            list(reader.take(document))
    except (msgspec.MsgspecError, TypeError, AttributeError) as error:
        LOG.warning("what another monitor did cannot be read: %s", error)
    return tuple(reader.events), reader.run
