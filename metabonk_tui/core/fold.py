"""Several Samples as one: the newest readings, and everything that the others told once. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from metabonk_tui.core.sample import Sample

READINGS = frozenset({"t", "workers", "memory", "processes", "gpus", "pool", "lag_s"})
"""What each Sample says anew; all else is told once."""


def fold(earlier: Sample | None, sample: Sample, keep_events: int) -> Sample:
    """Add to a Sample what an earlier one told once, the newest `keep_events` events of both."""
    if earlier is None:
        return sample
    told: dict[str, Any] = {}
    for one in fields(Sample):
        before, now = getattr(earlier, one.name), getattr(sample, one.name)
        if one.name in READINGS or not before:
            continue
        if one.name == "events":
            told[one.name] = (*before, *now)[-keep_events:]
        elif isinstance(before, Mapping):
            told[one.name] = {**before, **now}
        elif not now:
            told[one.name] = before
    return replace(sample, **told)
