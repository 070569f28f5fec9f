"""Judges the clock of a run and the six checks of its gate. No check can pass without evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.snapshot import Check, Gate, Phase
from metabonk_tui.core.model.worker import ComponentState, ComponentView, WorkerView
from metabonk_tui.core.text.phrases import cut_list
from metabonk_tui.core.timeseries.window import Spans
from metabonk_tui.core.worker.component import SILENT


@dataclass(frozen=True, slots=True)
class GateTrack:
    """When start-up ended, and the results of the checks."""

    began_t: float | None = None
    checks: tuple[Check, ...] = ()


def begin(track: GateTrack, t: float, started_at: float, all_answered: bool, config: Config) -> GateTrack:
    """End start-up when every wanted worker has answered, or after the grace of the configuration."""
    if track.began_t is not None:
        return track
    limit_t = started_at + config.clock.startup_grace_s
    if t >= limit_t:
        began_t = limit_t
    elif all_answered:
        began_t = t
    else:
        return track
    every_s = config.clock.validation_s / config.clock.checks
    checks = tuple(Check(n, began_t + n * every_s, "TO COME") for n in range(1, config.clock.checks + 1))
    return GateTrack(began_t, checks)


@dataclass(frozen=True, slots=True)
class WorkersAt:
    """Views of the workers at one time."""

    t: float
    workers: Sequence[WorkerView]


def check(
    track: GateTrack,
    now: WorkersAt,
    before_gap: WorkersAt | None,
    watched: Spans,
    answered: Spans,
    stale_s: float,
    config: Config,
) -> tuple[GateTrack, tuple[Check, ...]]:
    """Judge every check that has come due; return the track and the checks that were just judged.

    `before_gap` is the last view before the gap that ends now; None without a gap. `watched` is time in which the
    monitor polled, `answered` time in which at least one worker answered, both outside gaps.
    """
    every_s = config.clock.validation_s / config.clock.checks
    active_s = config.verdict.active_window_s
    judged = []
    checks = []
    for gate_check in track.checks:
        if gate_check.result == "TO COME" and now.t >= gate_check.due_t:
            # A view from after the gap proves nothing about a check that came due within it.
            seen = now if before_gap is None or now.t == gate_check.due_t else before_gap
            gate_check = _judge(gate_check, every_s, watched, answered, seen, stale_s, active_s)
            judged.append(gate_check)
        checks.append(gate_check)
    return replace(track, checks=tuple(checks)), tuple(judged)


def _judge(
    gate_check: Check,
    length_s: float,
    watched: Spans,
    answered: Spans,
    seen: WorkersAt,
    stale_s: float,
    active_s: float,
) -> Check:
    from_t = gate_check.due_t - length_s
    looked_s = watched.seconds_between(from_t, gate_check.due_t)
    answered_s = answered.seconds_between(from_t, gate_check.due_t)
    if looked_s <= 0:
        return replace(gate_check, result="SKIPPED", because="nobody was watching")
    if answered_s < length_s / 2:
        return replace(
            gate_check, result="UNKNOWN", because=f"only {answered_s:.0f} of {length_s:.0f} s were observed answering"
        )
    all_seen = [(worker, component) for worker in seen.workers for component in worker.components]
    # Active at the end of the interval, or stalled since; either way it must have grown within the interval.
    showing = [
        f"{worker.ref.label} {component.title}"
        for worker, component in all_seen
        if component.state in (ComponentState.ACTIVE, ComponentState.STALLED)
        and (_grew_since(component, from_t) or _grew_since(component, gate_check.due_t - active_s, or_at=True))
    ]
    if showing and gate_check.due_t - seen.t <= stale_s:
        return replace(gate_check, result="PASS", because=f"showing: {cut_list(showing, 3)}")
    lost = showing or [
        f"{worker.ref.label} {component.title}"
        for worker, component in all_seen
        if component.window_activity == "showing" and component.state not in SILENT and _grew_since(component, from_t)
    ]
    if lost:
        return replace(gate_check, result="UNKNOWN", because=f"showed in the interval, not seen at its end: {lost[0]}")
    silent = {
        worker.slot
        for worker, component in all_seen
        if component.state in SILENT or component.window_activity == "silent"
    }
    if silent:
        many = f"{len(silent)}/{len(seen.workers)}"
        return replace(gate_check, result="FAIL", because=f"every component silent on {many} workers")
    return replace(gate_check, result="UNKNOWN", because="no worker's components could be seen")


def _grew_since(component: ComponentView, from_t: float, *, or_at: bool = False) -> bool:
    grew_t = component.last_grew_t
    return grew_t is not None and (grew_t > from_t or (or_at and grew_t == from_t))


def view(track: GateTrack, t: float, started_at: float, config: Config) -> Gate:
    """Return the phase of the run at `t`, the times of the gate, and its checks."""
    clock = config.clock
    began_t = track.began_t
    elapsed_s = t - started_at
    phase: Phase
    if began_t is None:
        phase = "start-up"
    elif t < began_t + clock.validation_s:
        phase = "validation"
    elif elapsed_s < clock.gameplay_s:
        phase = "gameplay"
    elif elapsed_s < clock.long_run_s:
        phase = "long run"
    else:
        phase = "complete"
    return Gate(
        phase=phase,
        began_t=began_t,
        ends_t=None if began_t is None else began_t + clock.validation_s,
        gameplay_by_t=started_at + clock.gameplay_s,
        checks=track.checks,
    )
