"""Who has seen which alert, told in the Samples: so it is recorded, and every monitor of the run hears it."""

from __future__ import annotations

from dataclasses import replace

from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.model.sample import Event, Sample
from metabonk_tui.core.ports.live import Clock


class Acknowledgements:
    """Takes acknowledgements in and gives them to the next Sample. All of it belongs to the engine's thread."""

    def __init__(self, clock: Clock) -> None:
        """Begin with none."""
        self._clock = clock
        self._pending_events: list[Event] = []

    def add(self, ids: tuple[str, ...], by: str) -> None:
        """Note that somebody has seen these alerts."""
        if ids:
            text = f"seen by {by}: {', '.join(ids)}"
            facts = {"ids": list(ids), "by": by}
            self._pending_events.append(
                Event(self._clock.now(), EventKind.ALERT_ACKNOWLEDGED, "info", text, facts=facts)
            )

    def contribute(self, sample: Sample) -> Sample:
        """Add what was noted."""
        if not self._pending_events:
            return sample
        events, self._pending_events = tuple(self._pending_events), []
        return replace(sample, events=(*sample.events, *events))
