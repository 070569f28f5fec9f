"""Tracks one worker over time: reach, generations, step rate, memory, gameplay.

Does not: know other workers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.event import EventDraft, EventKind
from metabonk_tui.core.model.host import ProcessReading
from metabonk_tui.core.model.refs import ProcessRef, WorkerRef
from metabonk_tui.core.model.sample import STRANGER, EnvReading, Observation, WorkerStatus
from metabonk_tui.core.model.timing import Timing
from metabonk_tui.core.model.worker import Generation, Reach
from metabonk_tui.core.status.decode import number, text
from metabonk_tui.core.timeseries.window import Points
from metabonk_tui.core.worker import component as components
from metabonk_tui.core.worker import gameplay
from metabonk_tui.core.worker.component import ComponentTrack
from metabonk_tui.core.worker.gameplay import NOT_REACHED, GameplayTrack
from metabonk_tui.core.worker.step_rate import NO_STEPS, StepTrack, observe_step

UNREACHABLE = ("refused", "reset", "closed", "dns")
NO_WORKER = ("not json", "not an object", "redirect")
"""Answers that no worker ever gave; nor does it answer with HTTP 4xx."""
MENU = "menu_ui"
KEPT_GENERATIONS = 20
KEPT_RESETS = 1000
SAME_GENERATION_S = 30.0
"""Seconds within which a new pid and fallen counters are one restart; either may be seen first."""
SAME_RUN_START_S = 2.0
"""Starts of one process on the run's clock: another monitor, or a recording, read the boot time up to 1 s off."""
MEMORY_POINTS = Points(every_s=15.0, span_s=300.0)


@dataclass(frozen=True, slots=True)
class WorkerTrack:
    """State of one worker in one run."""

    ref: WorkerRef
    components: tuple[ComponentTrack, ...]
    reach: Reach = Reach.STARTING
    reach_since_t: float = 0.0
    error: str | None = None
    detail: str = ""
    failures: int = 0
    """Consecutive failed polls."""
    port: int | None = None
    pid: int | None = None
    pid_started_at: float | None = None
    episode: int | None = None
    latency_s: float | None = None
    status: WorkerStatus | None = None
    last_good_t: float | None = None
    step: float | None = None
    stepped_t: float | None = None
    """When the step last grew in this generation; its first sight counts."""
    steps: StepTrack = NO_STEPS
    generations: tuple[Generation, ...] = ()
    generation: int = 0
    generation_pid: int | None = None
    """The pid of this generation, once it is known."""
    resets_t: tuple[float, ...] = ()
    gameplay: GameplayTrack = NOT_REACHED
    own_error: str | None = None
    own_error_t: float | None = None
    rss_bytes: int | None = None
    tree_bytes: int | None = None
    rss_peak_bytes: int | None = None
    memory: Points = MEMORY_POINTS
    env: EnvReading | None = None
    observed_s: float = 0.0
    first_good_t: float | None = None
    """When it first answered in this run."""
    first_answer_t: float | None = None
    """When this generation first answered."""
    answered_s: float = 0.0
    """Seconds of this generation during which it was observed answering."""
    process_t: float | None = None
    """When its process was last in the process table."""
    drafts: tuple[EventDraft, ...] = ()
    """Events of this tick, without the slot; every `observe` clears them."""


def new_track(ref: WorkerRef, t: float, config: Config) -> WorkerTrack:
    """Begin to follow a slot."""
    blank = tuple(ComponentTrack(since_t=t) for _ in config.component)
    return WorkerTrack(ref=ref, components=blank, reach_since_t=t, port=config.pool.base_port + ref.slot)


