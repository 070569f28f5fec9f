"""Adds what happens to the control of the pool to the Samples, and sets in the role whether the watch is armed.

Does not: decide whether this monitor yields; the role does, so that a stalled screen cannot delay it.
"""

from __future__ import annotations

from msgspec.structs import replace

from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.model.sample import Event, Sample
from metabonk_tui.core.ports.live import Clock, ControlRole


class Control:
    """The role of this monitor, as a part of the engine; None: it never acts."""

    def __init__(self, role: ControlRole | None, clock: Clock) -> None:
        self._role = role
        self._clock = clock

    def contribute(self, sample: Sample) -> Sample:
        """Add an event for each request, answer and return since the last Sample."""
        if self._role is None:
            return sample
        watch = sample.watch
        self._role.watch_armed = watch is not None and watch.armed and not watch.dry_run
        news = self._role.take_news()
        if not news:
            return sample
        t = self._clock.now()
        events = (Event(t, EventKind.POOL_CONTROL, part.severity, part.text) for part in news)
        return replace(sample, events=(*sample.events, *events))
