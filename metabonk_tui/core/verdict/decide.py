"""Decides the verdict: answers three questions with evidence, and derives the word that they lead to.

Pure. Does not: read the clock, delay changes, or keep history; `hysteresis` and the step do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from metabonk_tui.core.config.schema import GB
from metabonk_tui.core.model.snapshot import Node, VerdictKind
from metabonk_tui.core.model.worker import ComponentState, Reach, WorkerView
from metabonk_tui.core.text.numbers import age
from metabonk_tui.core.text.phrases import cut_list
from metabonk_tui.core.verdict.inputs import VerdictInputs, due_components, silence_evidence
from metabonk_tui.core.verdict.nodes import components_node, gameplay_node, memory_node
from metabonk_tui.core.worker.component import SILENT


@dataclass(frozen=True, slots=True)
class VerdictDraft:
    """A verdict before hysteresis."""

    kind: VerdictKind
    because: tuple[str, ...]
    nodes: tuple[Node, ...]
    would_be: VerdictKind | None
    changes_when: str
    early: bool = False
    latched: bool = False
    """Skips hysteresis: an OOM kill is an event, not a level."""


def decide(inputs: VerdictInputs) -> VerdictDraft:
    """Answer the questions and derive the draft; a conclusive STOP needs no end of the gate."""
    zero, memory, gameplay = components_node(inputs), memory_node(inputs), gameplay_node(inputs)
    nodes = (zero, memory, gameplay)
    stop = _conclusive(inputs)
    if stop is not None:
        kind, because, latched = stop
        return _draft(inputs, kind, because, nodes, early=True, latched=latched)
    if inputs.stopped_t is not None:
        return _draft(inputs, VerdictKind.WAITING, ("the pool was stopped by us",), nodes)
    ended = inputs.gate.ends_t is not None and inputs.t >= inputs.gate.ends_t
    if not inputs.begun or not (inputs.answered_ever or ended):
        return _draft(inputs, VerdictKind.WAITING, (_waiting_for(inputs),), nodes)
    kind, because = _matrix(inputs, *nodes)
    if not ended:
        return _draft(inputs, VerdictKind.VALIDATING, (_progress(inputs), *because), nodes, would_be=kind)
    return _draft(inputs, kind, because, nodes)


def _draft(
    inputs: VerdictInputs,
    kind: VerdictKind,
    because: tuple[str, ...],
    nodes: tuple[Node, ...],
    *,
    would_be: VerdictKind | None = None,
    early: bool = False,
    latched: bool = False,
) -> VerdictDraft:
    lit = mark_path(kind, would_be, nodes)
    return VerdictDraft(kind, because, lit, would_be, _changes_when(inputs, kind, lit, latched), early, latched)


def mark_path(kind: VerdictKind, would_be: VerdictKind | None, nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    """Mark the nodes that led to the verdict; `would_be` counts before `kind`."""
    final = would_be or kind
    path = {
        VerdictKind.STOP: ("components",),
        VerdictKind.UNDECIDED: ("components",),
        VerdictKind.ADD_MEMORY_WATCH: ("components", "memory"),
        VerdictKind.TUNE_EPSILON: ("components", "gameplay"),
        VerdictKind.SUCCESS: ("components", "memory", "gameplay"),
        VerdictKind.LAUNCH_24H: ("components", "memory"),
        VerdictKind.CONTINUE: ("components",),
    }.get(final, ())
    return tuple(replace(node, on_path=node.id in path) for node in nodes)


# STOP, without waiting for the gate


def _conclusive(inputs: VerdictInputs) -> tuple[VerdictKind, tuple[str, ...], bool] | None:
    memory = inputs.memory
    if memory.oom_kills_in_run:
        who = " ".join(memory.victim_names) or "victim not known"
        return VerdictKind.STOP, (f"kernel OOM kill: {who}, latched for this run",), True
    if inputs.stopped_t is not None or inputs.changing or not inputs.begun or inputs.gate.began_t is None:
        return None
    silence = _unanswered(inputs)
    if silence:
        return VerdictKind.STOP, (silence,), False
    missing = _silent_without_flags(inputs)
    if missing:
        return VerdictKind.STOP, missing, False
    return None


ALL_DOWN_S = 60.0
"""Seconds without an answer before STOP: a respawn of all workers took 20 to 23 s on a loaded machine."""


def _unanswered(inputs: VerdictInputs) -> str | None:
    if inputs.unanswered_s is None or not inputs.workers:
        return None
    wanted = len(inputs.workers)
    if not inputs.answered_ever:
        grace = age(inputs.config.clock.startup_grace_s)
        return f"no worker answered: 0/{wanted} after the start-up grace of {grace}"
    if inputs.unanswered_s >= max(ALL_DOWN_S, 3 * inputs.nominal_s):
        return f"no worker answers: 0/{wanted} for {age(inputs.unanswered_s)}"
    return None


def _silent_without_flags(inputs: VerdictInputs) -> tuple[str, ...] | None:
    """Return the evidence of early silence, else None.

    Every component is silent on all workers, and every readable process lacks required flags.
    """
    early_s = inputs.config.verdict.early_silence_s
    began_t = inputs.gate.began_t
    if began_t is None or inputs.t - began_t < early_s or inputs.answered_early_s < early_s / 2:
        return None
    lately_t = inputs.t - early_s
    if not all(_silent_lately(worker, lately_t) for worker in inputs.workers):
        return None
    readable = [w.env for w in inputs.workers if w.env is not None and w.env.error is None]
    if not readable or not all(env.missing or env.wrong for env in readable):
        return None
    missing = _in_all([env.missing for env in readable])
    wrong = _in_all([[f"{key} is {value}" for key, value, _ in env.wrong] for env in readable])
    what = "missing" if missing else "switched off" if wrong else "not set right"
    # The cause comes first, because a narrow screen cuts the end.
    lines = [f"required flags {what} in {len(readable)}/{len(inputs.workers)} workers, all components silent"]
    if missing:
        lines.append(f"not in /proc/PID/environ: {cut_list(missing, 3)}")
    if wrong:
        lines.append(f"in /proc/PID/environ: {cut_list(wrong, 3)}")
    return (*lines, *silence_evidence(inputs.workers, contract=inputs.contract))


def _silent_lately(worker: WorkerView, lately_t: float) -> bool:
    """Return whether a worker answered once and is known to be silent; an unreachable worker keeps its last state."""
    if worker.last_good_t is None:
        return False
    for component in worker.components:
        is_gone_silent = (
            component.state in (ComponentState.DOWN, ComponentState.STALE) and component.window_activity == "silent"
        )
        if is_gone_silent or component.state is ComponentState.UNPROVEN:
            continue
        if component.state not in SILENT or (component.last_grew_t is not None and component.last_grew_t > lately_t):
            return False
    return True


def _in_all(groups: Sequence[Sequence[str]]) -> list[str]:
    return [item for item in groups[0] if all(item in group for group in groups)]


def _matrix(inputs: VerdictInputs, zero: Node, memory: Node, gameplay: Node) -> tuple[VerdictKind, tuple[str, ...]]:
    if zero.answer == "yes":
        return VerdictKind.STOP, (
            *silence_evidence(inputs.workers, inputs.foreign_fields, inputs.contract),
            zero.evidence[0],
        )
    if zero.answer == "unknown":
        return VerdictKind.UNDECIDED, zero.evidence[:1]
    if memory.answer == "no" and not inputs.memory.watch_armed:
        return VerdictKind.ADD_MEMORY_WATCH, (memory.evidence[0], zero.evidence[0])
    if gameplay.answer == "no":
        keys = ", ".join(inputs.config.verdict.tune_keys)
        return VerdictKind.TUNE_EPSILON, (
            f"no worker reached gameplay: {gameplay.short}",
            f"the keys that are read: {keys}",
        )
    due, shown = due_components(inputs.workers)
    never = [title for title in due if title not in shown]
    if never:
        return VerdictKind.CONTINUE, (f"never shown yet: {', '.join(never)}", zero.evidence[0])
    if memory.answer == "no":
        return VerdictKind.CONTINUE, ("memory watch on", memory.evidence[0])
    if memory.answer == "unknown":
        return VerdictKind.CONTINUE, (f"memory not known to be stable: {memory.evidence[0]}", zero.evidence[0])
    shown_text = f"due components {len(shown)}/{len(due)}"
    if gameplay.answer == "yes":
        return VerdictKind.SUCCESS, (
            f"{shown_text} · memory stable · gameplay {gameplay.short}",
            *gameplay.evidence[:1],
        )
    return VerdictKind.LAUNCH_24H, (f"{shown_text} · memory stable · gameplay {gameplay.short}", memory.evidence[0])


def _waiting_for(inputs: VerdictInputs) -> str:
    wanted = len(inputs.workers)
    if inputs.workers and all(worker.error == "dns" for worker in inputs.workers):
        return f"host {inputs.config.pool.host} does not resolve: nothing is known of the pool; check pool.host"
    if not inputs.begun:
        return "no pool found: no worker process, no answer" if wanted else "no pool found"
    if wanted and all(worker.reach is Reach.UNOBSERVED for worker in inputs.workers):
        return "no worker was observed"
    return f"no worker has answered yet, 0/{wanted}"


def _progress(inputs: VerdictInputs) -> str:
    checks = inputs.gate.checks
    if not checks:
        answered = sum(w.last_good_t is not None for w in inputs.workers)
        return f"starting, {answered}/{len(inputs.workers)} workers answered"
    done = len(checks) - inputs.gate.count("TO COME")
    coming = next((c for c in checks if c.result == "TO COME"), None)
    wait = f", next in {age(coming.due_t - inputs.t)}" if coming else ""
    return f"check {done}/{len(checks)}{wait}"


def _changes_when(inputs: VerdictInputs, kind: VerdictKind, nodes: tuple[Node, ...], latched: bool) -> str:
    hold = f"held for {inputs.config.verdict.hold_evaluations} evaluations"
    if kind is VerdictKind.STOP and latched:
        return "a new run begins: an OOM kill is latched"
    if kind is VerdictKind.STOP:
        if inputs.unanswered_s is not None:
            return f"a worker answers, {hold}"
        return f"any component grows on any worker, {hold}"
    if kind is VerdictKind.WAITING:
        return "a worker answers"
    if kind is VerdictKind.VALIDATING:
        ends = inputs.gate.ends_t
        return "start-up ends" if ends is None else f"the gate ends, in {age(ends - inputs.t)}"
    if kind is VerdictKind.UNDECIDED:
        return f"half of the last {age(inputs.window_s)} has been observed"
    if kind is VerdictKind.ADD_MEMORY_WATCH:
        floor = inputs.memory.floor_bytes / GB
        return f"available stays above {floor:.1f} GB for {age(inputs.config.memory.window_s)}"
    if kind is VerdictKind.TUNE_EPSILON:
        return "a worker reaches gameplay, corroborated"
    if kind is VerdictKind.CONTINUE:
        due, shown = due_components(inputs.workers)
        if len(due) > len(shown):
            return f"the missing components show, {hold}"
        return f"memory is known to be stable for {age(inputs.config.memory.window_s)}"
    return f"every component is silent for {age(inputs.config.clock.validation_s)}, memory falls, or a kill"
