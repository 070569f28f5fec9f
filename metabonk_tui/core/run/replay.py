"""Steps through recorded Samples as the live monitor does, and splits the result into runs. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

from metabonk_tui.core.model.sample import Sample
from metabonk_tui.core.model.snapshot import Snapshot

Step = Callable[[Snapshot | None, Sample], Snapshot]
RunKey = tuple[str, float]
Stepped = tuple[Sample, Snapshot]
Item = TypeVar("Item")


def replay(samples: Iterable[Sample], step: Step) -> Iterator[Snapshot]:
    """Yield the Snapshot of every sample."""
    for _, snapshot in replay_pairs(samples, step):
        yield snapshot


def replay_pairs(samples: Iterable[Sample], step: Step) -> Iterator[Stepped]:
    """Yield every sample with its Snapshot."""
    snapshot: Snapshot | None = None
    for sample in samples:
        snapshot = step(snapshot, sample)
        yield sample, snapshot


class RunWalk(Generic[Item]):
    """One run of a walk, to be iterated once; what follows it is known when the iteration has ended."""

    def __init__(self, first: Item, rest: Iterator[Item], snapshot_of: Callable[[Item], Snapshot]) -> None:
        """Begin with an item and take the others of its run from `rest`."""
        self._ahead: Item | None = first
        self._rest = rest
        self._snapshot_of = snapshot_of
        self._run = run_key(snapshot_of(first))
        self.following: Item | None = None
        """The first item of the next run; None: not known yet, or this run is the last one."""

    def __iter__(self) -> Iterator[Item]:
        """Yield the items of this run."""
        while self._ahead is not None:
            item, self._ahead = self._ahead, None
            yield item
            upcoming = next(self._rest, None)
            if upcoming is None:
                return
            if run_key(self._snapshot_of(upcoming)) != self._run:
                self.following = upcoming
                return
            self._ahead = upcoming

    @property
    def final(self) -> Snapshot | None:
        """How the run ended, as the next run keeps it; None: it is the last one, or no worker answered in it."""
        if self.following is None:
            return None
        ended_runs = self._snapshot_of(self.following).ended_runs
        return next((ended.last for ended in reversed(ended_runs) if run_key(ended.last) == self._run), None)

    @property
    def counts(self) -> bool:
        """Is it a run to report? One in which no worker answered is not; of the last one this is not known yet."""
        return self.following is None or self.final is not None


def by_run(snapshots: Iterable[Snapshot]) -> Iterator[RunWalk[Snapshot]]:
    """Split Snapshots into runs, in bounded memory: each run is to be iterated before the next one is asked for."""
    return _split(snapshots, lambda snapshot: snapshot)


def pairs_by_run(pairs: Iterable[Stepped]) -> Iterator[RunWalk[Stepped]]:
    """Split Samples with their Snapshots into runs, as `by_run` does."""
    return _split(pairs, lambda pair: pair[1])


def run_key(snapshot: Snapshot) -> RunKey:
    """Identify the run of a Snapshot: names repeat where runs start within the same second."""
    return snapshot.run.name, snapshot.run.started_at


def _split(items: Iterable[Item], snapshot_of: Callable[[Item], Snapshot]) -> Iterator[RunWalk[Item]]:
    rest = iter(items)
    first = next(rest, None)
    while first is not None:
        walk = RunWalk(first, rest, snapshot_of)
        yield walk
        for _ in walk:
            pass  # what the caller left of this run
        first = walk.following
