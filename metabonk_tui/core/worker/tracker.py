"""Tracks one worker over time: reach, generations, step rate, memory, gameplay.

Does not: know other workers.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.event import EventDraft, EventKind
from metabonk_tui.core.model.host import ProcessReading
from metabonk_tui.core.model.refs import ProcessRef, WorkerRef
from metabonk_tui.core.model.sample import STRANGER, EnvReading, Observation, WorkerStatus
from metabonk_tui.core.model.timing import Timing
from metabonk_tui.core.model.worker import ComponentState, EnvView, Generation, Reach
from metabonk_tui.core.status.decode import text, value
from metabonk_tui.core.status.own_error import own_error_of
from metabonk_tui.core.timeseries.window import Points
from metabonk_tui.core.worker import component as components
from metabonk_tui.core.worker import environment, episodes, gameplay, quick
from metabonk_tui.core.worker.component import ComponentTrack, Sight
from metabonk_tui.core.worker.episodes import NO_EPISODES, EpisodeSight, EpisodeTrack
from metabonk_tui.core.worker.gameplay import NOT_REACHED, GameplayTrack
from metabonk_tui.core.worker.holes import Hole, with_hole
from metabonk_tui.core.worker.step_rate import NO_STEPS, StepTrack, observe_step
from metabonk_tui.core.worker.strangers import is_stranger

UNREACHABLE = ("refused", "reset", "closed", "dns", "ended")
MENU = "menu_ui"
KEPT_GENERATIONS = 20
KEPT_RESETS = 1000
SAME_GENERATION_S = 30.0
"""Seconds within which a new pid and fallen counters are one restart; either may be seen first."""
SAME_RUN_START_S = 2.0
"""Starts of one process on the run's clock: another monitor, or a recording, read the boot time up to 1 s off."""
MEMORY_POINTS = Points(every_s=15.0, span_s=300.0)


class WorkerTrack(Struct, frozen=True):
    """State of one worker in one run."""

    ref: WorkerRef
    components: tuple[ComponentTrack, ...]
    states: tuple[ComponentState, ...]
    """Those of the components: the same object while none changes."""
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
    episodes: EpisodeTrack = NO_EPISODES
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
    is_stopped: bool = False
    """Whether a signal or a debugger has stopped its process."""
    tree_bytes: int | None = None
    rss_peak_bytes: int | None = None
    memory: Points = MEMORY_POINTS
    answers: int = 0
    """The number of good statuses in this run."""
    env: EnvReading | None = None
    env_view: EnvView | None = None
    """The comparison of `env` with the required environment; that of 20 variables takes 0.1 ms."""
    observed_s: float = 0.0
    first_good_t: float | None = None
    """When it first answered in this run."""
    first_answer_t: float | None = None
    """When this generation first answered."""
    answered_s: float = 0.0
    """Seconds of this generation during which it was observed answering."""
    process_t: float | None = None
    """When its process was last in the process table."""
    first_look_t: float | None = None
    """When the monitor first looked at this slot."""
    holes: tuple[Hole, ...] = ()
    """The newest times in which it was not seen; what grew meanwhile is seen after them."""
    drafts: tuple[EventDraft, ...] = ()
    """Events of this tick, without the slot; every `observe` clears them."""


def new_track(ref: WorkerRef, t: float, config: Config) -> WorkerTrack:
    """Begin to follow a slot."""
    blank = tuple(ComponentTrack(since_t=t) for _ in config.component)
    states, port = tuple([component.state for component in blank]), config.pool.base_port + ref.slot
    return WorkerTrack(ref, blank, states, reach_since_t=t, port=port, first_look_t=t)


