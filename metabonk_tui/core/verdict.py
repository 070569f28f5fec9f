"""The decision matrix: three questions, their answers with evidence, and the word they lead to.

Pure: what is known now comes in, a draft of the verdict comes out. Time, hysteresis and history are the step's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

from metabonk_tui.core.config import GB, Config
from metabonk_tui.core.format import age
from metabonk_tui.core.snapshot import (
    Answer,
    ComponentState,
    Gate,
    MemoryView,
    Node,
    Reach,
    Word,
    WorkerView,
)


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a verdict may stand on."""

    t: float
    started_at: float
    begun: bool
    """Is there a run at all: a launch, a process or an answer?"""
    stopped_t: float | None
    """When we stopped the pool ourselves; None while it is meant to run."""
    changing: bool
    """An operation on the pool is under way."""
    gate: Gate
    workers: Sequence[WorkerView]
    memory: MemoryView
    heard_s: float
    """Of the window, how long at least one worker was observed answering."""
    heard_early_s: float
    """The same for the short window of early silence."""
    window_s: float
    unanswered_s: float | None
    """How long no worker has answered; None while one does, or while nobody looked."""
    nominal_s: float
    foreign_fields: tuple[str, ...]
    """Names that the recorder asked for and `/status` never had."""
    config: Config

    @property
    def answered_ever(self) -> bool:
        """Has any worker answered in this run?"""
        return any(worker.last_good_t is not None for worker in self.workers)


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
    if not facts.begun or not facts.answered_ever:
        return _draft(facts, Word.WAITING, (_waiting_for(facts),), nodes)
    word, because = _matrix(facts, *nodes)
    if facts.gate.ends_t is None or facts.t < facts.gate.ends_t:
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
    lit = _lit(word, would_be, nodes)
    return Draft(word, because, lit, would_be, _changes_when(facts, word, lit, latched), early, latched)


def _lit(word: Word, would_be: Word | None, nodes: tuple[Node, ...]) -> tuple[Node, ...]:
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
    for worker in facts.workers:
        if worker.reach is not Reach.UP:
            return None
        for component in worker.components:
            grew_lately = component.last_grew_t is not None and component.last_grew_t > facts.t - early_s
            if component.state is ComponentState.UNPROVEN:
                continue
            if component.state not in _SILENT or grew_lately:
                return None
    readable = [w.env for w in facts.workers if w.env is not None and w.env.error is None]
    if not readable or not all(env.missing or env.wrong for env in readable):
        return None
    keys = Counter(key for env in readable for key in (*env.missing, *(wrong[0] for wrong in env.wrong)))
    worst = [key for key, count in keys.most_common() if count == len(readable)]
    named = ", ".join(worst[:3]) + (f" and {len(worst) - 3} more" if len(worst) > 3 else "")
    n, total = len(readable), len(facts.workers)
    lines = [f"all components silent, required flags not set in {n}/{total} workers"]
    if named:
        lines.append(f"not in /proc/PID/environ: {named}")
    return (*lines, *silence_evidence(facts.workers))


_SILENT = (ComponentState.ZERO, ComponentState.ABSENT, ComponentState.UNPROVEN, ComponentState.STALLED)


# A, B, C