def observe(
    track: WorkerTrack,
    seen: Observation | None,
    process: ProcessReading | None,
    env: EnvReading | None,
    timing: Timing,
    config: Config,
) -> WorkerTrack:
    """Update the track with one tick; `seen`, `process` and `env` are None where nothing was read."""
    t, starting = timing.t, timing.starting
    if track.drafts:
        track = replace(track, drafts=())
    status = seen.status if seen is not None else None
    if seen is not None:
        # What a stranger shows of itself is not the worker's.
        known = track if seen.error == STRANGER else _identify(track, seen, process, t)
        track = replace(
            known,
            error=seen.error,
            detail=seen.detail,
            failures=0 if status is not None else track.failures + 1,
            latency_s=seen.latency_s if seen.latency_s is not None else track.latency_s,
            episode=seen.episode if seen.episode is not None else track.episode,
            port=seen.port if seen.port is not None else track.port,
        )
    if env is not None:
        track = replace(track, env=env)
    track = _observe_memory(track, process, t, starting=starting)
    if status is not None:
        track = _observe_status(track, status, t, timing.elapsed_s, config)
    track = _judge_reach(track, seen, process, t, starting=starting, stale_s=timing.stale_s)
    playing = is_in_gameplay(track)
    stepping = track.stepped_t is not None and t - track.stepped_t <= config.verdict.active_window_s
    unseen = track.reach is Reach.UNOBSERVED and track.last_good_t is None
    unreachable = track.reach in (Reach.DOWN, Reach.STARTING)
    stale = track.last_good_t is None or t - track.last_good_t > timing.stale_s
    judged = tuple(
        components.judge(
            component,
            t,
            config,
            answered=status is not None,
            starting=starting,
            reachable=not unreachable,
            stale=stale,
            unseen=unseen,
            stranger=track.reach is Reach.STRANGER,
            elsewhere=stepping and spec.moves == ("menu" if playing else "gameplay"),
        )
        for component, spec in zip(track.components, config.component, strict=True)
    )
    unchanged = all(after is before for after, before in zip(judged, track.components, strict=True))
    return track if unchanged else replace(track, components=judged)


def is_in_gameplay(track: WorkerTrack) -> bool:
    """Return whether the worker plays: corroborated in this generation, and not back in a menu."""
    return track.gameplay.corroborated_t is not None and text(track.status, "dynamic_ui_state_type") != MENU


def _identify(track: WorkerTrack, seen: Observation, process: ProcessReading | None, t: float) -> WorkerTrack:
    """Record the pid; a new pid is a new generation, unless its reset was already counted."""
    pid = seen.pid if seen.pid is not None else (process.pid if process else None)
    started_at = seen.pid_started_at
    if started_at is None and process is not None and process.pid == pid:
        started_at = process.started_at
    if pid is None:
        return track
    if pid == track.pid and not _is_reused(track, pid, started_at):
        if started_at is not None and started_at != track.pid_started_at:
            track = replace(track, pid_started_at=started_at)
        began_t = track.generations[-1].began_t if track.generations else t
        if track.generation_pid is None and t - began_t > SAME_GENERATION_S:
            # The counters fell and no other process came: the process itself reset them.
            track = replace(track, generation_pid=pid)
        return track
    # Another process has another environment. One that was read before the first pid was known stays.
    known = replace(track, pid=pid, pid_started_at=started_at, env=track.env if track.pid is None else None)
    if track.generation == 0:
        return known
    if track.generation_pid is None:
        # The counters fell before the process table showed the new pid: the same generation.
        return replace(known, generation_pid=pid)
    return _begin_generation(known, t, f"new pid {track.generation_pid} → {pid}", pid)


def _is_reused(track: WorkerTrack, pid: int, started_at: float | None) -> bool:
    """Return whether the worker's pid names another process now; False while a start is not known."""
    if track.pid is None or started_at is None or track.pid_started_at is None:
        return False
    return not ProcessRef(pid, started_at).same_as(ProcessRef(track.pid, track.pid_started_at), SAME_RUN_START_S)


