"""The clock of a run and the six checks of its gate. No check can pass vacuously."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from metabonk_tui.core.components import SILENT
from metabonk_tui.core.config import Config
from metabonk_tui.core.snapshot import Check, Gate, Phase
from metabonk_tui.core.window import Spans
from metabonk_tui.core.worker_view import ComponentState, ComponentView, WorkerView


@dataclass(frozen=True, slots=True)
class GateTrack:
    """When start-up ended, and what the checks found."""

    began_t: float | None = None
    checks: tuple[Check, ...] = ()


def begin(track: GateTrack, t: float, started_at: float, all_answered: bool, config: Config) -> GateTrack:
    """End start-up when every wanted worker has answered, or when its grace is over."""
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


def check(
    track: GateTrack,
    t: float,
    watched: Spans,
    answered: Spans,
    workers: Sequence[WorkerView],
    before_gap: Sequence[WorkerView] | None,
    config: Config,
) -> tuple[GateTrack, tuple[Check, ...]]:
    """Judge every check that has come due; return the track and the checks that were just judged.

    `watched` is time in which we looked, `answered` time in which at least one worker answered, both outside gaps.
    `workers` is what they show now, `before_gap` what they showed before the gap that ends now, None: there is none.
    """
    every_s = config.clock.validation_s / config.clock.checks
    judged = []
    checks = []
    for one in track.checks:
        if one.result == "TO COME" and t >= one.due_t:
            # What is seen only after a gap says nothing about a check that came due within it.
            seen = workers if before_gap is None or t == one.due_t else before_gap
            one = _judge(one, one.due_t - every_s, watched, answered, seen)
            judged.append(one)
        checks.append(one)
    return replace(track, checks=tuple(checks)), tuple(judged)


def _judge(one: Check, from_t: float, watched: Spans, answered: Spans, workers: Sequence[WorkerView]) -> Check:
    length_s = one.due_t - from_t
    looked_s = watched.seconds_between(from_t, one.due_t)
    heard_s = answered.seconds_between(from_t, one.due_t)
    if looked_s <= 0:
        return replace(one, result="SKIPPED", because="nobody was watching")
    if heard_s < length_s / 2:
        return replace(
            one, result="UNKNOWN", because=f"only {heard_s:.0f} of {length_s:.0f} s were observed answering"
        )
    showing = [
        f"w{worker.slot} {component.title}"
        for worker in workers
        for component in worker.components
        if component.state is ComponentState.ACTIVE
        or (component.state is ComponentState.STALLED and _grew_since(component, from_t))
    ]
    if showing:
        more = f" and {len(showing) - 3} more" if len(showing) > 3 else ""
        return replace(one, result="PASS", because=f"showing: {', '.join(showing[:3])}{more}")
    lost = [
        f"w{worker.slot} {component.title}"
        for worker in workers
        for component in worker.components
        if component.bearing == "showing" and component.state not in SILENT and _grew_since(component, from_t)
    ]
    if lost:
        return replace(one, result="UNKNOWN", because=f"showed in the interval, not seen at its end: {lost[0]}")
    silent = {
        worker.slot
        for worker in workers
        for component in worker.components
        if component.state in SILENT or component.bearing == "silent"
    }
    if silent:
        return replace(one, result="FAIL", because=f"every component silent on {len(silent)}/{len(workers)} workers")
    return replace(one, result="UNKNOWN", because="no worker's components could be seen")


def _grew_since(component: ComponentView, from_t: float) -> bool:
    return component.last_grew_t is not None and component.last_grew_t > from_t


def view(track: GateTrack, t: float, started_at: float, config: Config) -> Gate:
    """Project the clock: which phase it is and when the next begins."""
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
