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
from metabonk_tui.core.report.run_history import RunHistory, run_histories
from metabonk_tui.core.run.replay import replay
from metabonk_tui.core.step.pipeline import step
from metabonk_tui.core.text.numbers import elapsed

PROGRESS_INTERVAL_S = 0.5


def follow_all_runs(names: Sequence[str], config: Config, problems: list[Problem]) -> list[RunHistory]:
    """Follow every run of the files and of the store that is named, oldest first; without a name: the newest run."""
    files, stored = sort_out(names)
    found: list[RunHistory] = []
    for source in sources(files, problems) if files else ():
        found += follow_samples(source, config)
    for path in stored:
        found += _follow_stored(path, config, problems)
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
            raise UsageError(_no_such_name(name, bool(names)))
        runs.append(path)
    return files, runs


def _no_such_name(name: str, is_named: bool) -> str:
    if not is_named:
        return "no run was recorded yet; name a file, or record one: metabonk-tui record"
    near = nearest(name, [one.stem for one in paths(store())])
    return f"no such file or run: {name}{near}\nwhat there is: metabonk-tui runs"


def follow_samples(samples: Iterable[Sample], config: Config, until_t: float | None = None) -> tuple[RunHistory, ...]:
    """Step through a recording."""
    return run_histories(
        replay(with_progress(samples, until_t), lambda previous, sample: step(previous, sample, config))
    )


def last_of(samples: Iterable[Sample], config: Config) -> Snapshot | None:
    """Step through a recording and return its last Snapshot; None: there was nothing in it."""
    last: Snapshot | None = None
    for last in replay(samples, lambda previous, sample: step(previous, sample, config)):  # noqa: B007 - the last counts
        pass
    return last


def _follow_stored(path: Path, config: Config, problems: list[Problem]) -> tuple[RunHistory, ...]:
    """Follow a run of the store; what happened is what was told then."""
    with opened(path) as one:
        found = _follow_to_next_run(one, config)
        derive_from, thinned = one.events(), one.thinned_to_t is not None
        problems += one.problems
    return tuple(with_recorded_events(found, derive_from, thinned))


def _follow_to_next_run(one: Recording, config: Config) -> tuple[RunHistory, ...]:
    """Follow a recording up to where the next run began, which is no part of it."""
    after = one.after
    found = follow_samples(chain(one.samples(), () if after is None else (after,)), config, one.span[1])
    following = after.run.name if after is not None and after.run is not None else None
    return found[:-1] if len(found) > 1 and found[-1].last.run.name == following else found


def with_recorded_events(
    found: Sequence[RunHistory], derive_from: tuple[Event, ...], thinned: bool
) -> Iterator[RunHistory]:
    """Give each run its events of then; where every sample is left, what they mean now says more."""
    starts = [one.last.run.started_at for one in found[1:]] + [float("inf")]
    from_t = float("-inf")
    for one, until_t in zip(found, starts, strict=True):
        run_events = tuple(event for event in derive_from if from_t <= event.t < until_t)
        from_t = until_t
        yield replace(one, events=run_events, derive_from=None if thinned else one.events) if run_events else one


def with_progress(samples: Iterable[Sample], until_t: float | None, to: TextIO | None = None) -> Iterator[Sample]:
    """Pass samples on; where somebody sits in front of it, say how far it is."""
    out = to or sys.stderr
    if not out.isatty():
        yield from samples
        return
    next_s, from_t, has_written = time.monotonic() + PROGRESS_INTERVAL_S, None, False
    try:
        for sample in samples:
            from_t = sample.t if from_t is None else from_t
            if time.monotonic() >= next_s:
                next_s, has_written = time.monotonic() + PROGRESS_INTERVAL_S, True
                out.write(f"\r\x1b[Kreading {_progress_text(sample.t, from_t, until_t)}")
                out.flush()
            yield sample
    finally:
        if has_written:
            out.write("\r\x1b[K")
            out.flush()


def _progress_text(t: float, from_t: float, until_t: float | None) -> str:
    at = elapsed(t - from_t)
    if until_t is None or until_t <= from_t:
        return at
    return f"{at} of {elapsed(until_t - from_t)}, {100 * (t - from_t) / (until_t - from_t):.0f} %"
