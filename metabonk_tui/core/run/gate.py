"""Judges the clock of a run and the six checks of its gate. No check can pass without evidence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.model.sample import Event
from metabonk_tui.core.model.snapshot import Check, CheckPart, Gate, GateKind, Phase, needed_checks
from metabonk_tui.core.model.worker import ComponentState, ComponentView, WorkerView
from metabonk_tui.core.text.phrases import cut_list
from metabonk_tui.core.timeseries.window import Spans
from metabonk_tui.core.worker.component import SILENT
from metabonk_tui.core.worker.due import never_shown, unobserved
from metabonk_tui.core.worker.record import SHOWING

OBSERVED = (*SHOWING, *SILENT)
"""States in which a component shows or is silent: it could be observed."""


class GateTrack(Struct, frozen=True):
    """When start-up ended, and the results of the checks of the newest gate."""

    began_t: float | None = None
    checks: tuple[Check, ...] = ()
    kind: GateKind = "first"
    start_up_ended_t: float | None = None
    is_requested: bool = False
    """An act asked to take the gate again; the next sample decides whether it is."""
    queued_t: float | None = None
    """Until when every wanted worker waited for a place on a cluster, so that none could answer; None: never."""

    def clock_t(self, started_at: float) -> float:
        """Return from when the clock of the run counts: hours in a queue are no fault of a worker."""
        return started_at if self.queued_t is None else max(started_at, self.queued_t)


def begin(track: GateTrack, t: float, started_at: float, all_answered: bool, config: Config) -> GateTrack:
    """End start-up when every wanted worker has answered, or after the grace of the configuration."""
    if track.began_t is not None:
        return track
    limit_t = track.clock_t(started_at) + config.clock.startup_grace_s
    if t >= limit_t:
        began_t = limit_t
    elif all_answered:
        began_t = t
    else:
        return track
    return _gate_from(replace(track, start_up_ended_t=began_t), began_t, "first", config)


def wait_for_place(track: GateTrack, t: float) -> GateTrack:
    """Note that at `t` every wanted worker waits for a place: start-up has not begun."""
    return track if track.began_t is not None else replace(track, queued_t=t)


def _gate_from(track: GateTrack, began_t: float, kind: GateKind, config: Config) -> GateTrack:
    every_s = config.clock.validation_s / config.clock.checks
    checks = tuple(Check(n, began_t + n * every_s, "TO COME") for n in range(1, config.clock.checks + 1))
    return replace(track, began_t=began_t, checks=checks, kind=kind, is_requested=False)


def begin_late(track: GateTrack, t: float, watched: Spans, config: Config) -> GateTrack:
    """Start the gate again at `t`, when watching begins, if too little of it was watched or still can be.

    Four of six checks must be observed, the last one among them.
    """
    if track.began_t is None:
        return track
    length_s = config.clock.validation_s / config.clock.checks
    kept = [check for check in track.checks if check.observed or _can_be_observed(check, t, watched, length_s)]
    if len(kept) >= needed_checks(len(track.checks)) and track.checks[-1] in kept:
        return track
    return _gate_from(track, t, "late", config)


def _can_be_observed(check: Check, t: float, watched: Spans, length_s: float) -> bool:
    if check.result != "TO COME" or check.due_t <= t:
        return False
    from_t = check.due_t - length_s
    return watched.seconds_between(from_t, t) + check.due_t - max(t, from_t) >= length_s / 2


def request(track: GateTrack, events: Iterable[Event]) -> GateTrack:
    """Note an act that asks to take the gate again."""
    if any(event.kind == EventKind.GATE_AGAIN for event in events):
        return replace(track, is_requested=True)
    return track


def again_refusal(gate: Gate, t: float) -> str:
    """Return why a gate cannot be taken again; "" when it can."""
    if gate.began_t is None:
        return "the gate has not begun"
    if not gate.has_ended(t):
        return "the gate is still under way"
    return "the gate has passed" if gate.has_passed else ""


def begin_again(track: GateTrack, t: float, config: Config) -> GateTrack:
    """Take a gate again that was asked for, if it has ended and has not passed."""
    if not track.is_requested:
        return track
    if again_refusal(view(track, t, t, config), t):
        return replace(track, is_requested=False)
    return _gate_from(track, t, "again", config)


class WorkersAt(Struct, frozen=True):
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
    if not any([gate_check.result == "TO COME" and now.t >= gate_check.due_t for gate_check in track.checks]):
        return track, ()
    every_s = config.clock.validation_s / config.clock.checks
    judged = []
    checks = []
    for gate_check in track.checks:
        if gate_check.result == "TO COME" and now.t >= gate_check.due_t:
            # A view from after the gap proves nothing about a check that came due within it.
            seen = now if before_gap is None or now.t == gate_check.due_t else before_gap
            gate_check = _judge(gate_check, every_s, watched, answered, seen, stale_s)
            judged.append(gate_check)
        checks.append(gate_check)
    return replace(track, checks=tuple(checks)), tuple(judged)


def _judge(
    gate_check: Check, length_s: float, watched: Spans, answered: Spans, seen: WorkersAt, stale_s: float
) -> Check:
    """Return the check with the first result that fits."""
    from_t = gate_check.due_t - length_s
    looked_s = watched.seconds_between(from_t, gate_check.due_t)
    answered_s = answered.seconds_between(from_t, gate_check.due_t)
    if looked_s <= 0:
        return replace(gate_check, result="SKIPPED", because="no monitor watched")
    is_end_seen = gate_check.due_t - seen.t <= stale_s
    gate_check = replace(gate_check, observed=looked_s >= length_s / 2 and is_end_seen)
    if answered_s < length_s / 2:
        because = f"only {answered_s:.0f} of {length_s:.0f} s were observed answering"
        return replace(gate_check, result="UNKNOWN", because=because)
    all_seen = [(worker, component) for worker in seen.workers for component in worker.components]
    if not is_end_seen or not any(component.state in OBSERVED for _, component in all_seen):
        return replace(gate_check, result="UNKNOWN", because="no worker's components could be seen at its end")
    gate_check = replace(gate_check, parts=_parts(seen.workers))
    # The first interval has no predecessor to which growth in its very first moment would belong.
    is_first = gate_check.n == 1
    showing = [
        f"{worker.ref.label} {component.title}"
        for worker, component in all_seen
        if component.state is ComponentState.RESTING
        or (component.state is ComponentState.ACTIVE and _grew_since(component, from_t, or_at=is_first))
    ]
    if not showing:
        silent = {worker.slot for worker, component in all_seen if component.state in OBSERVED}
        many = f"{len(silent)}/{len(seen.workers)}"
        return replace(gate_check, result="FAIL", because=f"every component silent on {many} workers")
    missing = never_shown(seen.workers)
    if missing:
        return replace(gate_check, result="PARTIAL", because=f"never shown on any worker: {', '.join(missing)}")
    unseen = unobserved(seen.workers)
    if unseen:
        return replace(gate_check, result="UNKNOWN", because=f"this source does not see {', '.join(unseen)}")
    return replace(gate_check, result="PASS", because=f"showing: {cut_list(showing, 3)}")


_BEST = (
    *(*SHOWING, ComponentState.STALLED, ComponentState.UNPROVEN, ComponentState.ZERO),
    *(ComponentState.BAD, ComponentState.ABSENT, ComponentState.UNOBSERVED),
)
"""States of a component, the one that proves most first."""


def _parts(workers: Sequence[WorkerView]) -> tuple[CheckPart, ...]:
    """Return each component that is due in validation with its state on the worker on which it does best."""
    states: dict[str, list[ComponentState]] = {}
    for worker in workers:
        for component in worker.components:
            if component.due == "validation":
                states.setdefault(component.label, []).append(component.state)
    return tuple(
        CheckPart(label, next((state for state in _BEST if state in seen), seen[0])) for label, seen in states.items()
    )


def _grew_since(component: ComponentView, from_t: float, *, or_at: bool) -> bool:
    grew_t = component.last_grew_t
    return grew_t is not None and (grew_t > from_t or (or_at and grew_t == from_t))


def view(track: GateTrack, t: float, started_at: float, config: Config) -> Gate:
    """Return the phase of the run at `t`, the times of the gate, and its checks."""
    clock = config.clock
    began_t = track.began_t
    started_at = track.clock_t(started_at)
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
        kind=track.kind,
        start_up_ended_t=track.start_up_ended_t,
    )
