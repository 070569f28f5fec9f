"""Declares the interface to files about one moment of a run: its hand-over, its slice, its picture."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct


class MomentSlice(Struct, frozen=True):
    """A recording that shows one moment of a run."""

    recording: str = ""
    """What `replay` opens: a file, or the name of a run; "" for none."""
    note: str = ""
    """What the recording is, or why there is none."""


class ClipboardProblem(Struct, frozen=True):
    """Why a text that is sent to the terminal reaches no clipboard."""

    what: str
    """What stands in the way, in a word or two: "tmux"."""
    advice: str
    """What helps, or more on the reason."""


class MomentFiles(Protocol):
    """Writes files about one moment. Every call may block for seconds: call it on a background thread."""

    def write_slice(self, run: str, t: float, stem: str) -> MomentSlice:
        """Export what shows the moment `t` of a run: its minutes whole, the time before in steps."""
        ...

    def write_text(self, name: str, text: str) -> str:
        """Write a private text file; return its path. Raises OSError. A name that is taken gets a number."""
        ...

    def replay_command(self, recording: str, *options: str) -> str:
        """Return the shell command that opens a recording with these options of `replay`."""
        ...

    def clipboard_problem(self) -> ClipboardProblem | None:
        """Return why a text sent to the terminal does not reach a clipboard; None where it may."""
        ...
