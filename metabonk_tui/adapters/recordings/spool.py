"""Gives random access to a stream that can only be read forwards, through a temporary file."""

from __future__ import annotations

import functools
import tempfile
import zlib
from collections.abc import Iterator

from metabonk_tui.adapters.recordings.lenient import Problem
from metabonk_tui.adapters.recordings.value_codec import ValueCodec
from metabonk_tui.core.model.sample import Event, Sample

SAMPLES_PER_PACK = 64
"""Samples per compressed block of the spool."""


class SpooledRecording:
    """A forward-only recording whose samples are kept, compressed, in a temporary file."""

    ends_t: float | None = None
    known_events: tuple[Event, ...] = ()

    def __init__(self, samples: Iterator[Sample], problems: list[Problem]) -> None:
        """Open an empty spool; reads no sample yet. `problems` grows as the samples are read."""
        self._ahead = samples
        self.problems = problems
        self._spool = tempfile.TemporaryFile(prefix="metabonk-tui-replay-")  # noqa: SIM115 - closed in close()
        self._packs: list[tuple[int, int]] = []
        """(offset, length) of each pack."""
        self._open: list[Sample] = []
        """Samples read but not yet packed."""

    @property
    def unread(self) -> int:
        """The number of read problems so far."""
        return len(self.problems)

    def samples(self, after: int = 0) -> Iterator[tuple[int, Sample]]:
        """Yield (number, sample) for numbers above `after`. Reads on from the file when needed."""
        number = after
        while True:
            pack, place = divmod(number, SAMPLES_PER_PACK)
            if pack < len(self._packs):
                for sample in self._unpacked(pack)[place:]:
                    number += 1
                    yield number, sample
            elif pack == len(self._packs) and place < len(self._open):
                number += 1
                yield number, self._open[place]
            elif not self._read_on():
                return

    def kept_before(self, t: float) -> None:
        """Return None: a file has no Snapshots."""

    def kept(self, number: int) -> None:
        """Return None: a file has no Snapshots."""

    def close(self) -> None:
        """Close the temporary file, which deletes it."""
        self._spool.close()

    def _read_on(self) -> bool:
        sample = next(self._ahead, None)
        if sample is None:
            return False
        self._open.append(sample)
        if len(self._open) == SAMPLES_PER_PACK:
            packed = zlib.compress(_codec().encode(tuple(self._open)), 1)
            self._packs.append((self._spool.seek(0, 2), len(packed)))
            self._spool.write(packed)
            self._open = []
        return True

    def _unpacked(self, pack: int) -> tuple[Sample, ...]:
        offset, length = self._packs[pack]
        self._spool.seek(offset)
        return _codec().decode(zlib.decompress(self._spool.read(length)))


@functools.cache
def _codec() -> ValueCodec[tuple[Sample, ...]]:
    return ValueCodec(tuple[Sample, ...])
