"""The decision matrix: three questions, their answers with evidence, and the word they lead to.

Pure: what is known now comes in, a draft of the verdict comes out. Time, hysteresis and history are the step's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from metabonk_tui.core.config.schema import GB
from metabonk_tui.core.model.snapshot import Node, Word
from metabonk_tui.core.model.worker import ComponentState, Reach, WorkerView
from metabonk_tui.core.text.numbers import age
from metabonk_tui.core.verdict.inputs import Facts, due_components, silence_evidence
from metabonk_tui.core.verdict.nodes import components_node, gameplay_node, memory_node
from metabonk_tui.core.worker.component import SILENT


@dataclass(frozen=True, slots=True)
class Draft:
    """A verdict before hysteresis."""

    word: Word
    because: tuple[str, ...]
    nodes: tuple[Node, ...]
    would_be: Word | None
    changes_when: str
    early: bool = False
    latched: bool = False
    """Shows at once: an OOM kill is an event, not a level."""


def decide(facts: Facts) -> Draft:
    """Walk the matrix."""
    zero, memory, gameplay = components_node(facts), memory_node(facts), gameplay_node(facts)
    nodes = (zero, memory, gameplay)
    stop = _conclusive(facts)
    if stop is not None:
        word, because, latched = stop
        return _draft(facts, word, because, nodes, early=True, latched=latched)
    if facts.stopped_t is not None:
        return _draft(facts, Word.WAITING, ("the pool was stopped by us",), nodes)
    ended = facts.gate.ends_t is not None and facts.t >= facts.gate.ends_t
    if not facts.begun or not (facts.answered_ever or ended):
        return _draft(facts, Word.WAITING, (_waiting_for(facts),), nodes)
    word, because = _matrix(facts, *nodes)
    if not ended:
        return _draft(facts, Word.VALIDATING, (_progress(facts), *because), nodes, would_be=word)
    return _draft(facts, word, because, nodes)


def _draft(
    facts: Facts,
    word: Word,
    because: tuple[str, ...],
    nodes: tuple[Node, ...],
    *,
    would_be: Word | None = None,
    early: bool = False,
    latched: bool = False,
) -> Draft:
    lit = light(word, would_be, nodes)
    return Draft(word, because, lit, would_be, _changes_when(facts, word, lit, latched), early, latched)


def light(word: Word, would_be: Word | None, nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    """Light the nodes that the word came through."""
    final = would_be or word
    path = {
        Word.STOP: ("components",),
        Word.UNDECIDED: ("components",),
        Word.ADD_MEMORY_WATCH: ("components", "memory"),
        Word.TUNE_EPSILON: ("components", "gameplay"),
        Word.SUCCESS: ("components", "memory", "gameplay"),
        Word.LAUNCH_24H: ("components", "memory"),
        Word.CONTINUE: ("components",),
    }.get(final, ())
    return tuple(replace(node, on_path=node.id in path) for node in nodes)


# STOP, without waiting for the gate


def _conclusive(facts: Facts) -> tuple[Word, tuple[str, ...], bool] | None:
    memory = facts.memory
    if memory.oom_kills_in_run:
        who = " ".join(memory.oom_victims) or "victim not known"
        return Word.STOP, (f"kernel OOM kill: {who}, latched for this run",), True
    if facts.stopped_t is not None or facts.changing or not facts.begun or facts.gate.began_t is None:
        return None
    silence = _unanswered(facts)
    if silence:
        return Word.STOP, (silence,), False
    missing = _silent_without_flags(facts)
    if missing:
        return Word.STOP, missing, False
    return None


ALL_DOWN_S = 60.0
"""Workers that answered before may all be respawning; 20 to 23 s were measured on a loaded machine."""


def _unanswered(facts: Facts) -> str | None:
    if facts.unanswered_s is None or not facts.workers:
        return None
    wanted = len(facts.workers)
    if not facts.answered_ever:
        grace = age(facts.config.clock.startup_grace_s)
        return f"no worker answered: 0/{wanted} after the start-up grace of {grace}"
    if facts.unanswered_s >= max(ALL_DOWN_S, 3 * facts.nominal_s):
        return f"no worker answers: 0/{wanted} for {age(facts.unanswered_s)}"
    return None


def _silent_without_flags(facts: Facts) -> tuple[str, ...] | None:
    """Judge early silence: everything silent on all workers, and the flags not in any process that can be read."""
    early_s = facts.config.verdict.early_silence_s
    began_t = facts.gate.began_t
    if began_t is None or facts.t - began_t < early_s or facts.heard_early_s < early_s / 2:
        return None
    lately_t = facts.t - early_s
    if not all(_silent_lately(worker, lately_t) for worker in facts.workers):
        return None
    readable = [w.env for w in facts.workers if w.env is not None and w.env.error is None]
    if not readable or not all(env.missing or env.wrong for env in readable):
        return None
    missing = _in_all([env.missing for env in readable])
    wrong = _in_all([[f"{key} is {value}" for key, value, _ in env.wrong] for env in readable])
    what = "missing" if missing else "switched off" if wrong else "not set right"
    # The cause stands first: a narrow screen cuts the end.
    lines = [f"required flags {what} in {len(readable)}/{len(facts.workers)} workers, all components silent"]
    if missing:
        lines.append(f"not in /proc/PID/environ: {_first_three(missing)}")
    if wrong:
        lines.append(f"in /proc/PID/environ: {_first_three(wrong)}")
    return (*lines, *silence_evidence(facts.workers, contract=facts.contract))


def _silent_lately(worker: WorkerView, lately_t: float) -> bool:
    """Say whether a worker is known, and known silent; one that went away keeps what was last known of it."""
    if worker.last_good_t is None:
        return False
    for component in worker.components:
        gone = component.state in (ComponentState.DOWN, ComponentState.STALE) and component.bearing == "silent"
        if gone or component.state is ComponentState.UNPROVEN:
            continue
        if component.state not in SILENT or (component.last_grew_t is not None and component.last_grew_t > lately_t):
            return False
    return True


def _in_all(groups: Sequence[Sequence[str]]) -> list[str]:
    return [item for item in groups[0] if all(item in group for group in groups)]


def _first_three(items: Sequence[str]) -> str:
    return ", ".join(items[:3]) + (f" and {len(items) - 3} more" if len(items) > 3 else "")


def _matrix(facts: Facts, zero: Node, memory: Node, gameplay: Node) -> tuple[Word, tuple[str, ...]]:
    if zero.answer == "yes":
        return Word.STOP, (*silence_evidence(facts.workers, facts.foreign_fields, facts.contract), zero.evidence[0])
    if zero.answer == "unknown":
        return Word.UNDECIDED, zero.evidence[:1]
    if memory.answer == "no" and not facts.memory.watch_armed:
        return Word.ADD_MEMORY_WATCH, (memory.evidence[0], zero.evidence[0])
    if gameplay.answer == "no":
        keys = ", ".join(facts.config.verdict.tune_keys)
        return Word.TUNE_EPSILON, (f"no worker reached gameplay: {gameplay.short}", f"the keys that are read: {keys}")
    due, shown = due_components(facts.workers)
    never = [title for title in due if title not in shown]
    if never:
        return Word.CONTINUE, (f"never shown yet: {', '.join(never)}", zero.evidence[0])
    if memory.answer == "no":
        return Word.CONTINUE, ("memory watch on", memory.evidence[0])
    if memory.answer == "unknown":
        return Word.CONTINUE, (f"memory not known to be stable: {memory.evidence[0]}", zero.evidence[0])
    shown_text = f"due components {len(shown)}/{len(due)}"
    if gameplay.answer == "yes":
        return Word.SUCCESS, (f"{shown_text} · memory stable · gameplay {gameplay.short}", *gameplay.evidence[:1])
    return Word.LAUNCH_24H, (f"{shown_text} · memory stable · gameplay {gameplay.short}", memory.evidence[0])


def _waiting_for(facts: Facts) -> str:
    wanted = len(facts.workers)
    if not facts.begun:
        return "no pool found: no worker process, no answer" if wanted else "no pool found"
    if wanted and all(worker.reach is Reach.UNOBSERVED for worker in facts.workers):
        return "no worker was observed"
    return f"no worker has answered yet, 0/{wanted}"


def _progress(facts: Facts) -> str:
    checks = facts.gate.checks
    if not checks:
        answered = sum(w.last_good_t is not None for w in facts.workers)
        return f"starting, {answered}/{len(facts.workers)} workers answered"
    done = len(checks) - facts.gate.count("TO COME")
    coming = next((c for c in checks if c.result == "TO COME"), None)
    wait = f", next in {age(coming.due_t - facts.t)}" if coming else ""
    return f"check {done}/{len(checks)}{wait}"


def _changes_when(facts: Facts, word: Word, nodes: tuple[Node, ...], latched: bool) -> str:
    hold = f"held for {facts.config.verdict.hold_evaluations} evaluations"
    if word is Word.STOP and latched:
        return "a new run begins: an OOM kill is latched"
    if word is Word.STOP:
        if facts.unanswered_s is not None:
            return f"a worker answers, {hold}"
        return f"any component grows on any worker, {hold}"
    if word is Word.WAITING:
        return "a worker answers"
    if word is Word.VALIDATING:
        ends = facts.gate.ends_t
        return "start-up ends" if ends is None else f"the gate ends, in {age(ends - facts.t)}"
    if word is Word.UNDECIDED:
        return f"half of the last {age(facts.window_s)} has been observed"
    if word is Word.ADD_MEMORY_WATCH:
        floor = facts.memory.floor_bytes / GB
        return f"available stays above {floor:.1f} GB for {age(facts.config.memory.window_s)}"
    if word is Word.TUNE_EPSILON:
        return "a worker reaches gameplay, corroborated"
    if word is Word.CONTINUE:
        due, shown = due_components(facts.workers)
        if len(due) > len(shown):
            return f"the missing components show, {hold}"
        return f"memory is known to be stable for {age(facts.config.memory.window_s)}"
    return f"every component is silent for {age(facts.config.clock.validation_s)}, memory falls, or a kill"
