"""Reads a recording that another monitor writes, and submits our events to that writer."""

from __future__ import annotations

import logging
from pathlib import Path

import msgspec

from metabonk_tui.adapters.recordings.jsonl_reader import SampleReader
from metabonk_tui.adapters.recordings.jsonl_writer import sample_documents
from metabonk_tui.adapters.store.run_directory import UNREADABLE
from metabonk_tui.adapters.store.run_reader import Recording
from metabonk_tui.adapters.store.schema import open_to_add
from metabonk_tui.core.model.sample import Event, RunHeader, Sample

LOG = logging.getLogger(__name__)


class Follower:
    """A recording whose writer is another monitor."""

    def __init__(self, path: Path, after: int = 0) -> None:
        """Start after sample number `after`. Raises the errors in `UNREADABLE`."""
        self.path = path
        self._recording = Recording(path)
        self.seq = after

    def read_new(self) -> tuple[Sample, ...]:
        """Return the samples since the last call. Raises the errors in `UNREADABLE`."""
        if self._recording.newest_seq <= self.seq:
            return ()
        fresh = list(self._recording.numbered(after=self.seq))
        if fresh:
            self.seq = fresh[-1][0]
        return tuple(sample for _, sample in fresh)

    def submit(self, events: tuple[Event, ...], run: RunHeader | None) -> bool:
        """Put our events and run header into the writer's inbox. Returns False on an error."""
        documents = list(sample_documents(Sample(t=0.0, events=events, run=run)))[:-1]
        try:
            connection = open_to_add(self.path)
            try:
                connection.execute("INSERT INTO inbox (documents) VALUES (?)", (msgspec.json.encode(documents),))
            finally:
                connection.close()
        except UNREADABLE:
            return False
        return True

    def close(self) -> None:
        self._recording.close()


def decode_inbox(documents: bytes) -> tuple[tuple[Event, ...], RunHeader | None]:
    """Decode one inbox entry of another monitor; damage ends it early."""
    reader = SampleReader("inbox", [])
    try:
        for document in msgspec.json.decode(documents):
            list(reader.take(document))
    except (msgspec.MsgspecError, TypeError, AttributeError) as error:
        LOG.warning("what another monitor did cannot be read: %s", error)
    return tuple(reader.events), reader.run