def observe(
    track: WorkerTrack,
    seen: Observation | None,
    process: ProcessReading | None,
    env: EnvReading | None,
    timing: Timing,
    config: Config,
) -> WorkerTrack:
    """Update the track with one tick; `seen`, `process` and `env` are None where nothing was read."""
    t, starting, before = timing.t, timing.starting, track
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
        if seen is None and process is not None:
            # The answer is late: the table alone says whose environment this is, and the next answer must keep it.
            track = _identify(track, None, process, t)
        track = replace(track, env=env, env_view=environment.view(env, config))
    track = _observe_memory(track, process, t, starting=starting)
    if status is not None:
        holes = with_hole(track.holes, track.last_good_t, t, timing.nominal_s)
        track = _observe_status(track, status, t, timing.elapsed_s, config)
        if holes is not track.holes:
            track = replace(track, holes=holes)
    if status is None or track.reach is not _UP:
        track = _judge_reach(track, seen, process, t, starting=starting, stale_s=timing.stale_s)
    if seen is not None and (seen.episode is not None or track.episodes.number is not None):
        sight = EpisodeSight(seen.episode, status, track.generation, track.observed_s, is_in_gameplay(track))
        if (known_episodes := episodes.observe(track.episodes, sight, t, timing.elapsed_s)) is not track.episodes:
            track = replace(track, episodes=known_episodes)
    return _with_states(track, before.components, status is not None, timing, config)


def _with_states(
    track: WorkerTrack, before: Sequence[ComponentTrack], answered: bool, timing: Timing, config: Config
) -> WorkerTrack:
    """Return the track with the state of every component at `t`; `before`: the components as they were last judged."""
    t, window_s = timing.t, config.verdict.active_window_s
    elsewhere = ""
    if track.stepped_t is not None and t - track.stepped_t <= window_s:
        elsewhere = "menu" if is_in_gameplay(track) else "gameplay"
    of_all = _state_of_all(track, t, timing.stale_s)
    is_real = track.gameplay.corroborated_t is not None
    sight = Sight(answered, track.answers, timing.starting, of_all, elsewhere, is_real)
    judged, is_changed = [], False
    for component, old, spec in zip(track.components, before, config.component, strict=True):
        # A component that stands within its window stays active, and so does one that `quick` saw grow.
        if (
            of_all is None
            and component.state is _ACTIVE
            and (grew_t := component.grew_t) is not None
            and t - grew_t <= window_s
            and (component is old or components.is_showing(component))
            and (component.proven is is_real or spec.kind != "transitions")
        ):
            judged.append(component)
        else:
            judged.append(components.judge(component, spec, sight, t, config))
            is_changed = is_changed or judged[-1] is not component
    if not is_changed:
        return track
    states = tuple([component.state for component in judged])
    return replace(track, components=tuple(judged), states=track.states if states == track.states else states)


def _state_of_all(track: WorkerTrack, t: float, stale_s: float) -> ComponentState | None:
    """Return the state of every component of a worker that cannot be seen; None: each has its own."""
    if track.reach is _UP:
        return None if track.last_good_t is not None and t - track.last_good_t <= stale_s else ComponentState.STALE
    if track.reach is Reach.STRANGER:
        return ComponentState.STRANGER
    if track.reach is Reach.UNOBSERVED and track.last_good_t is None:
        return ComponentState.UNOBSERVED
    if track.reach in (Reach.DOWN, Reach.STARTING):
        return ComponentState.DOWN
    return ComponentState.STALE if track.last_good_t is None or t - track.last_good_t > stale_s else None


def is_in_gameplay(track: WorkerTrack) -> bool:
    """Return whether the worker plays: corroborated in this generation, and not back in a menu."""
    return track.gameplay.corroborated_t is not None and text(track.status, "dynamic_ui_state_type") != MENU


