"""Writes a report as plain text, 100 columns wide. Does not: use colours or the terminal's width."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from metabonk_tui.cli.report.document import Block, CommandBlock, EntryBlock, Paragraph, RunPage, Table
from metabonk_tui.cli.report.sections import document
from metabonk_tui.core.report.run_history import RunHistory

WIDTH = 100
LEAST_LAST = 24
"""The smallest width of the last column, in characters."""


def report_text(histories: Sequence[RunHistory]) -> str:
    """Write several runs; the headline on top is that of the last run."""
    whole = document(histories)
    lines = _wrapped(whole.headline, "")
    if whole.summary:
        lines.append(whole.summary)
    for page in whole.pages:
        lines += ["", *_page(page, headline=len(whole.pages) > 1)]
    return "\n".join(lines)


def _page(page: RunPage, headline: bool) -> Iterator[str]:
    yield " · ".join((page.title, *page.facts))
    if headline:
        yield from _wrapped(page.headline, "  ")
    for sentence in page.more:
        yield from _wrapped(sentence, "    ")
    for section in page.sections:
        title = section.title.upper()
        yield f"  {title}" + (f"  {section.note}" if section.note else "")
        for block in section.blocks:
            yield from _block(block)


def _block(block: Block) -> Iterator[str]:
    if isinstance(block, Paragraph):
        yield from _wrapped(block.text, "    ")
    elif isinstance(block, Table):
        yield from _table(block)
    elif isinstance(block, EntryBlock):
        yield from _wrapped(f"{block.lead} {block.text}", "    ")
        for label, text in block.more:
            yield from _wrapped(f"{label}: {text}", "         ")
    elif isinstance(block, CommandBlock):
        # Never wrapped: the user copies it into a shell.
        yield f"    {block.text}" + (f": {block.command}" if block.command else "")


def _table(table: Table) -> Iterator[str]:
    rows = [[cell.text for cell in row] for row in table.rows]
    heads = [list(table.heads)] if any(table.heads) else []
    grid = heads + rows
    if not grid:
        return
    columns = max(len(row) for row in grid)
    widths = [max(len(row[place]) for row in grid if place < len(row)) for place in range(columns)]
    for row in grid:
        placed = [
            cell.rjust(width) if place in table.numbers else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row[:-1], widths, strict=False))
        ]
        before = "    " + "".join(f"{cell}  " for cell in placed)
        last = row[-1].rjust(widths[-1]) if columns - 1 in table.numbers else row[-1]
        room = max(LEAST_LAST, WIDTH - len(before))
        for place, line in enumerate(_lines(last, room) or [""]):
            yield (before + line if place == 0 else " " * len(before) + line).rstrip()


def _lines(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False, drop_whitespace=True)


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent + "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
