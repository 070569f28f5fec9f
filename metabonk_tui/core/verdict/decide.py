"""Decides the verdict: answers three questions with evidence, and derives the word that they lead to.

Pure. Does not: read the clock, delay changes, or keep history; `hysteresis` and the step do.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from metabonk_tui.core.config.schema import GB
from metabonk_tui.core.model.refs import worker_ranges
from metabonk_tui.core.model.sample import waiting_text
from metabonk_tui.core.model.snapshot import Node, VerdictKind
from metabonk_tui.core.model.worker import Reach
from metabonk_tui.core.text.numbers import age, number
from metabonk_tui.core.verdict.early import early_node, early_stop
from metabonk_tui.core.verdict.inputs import VerdictInputs, silence_evidence
from metabonk_tui.core.verdict.missing import Missing, find_missing, texts
from metabonk_tui.core.verdict.nodes import components_node, gameplay_node, memory_node


class VerdictDraft(Struct, frozen=True):
    """A verdict before hysteresis."""

    kind: VerdictKind
    because: tuple[str, ...]
    nodes: tuple[Node, ...]
    would_be: VerdictKind | None
    changes_when: str
    early: bool = False
    latched: bool = False
    """Skips hysteresis: an OOM kill is an event, not a level."""
    missing: tuple[Missing, ...] = ()
    """What CONTINUE lacks for a go, besides memory."""


def decide(inputs: VerdictInputs) -> VerdictDraft:
    """Answer the questions and derive the draft; a conclusive STOP needs no end of the gate."""
    zero, memory, gameplay = components_node(inputs), memory_node(inputs), gameplay_node(inputs)
    nodes = (zero, memory, gameplay)
    stop = early_stop(inputs)
    if stop is not None:
        because = _after_kill(inputs, stop.because) if stop.latched else _with_cause(inputs, stop.because)
        all_nodes = (early_node(stop), *nodes)
        return _draft(inputs, VerdictKind.STOP, because, all_nodes, early=True, latched=stop.latched)
    if inputs.stopped_t is not None:
        return _draft(inputs, VerdictKind.WAITING, ("the pool was stopped by us",), nodes)
    is_over = inputs.is_first_gate_over
    if not inputs.begun or not (inputs.answered_ever or is_over):
        return _draft(inputs, VerdictKind.WAITING, (_waiting_for(inputs),), nodes)
    missing = find_missing(inputs)
    if not inputs.gate.has_ended(inputs.t):
        # The gate itself is still under way, so the word that follows does not lack it yet.
        missing = tuple(one for one in missing if one.kind != "gate")
    kind, because = _matrix(inputs, missing, *nodes)
    # A gate that is taken late or again keeps only these words back; the others stand on their own evidence.
    if not is_over or (kind in POSTPONED and not inputs.gate.has_ended(inputs.t)):
        because = _with_cause(inputs, (_progress(inputs), *because))
        return _draft(inputs, VerdictKind.VALIDATING, because, nodes, would_be=kind)
    because = _with_cause(inputs, because, "but " if kind in GO else "")
    missing = missing if kind is VerdictKind.CONTINUE else ()
    return _draft(inputs, kind, because, nodes, missing=missing)


POSTPONED = (VerdictKind.UNDECIDED, VerdictKind.CONTINUE, VerdictKind.LAUNCH_24H, VerdictKind.SUCCESS)
"""Words in whose place VALIDATING stands until a late gate has ended."""


GO = (VerdictKind.CONTINUE, VerdictKind.LAUNCH_24H, VerdictKind.SUCCESS)
"""Words that a cause does not explain: it stands against them."""


def _with_cause(inputs: VerdictInputs, because: tuple[str, ...], joint: str = "") -> tuple[str, ...]:
    """Put a cause that is as good as certain first: it stands in the verdict row, whatever the word.

    A cause takes no word away: what LAUNCH 24H and SUCCESS need is listed, and every due component has shown.
    """
    cause = inputs.proven_cause
    if cause is None:
        return because
    named = f"{cause.name} {number(cause.confidence, 2)}"
    return (f"{joint}{named}", *(line for line in because if line != named))


def _after_kill(inputs: VerdictInputs, because: tuple[str, ...]) -> tuple[str, ...]:
    """Put a proven cause second: a kill by the kernel is the graver news, and the cause stands beside it."""
    cause = _with_cause(inputs, ())
    return (*because[:1], *cause, *(line for line in because[1:] if line not in cause))


def _draft(
    inputs: VerdictInputs,
    kind: VerdictKind,
    because: tuple[str, ...],
    nodes: tuple[Node, ...],
    *,
    would_be: VerdictKind | None = None,
    early: bool = False,
    latched: bool = False,
    missing: tuple[Missing, ...] = (),
) -> VerdictDraft:
    because = (*because, inputs.elsewhere) if inputs.elsewhere else because
    if inputs.unresolved and inputs.unresolved not in because:
        because = (*because, inputs.unresolved)
    lit = mark_path(kind, would_be, nodes)
    changes_when = _changes_when(inputs, kind, lit, latched, missing)
    return VerdictDraft(kind, because, lit, would_be, changes_when, early, latched, missing)


PATHS: dict[VerdictKind, tuple[str, ...]] = {
    VerdictKind.STOP: ("components",),
    VerdictKind.PARTIAL: ("components",),
    VerdictKind.UNDECIDED: ("components",),
    VerdictKind.ADD_MEMORY_WATCH: ("components", "memory"),
    VerdictKind.TUNE_EPSILON: ("components", "gameplay"),
    VerdictKind.SUCCESS: ("components", "memory", "gameplay"),
    VerdictKind.LAUNCH_24H: ("components", "memory"),
    VerdictKind.CONTINUE: ("components",),
}
"""The nodes that lead to each word. A STOP before the gate ends has a node of its own."""


def mark_path(kind: VerdictKind, would_be: VerdictKind | None, nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    """Mark the nodes that led to the verdict; `would_be` counts before `kind`."""
    final = would_be or kind
    path = PATHS.get(final, ())
    if final is VerdictKind.STOP and nodes[0].id == "early":
        path = ("early",)
    return tuple(
        [node if node.on_path is (node.id in path) else replace(node, on_path=not node.on_path) for node in nodes]
    )


def _matrix(
    inputs: VerdictInputs, missing: tuple[Missing, ...], zero: Node, memory: Node, gameplay: Node
) -> tuple[VerdictKind, tuple[str, ...]]:
    """Return the word of the branch that counts, and its reasons."""
    if zero.answer == "yes":
        return VerdictKind.STOP, (
            *silence_evidence(inputs, inputs.foreign_fields),
            zero.evidence[0],
        )
    if zero.answer == "unknown":
        return VerdictKind.UNDECIDED, zero.evidence[:1]
    if zero.answer == "partly":
        return VerdictKind.PARTIAL, _partly(inputs)
    if memory.answer == "no" and not inputs.memory.watch_armed:
        return VerdictKind.ADD_MEMORY_WATCH, (memory.evidence[0], zero.evidence[0])
    if gameplay.answer == "no":
        keys = ", ".join(inputs.config.verdict.tune_keys)
        return VerdictKind.TUNE_EPSILON, (
            f"no worker reached gameplay in time: {gameplay.short}",
            f"the keys that are read: {keys}",
        )
    due, shown = inputs.record.due, inputs.record.due_shown
    shown_text = f"due components {len(shown)}/{len(due)}"
    if missing or memory.answer != "yes":
        return VerdictKind.CONTINUE, (
            *texts(missing),
            *_memory_lacks(memory),
            *_gameplay_is(gameplay),
            zero.evidence[0],
        )
    if gameplay.answer == "yes":
        return VerdictKind.SUCCESS, (
            f"{shown_text} · memory stable · gameplay {gameplay.short}",
            *gameplay.evidence[:1],
        )
    return VerdictKind.LAUNCH_24H, (f"{shown_text} · memory stable · gameplay {gameplay.short}", memory.evidence[0])


def _partly(inputs: VerdictInputs) -> tuple[str, ...]:
    """Name the due components that never showed, the first cause, and its fix."""
    never = f"never shown on any worker: {', '.join(inputs.record.never_shown)}"
    cause = inputs.causes[0] if inputs.causes else None
    lines = [never]
    if cause is not None:
        lines.append(f"{cause.name} {number(cause.confidence, 2)}")
        lines += [f"fix: {cause.fix}"] if cause.fix else []
    evidence = silence_evidence(inputs, inputs.foreign_fields)
    return (*lines, "do NOT run 24 h", *evidence)


def _memory_lacks(memory: Node) -> tuple[str, ...]:
    if memory.answer == "no":
        return ("memory watch on", memory.evidence[0])
    return (f"memory not known to be stable: {memory.evidence[0]}",) if memory.answer == "unknown" else ()


def _gameplay_is(gameplay: Node) -> tuple[str, ...]:
    return (f"gameplay {gameplay.short}",) if gameplay.answer == "yes" else ()


def _waiting_for(inputs: VerdictInputs) -> str:
    wanted = inputs.wanted
    if inputs.unresolved:
        return inputs.unresolved
    if inputs.waiting:
        return waiting_text(inputs.waiting)
    if not inputs.begun and inputs.launcher_pid is not None:
        return f"the launcher runs (pid {inputs.launcher_pid}), no worker process yet"
    strangers = [worker.ref for worker in inputs.workers if worker.reach is Reach.STRANGER]
    if not inputs.begun and strangers:
        return f"no pool found: what answers on the port of {worker_ranges(strangers)} is no MetaBonk worker"
    if not inputs.begun:
        # Owners of memory are known only where the processes were read, so not of another machine.
        seen = "no worker process, no answer" if inputs.memory.owners else "no worker answers"
        return f"no pool found: {seen}" if wanted else "no pool found"
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
    kind = "" if inputs.gate.kind == "first" else f"{inputs.gate.kind} gate, "
    return f"{kind}check {done}/{len(checks)}{wait}"


def _changes_when(
    inputs: VerdictInputs, kind: VerdictKind, nodes: tuple[Node, ...], latched: bool, missing: tuple[Missing, ...]
) -> str:
    hold = f"held for {inputs.config.verdict.hold_evaluations} evaluations"
    if kind is VerdictKind.STOP and latched:
        return "a new run begins: an OOM kill is latched"
    if kind is VerdictKind.STOP:
        if inputs.unanswered_s is not None:
            return f"a worker answers, {hold}"
        if nodes[0].id == "early":
            return f"a component without its flags grows, or a process has its flags, {hold}"
        return f"any component grows on any worker, {hold}"
    if kind is VerdictKind.WAITING:
        return "a worker answers"
    if kind is VerdictKind.VALIDATING:
        ends = inputs.gate.ends_t
        late = "" if inputs.gate.kind == "first" else f"{inputs.gate.kind} "
        return "start-up ends" if ends is None else f"the {late}gate ends, in {age(ends - inputs.t)}"
    if kind is VerdictKind.UNDECIDED:
        return f"half of the last {age(inputs.window_s)} has been observed"
    if kind is VerdictKind.ADD_MEMORY_WATCH:
        floor = inputs.memory.floor_bytes / GB
        return f"available stays above {floor:.1f} GB for {age(inputs.config.memory.window_s)}"
    if kind is VerdictKind.TUNE_EPSILON:
        return "a worker reaches gameplay, corroborated"
    if kind is VerdictKind.PARTIAL:
        return f"a worker shows {' and '.join(inputs.record.never_shown)}, {hold}"
    if kind is VerdictKind.CONTINUE and missing:
        return f"what is missing is there: {', '.join(texts(missing))}"
    if kind is VerdictKind.CONTINUE:
        return f"memory is known to be stable for {age(inputs.config.memory.window_s)}"
    return f"every component is silent for {age(inputs.config.clock.validation_s)}, memory falls, or a kill"
