"""Boils a run down that a person named: one of the store, or one of a file's; says how far it is on a terminal."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from metabonk_tui.adapters.recordings.lenient import Problem
from metabonk_tui.cli.exit_codes import UsageError
from metabonk_tui.cli.recordings.sources import print_problems, sources
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.sample import Sample
from metabonk_tui.core.report.timeline import RunTimeline, timelines
from metabonk_tui.core.run.replay import replay
from metabonk_tui.core.step.pipeline import step
from metabonk_tui.core.text.numbers import elapsed

NUMBERED = re.compile(r"(.+)#(\d{1,4})")
PROGRESS_INTERVAL_S = 0.25
"""How often a terminal is told how far it is."""


def timeline_of(name: str, config: Config) -> RunTimeline:
    """Boil down a run: an existing path is a file or folder (`PATH#N`: its N-th run), else it is one of the store.

    Of several runs in a file the last one counts. Raises UsageError with what was wrong with the name.
    """
    numbered = NUMBERED.fullmatch(name)
    if name == "-" or Path(name).exists():
        return _chosen(name, _of_file(name, config), None)
    if numbered and (numbered[1] == "-" or Path(numbered[1]).exists()):
        return _chosen(name, _of_file(numbered[1], config), int(numbered[2]))
    return _chosen(name, _of_store(name, config), None)


def _chosen(name: str, found: tuple[RunTimeline, ...], number: int | None) -> RunTimeline:
    if not found:
        raise UsageError(f"nothing could be read: {name}")
    if number is None:
        return found[-1]
    if not 1 <= number <= len(found):
        raise UsageError(f"no such run: {name}; there {'is one' if len(found) == 1 else f'are {len(found)}'}, from #1")
    return found[number - 1]


def _of_file(name: str, config: Config) -> tuple[RunTimeline, ...]:
    problems: list[Problem] = []
    found: list[RunTimeline] = []
    for source in sources([name], problems):
        found += _timelines_of(name, source, config, None)
    print_problems(problems)
    return tuple(found)


def _of_store(name: str, config: Config) -> tuple[RunTimeline, ...]:
    if "/" in name or name.endswith((".jsonl", ".gz", ".csv")):
        raise UsageError(f"no such file: {name}")
    # Only who names a run of the store pays for the store.
    from metabonk_tui.cli.recordings.open import opened, recording_path

    with opened(recording_path(name)) as recording:
        found = _timelines_of(name, recording.samples(), config, recording.span[1])
        print_problems(recording.problems)
    return found


def _timelines_of(
    name: str, samples: Iterable[Sample], config: Config, ends_t: float | None
) -> tuple[RunTimeline, ...]:
    with _with_progress(name, samples, ends_t) as watched:
        return timelines(replay(watched, lambda previous, sample: step(previous, sample, config)))


@contextmanager
def _with_progress(name: str, samples: Iterable[Sample], ends_t: float | None) -> Iterator[Iterator[Sample]]:
    """Tell on stderr how far the reading is, where that is a terminal; leave nothing behind."""
    if not sys.stderr.isatty():
        yield iter(samples)
        return

    def report_progress() -> Iterator[Sample]:
        began_t: float | None = None
        next_s = time.monotonic() + PROGRESS_INTERVAL_S
        for sample in samples:
            began_t = sample.t if began_t is None else began_t
            if time.monotonic() >= next_s:
                of = "" if ends_t is None else f" of {elapsed(ends_t - began_t)}"
                print(
                    f"\r\x1b[Kreading {name}: {elapsed(sample.t - began_t)}{of}", end="", file=sys.stderr, flush=True
                )
                next_s = time.monotonic() + PROGRESS_INTERVAL_S
            yield sample

    try:
        yield report_progress()
    finally:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