def _begin_generation(track: WorkerTrack, t: float, why: str, pid: int | None) -> WorkerTrack:
    number_ = track.generation + 1
    latest = Generation(number=number_, began_t=t, pid=pid, why=why)
    first = number_ == 1
    begun = replace(
        track,
        generation=number_,
        generation_pid=pid,
        generations=(*track.generations, latest)[-KEPT_GENERATIONS:],
        resets_t=track.resets_t if first else (*track.resets_t, t)[-KEPT_RESETS:],
        drafts=track.drafts if first else (*track.drafts, EventDraft(EventKind.WORKER_GENERATION, "warn", why)),
    )
    return begun if first else replace(_forget_counters(begun), memory=MEMORY_POINTS)


def _forget_counters(track: WorkerTrack) -> WorkerTrack:
    return replace(
        track,
        components=tuple(components.reset(c) for c in track.components),
        step=None,
        stepped_t=None,
        steps=NO_STEPS,
        gameplay=gameplay.reset(track.gameplay),
        first_answer_t=None,
        answered_s=0.0,
    )


def _observe_status(
    track: WorkerTrack, status: WorkerStatus, t: float, elapsed_s: float, config: Config
) -> WorkerTrack:
    step = number(status, "step").value
    if track.generation == 0:
        track = _begin_generation(track, t, "first seen", track.pid)
    elif track.status is not None:
        why = _fell(track, status, step, config)
        if why and _began_by_pid(track, t):
            # The new pid was seen first, and then one more answer of the old process.
            track = _forget_counters(track)
        elif why:
            # The process table may still show the old pid; its next pid belongs to this generation.
            track = _begin_generation(track, t, why, None)
    seen = tuple(
        components.observe(component, spec, status, t)
        for component, spec in zip(track.components, config.component, strict=True)
    )
    own_error = _own_error(status)
    drafts = track.drafts
    if own_error and own_error != track.own_error:
        drafts = (*drafts, EventDraft(EventKind.WORKER_ERROR, "warn", own_error))
    return replace(
        track,
        components=seen,
        status=status,
        step=step if step is not None else track.step,
        stepped_t=t if step is not None and (track.step is None or step > track.step) else track.stepped_t,
        steps=observe_step(track.steps, step, t, config),
        gameplay=gameplay.observe(track.gameplay, status, t),
        last_good_t=t,
        observed_s=track.observed_s + (elapsed_s if track.last_good_t is not None else 0.0),
        first_good_t=t if track.first_good_t is None else track.first_good_t,
        first_answer_t=t if track.first_answer_t is None else track.first_answer_t,
        answered_s=track.answered_s + (elapsed_s if track.first_answer_t is not None else 0.0),
        own_error=own_error or track.own_error,
        own_error_t=t if own_error else track.own_error_t,
        drafts=drafts,
    )


def _began_by_pid(track: WorkerTrack, t: float) -> bool:
    latest = track.generations[-1]
    return latest.number > 1 and latest.pid is not None and t - latest.began_t <= SAME_GENERATION_S


def _fell(track: WorkerTrack, status: WorkerStatus, step: float | None, config: Config) -> str | None:
    """Return the counter that fell since the last good status of this generation; None when none did."""
    if step is not None and track.step is not None and step < track.step - 1e-9:
        return f"step fell {track.step:g} → {step:g}"
    for component, spec in zip(track.components, config.component, strict=True):
        why = components.fell(component, spec, status)
        if why:
            return why
    return None


def _own_error(status: WorkerStatus) -> str | None:
    for name in ("last_error", "streamer_last_error", "stream_error", "fifo_stream_last_error"):
        message = text(status, name)
        if message:
            return f"{name}: {message}"
    return None


