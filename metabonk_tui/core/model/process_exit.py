"""Declares how one process ended: the reason, its evidence, and the exit code where known."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from metabonk_tui.core.model.level_names import Severity

ExitReason = Literal[
    "OOM-killed",
    "probably OOM",
    "killed",
    "stopped by us",
    "exited",
    "end of the run",
    "unknown",
    "preempted",
    "out of time",
    "cancelled",
    "node failed",
    "killed by Ray",
]
"""The last five are the words of an engine that places the workers."""
_SHELL = 128
"""A shell reports a child that signal N ended as 128 + N."""
_SIGNALS = (1, 2, 3, 4, 6, 7, 8, 9, 11, 13, 14, 15)


class ProcessExit(Struct, frozen=True):
    """How a process ended, by the strongest evidence so far."""

    reason: ExitReason
    evidence: str
    """The source of the reason, for display."""
    t: float
    """When the monitor first missed the process."""
    exit_code: int | None = None
    """The logged code. A signal N is -N, or 128 + N through a shell."""
    signal: int | None = None
    strength: int = 0
    """Rank of the evidence. Weaker evidence never replaces stronger."""

    @property
    def text(self) -> str:
        """A short label: "killed (signal 9)", "exited 3", "OOM-killed"."""
        if self.reason == "killed":
            return f"killed (signal {self.signal})"
        if self.reason == "exited":
            return f"exited {self.exit_code}"
        return "cause unknown" if self.reason == "unknown" else self.reason

    @property
    def severity(self) -> Severity:
        """How grave it is: what we or the end of the run ended is expected."""
        if self.reason in ("OOM-killed", "probably OOM"):
            return "crit"
        return "info" if self.reason in ("stopped by us", "end of the run") or self.exit_code == 0 else "warn"


def split_exit_code(code: int) -> tuple[int, int | None]:
    """Split a logged exit code into (code, signal): -9, and 137 through a shell, are signal 9."""
    if code < 0:
        return code, -code
    number = code - _SHELL
    return code, number if number in _SIGNALS else None
