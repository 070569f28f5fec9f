"""Declares lines and windows of logs. Does not: parse; the first picture loads these types and no pattern."""

from __future__ import annotations

from typing import Literal, NamedTuple

from msgspec import Struct

from metabonk_tui.core.model.refs import WorkerRef

MERGED = "merged"
"""The name of all logs together."""

LineLevel = Literal["", "error", "warning", "trace", "poll", "note"]
""""trace": part of a traceback, above its exception. "poll": an answered poll. "note": the monitor's own words."""
LOUD: frozenset[LineLevel] = frozenset({"error", "warning", "trace", "note"})
"""What remains where only errors and warnings are shown: a traceback belongs to its error."""


class LineId(NamedTuple):
    """Names a line while its file is followed, also when lines come before and after it."""

    source: str
    """The name of its log: "w0", "launch"."""
    epoch: int
    """How many times the file was replaced or truncated since it is followed."""
    offset: int
    """Where the line begins, in bytes."""


class LogLine(Struct, frozen=True, gc=False):
    """One line of a log."""

    id: LineId
    text: str
    """Masked, cleaned, at most `LINE_CHARACTERS` characters."""
    bytes: int
    """Its length in the file, without its end of line."""
    t: float | None = None
    """The time that it states, in Unix seconds on the run's clock; None: it states none."""
    seen_t: float | None = None
    """When the monitor first saw a line without a time, or the process that it names; None: it was there before."""
    level: LineLevel = ""
    begins: int = 0
    """Where its message begins in `text`, after its time and the name of its worker."""
    is_partial: bool = False
    """Its end of line is not written yet."""
    is_cut: bool = False
    """Longer than `text`."""

    @property
    def message(self) -> str:
        """Its text after the time and the name of its worker."""
        return self.text[self.begins :]


class LogPlace(Struct, frozen=True):
    """Where the log of one process is looked for."""

    name: str
    """For people: "w0", "launch", "orch", "ollama"."""
    ref: WorkerRef | None = None
    """The worker; None: another process."""
    pid: int | None = None
    started_at: float | None = None
    """On the run's clock. A pid without a start time is not trusted as a local process."""
    paths: tuple[str, ...] = ()
    """Files, in the order in which they are looked for after what the process has open."""
    otherwise: str = ""
    """Where its lines are when no file is found; "": not known."""


class LogWindow(Struct, frozen=True):
    """The part of one log that is in memory."""

    place: LogPlace
    path: str = ""
    """Where it was found; "": nowhere."""
    problem: str = ""
    """Why nothing is read; "": it is read."""
    size_bytes: int = 0
    begin_byte: int = 0
    end_byte: int = 0
    changed_t: float = 0.0
    """When the file was last written, on the run's clock, at the last reading."""
    lines: tuple[LogLine, ...] = ()
    searched_to: int | None = None
    """The offset to which a search outside this part has found nothing; None: it found a line, or none was made."""

    @property
    def has_older(self) -> bool:
        """Whether the file has lines before these."""
        return self.begin_byte > 0

    @property
    def has_newer(self) -> bool:
        """Whether the file has lines after these."""
        return self.end_byte < self.size_bytes
