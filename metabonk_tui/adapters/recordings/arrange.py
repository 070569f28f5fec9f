"""Arranges the samples of a file: one sample an interval, one clock, and a run header with an interval.

A recorder may write each worker in a line of its own, some seconds apart. Does not: decode lines.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain, groupby, pairwise
from typing import TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from metabonk_tui.adapters.recordings.lenient import FileProblems
from metabonk_tui.adapters.recordings.time_order import AHEAD, FileRow, Placed, TimeOrder
from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.model.host import HostReading, MemoryReading
from metabonk_tui.core.model.refs import ONLY_HOST, WorkerRef
from metabonk_tui.core.model.sample import Event, RunHeader, Sample
from metabonk_tui.core.step.merge import merge_samples
from metabonk_tui.core.text.numbers import age
from metabonk_tui.core.text.phrases import count_of
from metabonk_tui.core.timeseries.median import median

Reading = TypeVar("Reading", Sample, HostReading)
Numbered = tuple[int, Sample]
"""(line in the file, sample)"""

LOOKAHEAD = 100
"""Samples read ahead to measure the interval of a run."""
MAX_LOOKAHEAD = 1000
"""Samples read ahead until one worker comes twice: 256 workers, each in a line of its own, need 257."""
TOO_SLOW = 3.0
"""A declared interval above this many measured ones is not believed: it would hide gaps."""
START_SLACK_S = 5.0
"""A sample may be this much earlier than the start of its run, which may be known to whole seconds only."""
KEPT_EVENTS = 1000
"""Most events of the samples that become one."""


def arranged(numbered: Iterable[Numbered], name: str, problems: FileProblems) -> Iterator[Sample]:
    """Yield the samples of every run in a file. A first run without a header is named `name`."""
    for number, run in groupby(_by_run(numbered), key=lambda item: item[0]):
        yield from _one_run(((line, sample) for _, line, sample in run), name if number == 0 else "", problems)


def _by_run(numbered: Iterable[Numbered]) -> Iterator[tuple[int, int, Sample]]:
    number = -1
    for line, sample in numbered:
        number = max(0, number + 1) if sample.run is not None else max(0, number)
        yield number, line, sample


def _one_run(items: Iterator[Numbered], name: str, problems: FileProblems) -> Iterator[Sample]:
    head = list(_head(items))
    line, first = head[0]
    declared_s = first.run.interval_s if first.run is not None else None
    own_s = spacing_of_workers(sample for _, sample in head)
    measured_s = own_s or _spacing(sample.t for _, sample in head)
    if declared_s and measured_s and declared_s > TOO_SLOW * measured_s:
        problems.add(
            line, f"RunHeader.interval_s: {declared_s:g} s, but the samples are {measured_s:g} s apart; not believed"
        )
        declared_s = None
    interval_s = declared_s or (round(measured_s, 3) if measured_s else None) or None
    joint_s = min(interval_s, own_s) / 2 if interval_s and own_s else 0.0
    header = None if first.run is None else replace(first.run, interval_s=interval_s)
    order: TimeOrder[Sample] = TimeOrder(
        problems.add,
        interval_s=interval_s,
        begins_t=None if header is None else header.started_at - START_SLACK_S,
    )
    run = _Run(header, name, interval_s)
    rows = run.without_events(_joined(chain(head, items), joint_s))
    yield from run.samples(order.place(rows), order)


def _head(items: Iterator[Numbered]) -> Iterator[Numbered]:
    seen: set[WorkerRef] = set()
    is_repeated = False
    for number, item in enumerate(items, 1):
        yield item
        workers = item[1].workers.keys()
        is_repeated = is_repeated or not seen.isdisjoint(workers)
        seen |= workers
        if number >= (LOOKAHEAD if is_repeated or not seen else MAX_LOOKAHEAD):
            return


def spacing_of_workers(samples: Iterable[Sample]) -> float | None:
    """Return the median seconds between two samples of the same worker; None: no worker came twice."""
    times: dict[WorkerRef, list[float]] = {}
    for sample in samples:
        for ref in sample.workers:
            times.setdefault(ref, []).append(sample.t)
    return median_spacing(times.values())


def _spacing(times: Iterable[float]) -> float | None:
    return median_spacing([list(times)])


def median_spacing(series: Iterable[list[float]]) -> float | None:
    """Return the median distance of neighbours in several series; times that fall do not count."""
    spacings = [after - before for times in series for before, after in pairwise(times) if after > before]
    return median(spacings) if spacings else None


def _joined(items: Iterable[Numbered], joint_s: float) -> Iterator[FileRow[Sample]]:
    """Make one sample of those that lie within half an interval and hold different workers."""
    row: FileRow[Sample] | None = None
    for line, sample in items:
        if row is not None and _belongs(row.content, sample, joint_s):
            joined = _both(row.content, sample)
            row = _row(row.line, joined)
            continue
        if row is not None:
            yield row
        row = _row(line, sample)
    if row is not None:
        yield row


def _belongs(first: Sample, later: Sample, joint_s: float) -> bool:
    if not first.workers or not later.workers or later.run is not None:
        return False
    return abs(later.t - first.t) < joint_s and first.workers.keys().isdisjoint(later.workers)


def _both(first: Sample, later: Sample) -> Sample:
    merged = merge_samples(first, later, KEPT_EVENTS)
    hosts = {name: _filled(first.host(name), reading) for name, reading in merged.hosts.items()}
    workers = {**first.workers, **later.workers}
    return replace(_filled(first, merged), t=first.t, workers=workers, hosts=hosts, run=first.run)


def _filled(earlier: Reading, later: Reading) -> Reading:
    """Return the later reading with what only the earlier has."""
    missing = [name for name in later.__struct_fields__ if getattr(later, name) is None]
    return replace(later, **{name: getattr(earlier, name) for name in missing})


def _row(line: int, sample: Sample) -> FileRow[Sample]:
    answered = {ref: seen.status for ref, seen in sample.workers.items() if seen.status is not None}
    return FileRow(sample.t, line, answered, sample)


class _Run(Struct):
    """Gives the ordered samples of one run their header, and the events of the samples that were left out."""

    header: RunHeader | None
    name: str
    interval_s: float | None
    events: deque[tuple[int, tuple[Event, ...]]] = field(default_factory=deque)
    """(line, events of the sample of this line) that no sample has yet."""
    count: int = 1
    """Recordings in this run's lines so far."""
    left_out: int = 0

    def without_events(self, rows: Iterable[FileRow[Sample]]) -> Iterator[FileRow[Sample]]:
        """Take the events out, because a sample that is left out must not lose them."""
        for row in rows:
            if row.content.events:
                self.events.append((row.line, row.content.events))
            yield row

    def samples(self, placed: Iterable[Placed[Sample]], order: TimeOrder[Sample]) -> Iterator[Sample]:
        t: float | None = None
        is_first = True
        for item in placed:
            before = () if is_first else self._left_out_event(order, item.t)
            yield replace(
                _shifted(item), run=self._header_at(item, is_first), events=(*before, *self._events_at(item))
            )
            t, is_first = item.t, False
        if t is None:
            t = self.header.started_at if self.header is not None else 0.0
        rest = (*self._left_out_event(order, t), *(event for _, events in self.events for event in events))
        if rest or is_first:
            yield Sample(t=t, events=rest, run=self.header if is_first else None)
        yield from unseen_end(t, order.lost, self.interval_s)

    def _header_at(self, item: Placed[Sample], is_first: bool) -> RunHeader | None:
        if is_first:
            self.header = self.header or RunHeader(
                self.name, item.t, None, "recording", self.interval_s, "first sample"
            )
            return self.header
        if not item.begins or self.header is None:
            return None
        self.count += 1
        return replace(self.header, name=f"{self.header.name} #{self.count}", started_at=item.t, how="recording")

    def _events_at(self, item: Placed[Sample]) -> Iterator[Event]:
        shift_s = item.t - item.row.t
        if item.set_back_s:
            text = (
                f"the recording's clock was set back by {age(item.set_back_s)}; the samples after it count from there"
            )
            yield Event(item.t, EventKind.RECORDER_CLOCK, "warn", text, facts={"by_s": round(item.set_back_s, 3)})
        while self.events and self.events[0][0] <= item.row.line:
            for event in self.events.popleft()[1]:
                # An event of before the clock was set is later than this sample on the file's clock.
                yield replace(event, t=event.t + shift_s) if shift_s and event.t <= item.row.t else event

    def _left_out_event(self, order: TimeOrder[Sample], t: float) -> tuple[Event, ...]:
        count = order.left_out - self.left_out
        self.left_out = order.left_out
        return (left_out_event(t, count),) if count else ()


