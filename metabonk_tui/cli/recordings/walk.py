"""Follows recordings, files and runs of the store, and says on a terminal how far it is."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TextIO

from metabonk_tui.adapters.recordings.lenient import Problem
from metabonk_tui.adapters.store.run_directory import paths
from metabonk_tui.adapters.store.run_reader import Recording
from metabonk_tui.cli.exit_codes import UsageError
from metabonk_tui.cli.options import nearest
from metabonk_tui.cli.recordings.open import found_path, opened, store
from metabonk_tui.cli.recordings.sources import sources
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.sample import Event, Sample
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.report.run_history import Chronicle, chronicles
from metabonk_tui.core.run.replay import replay
from metabonk_tui.core.step.pipeline import step
from metabonk_tui.core.text.numbers import elapsed

TOLD_EVERY_S = 0.5


def follow_all(names: Sequence[str], config: Config, problems: list[Problem]) -> list[Chronicle]:
    """Follow every run of the files and of the store that is named, oldest first; without a name: the newest run."""
    files, stored = sort_out(names)
    found: list[Chronicle] = []
    for source in sources(files, problems) if files else ():
        found += follow(source, config)
    for path in stored:
        found += _stored(path, config, problems)
    return sorted(found, key=lambda one: one.last.run.started_at)


def sort_out(names: Sequence[str]) -> tuple[list[str], list[Path]]:
    """Tell files from runs: what exists as a path is a file. Raises UsageError for what is neither."""
    files: list[str] = []
    runs: list[Path] = []
    for name in names or ("last",):
        if name == "-" or Path(name).exists():
            files.append(name)
            continue
        path = found_path(name)
        if path is None:
            raise UsageError(_neither(name, bool(names)))
        runs.append(path)
    return files, runs


def _neither(name: str, asked: bool) -> str:
    if not asked:
        return "no run was recorded yet; name a file, or record one: metabonk-tui record"
    near = nearest(name, [one.stem for one in paths(store())])
    return f"no such file or run: {name}{near}\nwhat there is: metabonk-tui runs"


def follow(samples: Iterable[Sample], config: Config, until_t: float | None = None) -> tuple[Chronicle, ...]:
    """Step through a recording."""
    return chronicles(replay(telling(samples, until_t), lambda previous, sample: step(previous, sample, config)))


def last_of(samples: Iterable[Sample], config: Config) -> Snapshot | None:
    """Step through a recording and return its last Snapshot; None: there was nothing in it."""
    last: Snapshot | None = None
    for last in replay(samples, lambda previous, sample: step(previous, sample, config)):  # noqa: B007 - the last counts
        pass
    return last


def _stored(path: Path, config: Config, problems: list[Problem]) -> tuple[Chronicle, ...]:
    """Follow a run of the store; what happened is what was told then."""
    with opened(path) as one:
        found = _closed(one, config)
        told, thinned = one.events(), one.thinned_to_t is not None
        problems += one.problems
    return tuple(told_then(found, told, thinned))


def _closed(one: Recording, config: Config) -> tuple[Chronicle, ...]:
    """Follow a recording up to where the next run began, which is no part of it."""
    after = one.after
    found = follow(chain(one.samples(), () if after is None else (after,)), config, one.span[1])
    following = after.run.name if after is not None and after.run is not None else None
    return found[:-1] if len(found) > 1 and found[-1].last.run.name == following else found


def told_then(found: Sequence[Chronicle], told: tuple[Event, ...], thinned: bool) -> Iterator[Chronicle]:
    """Give each run its events of then; where every sample is left, what they mean now says more."""
    starts = [one.last.run.started_at for one in found[1:]] + [float("inf")]
    from_t = float("-inf")
    for one, until_t in zip(found, starts, strict=True):
        its = tuple(event for event in told if from_t <= event.t < until_t)
        from_t = until_t
        yield replace(one, events=its, told=None if thinned else one.events) if its else one


def telling(samples: Iterable[Sample], until_t: float | None, to: TextIO | None = None) -> Iterator[Sample]:
    """Pass samples on; where somebody sits in front of it, say how far it is."""
    out = to or sys.stderr
    if not out.isatty():
        yield from samples
        return
    next_s, from_t, said = time.monotonic() + TOLD_EVERY_S, None, False
    try:
        for sample in samples:
            from_t = sample.t if from_t is None else from_t
            if time.monotonic() >= next_s:
                next_s, said = time.monotonic() + TOLD_EVERY_S, True
                out.write(f"\r\x1b[Kreading {_far(sample.t, from_t, until_t)}")
                out.flush()
            yield sample
    finally:
        if said:
            out.write("\r\x1b[K")
            out.flush()


def _far(t: float, from_t: float, until_t: float | None) -> str:
    at = elapsed(t - from_t)
    if until_t is None or until_t <= from_t:
        return at
    return f"{at} of {elapsed(until_t - from_t)}, {100 * (t - from_t) / (until_t - from_t):.0f} %"
