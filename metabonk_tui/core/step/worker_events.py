"""Drafts the events for changes of workers between two samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.event import EventDraft, EventKind
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.sample import Presence
from metabonk_tui.core.model.worker import ComponentState, EnvView, Reach
from metabonk_tui.core.text.phrases import cut_list
from metabonk_tui.core.worker.away import believed_env
from metabonk_tui.core.worker.environment import wrong_keys
from metabonk_tui.core.worker.health import UNANSWERING, HealthTrack
from metabonk_tui.core.worker.process_exits import ExitTexts
from metabonk_tui.core.worker.step_rate import announce_rate
from metabonk_tui.core.worker.tracker import WorkerTrack


def drafts(
    before: Mapping[WorkerRef, WorkerTrack],
    after: Mapping[WorkerRef, WorkerTrack],
    health_tracks: Mapping[WorkerRef, HealthTrack],
    config: Config,
    exit_texts: ExitTexts,
) -> Iterator[EventDraft]:
    """Draft what changed, worker by worker. `exit_texts`: how processes ended, where that is known by now."""
    for ref, track in after.items():
        old = before.get(ref)
        if old is not None and _is_alike(old, track):
            continue
        health = health_tracks[ref].now if ref in health_tracks else None
        yield from _own_drafts(old, track, exit_texts)
        # `health.health_events` drafts that these do not answer, and how.
        if health is None or health.state not in UNANSWERING:
            yield from _reach(old, track, exit_texts)
        yield from _rate(track)
        yield from _environment(old, track, believed_env(track))
        yield from _components(old, track, config)
        yield from _gameplay(old, track)


def _is_alike(old: WorkerTrack, track: WorkerTrack) -> bool:
    """Return whether nothing of a worker changed of which there is an event."""
    return (
        not track.drafts
        and track.reach is old.reach
        and track.steps.ratio is None
        and track.env is old.env
        and (track.gameplay.corroborated_t is None) is (old.gameplay.corroborated_t is None)
        # The last known state changes only with the state.
        and track.states is old.states
    )


def with_announced_rates(tracks: Mapping[WorkerRef, WorkerTrack]) -> Mapping[WorkerRef, WorkerTrack]:
    """Note in the tracks which step rates were emitted, so that the same jump is emitted once."""
    if not any([track.steps.ratio is not None for track in tracks.values()]):
        return tracks
    noted = {}
    for ref, track in tracks.items():
        steps = announce_rate(track.steps)
        noted[ref] = track if steps is None else replace(track, steps=steps)
    return noted


def _own_drafts(old: WorkerTrack | None, track: WorkerTrack, exit_texts: ExitTexts) -> Iterator[EventDraft]:
    for draft in track.drafts:
        text = draft.text
        if draft.kind is EventKind.WORKER_GENERATION:
            ended = _exit_text(track.ref, old.pid if old else None, exit_texts)
            text = f"gen {track.generation}: {text}{ended}"
        yield replace(draft, text=text, workers=(track.ref,))


def _reach(old: WorkerTrack | None, track: WorkerTrack, exit_texts: ExitTexts) -> Iterator[EventDraft]:
    if track.reach is (old.reach if old else Reach.STARTING):
        return
    ref = (track.ref,)
    if track.reach is Reach.UP:
        yield EventDraft(EventKind.WORKER_UP, "ok", "answers", ref, plural="answer")
    elif track.reach is Reach.DOWN:
        pid = f", pid {track.pid}" if track.pid is not None else ""
        ended = _exit_text(track.ref, track.pid, exit_texts)
        text = f"not reachable: {track.error or 'no answer'}{pid}{ended}"
        yield EventDraft(EventKind.WORKER_DOWN, "crit", text, ref)
    elif track.reach is Reach.STALE:
        yield EventDraft(EventKind.WORKER_DOWN, "warn", f"no answer: {track.error or 'nothing came'}", ref)
    elif track.reach is Reach.BROKEN:
        yield EventDraft(EventKind.WORKER_DOWN, "warn", f"alive, status broken: {track.error}", ref)


def _rate(track: WorkerTrack) -> Iterator[EventDraft]:
    steps = announce_rate(track.steps)
    if steps is not None:
        text = f"steps {track.steps.rate or 0.0:.2f}/s, ×{steps.announced:.0f} of its own past"
        yield EventDraft(EventKind.WORKER_RATE, "warn", text, (track.ref,), {"ratio": steps.announced})


def _environment(old: WorkerTrack | None, track: WorkerTrack, env: EnvView | None) -> Iterator[EventDraft]:
    unchanged = track.env is None or (old is not None and old.env == track.env and believed_env(old) is not None)
    if unchanged or env is None or env.error is not None:
        return
    ref = (track.ref,)
    if env.missing or env.wrong:
        text = f"environment {env.right}/{env.required}: {_offenders(env)}"
        yield EventDraft(EventKind.ENV_MISMATCH, "crit", text, ref)
    else:
        yield EventDraft(EventKind.ENV_OK, "ok", f"environment verified {env.right}/{env.required}", ref)


def _components(old: WorkerTrack | None, track: WorkerTrack, config: Config) -> Iterator[EventDraft]:
    for index, spec in enumerate(config.component):
        state = track.components[index].known
        before = old.components[index].known if old else ComponentState.PENDING
        # What stands by design does not stall.
        rests = spec.stands and state is ComponentState.STALLED
        if state is before or rests:
            continue
        lacks = "is null" if track.components[index].presence is Presence.NULL else "is not"
        unproven = "it moves without its proof" if spec.proof else "gameplay is not corroborated"
        draft = _component(spec.title, spec.field, state, before, f"{lacks} in /status", unproven)
        if draft is not None:
            facts = {"component": spec.id, "title": spec.title, "state": state.value}
            yield replace(draft, workers=(track.ref,), facts=facts)


def _component(
    title: str, field: str, state: ComponentState, before: ComponentState, lacks: str, unproven: str
) -> EventDraft | None:
    if state is ComponentState.ACTIVE and before is not ComponentState.RESTING:
        return EventDraft(EventKind.COMPONENT_ACTIVE, "ok", f"{title} active")
    if state is ComponentState.STALLED and before is ComponentState.ACTIVE:
        return EventDraft(EventKind.COMPONENT_SILENT, "warn", f"{title} stalled")
    if state is ComponentState.ABSENT:
        return EventDraft(EventKind.COMPONENT_SILENT, "crit", f"{title} ABSENT: {field} {lacks}")
    if state is ComponentState.BAD:
        return EventDraft(EventKind.COMPONENT_SILENT, "crit", f"{title} BAD: {field} is no number")
    if state is ComponentState.UNPROVEN:
        return EventDraft(EventKind.COMPONENT_SILENT, "warn", f"{title} unproven: {unproven}")
    return None


def _gameplay(old: WorkerTrack | None, track: WorkerTrack) -> Iterator[EventDraft]:
    if track.gameplay.corroborated_t is not None and (old is None or old.gameplay.corroborated_t is None):
        text = f"gameplay corroborated: {' + '.join(track.gameplay.signs)}"
        yield EventDraft(EventKind.WORKER_GAMEPLAY, "ok", text, (track.ref,))


def _exit_text(ref: WorkerRef, pid: int | None, exit_texts: ExitTexts) -> str:
    """How this process ended, if known by now; another of the same worker may have ended since."""
    return f"; {exit_texts[ref, pid]}" if (ref, pid) in exit_texts else ""


def _offenders(env: EnvView) -> str:
    return cut_list(wrong_keys(env))
