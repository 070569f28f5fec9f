"""Several Samples as one: the newest readings, and everything that the others told once. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from metabonk_tui.core.model.sample import KernelLogReading, Sample

READINGS = frozenset({"t", "workers", "memory", "processes", "gpus", "pool", "watch", "lag_s"})
"""What each Sample says anew; all else is told once."""


def fold(earlier: Sample | None, sample: Sample, keep_events: int) -> Sample:
    """Add to a Sample what an earlier one told once, the newest `keep_events` events of both."""
    if earlier is None:
        return sample
    told: dict[str, Any] = {}
    for one in fields(Sample):
        before, now = getattr(earlier, one.name), getattr(sample, one.name)
        if one.name in READINGS or before is None:
            continue
        if one.name == "events":
            told[one.name] = (*before, *now)[-keep_events:]
        elif one.name == "exits":
            told[one.name] = (*before, *now)
        elif isinstance(before, Mapping):
            told[one.name] = {**before, **now}
        elif now is None:
            told[one.name] = before
        elif isinstance(before, KernelLogReading):
            told[one.name] = replace(now, kills=(*before.kills, *now.kills))
    return replace(sample, **told)