def clock_event(t: float, by_s: float) -> Event:
    text = f"the recording's clock was set back by {age(by_s)}; the samples after it count from there"
    return Event(t, EventKind.RECORDER_CLOCK, "warn", text, facts={"by_s": round(by_s, 3)})


def left_out_event(t: float, count: int) -> Event:
    text = f"{count_of(count, 'sample')} left out: no place in time"
    return Event(t, EventKind.RECORDER_LEFT_OUT, "warn", text, facts={"samples": count})


def unseen_end(t: float, lost: int, interval_s: float | None) -> Iterator[Sample]:
    """Yield samples in which nothing was seen, where many samples at the end of a run are lost.

    Without them, what was seen before would stand as the state at the end. Two, because a verdict holds for two
    evaluations before it shows.
    """
    if lost <= AHEAD or not interval_s:
        return
    for number in (lost, lost + 1):
        nothing = HostReading(memory=MemoryReading())
        yield Sample(t=t + number * interval_s, hosts={ONLY_HOST: nothing})


def _shifted(item: Placed[Sample]) -> Sample:
    """Return the sample on the recording's clock."""
    sample, shift_s = item.row.content, item.t - item.row.t
    if shift_s == 0:
        return sample
    workers = {
        ref: seen if seen.last_frame_t is None else replace(seen, last_frame_t=seen.last_frame_t + shift_s)
        for ref, seen in sample.workers.items()
    }
    return replace(sample, t=item.t, workers=workers)
