"""Adds one tick to the history of its run by the minute."""

from __future__ import annotations

from metabonk_tui.core.model.condition import WorkerCondition, condition
from metabonk_tui.core.model.host_view import gravest
from metabonk_tui.core.model.minutes import RunMinutes
from metabonk_tui.core.model.worker import ComponentState
from metabonk_tui.core.run import minutes
from metabonk_tui.core.step.state import Tick

SOUND = frozenset({ComponentState.ACTIVE, ComponentState.RESTING, ComponentState.STALLED})
"""States of components that leave a worker OK; STALLED does so where a component stands by design."""


def observe_minutes(tick: Tick) -> RunMinutes:
    """Return the history including this tick. A run that is over has no further minutes."""
    known, t = tick.before.minutes, tick.timing.t
    if tick.now.ending.end is not None:
        return known
    worst = None
    if minutes.is_due(known, t, has_events=tick.events.emitted > 0):
        worst = WorkerCondition.OK if _is_sound(tick) else max(map(condition, tick.workers), default=None)
    return minutes.observe(
        known,
        t,
        t - tick.now.run.started_at,
        tick.verdict.level,
        worst,
        gravest(tick.hosts).memory.available_bytes,
        after_gap=tick.previous is None or tick.timing.gap is not None,
    )


def _is_sound(tick: Tick) -> bool:
    """Return whether it is known without their views that all workers are OK: most pools, at most times."""
    inputs, record = tick.inputs, tick.now.record
    if len(tick.hosts) > 1 or not inputs.calm or not record.workers or record.silent or not record.states <= SOUND:
        return False
    if not all([group.stands for group in record.silence]):
        return False
    t, window_s = tick.timing.t, tick.config.verdict.active_window_s
    return all([track.stepped_t is None or t - track.stepped_t < window_s for track in tick.now.tracks.values()])