def _identify(track: WorkerTrack, seen: Observation | None, process: ProcessReading | None, t: float) -> WorkerTrack:
    """Record the pid; a new pid is a new generation, unless its reset was already counted."""
    pid, started_at = (seen.pid, seen.pid_started_at) if seen is not None else (None, None)
    is_known = started_at is not None and started_at == track.pid_started_at and track.generation_pid is not None
    if is_known and pid is not None and pid == track.pid:
        return track  # nearly always
    if pid is None and process is not None:
        pid = process.pid
    if started_at is None and process is not None and process.pid == pid:
        started_at = process.started_at
    if pid is None:
        return track
    is_same = started_at is not None and started_at == track.pid_started_at
    if pid == track.pid and (is_same or not _is_reused(track, pid, started_at)):
        if started_at is not None and started_at != track.pid_started_at:
            track = replace(track, pid_started_at=started_at)
        began_t = track.generations[-1].began_t if track.generations else t
        if track.generation_pid is None and t - began_t > SAME_GENERATION_S:
            # The counters fell and no other process came: the process itself reset them.
            track = replace(track, generation_pid=pid)
        return track
    # Another process has another environment. One that was read before the first pid was known stays.
    known = replace(track, pid=pid, pid_started_at=started_at)
    if track.pid is not None:
        known = replace(known, env=None, env_view=None)
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
    step = value(status, "step")
    blank: list[ComponentTrack | None] = [None] * len(track.components)
    again = blank
    if track.generation == 0:
        track = _begin_generation(track, t, "first seen", track.pid)
    elif track.status is not None:
        again = quick.observe_all(track.components, config, track.status, status, t)
        why = _fell(track, status, step, config, again)
        if why and _began_by_pid(track, t):
            # The new pid was seen first, and then one more answer of the old process.
            track = _forget_counters(track)
        elif why:
            # The process table may still show the old pid; its next pid belongs to this generation.
            track = _begin_generation(track, t, why, None)
        if why:
            again = blank
    seen = (
        tuple(again)
        if all(again)
        else tuple(
            [
                observed or components.observe(component, spec, status, t)
                for observed, component, spec in zip(again, track.components, config.component, strict=True)
            ]
        )
    )
    own_error = own_error_of(status)
    drafts = track.drafts
    if own_error and own_error != track.own_error:
        drafts = (*drafts, EventDraft(EventKind.WORKER_ERROR, "warn", own_error))
    # With more than 14 names msgspec takes four times as long, so what seldom changes is not among them.
    observed = replace(
        track,
        components=seen,
        status=status,
        step=step if step is not None else track.step,
        stepped_t=t if step is not None and (track.step is None or step > track.step) else track.stepped_t,
        steps=observe_step(track.steps, step, t, config),
        gameplay=gameplay.observe(track.gameplay, status, t),
        last_good_t=t,
        observed_s=track.observed_s + (elapsed_s if track.last_good_t is not None else 0.0),
        answers=track.answers + 1,
        answered_s=track.answered_s + (elapsed_s if track.first_answer_t is not None else 0.0),
        drafts=drafts,
    )
    if own_error:
        observed = replace(observed, own_error=own_error, own_error_t=t)
    if track.first_good_t is None:
        observed = replace(observed, first_good_t=t)
    return observed if track.first_answer_t is not None else replace(observed, first_answer_t=t)


def _began_by_pid(track: WorkerTrack, t: float) -> bool:
    latest = track.generations[-1]
    return latest.number > 1 and latest.pid is not None and t - latest.began_t <= SAME_GENERATION_S


def _fell(
    track: WorkerTrack,
    status: WorkerStatus,
    step: float | None,
    config: Config,
    again: Sequence[ComponentTrack | None],
) -> str | None:
    """Return the counter that fell since the last good status of this generation; None when none did."""
    if step is not None and track.step is not None and step < track.step - 1e-9:
        return f"step fell {track.step:g} → {step:g}"
    if all(again):
        return None
    for observed, component, spec in zip(again, track.components, config.component, strict=True):
        if observed is None and (why := components.fell(component, spec, status)):
            return why
    return None


# A member of an enumeration takes twice the time of a name of the module.
_UP, _ACTIVE = Reach.UP, ComponentState.ACTIVE


def _observe_memory(track: WorkerTrack, process: ProcessReading | None, t: float, *, starting: bool) -> WorkerTrack:
    """Take in the memory of its process. The ramp of a start-up is no growth, so its points do not count."""
    if process is None:
        return track if track.rss_bytes is None else replace(track, rss_bytes=None, tree_bytes=None, is_stopped=False)
    held = process.tree_bytes if process.tree_bytes is not None else process.rss_bytes
    return replace(
        track,
        rss_bytes=process.rss_bytes,
        is_stopped=bool(process.stopped),
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
    elif is_stranger(seen, is_known=not never or track.pid is not None or process is not None):
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