def components_node(facts: Facts) -> Node:
    """Answer A: are the metrics still zero?"""
    bearings = Counter(c.bearing for w in facts.workers for c in w.components)
    shown, silent = bearings["showing"], bearings["silent"]
    answer: Answer
    if facts.window_s <= 0 or facts.heard_s < facts.window_s / 2 or not facts.answered_ever:
        answer = "unknown"
        evidence = [f"only {age(facts.heard_s)} of {age(facts.window_s)} were observed answering"]
        if facts.window_s <= 0:
            evidence = ["nothing observed yet since start-up"]
        if not facts.answered_ever:
            evidence = ["no worker ever answered"]
    elif shown:
        answer = "no"
        evidence = [f"{shown} of {shown + silent} observed components showed in the window"]
    elif silent:
        answer = "yes"
        evidence = [f"every observed component was silent for {age(facts.window_s)}"]
    else:
        answer = "unknown"
        evidence = ["no component could be observed"]
    due, due_shown = due_components(facts.workers)
    missing = [name for name in due if name not in due_shown]
    if answer == "no":
        evidence.append(
            f"due components shown: {len(due_shown)}/{len(due)}"
            + (f", never: {', '.join(missing)}" if missing else "")
        )
        short = f"{len(due_shown)}/{len(due)} due shown"
    elif answer == "yes":
        short = f"{silent}/{silent} silent"
    else:
        short = "not observed enough"
    evidence += silence_evidence(facts.workers, facts.foreign_fields)
    leads_to = {"yes": "STOP", "no": "CONTINUE", "unknown": "UNDECIDED"}[answer]
    level = {"yes": "stop", "no": "go", "unknown": "unknown"}[answer]
    return Node(
        "components",
        "Are the metrics still zero?",
        answer,
        leads_to,
        level,  # type: ignore[arg-type]
        on_path=False,
        short=short,
        evidence=tuple(evidence),
    )


def due_components(workers: Sequence[WorkerView]) -> tuple[list[str], list[str]]:
    """Return the titles of the components that are due in validation, and of those that have shown in this run."""
    due: dict[str, bool] = {}
    for worker in workers:
        for component in worker.components:
            if component.due == "validation" and component.state is not ComponentState.UNOBSERVED:
                due[component.title] = due.get(component.title, False) or component.shown_in_run
    for worker in workers:
        for component in worker.components:
            if component.due == "validation":
                # Never observed anywhere is not "not due": it is missing evidence.
                due.setdefault(component.title, False)
    return list(due), [title for title, shown in due.items() if shown]


def memory_node(facts: Facts) -> Node:
    """Answer B: is memory stable?"""
    memory, window_s = facts.memory, facts.config.memory.window_s
    floor = memory.floor_bytes / GB
    reading = memory.reading
    available = reading.available_bytes if reading else None
    lowest = memory.min_available_bytes
    answer: Answer
    if memory.oom_kills_in_run:
        answer = "no"
        short = f"oom_kill {memory.oom_kills_in_run}"
        evidence = [f"{memory.oom_kills_in_run} kernel OOM kill(s) in this run"]
    elif available is None:
        answer, short, evidence = "unknown", "not observed", ["available memory was not observed"]
    elif memory.below_floor_since_t is not None:
        answer = "no"
        short = f"{available / GB:.1f} GB now"
        since = age(facts.t - memory.below_floor_since_t)
        evidence = [f"available {available / GB:.2f} GB, below the floor of {floor:.1f} GB for {since}"]
    elif memory.above_floor_since_t is not None and facts.t - memory.above_floor_since_t >= window_s:
        answer = "yes"
        short = "min unknown" if lowest is None else f"min {lowest / GB:.1f} GB"
        evidence = [f"above the floor of {floor:.1f} GB for {age(facts.t - memory.above_floor_since_t)}"]
    elif lowest is not None and lowest < memory.floor_bytes:
        answer = "no"
        short = f"min {lowest / GB:.1f} GB"
        above_s = facts.t - (memory.above_floor_since_t or facts.t)
        evidence = [f"above the floor for only {age(above_s)} of {age(window_s)}, lowest {lowest / GB:.2f} GB"]
    else:
        answer = "unknown"
        above_s = facts.t - (memory.above_floor_since_t or facts.t)
        short = f"{available / GB:.1f} GB, {age(above_s)}"
        evidence = [f"observed above the floor for {age(above_s)} of {age(window_s)}"]
    leads_to = {"yes": "LAUNCH 24H", "no": "ADD MEMORY WATCH", "unknown": "CONTINUE"}[answer]
    level = {"yes": "go", "no": "caution", "unknown": "unknown"}[answer]
    question = f"Memory stable, > {floor:g} GB?"
    return Node(
        "memory",
        question,
        answer,
        leads_to,
        level,  # type: ignore[arg-type]
        on_path=False,
        short=short,
        evidence=tuple(evidence),
    )


