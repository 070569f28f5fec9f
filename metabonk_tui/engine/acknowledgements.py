"""Turns what an operator notes or asks into events of the next Sample, so that every monitor of the run gets them.

These acts change no process: alerts that were seen, and a gate that is taken again.
"""

from __future__ import annotations

from msgspec.structs import replace

from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.model.sample import Event, Sample
from metabonk_tui.core.ports.live import Clock


class Acknowledgements:
    """Collects acknowledgements and adds them to the next Sample. For the engine's thread only."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._pending_events: list[Event] = []

    def add(self, ids: tuple[str, ...], by: str) -> None:
        """Queue one event for these alert ids; no ids, no event. `by` names the operator or program."""
        if ids:
            text = f"seen by {by}: {', '.join(ids)}"
            facts = {"ids": list(ids), "by": by}
            self._pending_events.append(
                Event(self._clock.now(), EventKind.ALERT_ACKNOWLEDGED, "info", text, facts=facts)
            )

    def ask_gate_again(self, by: str) -> None:
        """Queue the request to take the gate again."""
        text = f"the gate is taken again, asked by {by}"
        self._pending_events.append(Event(self._clock.now(), EventKind.GATE_AGAIN, "info", text, facts={"by": by}))

    def contribute(self, sample: Sample) -> Sample:
        """Add the queued events, once."""
        if not self._pending_events:
            return sample
        events, self._pending_events = tuple(self._pending_events), []
        return replace(sample, events=(*sample.events, *events))
