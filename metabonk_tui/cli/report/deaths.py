"""Builds the blocks about the deaths of a run, oldest first."""

from __future__ import annotations

from metabonk_tui.cli.report.document import Block, EntryBlock, Paragraph, Table, TableCell, Tone, cells
from metabonk_tui.core.model.obituary import Obituary, same_deaths
from metabonk_tui.core.model.sample import Event
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.report import obituary_text as texts
from metabonk_tui.core.text.numbers import elapsed
from metabonk_tui.core.text.phrases import count_of

WHOLE = 3
"""Deaths that are shown whole: the newest. JSON has all that are kept."""
LISTED = 12
"""Deaths before them that get a line each."""
LOG_LINES = 6
AROUND_SHOWN = 6


def death_blocks(last: Snapshot) -> tuple[Block, ...]:
    """Return one entry for each death; no block without a death."""
    blocks: list[Block] = []
    if last.earlier_obituaries:
        blocks.append(Paragraph(f"the pages of {last.earlier_obituaries} older deaths are not kept", "muted"))
    before = last.obituaries[:-WHOLE]
    if len(before) > LISTED:
        blocks.append(Paragraph(f"{count_of(len(before) - LISTED, 'earlier death')} in --json", "muted"))
    if before:
        blocks.append(Table((), tuple(_row(page, last) for page in before[-LISTED:]), (0,)))
    return (*blocks, *(_entry(page, last) for page in last.obituaries[-WHOLE:]))


def _row(page: Obituary, last: Snapshot) -> tuple[TableCell, ...]:
    at = elapsed(page.t - last.run.started_at)
    return cells(at, texts.headline(page), TableCell(texts.restart(page, last), "muted"))


def _entry(page: Obituary, last: Snapshot) -> EntryBlock:
    def clock(t: float) -> str:
        return elapsed(t - last.run.started_at)

    facts = ", ".join(
        f"{label} {value}" for label, value in texts.identity(page, last.run.started_at) if label != "died at run"
    )
    proofs = texts.evidence(page, clock, last.run.interval_s) or ("nothing says why",)
    same = same_deaths(last.obituaries, page)
    more = [
        ("process", facts),
        *((texts.certainty(page) if i == 0 else "and", proof) for i, proof in enumerate(proofs)),
        *(("sign", sign) for sign in page.signs),
        ("memory", texts.memory_sentence(page) if page.memory else ""),
        ("answer", texts.answer_sentence(page, clock)),
        ("then", texts.restart(page, last)),
        ("before", f"the same death {count_of(len(same), 'time')} earlier" if same else ""),
        *(("do", remedy.text) for remedy in page.remedies),
        *(("log", line) for line in page.log[-LOG_LINES:]),
        *((texts.offset(event.t - page.t), event.text) for event in _near(page)),
    ]
    tone: Tone = "crit" if texts.certainty(page) != "unknown" else "strong"
    return EntryBlock(clock(page.t), texts.headline(page), tuple((label, text) for label, text in more if text), tone)


def _near(page: Obituary) -> list[Event]:
    near = sorted(page.around, key=lambda event: abs(event.t - page.t))[:AROUND_SHOWN]
    return [event for event in page.around if event in near]
