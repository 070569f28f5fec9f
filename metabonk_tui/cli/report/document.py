"""What a report says, as blocks that text, Markdown and HTML each write in their own way.

Knows runs; refuses to know how any of the three looks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from metabonk_tui.core.model.levels import Level
from metabonk_tui.core.report.run_history import RunHistory

Tone = Literal["", "ok", "info", "warn", "crit", "unknown", "muted", "strong"]
"""How loud a cell is; what it says always stands in words, too."""

COMMANDS = ("confirm",)


@dataclass(frozen=True, slots=True)
class TableCell:
    """One cell of a table."""

    text: str
    tone: Tone = ""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One sentence or some."""

    text: str
    tone: Tone = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under heads. No heads: none are needed."""

    heads: tuple[str, ...]
    rows: tuple[tuple[TableCell, ...], ...]
    numbers: tuple[int, ...] = ()
    """The columns that hold numbers."""
    prose: bool = True
    """What is long stands in the last column, and it gets what room there is."""


@dataclass(frozen=True, slots=True)
class EntryBlock:
    """Something with more to it."""

    lead: str
    """In front of it: a rank, a confidence."""
    text: str
    more: tuple[tuple[str, str], ...] = ()
    """(label, text); what a label of `COMMANDS` says can be run."""
    tone: Tone = ""


@dataclass(frozen=True, slots=True)
class CommandBlock:
    """Something to do, and how."""

    text: str
    command: str | None


@dataclass(frozen=True, slots=True)
class ChartBlock:
    """A chart of the run, where the medium can draw: "timeline", "memory", "workers", "components"."""

    name: str


Block = Paragraph | Table | EntryBlock | CommandBlock | ChartBlock


@dataclass(frozen=True, slots=True)
class ReportSection:
    """A title, a note beside it, and what stands under it."""

    id: str
    title: str
    blocks: tuple[Block, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class RunPage:
    """One run."""

    title: str
    facts: tuple[str, ...]
    word: str
    level: Level
    headline: str
    """The word, since when, and why."""
    more: tuple[str, ...]
    """The rest of why."""
    sections: tuple[ReportSection, ...]
    history: RunHistory


@dataclass(frozen=True, slots=True)
class Document:
    """All runs, oldest first; the last one's headline is the whole's."""

    headline: str
    summary: str
    """How several runs followed each other; "" for one."""
    pages: tuple[RunPage, ...]


def cells(*texts: str | TableCell) -> tuple[TableCell, ...]:
    """Make a row."""
    return tuple(one if isinstance(one, TableCell) else TableCell(one) for one in texts)


def filled(sections: Sequence[ReportSection]) -> Iterator[ReportSection]:
    """Leave out what has nothing under it."""
    yield from (one for one in sections if one.blocks)
