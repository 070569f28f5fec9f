"""Draws the gate as a grid: a row per component that is due, a column per check.

Does not: judge. A check that was not seen at its end has no states, only its result.
"""

from __future__ import annotations

from metabonk_tui.core.model.snapshot import Check, Snapshot
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.style.glyphs import CHECK_TOKENS, STATE_TOKENS, Glyphs
from metabonk_tui.ui.style.spans import Row, Span, gap, left, mark
from metabonk_tui.ui.views.layout.section import muted, paragraph, strong

LABEL, CLOCK, MOST_PITCH = 11, 5, 8
"""Cells of a component's label, of a time, and of the widest column."""


def gate_parts(snapshot: Snapshot) -> int:
    """Count the components that the checks judge."""
    return max((len(check.parts) for check in snapshot.gate.checks), default=0)


def gate_note(snapshot: Snapshot) -> str:
    gate = snapshot.gate
    if gate.began_t is None or gate.ends_t is None or not gate.checks:
        return "not begun"
    minutes = (gate.ends_t - gate.began_t) / len(gate.checks) / 60
    return f"{len(gate.checks)} checks of {minutes:g} min, due on any worker"


def gate_rows(frame: Frame, snapshot: Snapshot, wide: int, high: int) -> list[Row]:
    """Draw the times, the components, the results, and below them in a sentence what the last result says."""
    g, checks = frame.glyphs, snapshot.gate.checks
    if not checks or snapshot.gate.began_t is None:
        return []
    pitch = min(MOST_PITCH, max(1, (wide - LABEL) // len(checks)))
    has_clock = pitch > CLOCK
    inset = CLOCK // 2 if has_clock else 0
    if has_clock:
        times = [fmt.clock(check.due_t, frame.zone, with_seconds=False) for check in checks]
    else:
        times = [f"{(check.due_t - snapshot.gate.began_t) / 60:.0f}m" for check in checks]
    labels = list(dict.fromkeys(part.label for check in checks for part in check.parts))
    # Without room the times go, then the results, which the header has as well.
    has_times = high > len(labels) + 1
    rows: list[Row] = [(gap(LABEL), *(left(at[: pitch - 1], pitch, "muted") for at in times))] if has_times else []
    for label in labels:
        cells_ = [_state(check, label, g) for check in checks]
        rows.append((left(g.text(label), LABEL, "muted", False, g.ellipsis), *_columns(cells_, pitch, inset)))
    results = [mark(g.check(check.result), CHECK_TOKENS[check.result]) for check in checks]
    if high > len(labels):
        rows.append((strong("check", True), gap(LABEL - 5), *_columns(results, pitch, inset)))
    room = high - len(rows)
    if room > 0:
        rows += paragraph(g.text(_sentence(checks)), wide, "text")[:room]
    return rows[:high]


def _columns(marks: list[Span], pitch: int, inset: int) -> Row:
    row: Row = ()
    for each in marks:
        row = (*row, gap(inset), each, gap(pitch - inset - 1))
    return row


def _state(check: Check, label: str, g: Glyphs) -> Span:
    state = next((part.state for part in check.parts if part.label == label), None)
    return muted(g.dot) if state is None else mark(g.state(state), STATE_TOKENS[state])


def _sentence(checks: tuple[Check, ...]) -> str:
    """Say what the newest judged check says, and whether all say the same."""
    judged = [check for check in checks if check.because]
    if not judged:
        return ""
    last = judged[-1]
    same = len(judged) > 1 and all((each.result, each.because) == (last.result, last.because) for each in judged)
    lead = f"each is {last.result}" if same else f"check {last.n} is {last.result}"
    return f"{lead}: {last.because}"
