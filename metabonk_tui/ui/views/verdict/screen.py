"""Draws the verdict screen: decision, evidence on every worker, checks, causes, what changes it, next steps.

Does not: judge. Every sentence comes with the Snapshot.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from metabonk_tui.core.memory.flight_recorder import HAD, table
from metabonk_tui.core.model.memory import BlackBox
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import ComponentState, ComponentView, WorkerView
from metabonk_tui.core.status.known_fields import format_names
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.core.verdict.text import component_of
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.style.glyphs import CHECK_TOKENS, STATE_TOKENS, STATE_WORDS, Glyphs, level_token
from metabonk_tui.ui.style.spans import EMPTY, Row, Span, cells, clip, cut, fit, gap, left, mark, right, width
from metabonk_tui.ui.views.layout.section import has_hint, key_now, muted, paragraph, strong, title
from metabonk_tui.ui.views.layout.section import plain_text as text
from metabonk_tui.ui.views.run.causes import full_causes, reason_rows
from metabonk_tui.ui.views.verdict.matrix import tree_rows
from metabonk_tui.ui.views.workers.component import state_mark

_SEVERITY = tuple(ComponentState)
NAME, SAMPLE_CELLS = 12, 14
"""Column widths of the black box."""


def verdict_rows(frame: Frame, snapshot: Snapshot) -> tuple[Row, ...]:
    """Draw everything below the header, in as many rows as needed."""
    g, wide = frame.glyphs, max(10, frame.width - 2)
    rows: list[Row] = [
        title("DECISION", wide, g, (muted("heavy: the path taken, light: not reached"),), focused=True),
        *tree_rows(snapshot, wide, g),
        EMPTY,
        title("BECAUSE", wide, g),
        *reason_rows(snapshot, wide, g, alone=True),
        EMPTY,
        title("EVIDENCE", wide, g, (muted("per component, on every worker"),)),
        *evidence_rows(snapshot, wide, g),
        *name_rows(snapshot, wide, g),
        EMPTY,
        *check_rows(snapshot, wide, g),
        EMPTY,
    ]
    if snapshot.memory.black_box is not None:
        rows += [*black_box_rows(frame, snapshot, snapshot.memory.black_box, wide), EMPTY]
    if snapshot.causes:
        rows += [title("CAUSES", wide, g, (muted("ranked, proven from outside"),))]
        rows += [*full_causes(snapshot.causes, wide, g), EMPTY]
    if snapshot.verdict.changes_when:
        rows += [title("CHANGES WHEN", wide, g), *paragraph(g.text(snapshot.verdict.changes_when), wide), EMPTY]
    if snapshot.verdict.next_steps:
        rows += [title("NEXT", wide, g, (muted("commands to copy"),)), *next_rows(frame, snapshot, wide), EMPTY]
    if snapshot.verdicts:
        rows += [title("EARLIER", wide, g, (muted("every change of the verdict in this run"),))]
        rows += _earlier(frame, snapshot, wide)
    while rows and not width(rows[-1]):
        rows.pop()
    return tuple(cut((gap(1), *row), frame.width - 1, g.ellipsis) for row in rows)


def evidence_rows(snapshot: Snapshot, wide: int, glyphs: Glyphs) -> list[Row]:
    """Draw a row per component: glyph on every worker, counts by state, samples with the key, expectation."""
    workers = snapshot.workers
    if not workers:
        return [(muted("no workers"),)]
    pitch = 3 if len(workers) <= 10 else 2 if len(workers) <= 20 else 1
    roomy = wide >= 100
    name_cells = 18 if wide >= 70 else 12
    glyph_cells = max(pitch * len(workers) + 2, 8)
    shown: Sequence[WorkerView] = workers
    if name_cells + glyph_cells + 16 > wide:
        glyph_cells = max(8, wide - name_cells - 16)
        shown = workers[: max(0, (glyph_cells - 3) // pitch)]
    state_cells = 24 if roomy else max(14, wide - name_cells - glyph_cells)
    head: Row = (left("COMPONENT", name_cells, "muted"),)
    if pitch == 3:
        numbers = "".join(f"w{worker.slot}".ljust(3) for worker in shown)
        head = (*head, left(numbers, glyph_cells, "muted"))
    else:
        head = (*head, left(f"{shown[0].ref.label} .. {shown[-1].ref.label}" if shown else "", glyph_cells, "muted"))
    head = (*head, left("STATE", state_cells, "muted"))
    if roomy:
        head = (*head, right("SAMPLES WITH KEY", 16, "muted"), gap(4), muted("EXPECTED"))
    rows = [cut(head, wide, glyphs.ellipsis)]
    for part in workers[0].components:
        rows.append(_evidence(part, snapshot, shown, pitch, (name_cells, glyph_cells, state_cells), wide, glyphs))
    return rows


def _evidence(
    part: ComponentView,
    snapshot: Snapshot,
    shown: Sequence[WorkerView],
    pitch: int,
    sizes: tuple[int, int, int],
    wide: int,
    glyphs: Glyphs,
) -> Row:
    name_cells, glyph_cells, state_cells = sizes
    everywhere = [found for worker in snapshot.workers if (found := component_of(worker, part.id))]
    name = clip(glyphs.text(part.title), name_cells - (4 if part.derived else 2), glyphs.ellipsis)
    row: list[Span] = [left(f"{name} *" if part.derived else name, name_cells, "text")]
    dots: list[Span] = []
    for worker in shown:
        found = component_of(worker, part.id)
        dots += [state_mark(found, glyphs) if found else muted(" "), gap(pitch - 1)]
    if len(shown) < len(snapshot.workers):
        dots.append(muted(glyphs.ellipsis))
    row += fit(tuple(dots), glyph_cells, glyphs.ellipsis)
    counted = Counter(found.state for found in everywhere)
    summary: list[Span] = []
    for state, n in sorted(counted.items(), key=lambda pair: (-pair[1], _SEVERITY.index(pair[0]))):
        stands = state is ComponentState.STALLED and part.stands
        token, word = ("muted", "stands") if stands else (STATE_TOKENS[state], STATE_WORDS[state])
        loud = token == "crit"
        if summary:
            summary.append(gap(2))
        summary += [
            mark(glyphs.state(state), token), gap(1),
            Span(f"{word} {fmt.share(n, len(everywhere))}", "text" if token == "muted" else token, loud),
        ]  # fmt: skip
    row += fit(tuple(summary), state_cells, glyphs.ellipsis)
    if wide < 100:
        return cut(tuple(row), wide, glyphs.ellipsis)
    samples = sum(found.samples for found in everywhere)
    with_key = sum(found.samples_with_key for found in everywhere)
    counts = "derived" if part.derived else f"{with_key} / {samples}"
    row += [right(counts, 16, "muted" if part.derived else "text"), gap(4)]
    expected = fmt.expected_range(part.expected_min, part.expected_max).replace("-", " to ")
    by = " after gameplay" if part.due == "gameplay" else f" by {fmt.minutes(part.expected_by_s)}"
    row += [text(expected), muted(by)]
    return cut(tuple(row), wide, glyphs.ellipsis)


def name_rows(snapshot: Snapshot, wide: int, glyphs: Glyphs) -> list[Row]:
    """Draw the expected names that no worker ever sent; empty when there are none, or before the first answer."""
    contract = snapshot.contract
    if contract is None or not contract.answered or not contract.never_seen:
        return []
    needed = [name for name in contract.names if name.needed]
    share = fmt.share(len(contract.never_seen), len(needed))
    summary = f"{share} expected names never seen: {format_names(contract.never_seen, 8)}"
    return paragraph(glyphs.text(summary), wide, "text", indent=(mark(glyphs.absent, "crit"), gap(1)))


def black_box_rows(frame: Frame, snapshot: Snapshot, box: BlackBox, wide: int) -> list[Row]:
    """Draw the memory of each owner around the first OOM kill."""
    g = frame.glyphs
    log = snapshot.memory.kernel_log
    note = f"GB, around the kill at {fmt.clock(box.kill_t, frame.zone)}"
    note += f"; kernel log {log}" if log is not None else ""
    rows: list[Row] = [title("BLACK BOX", wide, g, (muted(g.text(note)),))]
    (_, *labels), *lines = table(box)
    # In a narrow terminal the moments closest to the kill stay.
    shown = max(1, (wide - NAME) // SAMPLE_CELLS)
    rows.append((gap(NAME), *(right(label, SAMPLE_CELLS, "muted") for label in labels[-shown:])))
    for name, *held in lines:
        victim = name in snapshot.memory.victim_names
        owner = left(g.text(name), NAME, "crit" if victim else "text", victim, g.ellipsis)
        amounts = (right(cell, SAMPLE_CELLS, "strong" if victim else "text", victim) for cell in held[-shown:])
        rows.append((owner, *amounts))
    if any(cell.startswith("had ") for _, *held in lines for cell in held):
        rows += paragraph(HAD, wide, "muted")
    return [cut(row, wide, g.ellipsis) for row in rows]


def check_rows(snapshot: Snapshot, wide: int, glyphs: Glyphs) -> list[Row]:
    """Draw the gate: each check with its time and result, and the reason where it did not pass."""
    gate = snapshot.gate
    skipped = f"{gate.count('SKIPPED')} skipped"
    rows: list[Row] = [title("CHECKS", wide, glyphs, (muted(f"only PASS counts, {skipped}"),))]
    if gate.began_t is None:
        return [*rows, (muted("the gate starts when every worker answers, or when the start-up grace ends"),)]
    line: list[Span] = []
    for check in gate.checks:
        if line:
            line.append(gap(20 - (width(line) % 20 or 20)))
        at = fmt.minutes(check.due_t - gate.began_t)
        token = CHECK_TOKENS[check.result]
        word = check.result if check.result != "TO COME" else "to come"
        text_token = "muted" if token == "muted" else token
        cell: Row = (muted(at), gap(2), mark(glyphs.check(check.result), token), gap(1),
                     Span(word, text_token, check.result == "FAIL"))  # fmt: skip
        if line and width(line) + width(cell) > wide:
            rows.append(tuple(line))
            line = []
        line += cell
    rows.append(tuple(line))
    reasons = [
        (check, check.because) for check in gate.checks if check.because and check.result not in ("PASS", "TO COME")
    ]
    if len({because for _, because in reasons}) == 1 and len(reasons) > 1:
        return rows + paragraph(glyphs.text(f"all: {reasons[0][1]}"), wide)
    for check, because in reasons:
        head: Row = (muted(f"{fmt.minutes(check.due_t - gate.began_t)}  "),)
        rows += paragraph(glyphs.text(because), wide, "text", indent=head)
    return rows


def next_rows(frame: Frame, snapshot: Snapshot, wide: int) -> list[Row]:
    """Draw the next steps, each with its key and its command."""
    g = frame.glyphs
    rows: list[Row] = []
    for step in snapshot.verdict.next_steps:
        key = key_now(frame, step.key) if step.key and has_hint(frame, step.key) else ""
        head: Row = (left(step.join, 5, "muted"), Span(key.ljust(3), "accent", True))
        rows += paragraph(g.text(step.text), wide, "strong", indent=head)
        if step.command:
            rows += paragraph(g.text(step.command), wide, "text", indent=(gap(8), muted("$ ")))
    return rows


def _earlier(frame: Frame, snapshot: Snapshot, wide: int) -> list[Row]:
    g = frame.glyphs
    rows: list[Row] = []
    for t, word, because in reversed(snapshot.verdicts[-12:]):
        level = word.level
        head: Row = (
            muted(f"{fmt.clock(t, frame.zone)}  "),
            mark(g.level(level), level_token(level)),
            gap(1), left(str(word), 18, "text"),
        )  # fmt: skip
        summary = g.text(because[0]) if because else ""
        rows.append((*head, muted(clip(summary, max(0, wide - cells("00:00:00  x ") - 18), g.ellipsis))))
    return rows


def nothing_seen(frame: Frame) -> tuple[Row, ...]:
    """Draw the row shown before the first Snapshot."""
    doing = "reading the recording" if frame.past else "waiting for the first poll"
    row: Row = (gap(1), strong("metabonk-tui", True), gap(2), muted(doing))
    return (fit(row, frame.width, frame.glyphs.ellipsis),)
