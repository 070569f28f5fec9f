"""Draws the generations of one worker, the newest first: start, process, reason, end with its evidence.

Does not: judge how a process ended.
"""

from __future__ import annotations

from datetime import tzinfo

from metabonk_tui.core.model.process_exit import ProcessExit
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import Generation, WorkerView
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.ui.style.glyphs import Glyphs
from metabonk_tui.ui.style.spans import EMPTY, Row, Span, clip, cut, gap, left, mark
from metabonk_tui.ui.views.layout.section import muted, paragraph, title
from metabonk_tui.ui.views.layout.section import plain_text as text

MAX_SHOWN = 10
"""Most generations drawn; older ones are only counted."""
NUMBER, CLOCK, PID, LASTED = 8, 10, 13, 12


def has_one_generation(worker: WorkerView) -> bool:
    """Return whether there is at most one generation, which has not ended."""
    return len(worker.generations) <= 1 and all(generation.ended is None for generation in worker.generations)


def generations_pane(worker: WorkerView, snapshot: Snapshot, wide: int, g: Glyphs, zone: tzinfo) -> list[Row]:
    """Draw every generation: its start in one row, its end below. Empty when there is only one that still runs."""
    if has_one_generation(worker):
        return []
    rows: list[Row] = [title("GENERATIONS", wide, g, (muted("newest first: start, end, evidence"),))]
    newest = worker.generations[-1]
    for generation in reversed(worker.generations[-MAX_SHOWN:]):
        to_t = (
            generation.ended.t if generation.ended else snapshot.t if generation is newest and worker.alive else None
        )
        lasted = "" if to_t is None else f"for {fmt.age(max(0.0, to_t - generation.began_t))}"
        pid = "" if generation.pid is None else f"pid {generation.pid}"
        rows.append((
            Span(f"gen {generation.number}".ljust(NUMBER), "strong", True),
            left(fmt.clock(generation.began_t, zone), CLOCK, "muted"),
            *((left(pid, PID, "text"), left(lasted, LASTED, "muted")) if wide >= 60 else ()),
            text(clip(g.text(generation.why), max(8, wide - NUMBER - CLOCK - PID - LASTED), g.ellipsis)),
        ))  # fmt: skip
        rows += _end(generation, wide, g, zone, is_running=generation is newest and worker.alive)
    hidden = len(worker.generations) - MAX_SHOWN
    if hidden > 0:
        rows.append((gap(NUMBER), muted(f"and {hidden} earlier")))
    return [*(cut(row, wide, g.ellipsis) for row in rows), EMPTY]


def _end(generation: Generation, wide: int, g: Glyphs, zone: tzinfo, *, is_running: bool) -> list[Row]:
    if is_running:
        return []
    if generation.ended is None:
        return [
            (gap(NUMBER + CLOCK), mark(g.unobserved, "unknown"), gap(1), Span("its end was not observed", "unknown"))
        ]
    name, token = _exit_style(generation.ended)
    head: Row = (
        gap(NUMBER), left(fmt.clock(generation.ended.t, zone), CLOCK, "muted"),
        mark(str(getattr(g, name)), token), gap(1), Span(generation.ended.text, token, token == "crit"), gap(2),
    )  # fmt: skip
    return paragraph(g.text(generation.ended.evidence), wide, "muted", indent=head)


def _exit_style(death: ProcessExit) -> tuple[str, str]:
    """Return glyph name and token: critical for an OOM kill, muted for an exit caused by this monitor."""
    if death.reason in ("OOM-killed", "probably OOM", "killed by Ray"):
        return "stop", "crit"
    if death.reason == "unknown":
        return "unknown", "unknown"
    if death.reason in ("stopped by us", "end of the run") or death.exit_code == 0:
        return "zero", "muted"
    return "caution", "warn"
