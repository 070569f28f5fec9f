"""Turns worker tracks into worker views, and marks what sets each worker apart from the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model import levels
from metabonk_tui.core.model.host import Role
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.worker import Attention, ComponentState, Health, HealthState, Reach, WorkerView
from metabonk_tui.core.status.decode import number, text
from metabonk_tui.core.text.numbers import age
from metabonk_tui.core.worker import component as components
from metabonk_tui.core.worker import environment, gameplay
from metabonk_tui.core.worker.health import HealthTrack
from metabonk_tui.core.worker.process_exits import ExitedProcess, with_process_exits
from metabonk_tui.core.worker.tracker import WorkerTrack, known_pid, lived_s, rss_growth_bytes_per_min


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
    shared = Counter(mark.mark for ref in marks for mark in marks[ref])
    views = []
    for ref, track in sorted(tracks.items()):
        own = [mark for mark in marks[ref] if len(tracks) == 1 or shared[mark.mark] < len(tracks)]
        own.sort(key=lambda mark: -levels.order(mark.level))
        view = _view(track, own, health_by_slot[ref], t, config)
        if starting:
            # No rate is shown before start-up has ended.
            view = replace(view, step_rate=None, step_rate_ratio=None)
        views.append(
            replace(view, generations=with_process_exits(view.generations, [p for p in exited if p.who == ref]))
        )
    return tuple(views)


def _view(
    track: WorkerTrack, attention: Sequence[Attention], health: Health | None, t: float, config: Config
) -> WorkerView:
    status = track.status
    window_s = config.clock.validation_s
    return WorkerView(
        ref=track.ref,
        port=track.port,
        reach=track.reach,
        reach_since_t=track.reach_since_t,
        error=track.error,
        detail=track.detail,
        pid=known_pid(track, t),
        pid_started_at=track.pid_started_at,
        ui_state=text(status, "dynamic_ui_state_type"),
        generation=max(1, track.generation),
        generations=track.generations,
        resets_t=track.resets_t,
        components=tuple(
            components.view(component, spec, t, window_s)
            for component, spec in zip(track.components, config.component, strict=True)
        ),
        step=track.step,
        step_rate=track.steps.rate,
        step_rate_ratio=track.steps.ratio,
        step_rate_fell=track.steps.fell,
        epsilon=number(status, "dynamic_ui_epsilon").value,
        frames_rate=number(status, "obs_fps").value,
        episode=track.episode,
        rss_bytes=track.rss_bytes,
        rss_growth_bytes_per_min=rss_growth_bytes_per_min(track),
        tree_bytes=track.tree_bytes,
        rss_peak_bytes=track.rss_peak_bytes,
        env=environment.view(track.env, config),
        gameplay=gameplay.view(track.gameplay),
        last_error=_error_text(track),
        last_error_t=track.own_error_t if track.error is None else t,
        last_good_t=track.last_good_t,
        age_s=None if track.last_good_t is None else t - track.last_good_t,
        latency_s=track.latency_s,
        observed_s=track.observed_s,
        attention=tuple(attention),
        status=status,
        environment=None if track.env is None else track.env.values,
        health=health,
        stepped_t=track.stepped_t,
        lived_s=lived_s(track),
        first_good_t=track.first_good_t,
    )


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
        good_t = track.last_good_t if track.last_good_t is not None else track.reach_since_t
        sentence = f"{name} last answered {age(t - good_t)} ago: {track.error or 'no answer'}"
        marks.append(Attention("STALE", "unknown", sentence))
    if track.reach is Reach.UP and track.stepped_t is not None and not _is_still(health):
        still_s = t - track.stepped_t
        if still_s >= config.verdict.active_window_s:
            sentence = f"{name} answers, but has not made a step for {age(still_s)}"
            marks.append(Attention("no steps", "stop", sentence))
    for component, spec in zip(track.components, config.component, strict=True):
        since = age(t - component.since_t)
        if component.state is ComponentState.BAD:
            why = component.bad.why if component.bad else "bad"
            marks.append(Attention("BAD", "stop", f"{name} {spec.title} is {why} since {since}"))
        elif component.state is ComponentState.UNPROVEN:
            marks.append(Attention("unproven", "unknown", f"{name} {spec.title} moves, but {spec.proof} is absent"))
        elif component.state is ComponentState.STALLED and not spec.stands:
            still = age(t - component.grew_t) if component.grew_t is not None else since
            marks.append(Attention("stalled", "caution", f"{name} {spec.title} has not grown for {still}"))
        elif component.state is ComponentState.ABSENT:
            marks.append(Attention("ABSENT", "stop", f"{name} {spec.field} is not in /status"))
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
