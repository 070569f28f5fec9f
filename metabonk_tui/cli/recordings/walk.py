"""Steps through the recordings that a user names and summarizes each run; shows the progress on a terminal."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from msgspec.structs import replace

from metabonk_tui.adapters.files.kind import may_exist
from metabonk_tui.adapters.recordings.lenient import Problem
from metabonk_tui.cli.exit_codes import UsageError
from metabonk_tui.cli.recordings.open import (
    found_path,
    no_such_run,
    opened,
    print_problems,
    recording_path,
    sources,
)
from metabonk_tui.cli.recordings.stepped import stepped
from metabonk_tui.cli.stepping import stepper
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.sample import Event, Sample
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.report.run_history import RunHistory, run_histories
from metabonk_tui.core.report.timeline import RunTimeline, timelines
from metabonk_tui.core.run.replay import replay
from metabonk_tui.core.text.numbers import elapsed
from metabonk_tui.core.text.phrases import count_of
from metabonk_tui.core.verdict.look import of_recording

if TYPE_CHECKING:
    from metabonk_tui.adapters.store.run_reader import Recording

NUMBERED = re.compile(r"(.+)#(\d{1,4})")
OVER_S = 600.0
"""A recording whose last sample is older than this is not being written: its report speaks in the past."""
PROGRESS_INTERVAL_S = 0.5
"""Real seconds between two progress lines."""


def follow_all_runs(names: Sequence[str], config: Config, problems: list[Problem]) -> list[RunHistory]:
    """Return the history of every named run, oldest first; without a name that of the newest stored run."""
    files, stored = sort_out(names, config)
    found: list[RunHistory] = []
    for source in sources(files, problems) if files else ():
        found += [replace(one, last=of_recording(one.last)) for one in follow_samples(source, config)]
    for path in stored:
        found += _follow_stored(path, config, problems)
    return sorted(found, key=lambda item: item.last.run.started_at)


def sort_out(names: Sequence[str], config: Config) -> tuple[list[str], list[Path]]:
    """Split names into files (existing paths and `-`) and runs of the store. Raises UsageError for other names."""
    files: list[str] = []
    runs: list[Path] = []
    for name in names or ("last",):
        if name == "-" or may_exist(Path(name)):
            files.append(name)
            continue
        path = found_path(name, config.pool)
        if path is None:
            raise UsageError(no_such_run(name, "file or run"))
        runs.append(path)
    return files, runs


def follow_samples(samples: Iterable[Sample], config: Config, until_t: float | None = None) -> tuple[RunHistory, ...]:
    """Step through a recording and return the history of each run; `until_t` only scales the progress line."""
    return run_histories(replay(progress("", samples, until_t), stepper(config)))


def last_of(samples: Iterable[Sample], config: Config) -> Snapshot | None:
    """Step through a recording and return its last Snapshot; None: it has no sample."""
    last: Snapshot | None = None
    for last in replay(samples, stepper(config)):  # noqa: B007 - the last counts
        pass
    return last


def _follow_stored(path: Path, config: Config, problems: list[Problem]) -> tuple[RunHistory, ...]:
    """Follow a run of the store; its events are those recorded at the time."""
    with opened(path) as one:
        found = _follow_to_next_run(one, config)
        if found and time.time() - found[-1].last.t > OVER_S:
            found = (*found[:-1], replace(found[-1], last=of_recording(found[-1].last)))
        derive_from, thinned = one.events(), one.thinned_to_t is not None
        problems += one.problems
    return tuple(with_recorded_events(found, derive_from, thinned))


def _follow_to_next_run(recording: Recording, config: Config) -> tuple[RunHistory, ...]:
    """Follow a recording up to the first sample of the next run, which ends it and is not part of it."""
    after = recording.after
    samples = chain(recording.samples(), () if after is None else (after,))
    found = run_histories(stepped(recording, progress("", samples, recording.span[1]), config))
    following = after.run.name if after is not None and after.run is not None else None
    return found[:-1] if len(found) > 1 and found[-1].last.run.name == following else found


def with_recorded_events(
    found: Sequence[RunHistory], derive_from: tuple[Event, ...], thinned: bool
) -> Iterator[RunHistory]:
    """Give each run its recorded events. Unless samples were thinned, derive from the newly computed ones."""
    starts = [one.last.run.started_at for one in found[1:]] + [float("inf")]
    from_t = float("-inf")
    for one, until_t in zip(found, starts, strict=True):
        run_events = tuple(event for event in derive_from if from_t <= event.t < until_t)
        from_t = until_t
        yield replace(one, events=run_events, derive_from=None if thinned else one.events) if run_events else one


def timeline_of(name: str, config: Config) -> RunTimeline:
    """Return the timeline of a run: an existing path (`PATH#N`: its N-th run), else a run of the store.

    Of several runs in a file the last counts. Raises UsageError for a name that matches no run.
    """
    numbered = NUMBERED.fullmatch(name)
    if name == "-" or may_exist(Path(name)):
        return _chosen(name, _of_file(name, config), None)
    if numbered and (numbered[1] == "-" or may_exist(Path(numbered[1]))):
        return _chosen(name, _of_file(numbered[1], config), int(numbered[2]))
    return _chosen(name, _of_store(name, config), None)


def _chosen(name: str, found: tuple[RunTimeline, ...], number: int | None) -> RunTimeline:
    if not found:
        raise UsageError(f"nothing could be read: {name}")
    if number is None:
        return found[-1]
    if not 1 <= number <= len(found):
        raise UsageError(f"no such run: {name}; the recording has {count_of(len(found), 'run')}, from #1")
    return found[number - 1]


def _of_file(name: str, config: Config) -> tuple[RunTimeline, ...]:
    problems: list[Problem] = []
    found: list[RunTimeline] = []
    for source in sources([name], problems):
        found += timelines(replay(progress(name, source, None), stepper(config)))
    print_problems(problems)
    return tuple(found)


def _of_store(name: str, config: Config) -> tuple[RunTimeline, ...]:
    if "/" in name or name.endswith((".jsonl", ".gz", ".csv")):
        raise UsageError(f"no such file: {name}")
    with opened(recording_path(name, config.pool)) as recording:
        found = timelines(stepped(recording, progress(name, recording.samples(), recording.span[1]), config))
        print_problems(recording.problems)
    return found


def progress(name: str, samples: Iterable[Sample], ends_t: float | None, to: TextIO | None = None) -> Iterator[Sample]:
    """Yield the samples unchanged; on a terminal show the reading progress on stderr and clear it at the end."""
    out = to or sys.stderr
    if not out.isatty():
        yield from samples
        return
    next_s, from_t, has_written = time.monotonic() + PROGRESS_INTERVAL_S, None, False
    label = f"reading {name}:" if name else "reading"
    try:
        for sample in samples:
            from_t = sample.t if from_t is None else from_t
            if time.monotonic() >= next_s:
                next_s, has_written = time.monotonic() + PROGRESS_INTERVAL_S, True
                out.write(f"\r\x1b[K{label} {_progress_text(sample.t, from_t, ends_t)}")
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
