"""Makes the titled panes of the dashboard, each with the least and the most rows it can use.

Does not: place them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.worker.environment import env_check_table
from metabonk_tui.ui.drawn_once import once_a_snapshot
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.style.spans import EMPTY, Row, clip
from metabonk_tui.ui.views.bars.header import is_next_whole
from metabonk_tui.ui.views.layout.panes import Pane
from metabonk_tui.ui.views.layout.section import bracket, muted, title
from metabonk_tui.ui.views.memory.chart import HISTORY_S, chart, ghost_points, in_gigabytes, memory_axis
from metabonk_tui.ui.views.memory.owners import fits_note, fits_rows, owner_rows
from metabonk_tui.ui.views.run.causes import cause_rows, full_causes, why_rows
from metabonk_tui.ui.views.run.events import event_rows, listed_events, new_count
from metabonk_tui.ui.views.run.file_and_process import key_rows
from metabonk_tui.ui.views.verdict.gate import gate_note, gate_parts, gate_rows
from metabonk_tui.ui.views.verdict.matrix import changes_rows, decision_rows

COMPARED_CELLS = 30
"""The most cells of the name of a compared run."""
WHOLE = 60
"""More rows than causes take: the pane gets what its sentences need."""


def memory(frame: Frame, snapshot: Snapshot) -> Pane:
    """Make the chart of available memory over time."""

    return Pane(partial(_memory, frame, snapshot), 6, 40, grows=True)


@once_a_snapshot
def _memory(frame: Frame, snapshot: Snapshot, wide: int, high: int) -> Sequence[Row]:
    points = in_gigabytes(snapshot.memory.history, snapshot.t, HISTORY_S)
    ghost_too = (*points, *ghost_points(frame.ghost, snapshot, HISTORY_S))
    _, axis_note = memory_axis(snapshot, ghost_too, max(2, high - 2))
    axis_note = f"dots: ghost, {axis_note}" if frame.ghost is not None else axis_note
    note = f"available GB, last {HISTORY_S / 60:.0f} min, {axis_note}"
    note = note if wide >= len(note) + 18 else f"GB, {axis_note}" if wide >= 44 else "available GB"
    head = title("MEMORY", wide, frame.glyphs, (muted(note),), bracket(frame, "m"))
    return (head, *chart(snapshot, wide, high - 1, frame.glyphs, frame.zone, ghost=frame.ghost))


def decision(frame: Frame, snapshot: Snapshot) -> Pane:
    """Make the decision matrix, one question a row, and what would change the verdict."""

    @cache
    def parts(wide: int) -> tuple[Sequence[Row], Sequence[Row]]:
        return decision_rows(snapshot, wide, frame.glyphs), changes_rows(snapshot, wide, frame.glyphs)

    def draw(wide: int, high: int) -> Sequence[Row]:
        rows, changes = parts(wide)
        more = (EMPTY, *changes) if changes and high >= len(rows) + len(changes) + 2 else ()
        return (title("DECISION", wide, frame.glyphs, (), bracket(frame, "v")), *rows, *more)

    return Pane(draw, 1 + len(snapshot.verdict.nodes), 12)


def why(frame: Frame, snapshot: Snapshot, brief: bool = False) -> Pane:
    """Make the ranked causes, or the evidence of the verdict; `brief`: one row per cause, one for the first fix."""
    causes = len(snapshot.causes)
    note = "ranked causes of silence" if snapshot.causes else "evidence of the verdict"

    def draw(wide: int, high: int) -> Sequence[Row]:
        head = title("WHY", wide, frame.glyphs, (muted(note),), bracket(frame, "v"))
        return (head, *why_rows(snapshot, wide, high - 1, frame.glyphs, _in_next(frame, snapshot)))

    least = 2 + causes if brief and causes else 3 * causes + 1 if causes else 4
    most = least if brief and causes > 1 else WHOLE if causes else 12
    return Pane(draw, least, most, first=not brief)


def whole_why(frame: Frame, snapshot: Snapshot) -> Pane:
    """Make every cause with its proof, confirmation and fix, whole; without room as `why`, and so without causes."""

    def draw(wide: int, high: int) -> Sequence[Row]:
        rows = full_causes(snapshot.causes, wide, frame.glyphs)
        if not rows or len(rows) >= high:
            rows = why_rows(snapshot, wide, high - 1, frame.glyphs, _in_next(frame, snapshot))
        note = "ranked causes of silence, each with proof, confirm and fix" if snapshot.causes else "evidence"
        return (title("WHY", wide, frame.glyphs, (muted(note),), bracket(frame, "v")), *rows)

    return Pane(draw, 4, WHOLE, first=True)


def _in_next(frame: Frame, snapshot: Snapshot) -> bool:
    """Return whether the header shows the fix of the first cause whole, as the first step of NEXT."""
    fix = snapshot.causes[0].fix if snapshot.causes else ""
    return bool(fix) and is_next_whole(frame, snapshot) and snapshot.verdict.next_steps[0].text == fix


def causes(frame: Frame, snapshot: Snapshot) -> Pane | None:
    """Make the ranked causes of silent components while the run is no STOP; None without causes."""
    found = snapshot.causes
    if not found:
        return None

    def draw(wide: int, high: int) -> Sequence[Row]:
        head = title("CAUSES", wide, frame.glyphs, (muted("why components are silent, ranked"),), bracket(frame, "v"))
        return (head, *cause_rows(found, wide, high - 1, frame.glyphs, _in_next(frame, snapshot)))

    return Pane(draw, 2, WHOLE, first=True)


def gate(frame: Frame, snapshot: Snapshot) -> Pane:
    """Make the checks of the gate against the components that are due in it."""

    def draw(wide: int, high: int) -> Sequence[Row]:
        head = title("GATE", wide, frame.glyphs, (muted(gate_note(snapshot)),), bracket(frame, "v"))
        return (head, *gate_rows(frame, snapshot, wide, high - 1))

    parts = gate_parts(snapshot)
    return Pane(draw, 1 + parts, 6 + parts)


def file_and_process(frame: Frame, snapshot: Snapshot) -> Pane | None:
    """Make the required keys in the env file and in the processes; None while every process has them."""
    table = env_check_table(frame.config, snapshot.env_file, snapshot.workers)
    differ = sum(row.verdict == "mismatch" for row in table)
    if not differ:
        return None

    def draw(wide: int, high: int) -> Sequence[Row]:
        note = f"{differ} of {len(table)} required keys differ" if wide >= 48 else f"{differ}/{len(table)} differ"
        head = title("FILE AND PROCESS", wide, frame.glyphs, (muted(note),), bracket(frame, "e"))
        return (head, *key_rows(table, wide, frame.glyphs)[: high - 1])

    return Pane(draw, 1 + min(differ, 2), 1 + len(table))


def owners(frame: Frame, snapshot: Snapshot) -> Pane:
    """Make the table of memory owners."""

    def draw(wide: int, high: int) -> Sequence[Row]:
        head = title("MEMORY OWNERS", wide, frame.glyphs, (muted("GB, growth"),))
        return (head, *owner_rows(snapshot, wide, high - 1, frame.glyphs))

    held = len(snapshot.memory.owners)
    single = len(snapshot.workers) if held else 0
    return Pane(draw, 1 + max(1, min(held, 3)), min(1 + held + single, frame.height))


def fits(frame: Frame, snapshot: Snapshot) -> Pane | None:
    """Make the budget of workers that fit; None while the budget is unknown."""
    if snapshot.memory.budget is None:
        return None
    rows = fits_rows(snapshot)

    def draw(wide: int, high: int) -> Sequence[Row]:
        return (title("FITS", wide, frame.glyphs, fits_note(snapshot)), *rows)

    return Pane(draw, 1 + len(rows), 1 + len(rows))


def events(frame: Frame, snapshot: Snapshot) -> Pane:
    """Make the list of events."""
    shown_events = listed_events(frame, snapshot)

    def draw(wide: int, high: int) -> Sequence[Row]:
        head = title("EVENTS", wide, frame.glyphs, new_count(snapshot, shown_events))
        return (head, *event_rows(frame, snapshot, shown_events, wide, high - 1))

    return Pane(draw, 2, 1 + max(1, len(shown_events)), stays=True, grows=True)


def learning(frame: Frame, snapshot: Snapshot) -> Pane | None:
    """Make the curve of play per episode; None before an episode ended whose play is known."""
    if not any(worker.episodes is not None and worker.episodes.known for worker in snapshot.workers):
        return None
    # Imported late: the first picture of a run shows no episode.
    from metabonk_tui.ui.views.run.learning import MEAN_OF, PLAY, curve_rows

    def draw(wide: int, high: int) -> Sequence[Row]:
        note = f"{PLAY.note}, mean of {MEAN_OF}"
        head = title(PLAY.title, wide, frame.glyphs, (muted(note),), bracket(frame, "g"))
        return (head, *curve_rows(frame, snapshot, PLAY, None, wide, high - 1))

    return Pane(draw, 4, 13, grows=True)


def ghost(frame: Frame, snapshot: Snapshot) -> Pane | None:
    """Make the minutes by which each worker is ahead of the ghost; None: there is no ghost, or too little room."""
    found = frame.ghost
    if found is None or frame.width < 110:
        return None
    from metabonk_tui.ui.views.run.ghost import ghost_table
    from metabonk_tui.ui.views.run.settings import MOST_ROWS

    def draw(wide: int, high: int) -> Sequence[Row]:
        head = title("AHEAD AND BEHIND", wide, frame.glyphs, (muted("in minutes"),), bracket(frame, "c"))
        return (head, *ghost_table(frame, snapshot, found, wide, high - 1))

    return Pane(draw, 4, 3 + MOST_ROWS + len(snapshot.workers), first=True)


def compare(frame: Frame) -> Pane | None:
    """Make the comparison with the chosen run: where they part, and what differs; None: no run is compared."""
    found = frame.comparing.comparison
    if found is None or frame.ghost is None:
        return None
    from metabonk_tui.ui.views.compare.screen import pane_rows

    def draw(wide: int, high: int) -> Sequence[Row]:
        note = f"with {clip(frame.glyphs.text(found.b.last.run.name), COMPARED_CELLS, frame.glyphs.ellipsis)}"
        head = title("COMPARE", wide, frame.glyphs, (muted(note),), bracket(frame, "c"))
        return (head, *pane_rows(frame, wide, high - 1))

    return Pane(draw, 4, 24)


def gameplay(frame: Frame, snapshot: Snapshot) -> Pane:
    """Make the share of episodes that reached the game, a row a worker."""
    from metabonk_tui.ui.views.run.learning import gameplay_rows

    def draw(wide: int, high: int) -> Sequence[Row]:
        head = title("GAMEPLAY", wide, frame.glyphs, (muted("episodes that reach it"),))
        return (head, *gameplay_rows(frame, snapshot, wide, high - 1))

    return Pane(draw, 4, 3 + len(snapshot.workers), first=True)


def longest(frame: Frame, snapshot: Snapshot) -> Pane | None:
    """Make the longest play of each worker; None: none played."""
    from metabonk_tui.ui.views.run.learning import longest_rows

    if not any(worker.episodes is not None and worker.episodes.longest is not None for worker in snapshot.workers):
        return None

    def draw(wide: int, high: int) -> Sequence[Row]:
        head = title("LONGEST", wide, frame.glyphs, (muted("play, and its reward"),))
        return (head, *longest_rows(frame, snapshot, wide, high - 1))

    return Pane(draw, 2, 1 + len(snapshot.workers))


def log(frame: Frame, snapshot: Snapshot) -> Pane | None:
    """Make the newest lines of the workers' logs that may tell a cause; None: there is none."""
    if not any(snapshot.log_lines.values()):
        return None
    # Imported late: most first pictures show no line.
    from metabonk_tui.ui.views.logs.recorded import line_rows, lines_of

    slots_by_line = lines_of(snapshot, snapshot.workers)

    def draw(wide: int, high: int) -> Sequence[Row]:
        head = title("LOG", wide, frame.glyphs, (muted("lines that may tell a cause"),), bracket(frame, "l"))
        rows = line_rows(slots_by_line, len(snapshot.workers), wide, frame.glyphs)
        return (head, *rows[-(high - 1) :])

    return Pane(draw, 3, WHOLE)
