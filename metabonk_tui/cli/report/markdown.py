"""Writes a report as Markdown for an issue. Escapes text from outside, so that it cannot become markup."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from metabonk_tui.cli.report.document import (
    COMMANDS,
    Block,
    CommandBlock,
    EntryBlock,
    Paragraph,
    RunPage,
    Table,
    TableCell,
)
from metabonk_tui.cli.report.sections import document
from metabonk_tui.core.report.run_history import RunHistory

SPECIAL = re.compile(r"[\\`*\[\]<|~&$]|(?<!\w)_|_(?!\w)|(?<!\w)#")
"""Characters that may start markup within a line."""
BEGINNING = re.compile(r"^(\d*)([-+=>.)])")
"""Characters that may start markup at the beginning of a line."""
LOUD = ("crit", "strong")


def report_markdown(histories: Sequence[RunHistory]) -> str:
    """Write several runs, the headline first."""
    whole = document(histories)
    parts = [f"# {escaped(whole.headline)}"]
    if whole.summary:
        parts.append(escaped(whole.summary))
    for page in whole.pages:
        parts += _page(page, headline=len(whole.pages) > 1)
    return "\n\n".join(parts)


def escaped(text: str) -> str:
    """Escape markup, and break `@name` so that GitHub notifies no user."""
    flat = SPECIAL.sub(r"\\\g<0>", " ".join(text.split()))
    return BEGINNING.sub(r"\1\\\2", flat).replace("@", "@\u200b")


def code(text: str) -> str:
    """Write inline code, with a fence longer than any run of backticks in the text."""
    flat = " ".join(text.split())
    longest = max((len(run) for run in re.findall(r"`+", flat)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if flat.startswith("`") or flat.endswith("`") or not flat else ""
    return f"{fence}{pad}{flat}{pad}{fence}"


def _page(page: RunPage, headline: bool) -> Iterator[str]:
    yield "## " + escaped(" · ".join((page.title, *page.facts)))
    if headline:
        yield f"**{escaped(page.headline)}**"
    if page.more:
        yield "\n".join(f"- {escaped(sentence)}" for sentence in page.more)
    for section in page.sections:
        note = f", {section.note}" if section.note else ""
        yield "### " + escaped(section.title[0].upper() + section.title[1:] + note)
        short = section.id in ("short", "gaps")
        blocks = [_block(block, listed=short) for block in section.blocks]
        yield from _joined([written for written in blocks if written])


def _joined(blocks: Sequence[str]) -> Iterator[str]:
    """Join adjacent list items into one block."""
    for listed, some in groupby(blocks, key=lambda written: written.startswith("- ")):
        few = list(some)
        yield from ["\n".join(few)] if listed else few


def _block(block: Block, listed: bool) -> str:
    if isinstance(block, Paragraph):
        return ("- " if listed else "") + escaped(block.text)
    if isinstance(block, Table):
        return "\n".join(_table(block))
    if isinstance(block, EntryBlock):
        more = "".join(f"\n  - {escaped(label)}: {_more(label, text)}" for label, text in block.more)
        return f"- **{escaped(block.lead)}** {escaped(block.text)}{more}"
    if isinstance(block, CommandBlock):
        return f"- {escaped(block.text)}" + (f": {code(block.command)}" if block.command else "")
    return ""


def _more(label: str, text: str) -> str:
    return code(text) if label in COMMANDS else escaped(text)


def _table(table: Table) -> Iterator[str]:
    if not table.rows:
        return
    columns = max(len(row) for row in (*table.rows, table.heads))
    yield _row([escaped(head) for head in table.heads] + [""] * (columns - len(table.heads)))
    yield _row(["---:" if place in table.numbers else "---" for place in range(columns)])
    for row in table.rows:
        yield _row([_cell(cell) for cell in row] + [""] * (columns - len(row)))


def _row(texts: Sequence[str]) -> str:
    return "| " + " | ".join(texts) + " |"


def _cell(cell: TableCell) -> str:
    text = escaped(cell.text)
    return f"**{text}**" if cell.tone in LOUD and text else text
