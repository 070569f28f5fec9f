"""Makes the page about a death in the step that sees it, and completes it while evidence comes.

A process that this monitor or the end of the run ended gets no page. Does not: find out how a process ended.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from metabonk_tui.core.memory.flight_recorder import FlightRecorder
from metabonk_tui.core.model.ending import RunEnd
from metabonk_tui.core.model.host import Role
from metabonk_tui.core.model.obituary import (
    AROUND_S,
    BEFORE_S,
    MAX_OBITUARIES,
    DeathMemory,
    LastAnswer,
    LastComponent,
    Obituary,
)
from metabonk_tui.core.model.process_exit import ProcessExit
from metabonk_tui.core.model.refs import HostName, WorkerRef, label_of
from metabonk_tui.core.model.sample import Event
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import Reach, WorkerView
from metabonk_tui.core.status.decode import text
from metabonk_tui.core.status.log_lines import is_from
from metabonk_tui.core.step.inputs import is_changing
from metabonk_tui.core.step.state import Tick
from metabonk_tui.core.text.numbers import gigabytes, growth
from metabonk_tui.core.worker.process_exits import ExitedProcess
from metabonk_tui.core.worker.remedies import remedies
from metabonk_tui.core.worker.run_end import end_with_run

OPEN_S = 120.0
"""Seconds in which evidence may still come: the end of a run is known after 60 s, an exit after 30 s."""
OPEN_SHARE = 1.5
"""Where samples lie far apart, evidence may come for this many times as long as an exit may be late."""
AROUND_SAMPLES = 4
"""Where samples lie far apart, events this many samples before and after a death are kept."""
MAX_POINTS = 48
MAX_AROUND = 24
CLEARLY = 1.05
"""A worker is named as the largest if it held this many times the next one's memory."""
STEADY_BYTES_PER_MIN = 500_000.0
MAX_SIGNS = 4
MAX_LINES = 12
EXPECTED = ("stopped by us", "end of the run")
"""Reasons of an end that is no death of its own."""

Obituaries = tuple[tuple[Obituary, ...], int]
"""The pages, oldest first, and how many older ones were dropped."""


def observe(tick: Tick) -> Obituaries:
    """Return the pages after this step. Without a death in the last two minutes this does next to nothing."""
    previous = tick.previous
    if previous is None:
        return (), 0
    kept, dropped = previous.obituaries, previous.earlier_obituaries
    t, open_s = tick.sample.t, max(OPEN_S, OPEN_SHARE * tick.timing.late_s)
    fresh = list(_exited(tick, previous))
    if tick.events.emitted:
        # A worker that is gone or restarted emits an event in the same step.
        fresh += _unseen(tick, previous)
    if not fresh and not (kept and t - kept[-1].t <= open_s):
        return kept, dropped
    found = _with_log_ends([*kept, *fresh], tick, open_s)
    pages = [_completed(page, tick) if t - page.t <= open_s else page for page in found]
    deaths = tuple(page for page in pages if page.reason not in EXPECTED and not _ended_with_run(page, tick))
    return deaths[-MAX_OBITUARIES:], dropped + max(0, len(deaths) - MAX_OBITUARIES)


def _ended_with_run(page: Obituary, tick: Tick) -> bool:
    """Return whether a process that is no worker ended as the run did, and nothing else explains it."""
    end = tick.now.ending.end
    if end is None or page.ref is not None or page.reason != "unknown":
        return False
    return page.t >= end.last_seen_t - tick.timing.late_s


def with_run_end(obituaries: tuple[Obituary, ...], end: RunEnd, late_s: float) -> tuple[Obituary, ...]:
    """Return the pages of a run that is over, without the deaths that its end explains."""
    last = {page.who: page for page in obituaries}
    return tuple(
        page
        for page in obituaries
        if page.ended is None
        or page is not last[page.who]
        or end_with_run(page.ended, end, late_s).reason not in EXPECTED
    )


