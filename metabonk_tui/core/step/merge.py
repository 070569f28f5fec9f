"""Merges Samples: the newest readings, and every reading that only one of them had. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from metabonk_tui.core.model.host import HostReading, KernelLogReading
from metabonk_tui.core.model.sample import Sample
from metabonk_tui.core.model.sample_fields import EACH_TICK


def merge_samples(earlier: Sample | None, sample: Sample, keep_events: int) -> Sample:
    """Add an earlier Sample's one-time fields to a Sample; keep the newest `keep_events` events of both."""
    if earlier is None:
        return sample
    kept = _kept(earlier, sample)
    kept["events"] = (*earlier.events, *sample.events)[-keep_events:]
    kept["hosts"] = {
        name: replace(sample.host(name), **_kept(earlier.host(name), sample.host(name)))
        for name in (*earlier.hosts, *(name for name in sample.hosts if name not in earlier.hosts))
    }
    return replace(sample, **kept)


def _kept(earlier: Sample | HostReading, later: Sample | HostReading) -> dict[str, Any]:
    """Return the one-time fields of `later` with those of `earlier` added."""
    kept: dict[str, Any] = {}
    for name in earlier.__struct_fields__:
        before, now = getattr(earlier, name), getattr(later, name)
        if name in EACH_TICK or before is None:
            continue
        if name == "exits":
            kept[name] = (*before, *now)
        elif isinstance(before, Mapping):
            kept[name] = {**before, **now}
        elif now is None:
            kept[name] = before
        elif isinstance(before, KernelLogReading):
            kept[name] = replace(
                now, kills=(*before.kills, *now.kills), gpu_faults=(*before.gpu_faults, *now.gpu_faults)
            )
    return kept
