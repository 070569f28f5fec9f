"""Declares how a run ended: the reason, its evidence, and when the run was last seen."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

EndReason = Literal[
    "stopped by us",
    "stopped",
    "replaced",
    "service died",
    "worker died",
    "killed by the kernel",
    "machine restarted",
    "unknown",
]
RESTARTED = "the machine was restarted"
"""The clause for a run that a restart of its machine cut off."""
_KEEPS_VERDICT: tuple[EndReason, ...] = ("stopped by us", "stopped", "replaced")


class RunEnd(Struct, frozen=True):
    """How a run ended, by the strongest evidence so far."""

    reason: EndReason
    text: str
    """A clause with its evidence: "orchestrator exited with -9 and took the stack down"."""
    t: float
    """When the pool was first missing."""
    last_seen_t: float
    """When a worker or a process of the pool was last seen."""

    @property
    def keeps_verdict(self) -> bool:
        """Whether a person ended the run; any other end is a STOP."""
        return self.reason in _KEEPS_VERDICT
