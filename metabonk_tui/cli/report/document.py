"""Defines the content of a report as blocks, which text, Markdown and HTML render.

Does not: format anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from msgspec import Struct

from metabonk_tui.core.model.level_names import Level
from metabonk_tui.core.report.run_history import RunHistory

Tone = Literal["", "ok", "info", "warn", "crit", "unknown", "muted", "strong"]
"""The emphasis of a cell. The text alone carries the meaning; the tone only adds colour."""

COMMANDS = ("confirm",)


class TableCell(Struct, frozen=True):
    text: str
    tone: Tone = ""


class Paragraph(Struct, frozen=True):
    """One or more sentences."""

    text: str
    tone: Tone = ""


class Table(Struct, frozen=True):
    """Rows under column heads; without `heads` there is no head row."""

    heads: tuple[str, ...]
    rows: tuple[tuple[TableCell, ...], ...]
    numbers: tuple[int, ...] = ()
    """Indexes of the columns with numbers, which are right-aligned."""
    prose: bool = True
    """The last column has the long text and takes the remaining width."""


class EntryBlock(Struct, frozen=True):
    """A statement with labelled details."""

    lead: str
    """The text before the statement, such as a confidence."""
    text: str
    more: tuple[tuple[str, str], ...] = ()
    """(label, text); the text of a label in `COMMANDS` is a shell command."""
    tone: Tone = ""


class CommandBlock(Struct, frozen=True):
    """A suggested action and its shell command, if it has one."""

    text: str
    command: str | None


class ChartBlock(Struct, frozen=True):
    """A chart of the run, which only HTML draws: "timeline", "memory", "workers", "components"."""

    name: str


Block = Paragraph | Table | EntryBlock | CommandBlock | ChartBlock


class ReportSection(Struct, frozen=True):
    """A title, a note beside it, and the blocks under it."""

    id: str
    title: str
    blocks: tuple[Block, ...]
    note: str = ""


class RunPage(Struct, frozen=True):
    """The report of one run."""

    title: str
    facts: tuple[str, ...]
    word: str
    level: Level
    headline: str
    """The verdict, since when, and the first reason."""
    more: tuple[str, ...]
    """The other reasons."""
    sections: tuple[ReportSection, ...]
    history: RunHistory


class Document(Struct, frozen=True):
    """All runs, oldest first; `headline` is that of the last run."""

    headline: str
    summary: str
    """The verdicts of several runs in order; "" for a single run."""
    pages: tuple[RunPage, ...]


def cells(*texts: str | TableCell) -> tuple[TableCell, ...]:
    """Return a table row; a string becomes a plain cell."""
    return tuple(one if isinstance(one, TableCell) else TableCell(one) for one in texts)


def filled(sections: Sequence[ReportSection]) -> Iterator[ReportSection]:
    """Yield the sections that have at least one block."""
    yield from (one for one in sections if one.blocks)
