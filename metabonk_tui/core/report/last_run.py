"""Says how the last run went where no pool is there: when it ran, the reason of its word, its end, its memory. Pure.

Every sentence stands on the recording of the run. Does not: find out how it ended; `core.run.ending` does.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from datetime import UTC, tzinfo

from msgspec import Struct

from metabonk_tui.core.config.schema import GB, Config
from metabonk_tui.core.model.ending import RunEnd
from metabonk_tui.core.model.pool import PoolSearch
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.run.no_pool import Way
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.core.text.phrases import count_of, cut_list
from metabonk_tui.core.verdict.ended import OVER

WATCHED_INTERVALS = 3
"""A pool that was missing within so many polls of its last sign was watched as it ended: the limit of a gap."""
WATCHED_SHARE = 0.9
"""From this share of a run on that was observed, the observed time is not said."""
NO_DEATH = ("end of the run", "stopped by us")
"""Exits that are no death of their own."""
MOST_DEATHS = 3


class LastRunFact(Struct, frozen=True):
    """One fact of the last run."""

    name: str
    """At most 8 letters, the label of its row."""
    text: str
    is_grave: bool = False


def is_end_watched(snapshot: Snapshot, end: RunEnd) -> bool:
    """Return whether the pool was looked at while it ended. If not, it may have run long after it was last seen."""
    if end.reason == "machine restarted":
        return False
    return end.t - end.last_seen_t <= WATCHED_INTERVALS * max(1.0, snapshot.run.interval_s)


def moment(t: float, now_t: float, zone: tzinfo, *, with_seconds: bool = True) -> str:
    """Format a time of day, with its date where that is not today's."""
    of_day = fmt.clock(t, zone, with_seconds)
    return of_day if fmt.day(t, zone) == fmt.day(now_t, zone) else f"{fmt.day(t, zone)} {of_day}"


def lowest_of_run(snapshot: Snapshot) -> tuple[float, int] | None:
    """Return when the run had the least available memory, to the minute, and the bytes; None: it was not read.

    `MemoryView` has the lowest value also of the time after the run.
    """
    minutes = snapshot.minutes
    read = [
        (mib, place) for place, mib in enumerate((*minutes.lowest_mib, minutes.open_lowest_mib)) if mib is not None
    ]
    if not read:
        return None
    place = min(read)[1]
    lowest_bytes = minutes.between(place, place + 1).lowest_bytes
    return None if lowest_bytes is None else (snapshot.run.started_at + place * minutes.spacing_s, lowest_bytes)


def end_text(snapshot: Snapshot, end: RunEnd, zone: tzinfo = UTC) -> str:
    """Say when and how the run ended; where no monitor watched its end, when it was last seen."""
    if is_end_watched(snapshot, end):
        return f"{moment(end.t, snapshot.t, zone)} {end.text}"
    return f"last seen {moment(end.last_seen_t, snapshot.t, zone)}, not watched as it ended: {end.text}"


def last_run(snapshot: Snapshot, zone: tzinfo = UTC) -> tuple[LastRunFact, ...]:
    """Return what is known of a run that is over, in the order of the page; () while it goes on."""
    return () if snapshot.verdict.ended is None else tuple(_facts(snapshot, snapshot.verdict.ended, zone))


def _facts(snapshot: Snapshot, end: RunEnd, zone: tzinfo) -> Iterator[LastRunFact]:
    yield _ran(snapshot, end, zone)
    yield from _why(snapshot)
    yield LastRunFact("end", end_text(snapshot, end, zone), is_grave=not end.keeps_verdict)
    died = [page for page in snapshot.obituaries if page.reason not in NO_DEATH]
    if died:
        texts = [(page, "cause unknown" if page.ended is None else page.ended.text) for page in died]
        named = [f"{page.label} {moment(page.t, snapshot.t, zone)} {text}" for page, text in texts]
        yield LastRunFact("deaths", cut_list(named, MOST_DEATHS))
    if (lowest := _lowest(snapshot, zone)) is not None:
        yield lowest


def _ran(snapshot: Snapshot, end: RunEnd, zone: tzinfo) -> LastRunFact:
    run = snapshot.run
    begin, last = (moment(t, snapshot.t, zone, with_seconds=False) for t in (run.started_at, end.last_seen_t))
    # A run that began before a monitor looked has no known start.
    seen = "seen from " if run.how == "first sample" else ""
    count = run.desired if run.desired is not None else len(snapshot.workers)
    text = f"{seen}{begin} to {last}, {fmt.age(run.elapsed_s)}, {count_of(count, 'worker')}"
    if run.profile:
        text += f", {run.profile}"
    if run.observed_s < WATCHED_SHARE * run.elapsed_s:
        text += f"; watched for {fmt.age(run.observed_s)}"
    return LastRunFact("ran", text)


def _why(snapshot: Snapshot) -> Iterator[LastRunFact]:
    """Return the first cause, else the reason of the word that is not its end."""
    if snapshot.causes:
        cause = snapshot.causes[0]
        because = f": {cause.because}" if cause.because else ""
        yield LastRunFact("why", f"{fmt.number(cause.confidence, 2)} {cause.name}{because}")
        return
    reasons = [sentence for sentence in snapshot.verdict.because if not sentence.startswith(OVER)]
    if reasons:
        yield LastRunFact("why", reasons[0])


def _lowest(snapshot: Snapshot, zone: tzinfo) -> LastRunFact | None:
    found = lowest_of_run(snapshot)
    if found is None:
        return None
    t, lowest_bytes = found
    text = f"{fmt.gigabytes(lowest_bytes)} GB free at {moment(t, snapshot.t, zone, with_seconds=False)}"
    memory, count = snapshot.memory, snapshot.run.desired or len(snapshot.workers)
    total = memory.reading.total_bytes if memory.reading is not None else None
    if memory.budget is not None and memory.budget.worker_source == "this run" and total and count:
        needed = memory.budget.needs_bytes(count) / GB
        text += f"; {count_of(count, 'worker')} at their peak need {needed:.1f} of {fmt.gigabytes(total)}"
    return LastRunFact("lowest", text, is_grave=lowest_bytes < memory.floor_bytes)


def ways_after_end(snapshot: Snapshot, config: Config, search: PoolSearch) -> tuple[Way, ...]:
    """Return the commands that help after a run. Report and replay name it: "last" may be another pool's."""
    how, name = search.how or search.program, shlex.quote(snapshot.run.name)
    ways = []
    launch = next((step for step in snapshot.verdict.next_steps if step.key == "L" and step.command), None)
    if launch is not None and launch.command is not None:
        count = launch.command.split()[-1]
        env = ", exports the env file" if config.pool.launcher.env_file else ""
        ways.append(Way(f"{how} launch {count}", snapshot.pool.problem or f"asks first{env}", key="L"))
    ways += [
        Way(f"{search.program} report {name}", "what happened, as a page", ("report", snapshot.run.name), "Enter"),
        Way(f"{search.program} replay {name}", "the run again, step by step", key="["),
    ]
    if launch is None or snapshot.pool.problem:
        ways.append(Way(f"{how} doctor", "say what is missing: ports, orchestrator, Ollama, launcher"))
    return tuple(ways)
