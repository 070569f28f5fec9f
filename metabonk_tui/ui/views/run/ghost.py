"""Draws the run beside its ghost: in one row of the header, and in minutes for each worker and component."""

from __future__ import annotations

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.report.ghost import (
    Ghost,
    GhostSum,
    GhostValue,
    GhostWord,
    component_beside,
    not_the_same,
    sum_up,
)
from metabonk_tui.core.report.run_setup import SetupDifference
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.ui.drawn_once import once_a_snapshot
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.style.glyphs import Glyphs, level_token
from metabonk_tui.ui.style.spans import Row, Span, clip, fit, gap, join, mark, right, width
from metabonk_tui.ui.views.layout.section import WIDE, label, muted, shown_label, strong
from metabonk_tui.ui.views.layout.section import plain_text as text
from metabonk_tui.ui.views.run.settings import badge, setting_rows

NAME_CELLS = 24
WORKER_CELLS = 6
COLUMN_CELLS = 10


def ghost_row(frame: Frame, snapshot: Snapshot, ghost: Ghost) -> Row:
    """Draw the run that is the ghost, how many numbers are ahead and behind, gameplay and memory."""
    g, found = frame.glyphs, sum_up(ghost, snapshot)
    far = 3 if frame.width >= WIDE else 2
    name: Row = (text(clip(g.text(ghost.name), NAME_CELLS, g.ellipsis)),)
    verdict: Row = (mark(g.level(ghost.level), level_token(ghost.level)), gap(1), text(g.text(ghost.kind)))
    head: Row = (*label("GHOST"), *name, gap(1), *verdict)
    run_s = snapshot.t - snapshot.run.started_at
    differing = _settings(frame, snapshot)
    if run_s >= ghost.minutes * 60.0:
        parts: list[Row] = [(muted(f"ended at {fmt.elapsed(ghost.minutes * 60.0)[:5]}, before this minute"),)]
    elif not found.compared:
        parts = [(muted("not recorded at this minute"),)]
    else:
        parts = [(strong(f"ahead in {found.ahead}", True), text(f", behind in {found.behind}"))]
    if differing:
        # Numbers of runs that are not the same say less, so this stays where the row is short.
        parts.insert(0, badge(g))
    parts += [_gameplay(found, run_s), _memory(found)]
    row = head
    for part in parts:
        longer = join([row, part], far)
        row = longer if width(longer) < frame.width else row
    return fit(row, frame.width, g.ellipsis)


def _gameplay(found: GhostSum, run_s: float) -> Row:
    own, there = found.gameplay_s, found.ghost_gameplay_s
    if own is None:
        if there is None:
            return (muted("neither played"),)
        when = fmt.elapsed(there)[:5]
        return (muted("gameplay "), text("not yet"), muted(f", there {'since' if there <= run_s else 'at'} {when}"))
    if there is None:
        return (muted("gameplay "), strong("reached", True), muted(", there never"))
    apart = fmt.age(abs(there - own))
    if abs(there - own) < 60.0:
        return (muted("gameplay at the same minute"),)
    return (muted("gameplay "), strong(f"{apart} earlier", True) if own < there else text(f"{apart} later"))


def _memory(found: GhostSum) -> Row:
    if found.available_bytes is None or found.ghost_available_bytes is None:
        return ()
    less_gb = (found.available_bytes - found.ghost_available_bytes) / fmt.GB
    return (muted("memory "), text(f"{found.ghost_available_bytes / fmt.GB:.1f} GB free"), muted(f", {less_gb:+.1f}"))


def ghost_table(frame: Frame, snapshot: Snapshot, ghost: Ghost, wide: int, high: int) -> list[Row]:
    """Draw how many minutes each worker is ahead of the ghost, or behind it, in each component; the first workers."""
    g = frame.glyphs
    parts = snapshot.workers[0].components if snapshot.workers else ()
    names = {worker.ref: shown_label(worker.ref, snapshot, g) for worker in snapshot.workers}
    name_cells = max([WORKER_CELLS, *[len(name) + 1 for name in names.values()]])
    shown = parts[: max(1, (wide - name_cells) // COLUMN_CELLS)]
    rows: list[Row] = [
        (
            gap(name_cells),
            *[right(clip(g.text(part.label), COLUMN_CELLS - 1), COLUMN_CELLS, "muted") for part in shown],
        )
    ]
    settings = setting_rows(_settings(frame, snapshot), wide, g)
    settings = settings if high >= 3 + len(settings) else []
    for worker in snapshot.workers[: max(0, high - 2 - len(settings))]:
        found = component_beside(ghost, snapshot, worker)
        cells = [_lead(found.get(part.id), g) for part in shown]
        rows.append((strong(names[worker.ref].ljust(name_cells), True), *cells))
    rows.append((muted(f"+ ahead   - behind   {g.zero} nothing there yet   never: the ghost never got there"),))
    return [fit(row, wide, g.ellipsis) for row in [*rows, *settings][:high]]


@once_a_snapshot
def _settings(frame: Frame, snapshot: Snapshot) -> tuple[SetupDifference, ...]:
    return () if frame.ghost is None else not_the_same(frame.ghost, snapshot).differences


def _lead(found: GhostValue | None, g: Glyphs) -> Span:
    if found is None or found.word is GhostWord.NOT_RECORDED:
        return right("?", COLUMN_CELLS, "muted")
    if found.never:
        return right("never", COLUMN_CELLS, "text", True)
    if found.lead_s is None:
        return right(g.zero, COLUMN_CELLS, "muted") if not found.ghost else right("-", COLUMN_CELLS, "text")
    if abs(found.lead_s) < 60.0:
        return right("level", COLUMN_CELLS, "muted")
    sign = "+" if found.lead_s > 0 else "-"
    return right(f"{sign}{fmt.age(abs(found.lead_s))}", COLUMN_CELLS, "text", found.lead_s > 0)