def _observe_memory(track: WorkerTrack, process: ProcessReading | None, t: float, *, starting: bool) -> WorkerTrack:
    """Take in the memory of its process. The ramp of a start-up is no growth, so its points do not count."""
    if process is None:
        return track if track.rss_bytes is None else replace(track, rss_bytes=None, tree_bytes=None)
    held = process.tree_bytes if process.tree_bytes is not None else process.rss_bytes
    return replace(
        track,
        rss_bytes=process.rss_bytes,
        tree_bytes=process.tree_bytes,
        rss_peak_bytes=max(track.rss_peak_bytes or 0, held),
        process_t=t,
        memory=MEMORY_POINTS if starting else track.memory.add(t, held),
    )


def _judge_reach(
    track: WorkerTrack,
    seen: Observation | None,
    process: ProcessReading | None,
    t: float,
    *,
    starting: bool,
    stale_s: float,
) -> WorkerTrack:
    stale = track.last_good_t is None or t - track.last_good_t > stale_s
    never = track.last_good_t is None
    if seen is None:
        forgotten = Reach.STARTING if starting and never else Reach.UNOBSERVED
        reach = forgotten if stale else track.reach
    elif seen.status is not None:
        reach = Reach.UP
    elif _is_stranger(track, seen, process):
        reach = Reach.STRANGER
    elif starting and never:
        reach = Reach.STARTING
    elif seen.error in UNREACHABLE or (seen.error or "") == "":
        reach = Reach.DOWN
    elif seen.error == "timeout":
        reach = Reach.STALE if stale else track.reach
    else:
        reach = Reach.BROKEN
    if reach is track.reach:
        return track
    return replace(track, reach=reach, reach_since_t=t)


def _is_stranger(track: WorkerTrack, seen: Observation, process: ProcessReading | None) -> bool:
    """Return whether what answers is no worker.

    Only where no worker ever answered and none is known to run may an answer without a status be a stranger's.
    """
    error = seen.error or ""
    if error == STRANGER:
        return True
    unknown = track.last_good_t is None and track.pid is None and seen.pid is None and process is None
    return unknown and (error in NO_WORKER or error.startswith("http 4"))


PID_SETTLES_S = 10.0
"""Seconds after which the process table was read again: an unchanged pid means that the process itself reset."""


def known_pid(track: WorkerTrack, t: float) -> int | None:
    """Return the pid of this generation; None while the process table may show the previous one."""
    if track.generation_pid is not None or track.generation <= 1:
        return track.generation_pid or track.pid
    settled = t - track.generations[-1].began_t > PID_SETTLES_S
    return track.pid if settled else None


def has_unseen_process(track: WorkerTrack, table_t: float, t: float) -> bool:
    """Return whether the worker answers, and the process tables of the last seconds did not show its process."""
    if track.reach is not Reach.UP or not track.generations or t - track.generations[-1].began_t <= PID_SETTLES_S:
        return False
    return track.process_t is None or table_t - track.process_t > PID_SETTLES_S


def stopped_unseen(tracks: Iterable[WorkerTrack], t: float, slack_s: float) -> tuple[WorkerRef, ...]:
    """Return the workers whose process was never seen, and that stopped answering or restarted in this moment."""
    return tuple(
        track.ref
        for track in tracks
        if track.process_t is None
        and track.last_good_t is not None
        and (
            (track.reach is Reach.DOWN and t - track.reach_since_t <= slack_s)
            or (track.generation > 1 and t - track.generations[-1].began_t <= slack_s)
        )
    )


def lived_s(track: WorkerTrack) -> float:
    """Return the seconds of this generation that count for early silence.

    What is zero or absent at the first look was so since the process started. Later only time with answers counts.
    """
    first_t, started_at = track.first_answer_t, track.pid_started_at
    before_s = max(0.0, first_t - started_at) if first_t is not None and started_at is not None else 0.0
    return before_s + track.answered_s


def rss_growth_bytes_per_min(track: WorkerTrack) -> float | None:
    """Return the growth of memory over the last 5 minutes in bytes per minute; None below one minute of history."""
    rate = track.memory.rate(min_span_s=60.0)
    return None if rate is None else rate * 60.0
