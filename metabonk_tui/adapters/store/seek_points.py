"""Keeps Snapshots within a run, so that a replay reaches an unread place without the samples before it.

They are a cache like the newest Snapshot (`checkpoint`), in streams (`checkpoint_stream`): the first Snapshot of a
stream can be read by itself, the others after those before them. Does not: open files, or decide what a place shows.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from itertools import groupby

from msgspec import Struct, field

from metabonk_tui.adapters.store import checkpoint
from metabonk_tui.adapters.store.checkpoint_stream import CheckpointStream
from metabonk_tui.core.model.snapshot import Snapshot

LOG = logging.getLogger(__name__)
SPACING = 120
"""Samples between two points; a multiple of a chunk, so that reading goes on at the begin of one."""
LARGE_SPACING = 360
"""The same where a Snapshot is large: it is packed by itself."""
LARGE_BYTES = 1_000_000
"""LZMA takes half the bytes of zlib, but 20 ns of CPU a byte instead of 5: a larger Snapshot is packed by zlib."""
MOST = 1000
"""Points of a run: 33 h at 1 s, of 5 KB each with five workers."""
NAME = re.compile(r"seek ([0-9]{1,12})( [0-9]{1,12})?")


class SeekPoint(Struct, frozen=True, order=True):
    """A sample whose Snapshot is kept, and the sample with which its stream begins."""

    begin: int
    number: int

    @property
    def name(self) -> str:
        return f"seek {self.begin}" if self.number == self.begin else f"seek {self.begin} {self.number}"


class SeekPoints(Struct):
    """The points of the run being written."""

    points: list[SeekPoint] = field(default_factory=list)
    """In the order of their numbers."""
    spacing: int = SPACING
    _stream: CheckpointStream | None = None
    _begin: int = 0

    @classmethod
    def of(cls, names: Iterable[str]) -> SeekPoints:
        """Return the points of a file by the names in its cache."""
        return cls(points_of(names))

    def is_due(self, number: int) -> bool:
        return number % self.spacing == 0

    def add(self, snapshot: Snapshot, number: int) -> tuple[SeekPoint, bytes] | None:
        """Add a point, and return what to keep of it; None, with a warning, if the Snapshot cannot be stored."""
        try:
            plain = checkpoint.encoded(snapshot, number)
        except ValueError as error:
            LOG.warning("no seek point at sample %d: %s", number, error)
            return None
        if len(plain) > LARGE_BYTES:
            self.spacing, self._stream = LARGE_SPACING, None
            point, packed = SeekPoint(number, number), checkpoint.packed(plain)
        else:
            self.spacing = SPACING
            if self._stream is None or self._stream.is_full:
                self._stream, self._begin = CheckpointStream(), number
            point, packed = SeekPoint(self._begin, number), self._stream.add(plain)
        self.points.append(point)
        return point, packed

    def break_off(self) -> None:
        """Begin another stream with the next point: the last one may not be in the file."""
        self._stream = None

    def dropped(self) -> list[SeekPoint]:
        """Return the points that are too many, and forget them.

        The oldest streams lose all but their first points. When no other has more, every second stream goes.
        """
        gone: list[SeekPoint] = []
        if len(self.points) > MOST:
            streams = [list(points) for _, points in groupby(self.points, key=_begin)]
            for points in streams[:-1]:
                if len(self.points) - len(gone) <= MOST:
                    break
                gone += points[1:]
            if len(self.points) - len(gone) > MOST:
                gone += [points[0] for points in streams[1:-1:2]]
            forgotten = set(gone)
            self.points = [point for point in self.points if point not in forgotten]
        return gone


def points_of(names: Iterable[str]) -> list[SeekPoint]:
    """Return the points among the names of a cache, by their numbers; other names are left out."""
    found = [
        SeekPoint(int(match[1]), int(match[2] or match[1]))
        for name in names
        if (match := NAME.fullmatch(name)) is not None
    ]
    return sorted(found, key=_number)


def _begin(point: SeekPoint) -> int:
    return point.begin


def _number(point: SeekPoint) -> int:
    return point.number
