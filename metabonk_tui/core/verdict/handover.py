"""Writes a hand-over: eight lines on a moment of a run, and the command that opens this moment, for a colleague.

Every line is complete on its own. Does not: use glyphs, or write files.
"""

from __future__ import annotations

from datetime import tzinfo

from metabonk_tui.core.model.condition import condition, needs_attention, worst_first
from metabonk_tui.core.model.refs import worker_names
from metabonk_tui.core.model.snapshot import CHECK_RESULTS, Snapshot
from metabonk_tui.core.model.worker import Reach, WorkerView
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.core.text.phrases import cut_list

NAMED = 4
"""Workers that the line of the ill ones names."""


def handover_text(snapshot: Snapshot, worker: WorkerView | None, command: str, note: str, zone: tzinfo) -> str:
    """Write the eight lines, then `command` and `note`, a line each; the selected `worker` has a line of its own.

    `note` says what `command` reads, or why there is no command; "" leaves the line out.
    """
    lines = [
        _verdict(snapshot, zone),
        _because(snapshot),
        _cause(snapshot),
        _memory(snapshot),
        _gate(snapshot),
        _workers(snapshot),
        "selected: none" if worker is None else f"selected: {_worker(worker)}",
        _next(snapshot),
        *([f"look: {command}"] if command else []),
        *([note] if note else []),
    ]
    return "\n".join(lines)


def _verdict(snapshot: Snapshot, zone: tzinfo) -> str:
    verdict, run = snapshot.verdict, snapshot.run
    since = fmt.elapsed(verdict.since_t - run.started_at)
    seen = f"{fmt.day(snapshot.t, zone)} {fmt.clock(snapshot.t, zone)}"
    return f"{verdict.title} since {since}; run {run.name}, {fmt.elapsed(run.elapsed_s)} old, seen {seen}"


def _because(snapshot: Snapshot) -> str:
    return f"because: {'; '.join(snapshot.verdict.because) or 'no evidence'}"


def _cause(snapshot: Snapshot) -> str:
    if not snapshot.causes:
        return "cause: none found"
    first = snapshot.causes[0]
    return f"cause: {first.name}, {fmt.number(first.confidence, 2)}: {first.because}"


def _memory(snapshot: Snapshot) -> str:
    memory = snapshot.memory
    where = f" on {memory.host}" if memory.host else ""
    if memory.available_bytes is None:
        return f"memory{where}: not observed"
    total = "" if memory.total_bytes is None else f" of {fmt.gigabytes(memory.total_bytes)}"
    parts = [f"{fmt.gigabytes(memory.available_bytes)} GB available{total}, floor {fmt.gigabytes(memory.floor_bytes)}"]
    if memory.oom_kills_in_run:
        victims = f" ({memory.victims_text})" if memory.victims_text else ""
        parts.append(f"OOM kills: {memory.oom_kills_in_run}{victims}")
    if memory.forecast is not None and memory.forecast.text:
        parts.append(memory.forecast.text)
    return f"memory{where}: {'; '.join(parts)}"


def _gate(snapshot: Snapshot) -> str:
    gate = snapshot.gate
    if gate.began_t is None:
        return "gate: not begun"
    counted = [f"{gate.count(result)} {result}" for result in CHECK_RESULTS if gate.count(result)]
    return f"gate: {', '.join(counted)}"


def _workers(snapshot: Snapshot) -> str:
    workers = snapshot.workers
    up = sum([worker.reach is Reach.UP for worker in workers])
    ill = [worker.ref for worker in worst_first(workers) if needs_attention(condition(worker))]
    named = f", worst first: {worker_names(ill, NAMED)}" if ill else ""
    return f"workers: {up} of {len(workers)} up, {len(ill)} ill{named}"


def _worker(worker: WorkerView) -> str:
    reach = "up" if worker.reach is Reach.UP else str(worker.reach).lower()
    parts = [f"{worker.ref.label} {reach}"]
    if worker.step_rate is not None:
        parts.append(f"{fmt.per_second(worker.step_rate)} steps/s")
    if worker.rss_bytes is not None:
        parts.append(f"{fmt.gigabytes(worker.rss_bytes, 2)} GB")
    parts.append(f"generation {worker.generation}")
    parts.append(cut_list([attention.text for attention in worker.attention]) or "nothing needs attention")
    return ", ".join(parts)


def _next(snapshot: Snapshot) -> str:
    steps = [
        f"{step.join + ' ' if step.join else ''}{step.text}{f': {step.command}' if step.command else ''}"
        for step in snapshot.verdict.next_steps
    ]
    return f"next: {' '.join(steps) or 'nothing to do'}"