def gameplay_node(facts: Facts) -> Node:
    """Answer C: are workers reaching gameplay?"""
    by_t = facts.gate.gameplay_by_t or facts.started_at + facts.config.clock.gameplay_s
    reached = [w for w in facts.workers if w.gameplay.corroborated]
    claimed = [w for w in facts.workers if w.gameplay.started and not w.gameplay.corroborated]
    known = any(w.gameplay.started is not None for w in facts.workers)
    total = len(facts.workers)
    limit = age(facts.config.clock.gameplay_s)
    evidence = [f"w{w.slot} gameplay_started and {', '.join(w.gameplay.signs)}" for w in reached[:4]] + [
        f"w{w.slot} gameplay_started alone, not corroborated" for w in claimed[:4]
    ]
    answer: Answer
    if reached:
        answer, leads_to, level = "yes", "SUCCESS", "go"
        short = f"{len(reached)}/{total} corroborated"
    elif facts.t < by_t:
        answer, leads_to, level = "not yet", "on track", "unknown"
        short = f"0/{total}, {age(by_t - facts.t)} left"
    elif known:
        answer, leads_to, level = "no", "TUNE EPSILON", "caution"
        short = f"0/{total} after {limit}"
    else:
        answer, leads_to, level = "unknown", "CONTINUE", "unknown"
        short = "not observed"
    if not evidence:
        evidence = ["gameplay_started false on every worker" if known else "gameplay_started was never observed"]
    return Node(
        "gameplay",
        f"Gameplay within {limit}?",
        answer,
        leads_to,
        level,  # type: ignore[arg-type]
        on_path=False,
        short=short,
        evidence=tuple(evidence),
    )


def _matrix(facts: Facts, zero: Node, memory: Node, gameplay: Node) -> tuple[Word, tuple[str, ...]]:
    if zero.answer == "yes":
        return Word.STOP, (*silence_evidence(facts.workers, facts.foreign_fields), zero.evidence[0])
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


# Sentences


def silence_evidence(workers: Sequence[WorkerView], foreign_fields: Sequence[str] = ()) -> tuple[str, ...]:
    """Say what the silent components are, grouped by state: "3 components ABSENT on 5/5 workers ..."."""
    lines = []
    total = len(workers)
    groups: dict[tuple[ComponentState, int], list[str]] = {}
    for index in range(len(workers[0].components) if workers else 0):
        states = Counter(worker.components[index].state for worker in workers)
        for state in (*_SILENT, ComponentState.UNOBSERVED, ComponentState.BAD):
            if states[state]:
                groups.setdefault((state, states[state]), []).append(workers[0].components[index].title)
    rank = {
        ComponentState.ABSENT: 0,
        ComponentState.BAD: 1,
        ComponentState.UNPROVEN: 2,
        ComponentState.ZERO: 3,
        ComponentState.STALLED: 4,
        ComponentState.UNOBSERVED: 5,
    }
    for (state, count), titles in sorted(groups.items(), key=lambda item: (rank[item[0][0]], -item[0][1])):
        keys = ""
        if state is ComponentState.ABSENT:
            with_key, samples = _key_samples(workers, titles)
            keys = f", {with_key} of {samples} samples had a key"
        if state is ComponentState.UNOBSERVED:
            fields = [c.field for c in workers[0].components if c.title in titles]
            asked = [near for name in fields for near in get_close_matches(name, foreign_fields, n=1, cutoff=0.5)]
            keys = f": asked for as {', '.join(asked)}, a name that /status never had" if asked else ""
        word = state.value if state in (ComponentState.ABSENT, ComponentState.BAD) else state.value.lower()
        lines.append(f"{', '.join(titles)} {word} on {count}/{total} workers{keys}")
    return tuple(lines)


def _key_samples(workers: Sequence[WorkerView], titles: Sequence[str]) -> tuple[int, int]:
    matching = [c for w in workers for c in w.components if c.title in titles]
    with_key = max((c.samples_with_key for c in matching), default=0)
    return with_key, max((c.samples for c in matching), default=0)


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