def _exited(tick: Tick, previous: Snapshot) -> Iterator[Obituary]:
    """Yield a page for every process that is missing since this step."""
    for name, state in tick.exits.items():
        fresh = []
        for process in reversed(state.exited):
            if process.t < tick.sample.t:
                break
            fresh.append(process)
        for process in reversed(fresh):
            page = _blank(tick, previous, name, process.who)
            lived_s = None if process.started_at is None else max(0.0, process.t - process.started_at)
            yield replace(
                page, pid=process.pid, ended=process.process_exit, lived_s=lived_s, rss_bytes=process.rss_bytes or None
            )


def _unseen(tick: Tick, previous: Snapshot) -> Iterator[Obituary]:
    """Yield a page for every worker that restarted or is gone, and whose process no table ever showed."""
    suspended = tick.timing.starting or is_changing(tick.pool) or tick.now.run.stopped_t is not None
    for ref, track in tick.tracks.items():
        if track.process_t is not None or suspended:
            continue
        before = tick.before.tracks.get(ref)
        if before is None or before.last_good_t is None:
            continue
        is_gone = track.reach is Reach.DOWN and before.reach is not Reach.DOWN and track.error in ("refused", "ended")
        if not is_gone and (track.generation <= before.generation or _has_page(previous, ref, before.last_good_t)):
            continue
        page = _blank(tick, previous, ref.host, ref)
        why = track.generations[-1].why if track.generation > before.generation else ""
        yield replace(page, pid=before.pid, seen_t=before.last_good_t, restarted=why)


def _has_page(previous: Snapshot, ref: WorkerRef, since_t: float) -> bool:
    """Return whether the death of this worker after its last answer has its page."""
    return any(page.who == ref and page.t >= since_t for page in previous.obituaries)


def _blank(tick: Tick, previous: Snapshot, host: HostName, who: WorkerRef | Role) -> Obituary:
    """Return the page of a process with what the step before showed of it; how it ended is not known."""
    view = previous.hosts[host].memory if host in previous.hosts else previous.memory
    worker = next((each for each in previous.workers if each.ref == who), None)
    logs = tick.now.cause_tracker.logs
    return Obituary(
        t=tick.sample.t,
        seen_t=previous.t,
        who=who,
        pid=None,
        generation=None if worker is None else worker.generation,
        port=None if worker is None else worker.port,
        lived_s=None,
        ended=None,
        rss_bytes=None,
        floor_bytes=view.floor_bytes,
        answer=None if worker is None else last_answer(worker),
        signs=() if worker is None else _signs(worker, previous),
        log=() if worker is None else logs.get(worker.ref, ())[-MAX_LINES:],
        host=host,
    )


def last_answer(worker: WorkerView) -> LastAnswer | None:
    """Return what the worker answered last; None: it never answered."""
    if worker.last_good_t is None:
        return None
    components = tuple(
        LastComponent(
            part.label,
            part.known_state,
            part.known_since_t,
            part.last_value if part.companion is None else part.companion[1],
            part.decimals,
            part.derived,
            part.shown_in_run,
        )
        for part in worker.components
    )
    return LastAnswer(
        worker.last_good_t,
        worker.step,
        worker.step_rate,
        worker.epsilon,
        worker.ui_state,
        worker.episode,
        components,
    )


def _signs(worker: WorkerView, previous: Snapshot) -> tuple[str, ...]:
    """Return what stood out on this worker before it died."""
    found = [*_size(worker, previous), *(each.text for each in worker.attention if each.mark != "DOWN")]
    if worker.last_error is not None and worker.error is None:
        found.append(f"its last error: {worker.last_error}")
    return tuple(found[:MAX_SIGNS])


