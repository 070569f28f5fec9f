"""Formats the verdict as plain text: for the clipboard, for `check`, for a message to a colleague.

Every line is complete on its own. Does not: use glyphs, or know the width of a screen.
"""

from __future__ import annotations

from datetime import UTC, tzinfo

from metabonk_tui.core.memory.capacity import contradiction, describe_source
from metabonk_tui.core.model.host_view import HostView
from metabonk_tui.core.model.memory import MemoryView
from metabonk_tui.core.model.refs import HostName, WorkerRef, worker_ranges
from metabonk_tui.core.model.snapshot import CHECK_RESULTS, Snapshot
from metabonk_tui.core.model.worker import ComponentState, ComponentView, WorkerView
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.core.text.phrases import count_of


def verdict_text(snapshot: Snapshot, zone: tzinfo = UTC) -> str:
    """Format the verdict and its evidence, one fact per line; no line ends in a blank."""
    verdict, run = snapshot.verdict, snapshot.run
    since = fmt.elapsed(verdict.since_t - run.started_at)
    lines = [
        f"{verdict.title} since {since} ({fmt.clock(verdict.since_t, zone)})",
        f"run {run.name}, {fmt.elapsed(run.elapsed_s)} old, seen at {fmt.clock(snapshot.t, zone)}",
    ]
    if (end := verdict.ended) is not None:
        lines.append(f"over, last seen at {fmt.clock(end.last_seen_t, zone)}: {end.text}")
    if verdict.would_be is not None:
        lines.append(f"would be {verdict.would_be} if the gate ended now")
    lines += [f"  because {sentence}" for sentence in verdict.because]
    lines += ["", *_memory(snapshot), *_gate(snapshot)]
    lines += ["", "decision"]
    for node in verdict.nodes:
        path = "" if node.on_path else " (not reached)"
        lines.append(f"  {node.question} {node.answer} -> {node.leads_to}{path}: {node.short}".rstrip(": "))
        lines += [f"    {sentence}" for sentence in node.evidence]
    lines += ["", "components", *_components(snapshot)]
    if snapshot.causes:
        lines += ["", "causes"]
        for rank, cause in enumerate(snapshot.causes, 1):
            lines.append(f"  {rank} {fmt.number(cause.confidence, 2)} {cause.name}: {cause.because}")
            lines += [f"    confirm: {cause.confirm}"] if cause.confirm else []
            lines += [f"    fix: {cause.fix}"] if cause.fix else []
    lines += ["", f"changes when {verdict.changes_when}"] if verdict.changes_when else []
    if verdict.next_steps:
        lines += ["", "next"]
        for step in verdict.next_steps:
            command = f": {step.command}" if step.command else ""
            lines.append(f"  {step.join + ' ' if step.join else ''}{step.text}{command}")
    return "\n".join(line.rstrip() for line in lines)


def _memory(snapshot: Snapshot) -> list[str]:
    if snapshot.has_several_hosts:
        return [line for name in sorted(snapshot.hosts) for line in _of_host(name, snapshot.hosts[name], snapshot.t)]
    return _memory_lines(snapshot.memory, snapshot.t)


def _of_host(name: HostName, host: HostView, t: float) -> list[str]:
    """Format the memory of one host, or that it is not seen."""
    link = host.link
    if link is not None and link.state != "UP":
        since = "never answered" if link.since_t is None else f"for {fmt.age(max(0.0, t - link.since_t))}"
        return [f"{name}: {link.state}, {since}: {link.reason or 'no reason known'}"]
    return [f"{name}: {line}" for line in _memory_lines(host.memory, t)]


def _memory_lines(memory: MemoryView, t: float) -> list[str]:
    if memory.available_bytes is None:
        return ["memory not observed"]
    total = "" if memory.total_bytes is None else f" of {fmt.gigabytes(memory.total_bytes)}"
    summary = f"memory {fmt.gigabytes(memory.available_bytes)} GB available{total}, floor"
    summary += f" {fmt.gigabytes(memory.floor_bytes)}"
    if memory.min_available_bytes is not None:
        summary += f", lowest {fmt.gigabytes(memory.min_available_bytes)}"
    lines = [summary]
    if memory.oom_kills_in_run:
        victims = f" ({memory.victims_text})" if memory.victims_text else ""
        lines.append(f"kernel OOM kills in this run: {memory.oom_kills_in_run}{victims}")
    if memory.budget is not None:
        known = describe_source(memory.budget.worker_source)
        size = fmt.gigabytes(memory.budget.worker_bytes)
        fits = f"fits {count_of(memory.budget.fits, 'worker')} of {size} GB ({known})"
        if memory.forecast is not None and contradiction(memory, t) == "runs out":
            fits = f"{memory.forecast.text}; by the peaks so far it {fits}"
        lines.append(fits)
    return lines


def _gate(snapshot: Snapshot) -> list[str]:
    gate = snapshot.gate
    if gate.began_t is None:
        return ["gate not begun: not every worker has answered"]
    counted = [f"{gate.count(result)} {result}" for result in CHECK_RESULTS if gate.count(result)]
    return [f"gate {', '.join(counted)}"]


def _components(snapshot: Snapshot) -> list[str]:
    """Format one line per component: its states, each with the workers in it."""
    ids: dict[str, str] = {part.id: part.title for worker in snapshot.workers for part in worker.components}
    lines = []
    for name, title in ids.items():
        states: dict[ComponentState, list[WorkerRef]] = {}
        for worker in snapshot.workers:
            part = component_of(worker, name)
            if part is not None:
                states.setdefault(part.state, []).append(worker.ref)
        summary = ", ".join(f"{state} on {worker_ranges(numbers)}" for state, numbers in states.items())
        lines.append(f"  {title}: {summary}")
    return lines


def component_of(worker: WorkerView, name: str) -> ComponentView | None:
    """Return the component of a worker by its id; None when the worker lacks it."""
    return next((part for part in worker.components if part.id == name), None)
