"""The end of one process, as a value: a word, what it stands on, and the exit code where one is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ExitReason = Literal["OOM-killed", "probably OOM", "killed", "stopped by us", "exited", "unknown"]
_SHELL = 128
"""A shell reports a child that signal N ended as 128 + N."""
_SIGNALS = (1, 2, 3, 4, 6, 7, 8, 9, 11, 13, 14, 15)


@dataclass(frozen=True, slots=True)
class ProcessExit:
    """How a process ended, as far as it is known."""

    reason: ExitReason
    evidence: str
    """What says so, for people."""
    t: float
    """When it was first seen to be gone."""
    exit_code: int | None = None
    """As it was told: negative, or 128 + N through a shell, for a signal."""
    signal: int | None = None
    strength: int = 0
    """Of the evidence: what is weaker never replaces it."""

    @property
    def text(self) -> str:
        """Say it short: "killed (signal 9)", "exited 3", "OOM-killed"."""
        if self.reason == "killed":
            return f"killed (signal {self.signal})"
        if self.reason == "exited":
            return f"exited {self.exit_code}"
        return "cause unknown" if self.reason == "unknown" else self.reason


def split_exit_code(code: int) -> tuple[int, int | None]:
    """Split what a launcher logs into (code, signal): -9, and 137 through a shell, are signal 9."""
    if code < 0:
        return code, -code
    number = code - _SHELL
    return code, number if number in _SIGNALS else None
