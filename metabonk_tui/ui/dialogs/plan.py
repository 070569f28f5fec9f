"""Draws a plan as lines of a dialog: processes it stops, workers it starts, env file, commands.

Does not: plan or ask.
"""

from __future__ import annotations

from metabonk_tui.core.model.pool import Plan
from metabonk_tui.core.model.refs import ONLY_HOST, HostName
from metabonk_tui.core.text.mask import masked_command
from metabonk_tui.core.text.phrases import count_of
from metabonk_tui.ui.dialogs.base import BLANK, NEEDED, DialogLine, inner_width, labelled
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.style.spans import Row, Span, cells, gap, mark
from metabonk_tui.ui.views.layout.section import words


def hit_lines(plan: Plan, frame: Frame, host: HostName = ONLY_HOST) -> list[DialogLine]:
    """Draw which processes the plan stops (name and pid), how many workers it starts, and its warnings."""
    glyphs, wide = frame.glyphs, inner_width(frame) - 14
    workers = [target for target in plan.hits if target.role == "worker"]
    others = [target for target in plan.hits if target.role != "worker"]
    running = sum(w.alive and w.ref.host == host for w in frame.snapshot.workers) if frame.snapshot else 0
    lines: list[DialogLine] = []
    if workers:
        every = len(workers) >= running
        head = f"{len(workers)} of {running} workers"
        if every:
            head = f"ALL {len(workers)} workers" if len(workers) > 1 else "the only worker"
        names = " ".join(target.name if target.worker is None else target.worker.label for target in workers)
        lead: Row = (mark(glyphs.caution, "warn"), gap(1))
        if cells(head) + 1 > wide - 2:
            # In a side pane the head itself takes several rows.
            said: list[Row] = [(Span(line, "warn", True),) for line in words(f"{head}:", wide - 2)]
            said += [(Span(line),) for line in words(names, wide - 2)]
        else:
            first, *more = words(f"{head}: {names}", wide - 2)
            said = [(Span(head, "warn", True), Span(first[len(head) :])), *((Span(line),) for line in more)]
        for i, drawn in enumerate(said):
            row: Row = (*(lead if i == 0 else (gap(2),)), *drawn)
            lines.append(DialogLine(labelled("stops" if i == 0 else "", row, frame), NEEDED if i == 0 else 8))
    elif not others:
        lines.append(DialogLine(labelled("stops", (Span("nothing", "muted"),), frame), 6))
    # A worker that waits on a cluster has no pid yet.
    pids = " ".join(str(target.pid) for target in workers if target.pid)
    for line in words(f"pids {pids}" if pids else "", wide):
        lines.append(DialogLine(labelled("", (Span(line, "muted"),), frame), 7))
    for i, target in enumerate(others):
        what = f"  {target.name}" if target.name != target.role else ""
        row = (Span(f"{target.role} {target.pid}"), Span(what, "muted"))
        lines.append(DialogLine(labelled("" if workers or i else "stops", row, frame), 7))
    if plan.start:
        about = f"  about {max(1, round(plan.seconds / 60))} min" if plan.seconds and plan.seconds >= 45 else ""
        about = about or (f"  about {plan.seconds:.0f} s" if plan.seconds else "")
        row = (Span(count_of(plan.start, "worker"), "strong", True), Span(about, "muted"))
        lines.append(DialogLine(labelled("starts", row, frame), 7))
    for warning in plan.warnings:
        for i, line in enumerate(words(warning, wide - 2)):
            row = (mark(glyphs.caution, "warn"), gap(1), Span(line)) if i == 0 else (gap(2), Span(line))
            lines.append(DialogLine(labelled("", row, frame), 8))
    return lines


def passed_lines(plan: Plan, frame: Frame) -> list[DialogLine]:
    """Draw the env file for the workers, the exact commands, and their directory."""
    glyphs, wide = frame.glyphs, inner_width(frame) - 14
    lines: list[DialogLine] = []
    if plan.start:
        source = plan.source
        if source is None or source.env_file is None:
            row: Row = (Span("none: the workers get this monitor's environment", "muted"),)
        elif source.env_keys is None:
            row = (
                mark(glyphs.caution, "warn"),
                gap(1),
                Span(source.env_file),
                gap(2),
                Span("cannot be read", "warn"),
            )
        else:
            note = f"{source.env_keys} keys, exported"
            row = (mark(glyphs.go, "ok"), gap(1), Span(source.env_file), gap(2), Span(note, "muted"))
        lines += [DialogLine(labelled("env file", row, frame), 6), BLANK]
    first = "runs"
    for argv in plan.commands:
        for line in words(masked_command(argv), wide):
            lines.append(DialogLine(labelled(first, (Span(line),), frame), 8))
            first = ""
    if plan.commands and plan.source is not None:
        lines.append(DialogLine(labelled("", (Span(f"in {plan.source.directory}", "muted"),), frame), 4))
    return lines
