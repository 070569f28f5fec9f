"""Answers the three questions of the matrix, A, B and C, each with evidence, whether on the path or not.

Uses only the facts of this moment. Does not: combine the answers; `decide` does.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from metabonk_tui.core.config.schema import GB, Config
from metabonk_tui.core.memory.tracker import HISTORY_BUCKET_S
from metabonk_tui.core.memory.watch_actions import RESPONSES
from metabonk_tui.core.model.host import LinkReading
from metabonk_tui.core.model.memory import GpuFaultView, MemoryView
from metabonk_tui.core.model.refs import NAMED_WORKERS, worker_names
from metabonk_tui.core.model.sample import waiting_text
from metabonk_tui.core.model.snapshot import Answer, Node
from metabonk_tui.core.text.numbers import age
from metabonk_tui.core.text.phrases import count_of
from metabonk_tui.core.verdict.inputs import VerdictInputs, silence_evidence
from metabonk_tui.core.worker.record import PoolRecord, WorkerRecord


def components_node(inputs: VerdictInputs) -> Node:
    """Answer A: are the metrics still zero?"""
    record = inputs.record
    shown, silent = record.showing, record.silent
    answer: Answer
    if inputs.window_s <= 0 or inputs.answered_s < inputs.window_s / 2 or not inputs.answered_ever:
        answer = "unknown"
        evidence = [f"only {age(inputs.answered_s)} of {age(inputs.window_s)} were observed answering"]
        if inputs.window_s <= 0:
            evidence = ["nothing observed yet since start-up"]
        if not inputs.answered_ever:
            evidence = [waiting_text(inputs.waiting) if inputs.waiting else "no worker ever answered"]
    elif shown:
        answer = "no"
        evidence = [f"{shown} of {shown + silent} observed components showed in the window"]
    elif silent:
        answer = "yes"
        evidence = [f"every observed component was silent for {age(inputs.window_s)}"]
    else:
        answer = "unknown"
        evidence = ["no component could be observed"]
    due, due_shown = record.due, record.due_shown
    missing = [name for name in due if name not in due_shown]
    if answer == "no" and missing and record.never_shown:
        answer = "partly"
    if answer in ("no", "partly"):
        evidence.append(
            f"due components shown: {len(due_shown)}/{len(due)}"
            + (f", never: {', '.join(missing)}" if missing else "")
        )
        short = f"{len(due_shown)}/{len(due)} due shown"
    elif answer == "yes":
        short = f"{silent}/{silent} silent"
    else:
        short = "not observed enough"
    evidence += silence_evidence(inputs, inputs.foreign_fields)
    leads_to = {"yes": "STOP", "partly": "PARTIAL", "no": "CONTINUE", "unknown": "UNDECIDED"}[answer]
    level = {"yes": "stop", "partly": "caution", "no": "go", "unknown": "unknown"}[answer]
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


def _unobserved(memory: MemoryView) -> str:
    """Say how much of the last window no monitor observed; "" if nothing."""
    return f", {age(memory.unobserved_s)} of it not observed" if memory.unobserved_s else ""


def memory_node(inputs: VerdictInputs) -> Node:
    """Answer B: is memory stable? Of several hosts, the one with the gravest answer counts, and is named."""
    if not inputs.memory.host:
        return _memory_node(inputs)
    order = sorted(inputs.hosts.values(), key=lambda host: host.memory is not inputs.memory)
    nodes = [_host_node(inputs, host.memory, host.link) for host in order]
    return max(nodes, key=lambda node: ("yes", "unknown", "no").index(node.answer))


def _host_node(whole: VerdictInputs, memory: MemoryView, link: LinkReading | None) -> Node:
    """Answer B for one host. A host that is not seen is never known to be stable."""
    inputs = whole if memory is whole.memory else replace(whole, memory=memory)
    node = _memory_node(inputs)
    if link is not None and link.state != "UP" and node.answer != "no":
        since = "never answered" if link.since_t is None else f"no answer for {age(max(0.0, inputs.t - link.since_t))}"
        why = f": {link.reason}" if link.reason else ""
        evidence = (f"{link.state}, {since}, nothing is known of its memory{why}",)
        node = replace(
            node, answer="unknown", leads_to="CONTINUE", level="unknown", short=link.state, evidence=evidence
        )
    first, *rest = node.evidence
    return replace(node, short=f"{memory.host}: {node.short}", evidence=(f"{memory.host}: {first}", *rest))


def _memory_node(inputs: VerdictInputs) -> Node:
    memory, window_s = inputs.memory, inputs.config.memory.window_s
    floor_bytes = memory.floor_bytes
    floor = floor_bytes / GB
    available = memory.available_bytes
    lowest = memory.min_available_bytes
    above_s = 0.0 if memory.above_floor_since_t is None else inputs.t - memory.above_floor_since_t
    stayed = memory.above_floor_since_t is not None and above_s >= window_s
    answer: Answer
    if proof := _proof(memory, inputs.t):
        answer, (short, *evidence) = "no", proof
    elif memory.below_floor_since_t is not None and available is not None:
        answer = "no"
        short = f"{available / GB:.1f} GB now"
        since = age(inputs.t - memory.below_floor_since_t)
        evidence = [f"available {available / GB:.2f} GB, below the floor of {floor:.1f} GB for {since}"]
    elif memory.forecast is not None and memory.forecast.raised:
        answer, short = "no", memory.forecast.text.split(",")[0]
        evidence = [f"forecast: {memory.forecast.text}"]
        evidence[0] += f"; available {available / GB:.2f} GB" if available is not None else ""
    elif not stayed and (fallen := _fallen(memory, inputs.t - window_s - HISTORY_BUCKET_S)):
        answer = "no"
        short = f"min {min(fallen) / GB:.1f} GB"
        evidence = [f"above the floor for only {age(above_s)} of {age(window_s)}, lowest {min(fallen) / GB:.2f} GB"]
    elif available is None:
        answer, short, evidence = "unknown", "not observed", ["available memory was not observed"]
    elif unknown := _unknown_memory(inputs):
        answer, (short, *evidence) = "unknown", unknown
    elif stayed and memory.forecast is not None and not memory.forecast.known:
        answer, short, evidence = "unknown", "forecast learning", [memory.forecast.text]
    elif stayed and _heads_for_floor(inputs):
        answer, short = "unknown", "heads for the floor"
        evidence = [f"{short} of {floor:.1f} GB, if this trend holds"]
    elif stayed:
        answer = "yes"
        short = "min unknown" if lowest is None else f"min {lowest / GB:.1f} GB"
        evidence = [f"above the floor of {floor:.1f} GB for {age(above_s)}{_unobserved(memory)}"]
    else:
        answer = "unknown"
        short = f"{available / GB:.1f} GB, {age(above_s)}"
        evidence = [f"observed above the floor for {age(above_s)} of {age(window_s)}{_unobserved(memory)}"]
    unguarded = "CONTINUE" if memory.watch_armed else "ADD MEMORY WATCH"
    leads_to = {"yes": "LAUNCH 24H", "no": unguarded, "unknown": "CONTINUE"}[answer]
    evidence += _watch(memory, inputs.t)
    level = {"yes": "go", "no": "caution", "unknown": "unknown"}[answer]
    question = f"Memory stable, > {round(floor, 1):g} GB?"
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


def _fallen(memory: MemoryView, after_t: float) -> list[float]:
    """Return the lows at or below the floor after a time."""
    return [low for low_t, low in memory.history if low_t > after_t and low <= memory.floor_bytes]


def _proof(memory: MemoryView, t: float) -> tuple[str, ...]:
    """Return (short, evidence ...) of kills, and of a GPU without memory, in this run; empty: there were none."""
    if killed := memory.oom_kills_in_run:
        return f"oom_kill {killed}", f"{count_of(killed, 'kernel OOM kill')} in this run"
    if others := memory.other_kills_in_run:
        lost = f"{count_of(others, 'kernel OOM kill')} in the workers' memory, none of this pool"
        return f"oom_kill {others} of others", lost
    kernel = memory.kernel
    if kernel.kills:
        kills = count_of(kernel.kills, "OOM kill")
        return f"oom_kill {kernel.kills} logged", f"the kernel's log: {kills} in the workers' memory in this run"
    no_memory = [fault for fault in kernel.faults if fault.xid is None]
    return ("GPU out of memory", *_faults(no_memory, t)) if no_memory else ()


def _logged_doubt(memory: MemoryView, t: float) -> tuple[str, ...]:
    """Return (short, evidence ...) of what in the kernel's log keeps memory from being known to be stable."""
    kernel = memory.kernel
    if kernel.kills_unsure:
        kills = count_of(kernel.kills_unsure, "OOM kill")
        return (
            "kill, whose not known",
            f"the kernel's log: {kills} in this run, not known whether in the workers' memory",
        )
    return (f"GPU Xid {kernel.faults[-1].xid}", *_faults(kernel.faults, t)) if kernel.faults else ()


