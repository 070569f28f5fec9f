"""Turns worker tracks into worker views, and marks what sets each worker apart from the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec.structs import replace

from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model import levels
from metabonk_tui.core.model.condition import NO_STEPS
from metabonk_tui.core.model.host import Role
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.sample import Presence
from metabonk_tui.core.model.worker import Attention, ComponentState, Health, HealthState, Reach, WorkerView
from metabonk_tui.core.status.decode import text, values
from metabonk_tui.core.text.numbers import age
from metabonk_tui.core.worker import component_view, gameplay
from metabonk_tui.core.worker.away import away_since_t, believed_env
from metabonk_tui.core.worker.generation_ends import with_process_exits
from metabonk_tui.core.worker.health import HealthTrack
from metabonk_tui.core.worker.pids import known_pid
from metabonk_tui.core.worker.process_exits import ExitedProcess
from metabonk_tui.core.worker.tracker import WorkerTrack


def worker_views(
    tracks: Mapping[WorkerRef, WorkerTrack],
    victims: Iterable[WorkerRef | Role],
    health_tracks: Mapping[WorkerRef, HealthTrack],
    t: float,
    config: Config,
    exited: Sequence[ExitedProcess] = (),
    *,
    starting: bool = False,
) -> tuple[WorkerView, ...]:
    """Return a view of every worker, by host and slot; a mark that all workers share is left out.

    `victims` are those of OOM kills, `exited` the processes that are gone.
    """
    killed = {process.who for process in exited if process.process_exit.reason == "OOM-killed"} | set(victims)
    health_by_slot = {ref: health_tracks[ref].now if ref in health_tracks else None for ref in tracks}
    marks = {ref: _marks(track, killed, health_by_slot[ref], t, config) for ref, track in tracks.items()}
    shared = Counter([mark.mark for each in marks.values() for mark in each])
    views = []
    for ref, track in sorted(tracks.items()):
        own = [mark for mark in marks[ref] if len(tracks) == 1 or shared[mark.mark] < len(tracks)]
        if len(own) > 1:
            own.sort(key=lambda mark: -levels.order(mark.level))
        # No rate is shown before start-up has ended.
        view = _view(track, own, health_by_slot[ref], t, config, starting=starting)
        own_exits = [process for process in exited if process.who == ref]
        views.append(replace(view, generations=with_process_exits(view.generations, own_exits)) if own_exits else view)
    return tuple(views)


def _view(
    track: WorkerTrack,
    attention: Sequence[Attention],
    health: Health | None,
    t: float,
    config: Config,
    *,
    starting: bool,
) -> WorkerView:
    status = track.status
    window_s = config.clock.validation_s
    # A rate is of now: a worker that does not answer has none, whatever it was before.
    is_up = track.reach is Reach.UP
    epsilon, frames_rate = (None, None) if status is None else values(status, ("dynamic_ui_epsilon", "obs_fps"))
    # By position: msgspec takes 1.6 us for so many keywords and 0.3 us for positions, once a worker and second.
    return WorkerView(
        track.ref,
        track.port,
        track.reach,
        away_since_t(track),  # reach_since_t
        track.error,
        track.detail,
        known_pid(track, t),
        track.pid_started_at,
        text(status, "dynamic_ui_state_type"),  # ui_state
        max(1, track.generation),
        track.generations,
        track.resets_t,
        tuple(
            [
                component_view.view(component, spec, t, window_s, track.answers, track.holes)
                for component, spec in zip(track.components, config.component, strict=True)
            ]
        ),
        track.step,
        None if starting or not is_up else track.steps.rate,
        None if starting or not is_up else track.steps.ratio,
        epsilon,
        frames_rate if is_up else None,
        track.episode,
        track.rss_bytes,
        _rss_growth_bytes_per_min(track),
        track.tree_bytes,
        track.rss_peak_bytes,
        believed_env(track),
        gameplay.view(track.gameplay),
        _error_text(track),
        track.own_error_t if track.error is None else t,
        track.last_good_t,
        None if track.last_good_t is None else t - track.last_good_t,  # age_s
        track.latency_s,
        track.observed_s,
        tuple(attention),
        status,
        None if track.env is None or track.reach is Reach.STRANGER else track.env.values,  # environment
        health,
        track.steps.fell,
        track.stepped_t,
        _lived_s(track),
        track.first_good_t,
        None if track.episodes.number is None else track.episodes.episodes,
    )


def _lived_s(track: WorkerTrack) -> float:
    """Return the seconds of this generation that count for early silence.

    What is zero or absent at the first look was so since the process started. Later only time with answers counts.
    """
    first_t, started_at = track.first_answer_t, track.pid_started_at
    before_s = max(0.0, first_t - started_at) if first_t is not None and started_at is not None else 0.0
    return before_s + track.answered_s


def _rss_growth_bytes_per_min(track: WorkerTrack) -> float | None:
    """Return the growth of memory over the last 5 minutes in bytes per minute; None below one minute of history."""
    rate = track.memory.rate(min_span_s=60.0)
    return None if rate is None else rate * 60.0


def _error_text(track: WorkerTrack) -> str | None:
    if track.error is not None:
        times = f" {track.failures} times" if track.failures > 1 else ""
        return f"/status: {track.error}{times}"
    return track.own_error


def _marks(
    track: WorkerTrack, killed: Collection[WorkerRef | Role], health: Health | None, t: float, config: Config
) -> list[Attention]:
    marks = []
    name = track.ref.label
    if health is not None:
        marks.append(_health_mark(health, name, killed=track.ref in killed))
    elif track.reach is Reach.STALE:
        since = age(t - away_since_t(track))
        answered = f"last answered {since} ago" if track.last_good_t is not None else f"has not answered in {since}"
        sentence = f"{name} {answered}: {track.error or 'no answer'}"
        marks.append(Attention("STALE", "unknown", sentence))
    if track.reach is Reach.UP and track.stepped_t is not None and not _is_still(health):
        still_s = t - track.stepped_t
        if still_s >= config.verdict.active_window_s:
            sentence = f"{name} answers, but has not made a step for {age(still_s)}"
            marks.append(Attention(NO_STEPS, "stop", sentence))
    for component, spec in zip(track.components, config.component, strict=True):
        if component.state is ComponentState.ACTIVE:
            continue
        if component.state is ComponentState.BAD:
            why = component.bad.why if component.bad else "bad"
            # A pause of the worker, or of the monitor, did not begin it anew.
            since = age(t - component.known_since_t)
            marks.append(Attention("BAD", "stop", f"{name} {spec.title} is {why} for {since}"))
        elif component.state is ComponentState.UNPROVEN:
            lacks = f"{spec.proof} is absent" if spec.proof else "gameplay is not corroborated"
            marks.append(Attention("unproven", "unknown", f"{name} {spec.title} moves, but {lacks}"))
        elif component.state is ComponentState.STALLED and not spec.stands:
            still = age(t - (component.grew_t if component.grew_t is not None else component.since_t))
            marks.append(Attention("stalled", "caution", f"{name} {spec.title} has not grown for {still}"))
        elif component.state is ComponentState.ABSENT:
            lacks = "is null in" if component.presence is Presence.NULL else "is not in"
            marks.append(Attention("ABSENT", "stop", f"{name} {spec.field} {lacks} /status"))
    return list({mark.mark: mark for mark in reversed(marks)}.values())[::-1]


_UNREACHABLE_STATES = (HealthState.DOWN, HealthState.HUNG, HealthState.BROKEN, HealthState.STRANGER)
"""Unreachable states; their mark is written in capitals."""


def _health_mark(health: Health, name: str, *, killed: bool) -> Attention:
    state = health.state
    mark = state.short.upper() if state in _UNREACHABLE_STATES else state.short
    if state is HealthState.DOWN and killed:
        mark = "OOM KILL"
    own = f"{name} {health.why}" if state in _UNREACHABLE_STATES else f"{name} {state}: {health.why}"
    return Attention(mark, state.level, own)


def _is_still(health: Health | None) -> bool:
    return health is not None and health.state in (HealthState.ZOMBIE, HealthState.IDLE)
