"""Events: what people are shown of them."""

from __future__ import annotations

from collections.abc import Iterable

from metabonk_tui.core.model.sample import Event


def without_duplicates(events: Iterable[Event]) -> tuple[Event, ...]:
    """Leave out the alerts whose beginning another event told already: for people, the same news twice is noise."""
    return tuple(event for event in events if "twin" not in event.facts)