def _faults(faults: Sequence[GpuFaultView], t: float) -> list[str]:
    """Quote the newest faults of the GPU's driver."""
    return [f"{fault.text}, {age(max(0.0, t - fault.last_t))} ago" for fault in reversed(faults[-3:])]


def _unknown_memory(inputs: VerdictInputs) -> tuple[str, ...]:
    """Return (short, evidence) of what keeps the memory of the workers from being known; empty: nothing does."""
    memory = inputs.memory
    if inputs.unidentified:
        refs = inputs.unidentified
        names = worker_names(refs[:NAMED_WORKERS]) + (
            f" and {len(refs) - NAMED_WORKERS} more" if len(refs) > NAMED_WORKERS else ""
        )
        return "workers not identified", f"the limit of {names} is not known: their processes cannot be seen here"
    if memory.earlier_kills:
        kills = count_of(memory.earlier_kills, "kill")
        where = "in this group" if memory.reading and memory.reading.oom_scope == "cgroup" else "on this host"
        return "kill at unknown time", f"{kills} {where} at an unknown time"
    if not memory.sees_kills:
        return "kills not observed", "no source could have seen an OOM kill"
    return _logged_doubt(memory, inputs.t)


def _heads_for_floor(inputs: VerdictInputs) -> bool:
    """Return whether the forecast crosses the floor within `forecast_warn_s`; then the answer cannot be yes."""
    crosses_t = inputs.memory.forecast.reaches_floor_t if inputs.memory.forecast else None
    return crosses_t is not None and crosses_t - inputs.t < inputs.config.memory.forecast_warn_s


