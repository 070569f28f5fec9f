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


def with_last(snapshots: Iterable[Snapshot], change: Callable[[Snapshot], Snapshot]) -> Iterator[Snapshot]:
    """Yield the Snapshots, the last one changed."""
    held: Snapshot | None = None
    for snapshot in snapshots:
        if held is not None:
            yield held
        held = snapshot
    if held is not None:
        yield change(held)


def replay_pairs(samples: Iterable[Sample], step: Step) -> Iterator[Stepped]:
    """Yield every sample with its Snapshot."""
    snapshot: Snapshot | None = None
    for sample in samples:
        snapshot = step(snapshot, sample)
        yield sample, snapshot


class RunWalk(Generic[Item]):
    """One run of a walk; iterates once. `following` is known when the iteration has ended."""

    def __init__(self, first: Item, rest: Iterator[Item], is_same_run: Callable[[Item, Item], bool]) -> None:
        """Start with the item `first` and take the other items of its run from `rest`."""
        self.following: Item | None = None
        """The first item of the next run; None: not known yet, or no run follows."""
        self._items = self._take(first, rest, is_same_run)

    def __iter__(self) -> Iterator[Item]:
        """Yield the items of this run; a second iteration resumes where the first one stopped."""
        return self._items

    def _take(self, first: Item, rest: Iterator[Item], is_same_run: Callable[[Item, Item], bool]) -> Iterator[Item]:
        yield first
        for item in rest:
            if not is_same_run(first, item):
                self.following = item
                return
            yield item


def by_run(snapshots: Iterable[Snapshot]) -> Iterator[RunWalk[Snapshot]]:
    """Split Snapshots into runs in bounded memory: the caller iterates each run before it takes the next.

    Until a worker answers, the start of the run moves with every sample. Each of those is a run of its own, for
    which `ended_as` returns None.
    """
    return _split(snapshots, lambda a, b: run_key(a) == run_key(b))


def pairs_by_name(pairs: Iterable[Stepped]) -> Iterator[RunWalk[Stepped]]:
    """Split Samples with their Snapshots by name of the run, which includes the wait for the first worker."""
    return _split(pairs, lambda a, b: a[1].run.name == b[1].run.name)


def ended_as(run: Snapshot, following: Snapshot) -> Snapshot | None:
    """Return the last Snapshot of a run, as the next run keeps it; None: no worker answered, so it was no run."""
    kept = (ended.last for ended in reversed(following.ended_runs))
    return next((last for last in kept if run_key(last) == run_key(run)), None)


def run_key(snapshot: Snapshot) -> RunKey:
    """Return the identity of a Snapshot's run: name and start."""
    return snapshot.run.name, snapshot.run.started_at


def _split(items: Iterable[Item], is_same_run: Callable[[Item, Item], bool]) -> Iterator[RunWalk[Item]]:
    rest = iter(items)
    first = next(rest, None)
    while first is not None:
        walk = RunWalk(first, rest, is_same_run)
        yield walk
        for _ in walk:
            pass  # skip the items that the caller left of this run
        first = walk.following
