"""Draws a plan over several hosts: a section for each, with its memory before and after. Does not: plan or ask."""

from __future__ import annotations

from metabonk_tui.core.model.pool import HostPlan, Plan, Stop, StopWorker
from metabonk_tui.core.model.refs import HostName
from metabonk_tui.core.text.numbers import gigabytes
from metabonk_tui.core.text.phrases import count_of
from metabonk_tui.core.worker.filters import components_of, parse_filter
from metabonk_tui.ui.dialogs.base import BLANK, NEEDED, DialogLine, inner_width, labelled
from metabonk_tui.ui.dialogs.plan import hit_lines, passed_lines
from metabonk_tui.ui.frame import Frame
from metabonk_tui.ui.style.spans import Row, Span, gap, mark
from metabonk_tui.ui.views.layout.section import words

WHOLE = 3
"""Hosts of which every process and command is drawn; of more, each has one line."""


def filtered_hosts(frame: Frame) -> tuple[HostName, ...]:
    """Return the hosts whose workers the filter shows; empty: it chooses none."""
    snapshot, text = frame.snapshot, frame.state.filter
    if snapshot is None or "host" not in text:
        return ()
    terms = " ".join(term for term in text.split() if term.lstrip("!").lower().startswith("host"))
    wanted = parse_filter(terms, components_of(snapshot))
    shown = {worker.ref.host for worker in snapshot.workers if wanted.matches(worker, snapshot.t)}
    return tuple(name for name in snapshot.hosts if name in shown) if wanted.conditions else ()


def host_lines(plan: Plan, frame: Frame) -> list[DialogLine]:
    """Draw what the plan does on each host."""
    lines: list[DialogLine] = []
    acting = [part for part in plan.parts if part.plan.mode != "noop"]
    for part in plan.parts:
        lines.append(DialogLine(labelled("host", _head(part, frame), frame), NEEDED if part in acting else 6))
        if len(acting) <= WHOLE and part.plan.mode not in ("noop", "refused"):
            lines += [*hit_lines(part.plan, frame, part.host), *passed_lines(part.plan, frame), BLANK]
    for warning in plan.warnings if plan.mode != "noop" else ():
        for line in words(warning, inner_width(frame) - 14):
            lines.append(DialogLine(labelled("", (Span(line, "warn"),), frame), 8))
    return [*lines, BLANK]


def _head(part: HostPlan, frame: Frame) -> Row:
    plan = part.plan
    name = Span(part.host, "strong", True)
    if plan.mode == "refused":
        return (name, gap(2), mark(frame.glyphs.stop, "crit"), gap(1), Span(plan.refusal or "refused", "crit"))
    if plan.mode == "noop":
        return (name, gap(2), Span("nothing to do", "muted"))
    stopped = sum(hit.role == "worker" for hit in plan.hits)
    parts = [f"stops {stopped}"] if plan.hits else []
    parts += [f"starts {count_of(plan.start, 'worker')}"] if plan.start else []
    return (name, gap(2), Span(", ".join(parts)), *_memory(part, frame))


def _memory(part: HostPlan, frame: Frame) -> Row:
    """Draw what stays free on the host after its part; nothing where the budget is not known."""
    host = frame.snapshot.hosts.get(part.host) if frame.snapshot is not None else None
    budget = host.memory.budget if host is not None else None
    if budget is None or isinstance(part.plan.action, StopWorker):
        return ()
    leaves = budget.budget_bytes if isinstance(part.plan.action, Stop) else budget.leaves_bytes(part.plan.start)
    level, glyph = ("crit", frame.glyphs.stop) if leaves < 0 else ("warn", frame.glyphs.caution)
    if leaves >= budget.floor_bytes:
        level, glyph = "ok", frame.glyphs.go
    size = f"{gigabytes(abs(leaves))} GB {'stay free' if leaves >= 0 else 'short'}"
    return (gap(3), mark(glyph, level), gap(1), Span(size, "muted" if level == "ok" else level))