def _watch(memory: MemoryView, t: float) -> list[str]:
    """Describe the memory watch and its last act; empty when it is not armed."""
    watch = memory.watch
    if watch is None or not watch.armed:
        return []
    then = RESPONSES.get(watch.on_critical, watch.on_critical)
    lines = [f"memory watch {'is only a dry run' if watch.dry_run else 'on'}, when critical: {then}"]
    if watch.did and watch.did_t is not None:
        how = "would have: " if watch.dry_run else "failed: " if watch.did_ok is False else ""
        lines.append(f"memory watch, {age(t - watch.did_t)} ago: {how}{watch.did}")
    return lines


class _Reached(Struct, frozen=True):
    """The answer that workers have reached gameplay, and all that it depends on."""

    record: PoolRecord
    by_t: float
    config: Config
    node: Node


_reached_in_time: list[_Reached] = []
"""The newest such answer: it stands while no word of a worker changes."""


def gameplay_node(inputs: VerdictInputs) -> Node:
    """Answer C: are workers reaching gameplay?"""
    by_t = inputs.gate.gameplay_by_t or inputs.started_at + inputs.config.clock.gameplay_s
    for known in _reached_in_time:
        if known.record is inputs.record and known.by_t == by_t and known.config is inputs.config:
            return known.node
    node, is_in_time = _gameplay_node(inputs, by_t)
    if is_in_time:
        _reached_in_time[:] = [_Reached(inputs.record, by_t, inputs.config, node)]
    return node


def _gameplay_node(inputs: VerdictInputs, by_t: float) -> tuple[Node, bool]:
    """Return the answer, and whether a worker reached gameplay in time: then the time changes nothing more."""
    workers = inputs.record.workers
    # Gameplay stays reached even if the worker has died since.
    reached = [w for w in workers if w.gameplay.reached_t is not None]
    in_time = [w for w in reached if (w.gameplay.reached_t or 0.0) < by_t]
    late = [w for w in reached if w not in in_time and _is_seen_late(w, by_t, inputs)]
    claimed = [w for w in workers if w.gameplay.started and w.gameplay.reached_t is None]
    known = any(w.gameplay.started is not None for w in workers)
    total = len(workers)
    limit = age(inputs.config.clock.gameplay_s)
    evidence = [_reached(w) for w in reached[:4]] + [
        f"{w.ref.label} gameplay_started alone, not corroborated" for w in claimed[:4]
    ]
    answer: Answer
    if in_time:
        answer, leads_to, level = "yes", "SUCCESS", "go"
        short = f"{len(reached)}/{total} corroborated"
    elif len(reached) > len(late):
        answer, leads_to, level = "unknown", "CONTINUE", "unknown"
        short = "reached, time not seen"
        evidence.insert(0, f"in gameplay at the first look, after {limit}")
    elif late:
        answer, leads_to, level = "no", "TUNE EPSILON", "caution"
        short = f"{len(late)}/{total} reached late"
        evidence.insert(0, f"reached late, after {limit}")
    elif inputs.t < by_t:
        answer, leads_to, level = "not yet", "on track", "unknown"
        short = f"0/{total}, {age(by_t - inputs.t)} left"
    elif known:
        answer, leads_to, level = "no", "TUNE EPSILON", "caution"
        short = f"0/{total} after {limit}"
    else:
        answer, leads_to, level = "unknown", "CONTINUE", "unknown"
        short = "not observed"
    if not evidence:
        evidence = ["gameplay_started false on every worker" if known else "gameplay_started was never observed"]
    node = Node(
        "gameplay",
        f"Gameplay within {limit}?",
        answer,
        leads_to,
        level,  # type: ignore[arg-type]
        on_path=False,
        short=short,
        evidence=tuple(evidence),
    )
    return node, bool(in_time)


def _is_seen_late(worker: WorkerRecord, by_t: float, inputs: VerdictInputs) -> bool:
    """Return whether the worker was seen before its gameplay, either after the limit or just before it."""
    not_yet_t, reached_t = worker.gameplay.not_yet_t, worker.gameplay.reached_t
    if not_yet_t is None or reached_t is None:
        return False
    gap_s = inputs.config.observe.gap_intervals * inputs.nominal_s
    return not_yet_t >= by_t or reached_t - not_yet_t <= gap_s


def _reached(worker: WorkerRecord) -> str:
    if not worker.gameplay.corroborated:
        return f"{worker.ref.label} reached it in an earlier generation"
    return f"{worker.ref.label} gameplay_started and {', '.join(worker.gameplay.signs)}"
