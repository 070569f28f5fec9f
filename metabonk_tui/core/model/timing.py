"""Declares the time of one tick: its observed seconds, and the limits that depend on the sample interval."""

from __future__ import annotations

from msgspec import Struct

from metabonk_tui.core.model.snapshot import Gap


class Timing(Struct, frozen=True):
    """Times and limits of one tick, in seconds. `t` is Unix seconds on the run's clock."""

    t: float
    elapsed_s: float
    """Observed time since the previous sample; 0 over a gap."""
    gap: Gap | None
    """The gap that this sample ends."""
    gap_s: float
    """A longer interval between two samples is a gap."""
    nominal_s: float
    """The usual time between samples."""
    stale_s: float
    """An older answer is stale."""
    slack_s: float
    """Largest delay between a kill and the disappearance of its victim."""
    late_s: float
    """Largest delay with which a log reports an exit."""
    starting: bool
    """Start-up has not ended yet."""
    suspended: bool
    """The pool is starting or changing, so no forecast is made."""
    run_age_s: float = 0.0