def _size(worker: WorkerView, previous: Snapshot) -> list[str]:
    """Return how its memory stood among the others'; empty where it was not read."""
    held = worker.tree_bytes if worker.tree_bytes is not None else worker.rss_bytes
    if held is None:
        return []
    sizes = [each.tree_bytes if each.tree_bytes is not None else each.rss_bytes for each in previous.workers]
    grown = [each.rss_growth_bytes_per_min for each in previous.workers if each.rss_growth_bytes_per_min is not None]
    known = [size for size in sizes if size is not None]
    own = worker.rss_growth_bytes_per_min
    others = sorted(known)[:-1]
    is_largest = bool(others) and held == max(known) and held >= CLEARLY * others[-1]
    place = f"the largest of {len(known)} workers, " if is_largest else ""
    rate = "" if own is None or abs(own) < STEADY_BYTES_PER_MIN else f", {growth(own)}"
    fastest = ", the fastest" if own is not None and len(grown) > 1 and own == max(grown) and rate else ""
    return [f"it {'was' if place else 'held'} {place}{gigabytes(held, 2)} GB{rate}{fastest}"]


def _with_log_ends(pages: list[Obituary], tick: Tick, open_s: float) -> list[Obituary]:
    """Put the last lines of a log into the newest page of its worker."""
    for ref, lines in tick.sample.log_ends.items():
        place = next((i for i in reversed(range(len(pages))) if pages[i].ref == ref), None)
        if place is None or pages[place].log_ends or tick.sample.t - pages[place].t > open_s:
            continue
        status = next((worker.status for worker in tick.workers if worker.ref == ref), None)
        name = text(status, "instance_id")
        own = tuple(line for line in lines if is_from(line, name))[-MAX_LINES:]
        # What to do depends on the lines: `_completed` fills it in anew.
        pages[place] = replace(pages[place], log=own, log_ends=True, remedies=())
    return pages


def _completed(page: Obituary, tick: Tick) -> Obituary:
    """Return a page with the evidence, memory and events known by now."""
    host = page.host
    ended = _exit_now(page, tick, host)
    around_s = max(AROUND_S, AROUND_SAMPLES * tick.timing.nominal_s)
    near = tick.sample.t - page.t <= around_s
    changed = ended != page.ended
    if near:
        around = _around(page, tick.events.newest, around_s)
        page = replace(page, memory=_memory(page, tick, host, around_s), around=around)
    if changed or not page.remedies:
        view = tick.hosts[host].memory
        wanted = tick.desired if tick.desired is not None else len(tick.workers)
        page = replace(page, ended=ended, remedies=remedies(ended, page.pid, page.log, view, wanted))
    return page


def _exit_now(page: Obituary, tick: Tick, host: HostName) -> ProcessExit | None:
    state = tick.exits.get(host)
    found = next((each for each in reversed(state.exited) if _is_of(each, page)), None) if state is not None else None
    return page.ended if found is None else found.process_exit


def _is_of(process: ExitedProcess, page: Obituary) -> bool:
    return page.ended is not None and (process.t, process.who, process.pid) == (page.t, page.who, page.pid)


def _memory(page: Obituary, tick: Tick, host: HostName, after_s: float) -> tuple[DeathMemory, ...]:
    state = tick.now.hosts.get(host)
    points = [
        DeathMemory(
            point.t, point.available_bytes, dict(point.held).get(label_of(page.who)) if point.t <= page.t else None
        )
        for point in (state.recorder if state is not None else FlightRecorder()).points
        if page.t - BEFORE_S <= point.t <= page.t + after_s
    ]
    earlier = [point for point in page.memory if not points or point.t < points[0].t]
    return _thinned((*earlier, *points))


def _thinned(points: tuple[DeathMemory, ...]) -> tuple[DeathMemory, ...]:
    """Return at most `MAX_POINTS` of these points, the newest among them."""
    every = -(-len(points) // MAX_POINTS)
    return points if every <= 1 else points[::-1][::every][::-1]


def _around(page: Obituary, events: tuple[Event, ...], around_s: float) -> tuple[Event, ...]:
    """Return the events near a death. With many, those farthest from it are left out."""
    near = [event for event in events if abs(event.t - page.t) <= around_s and "twin" not in event.facts]
    if len(near) > MAX_AROUND:
        kept = sorted(near, key=lambda event: abs(event.t - page.t))[:MAX_AROUND]
        near = [event for event in near if event in kept]
    return tuple(near)
