"""The time of one tick: how much of it was observed, and the limits that follow from how often samples come."""

from __future__ import annotations

from dataclasses import dataclass

from metabonk_tui.core.model.snapshot import Gap


@dataclass(frozen=True, slots=True)
class Timing:
    """Computed once a tick, from the run and the configuration. Seconds; `t` is Unix seconds on the run's clock."""

    t: float
    elapsed_s: float
    """Observed time since the sample before; 0 over a gap."""
    gap: Gap | None
    """The gap that this sample ends."""
    gap_s: float
    """A longer hole between two samples is a gap."""
    nominal_s: float
    """The usual time between samples."""
    stale_s: float
    """An older answer is stale."""
    slack_s: float
    """How far apart a kill and the disappearance of its victim may be seen."""
    late_s: float
    """How late a log may report an exit."""
    starting: bool
    """Start-up has not ended yet."""
    suspended: bool
    """The pool starts or is being changed: nothing is forecast from that."""
