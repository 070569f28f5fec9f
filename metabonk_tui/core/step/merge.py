"""Merges Samples: the newest readings, and every reading that only one of them had. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from metabonk_tui.core.model.sample import KernelLogReading, Sample
from metabonk_tui.core.model.sample_fields import EACH_TICK


def merge_samples(earlier: Sample | None, sample: Sample, keep_events: int) -> Sample:
    """Add an earlier Sample's one-time fields to a Sample; keep the newest `keep_events` events of both."""
    if earlier is None:
        return sample
    kept: dict[str, Any] = {}
    for item in fields(Sample):
        before, now = getattr(earlier, item.name), getattr(sample, item.name)
        if item.name in EACH_TICK or before is None:
            continue
        if item.name == "events":
            kept[item.name] = (*before, *now)[-keep_events:]
        elif item.name == "exits":
            kept[item.name] = (*before, *now)
        elif isinstance(before, Mapping):
            kept[item.name] = {**before, **now}
        elif now is None:
            kept[item.name] = before
        elif isinstance(before, KernelLogReading):
            kept[item.name] = replace(now, kills=(*before.kills, *now.kills))
    return replace(sample, **kept)
