"""Finds the deaths that earlier runs of the same pool recorded. Slow: call it on a background thread.

Does not: step through a run. It reads the events, so it knows how a process ended and not the page about it.
"""

from __future__ import annotations

import logging
from pathlib import Path

from metabonk_tui.adapters.store.run_directory import SUFFIX, UNREADABLE, paths
from metabonk_tui.adapters.store.run_identity import pool_of
from metabonk_tui.adapters.store.run_reader import Recording
from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.model.obituary import EarlierDeath
from metabonk_tui.core.text.clean import clean_text

LOG = logging.getLogger(__name__)
MOST_RUNS = 30
"""Only the newest recordings of the folder are read."""
MOST = 50
EXPECTED = ("stopped by us", "end of the run")
"""Ends that are no death of their own."""


def earlier_deaths(path: Path) -> tuple[EarlierDeath, ...]:
    """Return the deaths in the runs of the same pool before that of a recording, newest first."""
    if path.suffix != SUFFIX:
        return ()
    try:
        with Recording(path) as recording:
            pool, before_t = pool_of(recording.meta), recording.summary().started_at
        known = paths(path.parent)[:MOST_RUNS] if pool else []
    except UNREADABLE as error:
        LOG.info("earlier deaths: %s: %s", path, error)
        return ()
    found: list[EarlierDeath] = []
    for other in known:
        if other == path or len(found) >= MOST:
            continue
        try:
            with Recording(other) as recording:
                summary = recording.summary()
                if pool_of(recording.meta) == pool and summary.started_at < before_t:
                    found += _of_run(recording, other.stem, summary.started_at)
        except UNREADABLE as error:
            LOG.info("earlier deaths: %s: %s", other, error)
    return tuple(sorted(found, key=lambda death: -death.t)[:MOST])


def _of_run(recording: Recording, name: str, started_at: float) -> list[EarlierDeath]:
    return [
        EarlierDeath(
            run=clean_text(name),
            t=event.t,
            run_s=max(0.0, event.t - started_at),
            label="" if event.worker is None else event.worker.label,
            reason=str(event.facts.get("word") or "unknown"),
            text=event.text,
        )
        for event in recording.events_of(EventKind.PROCESS_EXIT, MOST)
        if event.facts.get("word") not in EXPECTED
    ]
