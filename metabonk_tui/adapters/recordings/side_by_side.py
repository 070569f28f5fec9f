"""Puts recordings of one worker each, which a file has one after another, side by side in time.

Such a file is `cat w0.jsonl w1.jsonl`. Does not: decode lines, or order the samples of one worker.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import chain

from msgspec import Struct, field
from msgspec.structs import replace

from metabonk_tui.adapters.recordings.arrange import Numbered
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.sample import Event, RunHeader

MAX_BYTES = 200_000_000
"""A larger file is not held in memory: its later workers are left out, with their line."""
TIME = re.compile(rb'"t"\s*:\s*([0-9.]+(?:[eE][-+]?[0-9]+)?)')


def may_have_blocks(lines: Iterable[tuple[int, bytes]]) -> bool:
    """Return whether the time of a line falls anywhere in a file that is small enough to hold in memory."""
    latest_t, size_bytes, falls = float("-inf"), 0, False
    for _, line in lines:
        size_bytes += len(line)
        if size_bytes > MAX_BYTES:
            return False
        found = TIME.search(line) if not falls else None
        try:
            t = float(found[1]) if found is not None else latest_t
        except ValueError:
            continue
        falls = falls or t < latest_t
        latest_t = max(latest_t, t)
    return falls


def side_by_side(numbered: Iterable[Numbered]) -> Iterator[Numbered]:
    """Yield the samples of blocks that hold other workers at the same times merged by time, all others as they are."""
    group: list[_Block] = []
    for block in _blocks(numbered):
        if group and not block.is_beside(group):
            yield from _merged(group)
            group = []
        group.append(block)
    yield from _merged(group)


class _Block(Struct):
    """Samples in a row whose time does not fall."""

    header: RunHeader | None
    samples: list[Numbered] = field(default_factory=list)
    workers: set[WorkerRef] = field(default_factory=set)

    def is_beside(self, group: list[_Block]) -> bool:
        """Return whether this block records other workers at the times of a group, in the same run."""
        known = set().union(*(block.workers for block in group))
        if not self.workers or not known or not self.workers.isdisjoint(known):
            return False
        first_t = min(block.first_t for block in group)
        last_t = max(block.last_t for block in group)
        # A single sample at a wrong time is no recording of another worker.
        return len(self.samples) > 1 and self.first_t < last_t and first_t <= self.last_t

    @property
    def first_t(self) -> float:
        return self.samples[0][1].t

    @property
    def last_t(self) -> float:
        return self.samples[-1][1].t


def _joint_header(group: list[_Block]) -> RunHeader | None:
    """Return the header of the run that the blocks share; each recorder may have known its own worker only."""
    headers = [block.header for block in group if block.header is not None]
    if not headers:
        return None
    named = [header.desired for header in headers if header.desired is not None]
    workers = len(set().union(*(block.workers for block in group)))
    desired = max(*named, workers) if named else None
    return replace(headers[0], started_at=min(header.started_at for header in headers), desired=desired)


def _blocks(numbered: Iterable[Numbered]) -> Iterator[_Block]:
    block: _Block | None = None
    for line, sample in numbered:
        if block is None or sample.run is not None or sample.t < block.last_t:
            if block is not None:
                yield block
            block = _Block(sample.run)
        block.samples.append((line, sample))
        block.workers |= sample.workers.keys()
    if block is not None:
        yield block


def _merged(group: list[_Block]) -> Iterator[Numbered]:
    if len(group) < 2:
        yield from chain.from_iterable(block.samples for block in group)
        return
    first = [sample for _, sample in group[0].samples]
    moved: list[list[Event]] = [[] for _ in first]
    times = [sample.t for sample in first]
    rows: list[Numbered] = []
    for block in group[1:]:
        for line, sample in block.samples:
            # Events count by the lines of their samples, so they go to the block whose lines come first.
            moved[min(bisect_left(times, sample.t), len(first) - 1)] += sample.events
            rows.append((line, replace(sample, run=None, events=())))
    for (line, sample), events in zip(group[0].samples, moved, strict=True):
        later = sorted(events, key=lambda event: event.t)
        rows.append((line, replace(sample, run=None, events=(*sample.events, *later))))
    rows.sort(key=lambda row: (row[1].t, row[0]))
    line, earliest = rows[0]
    yield line, replace(earliest, run=_joint_header(group))
    yield from rows[1:]
