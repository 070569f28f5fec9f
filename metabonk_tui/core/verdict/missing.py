"""Finds what a go still lacks: workers that are not up, bad values, checks, components that a worker never showed.

Does not: choose the word.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from msgspec import Struct

from metabonk_tui.core.model.refs import WorkerRef, worker_ranges
from metabonk_tui.core.model.worker import ComponentState, HealthState, Reach, WorkerView
from metabonk_tui.core.text.numbers import age
from metabonk_tui.core.verdict.inputs import VerdictInputs

NOT_UP_S = 30.0
"""A worker may be away for less than this: a respawn, or a slow answer."""
NAMED = 4
MissingKind = Literal["worker", "bad", "gate", "component"]


class Missing(Struct, frozen=True):
    """One thing that a go lacks."""

    kind: MissingKind
    text: str
    """What is missing: "w2 down 15m", "gate 2/6"."""
    worker: WorkerRef | None = None
    why: str = ""
    """For a worker: "down", "hung", "broken", "zombie", "looping", "stranger", "unobserved", "waits", "no place"."""


def find_missing(inputs: VerdictInputs) -> tuple[Missing, ...]:
    """Return everything that LAUNCH 24H and SUCCESS lack besides memory and gameplay, the gravest first."""
    record, gate = inputs.record, inputs.gate
    is_whole = inputs.calm and not (record.has_bad or record.due_unobserved or record.never_shown_on)
    is_placed = not (inputs.waiting or inputs.no_place)
    if is_whole and is_placed and gate.has_ended(inputs.t) and gate.has_passed:
        return ()
    return (*_workers(inputs), *_without_place(inputs), *_bad(inputs), *_gate(inputs), *_components(inputs))


def _workers(inputs: VerdictInputs) -> Iterator[Missing]:
    for worker in () if inputs.calm else inputs.workers:
        found = not_up(worker, inputs.t, inputs.config.verdict.still_s)
        if found is not None:
            why, for_s = found
            # Screens call a worker idle that never grew since its start: the verdict says the same word.
            is_idle = (
                worker.reach is Reach.UP and worker.health is not None and worker.health.state is HealthState.IDLE
            )
            yield Missing("worker", f"{worker.ref.label} {'idle' if is_idle else why} {age(for_s)}", worker.ref, why)


def _without_place(inputs: VerdictInputs) -> Iterator[Missing]:
    """Yield the wanted workers of a cluster that no node has: they are no workers of a host, and not up."""
    for each in inputs.waiting:
        lasts = "" if each.since_t is None else f" {age(max(0.0, inputs.t - each.since_t))}"
        ref = WorkerRef(slot=each.slot)
        yield Missing("worker", f"{ref.label} waits for a place{lasts}: {each.reason}", ref, "waits")
    for slot in inputs.no_place:
        ref = WorkerRef(slot=slot)
        yield Missing("worker", f"{ref.label} has no place and does not wait for one", ref, "no place")


def not_up(worker: WorkerView, t: float, still_s: float) -> tuple[str, float] | None:
    """Return (what is wrong, for how many seconds); None while the worker is up or away for less than 30 s.

    A worker that never answered is not just away: it counts from the first look.
    """
    health = worker.health.state if worker.health is not None else None
    if health is HealthState.LOOPING:
        return "looping", t - (worker.resets_t[-1] if worker.resets_t else t)
    if worker.reach is Reach.UP:
        # Up to its last answer: a worker without a row in this sample may have moved since.
        seen_t = t if worker.last_good_t is None else worker.last_good_t
        still_for_s = seen_t - worker.stepped_t if worker.stepped_t is not None else 0.0
        return ("zombie", still_for_s) if still_for_s >= still_s else None
    away_s = t - (worker.last_good_t if worker.last_good_t is not None else worker.reach_since_t)
    if worker.last_good_t is not None and away_s < NOT_UP_S:
        return None
    # A worker that accepts and does not answer is hung, whether or not it ever answered.
    words = {Reach.STALE: "hung", Reach.STARTING: "down"}
    return words.get(worker.reach, worker.reach.value), away_s


def _bad(inputs: VerdictInputs) -> Iterator[Missing]:
    if not inputs.record.has_bad:
        return
    for worker in inputs.workers:
        for component in worker.components:
            is_due = component.due == "validation" or worker.gameplay.corroborated
            if component.known_state is ComponentState.BAD and is_due:
                what = (
                    "NaN"
                    if component.bad and component.bad.why == "nan"
                    else component.bad.why
                    if component.bad
                    else "bad"
                )
                text = f"{worker.ref.label} {component.title} {what} {age(inputs.t - component.known_since_t)}"
                yield Missing("bad", text, worker.ref)


def _gate(inputs: VerdictInputs) -> Iterator[Missing]:
    gate = inputs.gate
    if gate.has_passed and gate.has_ended(inputs.t):
        return
    passed = gate.count("PASS")
    last = gate.checks[-1].result if gate.checks else "TO COME"
    text = f"gate {passed}/{len(gate.checks)}"
    yield Missing("gate", f"{text}, last {last}" if passed >= gate.needed else text)


def _components(inputs: VerdictInputs) -> Iterator[Missing]:
    for title in inputs.record.due_unobserved:
        yield Missing("component", f"{title} not observed: this source does not see it")
    for title, refs in inputs.record.never_shown_on:
        where = worker_ranges(refs) if len(refs) < inputs.wanted else "any worker"
        yield Missing("component", f"{title} never shown on {where}", refs[0])


def texts(missing: Sequence[Missing]) -> tuple[str, ...]:
    """Return what is missing in words, cut after `NAMED` of one kind."""
    lines: list[str] = []
    for kind in ("worker", "bad", "gate", "component"):
        same = [one.text for one in missing if one.kind == kind]
        lines += same[:NAMED]
        if len(same) > NAMED:
            lines[-1] += f" and {len(same) - NAMED} more"
    return tuple(lines)
