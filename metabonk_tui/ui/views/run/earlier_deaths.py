"""Draws the deaths of earlier runs of the same pool: the list, and those of one kind. Does not: read recordings."""

from __future__ import annotations

from metabonk_tui.core.model.obituary import EarlierDeath, Obituary
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.core.text.phrases import count_of
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.style.spans import Row, Span, clip, gap, mark, width
from metabonk_tui.ui.views.layout.section import muted, title
from metabonk_tui.ui.views.layout.section import plain_text as text

TITLE = "DEATHS OF EARLIER RUNS"
WHEN = 16
RUN_CELLS = 26


def earlier_rows(frame: Frame) -> list[Row]:
    """Draw every death of an earlier run, newest first, with the command that opens its moment."""
    g, wide, deaths = frame.glyphs, max(10, frame.width - 2), frame.plots.deaths
    if deaths is None:
        why = "no recordings here" if frame.plots.why_not else "reading the recordings"
        return [(gap(1), *title(TITLE, wide, g, (), focused=True)), (gap(1), muted(why))]
    if not deaths:
        return [
            (gap(1), *title(TITLE, wide, g, (), focused=True)),
            (gap(1), muted("none is recorded of this pool")),
        ]
    runs = len({death.run for death in deaths})
    note = muted(f"{len(deaths)} in {count_of(runs, 'run')} of this pool, newest first")
    rows: list[Row] = [(gap(1), *title(TITLE, wide, g, (note,), focused=True))]
    for death in deaths:
        when = f"{fmt.day(death.t, frame.zone)} {fmt.clock(death.t, frame.zone, with_seconds=False)}"
        head: Row = (mark(g.down, "crit"), gap(1), muted(when), gap(2))
        room = wide - width(head)
        rows.append((gap(1), *head, Span(clip(g.text(death.text), room, g.ellipsis), "strong")))
        opens = f"metabonk-tui replay {death.run} --at {fmt.elapsed(max(0.0, death.run_s - 60.0))}"
        rows.append((gap(1 + width(head)), muted(clip(g.text(opens), room, g.ellipsis))))
    return rows


def same_earlier(frame: Frame, page: Obituary) -> list[EarlierDeath]:
    """Return the deaths of earlier runs that ended in the same way as a page says; of an unknown cause none."""
    if page.reason == "unknown":
        return []
    return [death for death in frame.plots.deaths or () if death.reason == page.reason]


def same_earlier_rows(frame: Frame, page: Obituary, room: int) -> list[Row]:
    """Draw those deaths, one a row, in at most `room` rows."""
    same, g = same_earlier(frame, page), frame.glyphs
    rows: list[Row] = []
    for death in same[: room if len(same) <= room else max(0, room - 1)]:
        when = f"{fmt.day(death.t, frame.zone)} {fmt.clock(death.t, frame.zone, with_seconds=False)}"
        rows.append((text(f"{death.label} {when}, in {clip(g.text(death.run), RUN_CELLS, g.ellipsis)}".strip()),))
    if len(same) > len(rows) and room:
        rows.append((muted(f"{len(same) - len(rows)} more in earlier runs"),))
    return rows


def earlier_sentences(frame: Frame, page: Obituary) -> tuple[str, ...]:
    """Return how many earlier deaths were the same, in one sentence; () for none."""
    same = same_earlier(frame, page)
    return (f"{len(same)} in {count_of(len({death.run for death in same}), 'earlier run')}",) if same else ()


def earlier_note(frame: Frame) -> str:
    """Return how many deaths earlier runs had: "; 3 in earlier runs"; "" for none, or while they are not known."""
    deaths = frame.plots.deaths
    return f"; {len(deaths)} in earlier runs" if deaths else ""
