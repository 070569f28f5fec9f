"""Lays out the dashboard: header, workers, and below them the panes that fit.

Pure: the same Frame gives the same Page. Does not: draw a pane.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.ui.density import SIDE_CELLS, SIDE_ROWS, WorkersLayout
from metabonk_tui.ui.drawn_once import once_a_snapshot
from metabonk_tui.ui.frame import Frame, Page
from metabonk_tui.ui.style.spans import EMPTY, Row, gap
from metabonk_tui.ui.views.bars.footer import footer
from metabonk_tui.ui.views.bars.header import header
from metabonk_tui.ui.views.dashboard import panes, side_pane
from metabonk_tui.ui.views.dashboard.pane_set import PaneSet
from metabonk_tui.ui.views.layout.panes import Pane, columns
from metabonk_tui.ui.views.layout.section import block
from metabonk_tui.ui.views.run.events import listed_events
from metabonk_tui.ui.views.workers.attention import attention_block, attention_lines
from metabonk_tui.ui.views.workers.legend import grid_legend
from metabonk_tui.ui.views.workers.section import DrawnWorkers, draw_workers
from metabonk_tui.ui.views.workers.summary import sum_row, top_memory

SHOWN_AS_USUAL = ("", "workers")
"""No zoom, and the one that only leaves the panes out."""
if TYPE_CHECKING:
    from metabonk_tui.core.run.run_strip import StripScale

ROOMY_CELLS, ROOMY_ROWS = 190, 24
"""From this size below the workers on there are two bands of panes."""
CHART_ROWS = 15
"""Rows of a chart with its title and time axis: more room belongs to sentences."""
LEAST_LOWER = 8
"""Rows that the lower band keeps."""
HEAD_ROWS = 4
"""Rows of the header while there is nothing to do."""
GHOST_FRAME_ROWS = 23
"""Below this height, 24 rows with a play bar, the next step takes the place of the row about the ghost."""
SO_FAR_FRAME_ROWS = 30
"""Below this height the row of the run so far goes to the workers."""
STRIP_ROWS, STRIP_LEAST_ROWS = 6, 3
"""The most and the least rows of the strip of the run."""
STRIP_FRAME_ROWS = 29
"""Below this height there is no strip of the run, with the play bar 30 rows."""
CALM_ROWS = 8
"""Rows that the panes below the workers keep beside a strip of the run."""
PAST_ROWS = 5
"""As many in a replay."""
CAUSE_ROWS = 14
"""As many where there is a cause to show."""
FEW_ROWS = 14
"""Below this many rows under two rows of panels, the causes take the place of the decision."""


def dashboard(frame: Frame, snapshot: Snapshot) -> Page:
    if frame.no_pool or frame.is_last_run:
        # Imported late: most monitors have a pool.
        from metabonk_tui.ui.views.dashboard import last_run, no_pool

        return (no_pool.no_pool_page if frame.no_pool else last_run.last_run_page)(frame, snapshot)
    if frame.state.zoom not in SHOWN_AS_USUAL:
        # Imported late: the first picture shows every pane.
        from metabonk_tui.ui.views.dashboard.zoom import zoomed

        return zoomed(frame, snapshot, header(frame, snapshot), (footer(frame),))
    if frame.width < SIDE_CELLS:
        return side_pane.tall_page(frame, snapshot)
    if frame.height < SIDE_ROWS:
        return side_pane.short_page(frame, snapshot)
    slot = panes.memory(frame, snapshot).draw if snapshot.memory.history else None
    head = header(frame, snapshot)
    if len(head) <= HEAD_ROWS:
        head = (*head, *(_ghost(frame, snapshot) or _so_far(frame, snapshot)))
    elif frame.height >= GHOST_FRAME_ROWS:
        # The operator who chose a run to compare with wants it also while there is something to do.
        head = (*head, *_ghost(frame, snapshot))
    if snapshot.verdict.ended is not None and frame.height >= GHOST_FRAME_ROWS:
        # The verdict row cuts how the run ended; now that it is over, nothing else is as much asked for.
        from metabonk_tui.ui.views.run.ended_run import ended_rows

        head = (*head, *ended_rows(frame, snapshot))
    if snapshot.has_several_hosts or snapshot.pool.waiting:
        from metabonk_tui.ui.views.bars.queue import placed_rows

        head = (*head, *placed_rows(frame, snapshot))
    airy: tuple[Row, ...] = (EMPTY,) if frame.height >= 14 else ()
    room = frame.height - len(head) - len(airy) - 1
    drawn = draw_workers(frame, snapshot, room, slot)
    used = len(drawn.heads) + len(drawn.rows)
    bottom = (footer(frame),)
    if drawn.layout.kind == "grid":
        return _grid_page(frame, snapshot, drawn, (*head, *airy), room)
    if used > room:
        return Page((*head, *airy, *drawn.heads), drawn.rows, bottom, drawn.show)
    # From 30 rows on a blank row separates the footer.
    below = room - used - 1 - (1 if frame.height >= 30 else 0)
    rows = (*drawn.heads, *drawn.rows)
    strip = () if frame.state.zoom else _strip(frame, snapshot, below)
    if strip:
        rows = (*strip, EMPTY, *rows)
        below -= len(strip) + 1
    if below >= 2 and not frame.state.zoom:
        rows = (*rows, EMPTY, *_below(frame, snapshot, drawn.layout, drawn.slot_taken, below))
    return Page((*head, *airy), (*rows[:room], *[EMPTY] * (room - len(rows))), bottom)


def _ghost(frame: Frame, snapshot: Snapshot) -> tuple[Row, ...]:
    """Say in one row how the run compares with its ghost; nothing without one."""
    if frame.ghost is None:
        return ()
    from metabonk_tui.ui.views.run.ghost import ghost_row

    return (ghost_row(frame, snapshot, frame.ghost),)


def _so_far(frame: Frame, snapshot: Snapshot) -> tuple[Row, ...]:
    """Say the run so far in one row, once start-up has ended, where there is nothing to repair and room for it."""
    if frame.height < SO_FAR_FRAME_ROWS or snapshot.gate.began_t is None or snapshot.causes:
        return ()
    # Imported late: the first picture of a pool that does not run has no such row.
    from metabonk_tui.ui.views.run.so_far import so_far_rows

    return so_far_rows(frame, snapshot)


def _strip(frame: Frame, snapshot: Snapshot, below: int) -> tuple[Row, ...]:
    """Draw the strip of the run, once it has a minute to show; nothing where it has no room."""
    if not snapshot.minutes.ended and not frame.past:
        return ()
    # Imported late: the first picture of a run has no minute.
    from metabonk_tui.ui.views.run.strip import strip_rows

    return strip_rows(frame, snapshot, _strip_high(frame, snapshot, below))


def _strip_high(frame: Frame, snapshot: Snapshot, below: int) -> int:
    """Return the rows that the strip of the run gets where this many are left below the workers; 0: none."""
    if frame.height < STRIP_FRAME_ROWS:
        return 0
    kept = CAUSE_ROWS if snapshot.causes or snapshot.verdict.level == "stop" else CALM_ROWS
    # In the past the strip is where one goes from moment to moment.
    kept = PAST_ROWS if frame.past else kept
    high = min(STRIP_ROWS, below - 1 - kept)
    return high if high >= STRIP_LEAST_ROWS else 0


def strip_scale_of(frame: Frame, snapshot: Snapshot) -> StripScale | None:
    """Return how the strip of the run divides time in a terminal of this size, also while other rows take its place.

    None: the terminal is too small for a strip, or the run too short.
    """
    if frame.width < SIDE_CELLS or frame.height < STRIP_FRAME_ROWS:
        return None
    from metabonk_tui.ui.views.run.strip import newest, strip_scale

    return strip_scale(frame, snapshot) if newest(frame, snapshot).minutes.ended else None


def _grid_page(frame: Frame, snapshot: Snapshot, drawn: DrawnWorkers, top: tuple[Row, ...], room: int) -> Page:
    """Draw the grid with its sum, attention list and legend; where workers do not fit, only they scroll."""
    fits = drawn.sight >= len(drawn.rows)
    high = room - len(drawn.heads) - drawn.sight
    below = _below_grid(frame, snapshot, high, drawn.has_cells)
    if not fits:
        return Page((*top, *drawn.heads), drawn.rows, (*below, footer(frame)), drawn.show)
    return Page(top, block((*drawn.heads, *drawn.rows, *below), frame.width, room), (footer(frame),))


@once_a_snapshot
def _below(frame: Frame, snapshot: Snapshot, layout: WorkersLayout, slot_taken: bool, high: int) -> tuple[Row, ...]:
    """Draw the panes below the workers. They keep their places when the verdict changes."""
    wide = frame.width
    pane_set = PaneSet(frame, snapshot)
    if wide < 110:
        return _narrow(pane_set, wide, high)
    if wide >= ROOMY_CELLS and high >= ROOMY_ROWS and not pane_set.partial and not pane_set.learning:
        return _roomy(pane_set, slot_taken, wide, high)
    if pane_set.partial:
        return _partial(pane_set, wide, high)
    # Proofs are sentences, so they get the width before the chart does.
    has_sentences = pane_set.stop or bool(pane_set.causes) or frame.ghost is not None
    if layout.kind == "panels":
        cells, per_row = layout.panel_cells, layout.per_row
        half = (wide - 4) // 2
        if slot_taken and wide < 160:
            return columns(
                [((*pane_set.reasons, *pane_set.memory_panes), half), ((pane_set.events,), wide - 4 - half)],
                2,
                wide,
                high,
                pane_set.ellipsis,
            )
        if per_row >= 4 or wide >= 160:
            left = 2 * cells + 2 if per_row >= 4 else wide - 103
            if pane_set.learning:
                from metabonk_tui.ui.views.dashboard.healthy import three_panes

                return three_panes(pane_set, left, wide, high)
            return _three(pane_set, slot_taken, left, 2, wide, high)
        if layout.rows > 1:
            right: tuple[Pane, ...] = (*pane_set.reasons, pane_set.events, *pane_set.memory_panes)
            if pane_set.causes and high < FEW_ROWS:
                # The header has the verdict and the memory; what to repair needs the rows.
                right = (*pane_set.causes, pane_set.events)
            return columns(
                [((pane_set.memory(high),), half), (right, wide - 4 - half)], 2, wide, high, pane_set.ellipsis
            )
        left = half if has_sentences or per_row != 3 else 2 * cells + 2
        if pane_set.learning:
            from metabonk_tui.ui.views.dashboard.healthy import two_panes

            return two_panes(pane_set, left, wide, high)
        return _two(pane_set, left, 2, wide, high)
    if wide >= 160:
        return _three(pane_set, False, wide - 103, 4, wide, high)
    return _two(pane_set, wide - (64 if has_sentences else 54), 3, wide, high)


def _two(pane_set: PaneSet, left: int, between: int, wide: int, high: int) -> tuple[Row, ...]:
    right = wide - 2 - left - between
    return columns(
        [((pane_set.memory(high, 0.6), pane_set.events), left), ((*pane_set.reasons, *pane_set.memory_panes), right)],
        between,
        wide,
        high,
        pane_set.ellipsis,
    )


def _three(pane_set: PaneSet, has_chart: bool, left: int, between: int, wide: int, high: int) -> tuple[Row, ...]:
    rest = wide - 2 - left - 2 * between
    middle = rest // 2
    memory = pane_set.memory(high, 0.7 if high >= 24 else 1.0)
    first: Sequence[Pane] = (pane_set.events if has_chart else memory, *pane_set.log)
    last: Sequence[Pane] = pane_set.reasons if has_chart else (*pane_set.reasons, pane_set.events)
    return columns(
        [(first, left), ((*pane_set.memory_panes, *pane_set.compare), middle), (last, rest - middle)],
        between,
        wide,
        high,
        pane_set.ellipsis,
    )


def _partial(pane_set: PaneSet, wide: int, high: int) -> tuple[Row, ...]:
    """Draw what is missing and since when, beside its cause and the keys that the processes lack."""
    half = (wide - 4) // 2
    gate, decision, events = pane_set.gate, pane_set.why, pane_set.events
    # Without room for the times and results of the checks, too, the decision goes: the header has its word.
    has_room = gate.least + 2 + decision.least + events.least + 2 <= high
    left = (gate, decision, events) if has_room else (gate, events)
    right: tuple[Pane, ...] = (*pane_set.causes, *pane_set.file)
    if wide >= 160:
        third = wide - 103
        rest = wide - 2 - third - 4
        memory = (pane_set.memory(high, 0.5), *pane_set.memory_panes)
        parts = [(memory, third), (left, rest // 2), (right, rest - rest // 2)]
    else:
        parts = [(left, half), (right, wide - 4 - half)]
    return columns(parts, 2, wide, high, pane_set.ellipsis)


def _roomy(pane_set: PaneSet, has_chart: bool, wide: int, high: int) -> tuple[Row, ...]:
    """Draw two bands: every cause whole beside memory, then events beside the log; sentences get half the width."""
    left = (wide - 4) // 2
    right = wide - 4 - left
    chart = () if has_chart else (replace(pane_set.memory(CHART_ROWS), grows=False),)
    middle = (right - 2) * 55 // 100 if chart else 0
    reasons: tuple[Pane, ...] = (pane_set.whole_why,) if pane_set.stop else pane_set.reasons
    beside = max(
        [CHART_ROWS if chart else 0, sum(pane.wants(right - 2 - middle) + 1 for pane in pane_set.memory_panes) - 1]
    )
    wanted = max(sum(pane.wants(left) + 1 for pane in reasons) - 1, beside)
    upper = min(wanted, max(high - LEAST_LOWER - 1, high // 2))
    memory = (
        [(chart, middle), (pane_set.memory_panes, right - 2 - middle)] if chart else [(pane_set.memory_panes, right)]
    )
    rows = columns([(reasons, left), *memory], 2, wide, upper, pane_set.ellipsis)
    # Without a line that may tell a cause, a stop explains its decision there; else the events get the width.
    below = (*pane_set.compare, *pane_set.log) or ((pane_set.decision,) if pane_set.stop else ())
    parts = [((pane_set.events,), left), (below, right)] if below else [((pane_set.events,), wide - 2)]
    lower = columns(parts, 2, wide, high - upper - 1, pane_set.ellipsis)
    return (*rows, EMPTY, *lower)


LEAST_CAUSES = 4
"""Rows that keep the first cause with its proof: title, name, two rows."""


def _narrow_partial(pane_set: PaneSet, wide: int, high: int) -> tuple[Row, ...]:
    """Stack the cause over gate and keys side by side; where the rows are too few, put the gate beside the cause."""
    inner = wide - 2
    pair = (inner - 2) // 2
    below = max([pane.least for pane in (pane_set.gate, *pane_set.file)])
    causes = max([0, *(pane.wants(inner) for pane in pane_set.causes)])
    if wide < 80 or high < below + (min(causes, LEAST_CAUSES) + 1 if causes else 0):
        if wide >= 80 and high >= pane_set.gate.least:
            both = [((pane_set.gate,), pair), (pane_set.causes, inner - 2 - pair)]
            return columns(both, 2, wide, high, pane_set.ellipsis)
        return columns([((*pane_set.causes, pane_set.events), inner)], 0, wide, high, pane_set.ellipsis)
    top = min(causes, high - below - 1)
    rows = columns([(pane_set.causes, inner)], 0, wide, top, pane_set.ellipsis) if top > 0 else ()
    room = high - len(rows) - (1 if rows else 0)
    beside = [((pane_set.gate,), pair), (pane_set.file or (pane_set.events,), inner - 2 - pair)]
    wanted = max([pane.wants(pair) for pane in (pane_set.gate, *pane_set.file)])
    mid = min(room, wanted)
    rows = (*rows, *((EMPTY,) if rows else ()), *columns(beside, 2, wide, mid, pane_set.ellipsis))
    left = high - len(rows) - 1
    if left < pane_set.events.least or not pane_set.file:
        return rows
    return (*rows, EMPTY, *columns([((pane_set.events,), inner)], 0, wide, left, pane_set.ellipsis))


def _narrow(pane_set: PaneSet, wide: int, high: int) -> tuple[Row, ...]:
    """Stack the panes; from 80 cells on the decision shares its rows with the memory owners."""
    if pane_set.partial:
        return _narrow_partial(pane_set, wide, high)
    inner = wide - 2
    if pane_set.stop or wide < 80:
        return columns([((*pane_set.reasons, pane_set.events), inner)], 0, wide, high, pane_set.ellipsis)
    below = (*pane_set.causes, pane_set.events)
    if pane_set.causes and high < 4 + 3:
        return columns([(below, inner)], 0, wide, high, pane_set.ellipsis)
    pair = (inner - 2) // 2
    top = min(4, high)
    rows = columns([((pane_set.why,), pair), ((pane_set.owners,), inner - 2 - pair)], 2, wide, top, pane_set.ellipsis)
    if high < top + 3:
        return rows
    return (*rows, EMPTY, *columns([(below, inner)], 0, wide, high - top - 1, pane_set.ellipsis))


LEAST_PANES = 9
"""Rows from which on further panes stand below the grid."""
LEAST_EVENTS = 4
"""Rows from which on the newest events stand there: blank, title, two lines."""
FEW_LINES = 3
"""Lines of the attention list that come before the blank rows."""


@once_a_snapshot
def _below_grid(frame: Frame, snapshot: Snapshot, high: int, has_cells: bool) -> tuple[Row, ...]:
    """Draw sum, attention list and legend. Dropped first: the legend, the list down to one line, the sum."""
    wide = frame.width
    lines = attention_lines(frame, snapshot)
    total, legend_row = sum_row(frame, snapshot), grid_legend(frame, snapshot, has_cells and not lines, has_cells)
    listed = min(len(lines), FEW_LINES)
    rows = 1 + listed if lines else 0
    has_legend = bool(legend_row) and high >= rows + 1 + bool(total)
    while listed > 1 and rows + bool(total) > high:
        listed, rows = listed - 1, rows - 1
    total = total if high >= rows + bool(total) else ()
    spare = high - rows - bool(total) - has_legend
    blank = 1 if rows and spare else 0
    spare -= blank
    more = min(spare, len(lines) - listed) if lines else 0
    spare -= more
    # A blank row above the footer, as on the other pages.
    under = 1 if spare and frame.height >= 30 else 0
    spare -= under
    drawn: list[Row] = [total] if total else []
    drawn += [EMPTY] * blank
    if rows:
        drawn += [(gap(1), *row) for row in attention_block(frame, snapshot, wide - 2, rows + more, has_cells)]
    if spare >= LEAST_PANES:
        drawn += [EMPTY, *_under_grid(frame, snapshot, spare - 1)]
    elif spare >= LEAST_EVENTS and listed_events(frame, snapshot):
        pane = panes.events(frame, snapshot).draw(wide - 2, spare - 1)
        drawn += [EMPTY, *((gap(1), *row) for row in pane)]
        drawn += [EMPTY] * (spare - 1 - len(pane) + under - (0 if has_legend else 1))
    elif under + spare:
        drawn += [EMPTY] * (spare + under - (0 if has_legend else 1))
    if has_legend:
        drawn.append(legend_row)
    return tuple(drawn[:high])


def _under_grid(frame: Frame, snapshot: Snapshot, high: int) -> list[Row]:
    """Draw the panes that have room below the attention list, and who holds most memory."""
    wide = frame.width
    pane_set = PaneSet(frame, snapshot)
    strip = _strip(frame, snapshot, high - 2)
    strip = (*strip, EMPTY) if strip else ()
    rest = high - 2 - len(strip)
    if wide < 110:
        below = _narrow(pane_set, wide, rest)
    elif wide >= ROOMY_CELLS and rest >= ROOMY_ROWS:
        below = _roomy(pane_set, False, wide, rest)
    elif wide >= 160:
        below = _three(pane_set, False, wide - 103, 4, wide, rest)
    else:
        below = _two(pane_set, wide - (64 if pane_set.stop or pane_set.causes else 54), 3, wide, rest)
    return [*strip, *below, EMPTY, (gap(1), *top_memory(snapshot, wide - 2))]
