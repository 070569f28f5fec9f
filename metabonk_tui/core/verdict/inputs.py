"""Collects all inputs of a verdict, and summarises what the workers together show. Does not: judge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.contract import ContractView
from metabonk_tui.core.model.memory import MemoryView
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.snapshot import Cause, Gate
from metabonk_tui.core.model.worker import ComponentState, WorkerView
from metabonk_tui.core.worker.component import SILENT

PROVEN = 0.9
"""Confidence from which a cause stands in the verdict row and gives the first step, whatever the word."""


@dataclass(frozen=True, slots=True)
class VerdictInputs:
    """All inputs of a verdict at one time."""

    t: float
    started_at: float
    begun: bool
    """Whether a run exists: a launch, a process or an answer."""
    stopped_t: float | None
    """When the monitor stopped the pool; None while the pool should run."""
    changing: bool
    """An operation on the pool is under way."""
    gate: Gate
    workers: Sequence[WorkerView]
    memory: MemoryView
    answered_s: float
    """Seconds of the window in which at least one worker was observed answering."""
    window_s: float
    unanswered_s: float | None
    """Seconds without an answer of any worker; None while one answers, or while the monitor does not poll."""
    nominal_s: float
    foreign_fields: tuple[str, ...]
    """Names that the recorder requested and `/status` never had."""
    config: Config
    contract: ContractView | None = None
    unidentified: Sequence[WorkerRef] = ()
    """Workers that answer on this machine and whose processes were not found."""
    causes: Sequence[Cause] = ()
    """Causes of silence, the most likely first."""

    @property
    def answered_ever(self) -> bool:
        """Whether any worker answered in this run."""
        return any(worker.last_good_t is not None for worker in self.workers)

    @property
    def is_first_gate_over(self) -> bool:
        """Whether the 30 minutes after start-up are over, in which every other word is still to come."""
        ended_t = self.gate.start_up_ended_t
        return ended_t is not None and self.t >= ended_t + self.config.clock.validation_s

    @property
    def proven_cause(self) -> Cause | None:
        """The first cause, if it is as good as certain."""
        return self.causes[0] if self.causes and self.causes[0].confidence >= PROVEN - 1e-9 else None


def silence_evidence(
    workers: Sequence[WorkerView], foreign_fields: Sequence[str] = (), contract: ContractView | None = None
) -> tuple[str, ...]:
    """List the silent components, grouped by state: "A, B ABSENT on 5/5 workers ..."."""
    lines = []
    total = len(workers)
    groups: dict[tuple[ComponentState, int, bool], list[str]] = {}
    for index in range(len(workers[0].components) if workers else 0):
        states = Counter(worker.components[index].state for worker in workers)
        for state in (*SILENT, ComponentState.UNOBSERVED, ComponentState.BAD):
            if states[state]:
                first = workers[0].components[index]
                stands = state is ComponentState.STALLED and first.stands
                groups.setdefault((state, states[state], stands), []).append(first.title)
    rank = {
        ComponentState.ABSENT: 0,
        ComponentState.BAD: 1,
        ComponentState.UNPROVEN: 2,
        ComponentState.ZERO: 3,
        ComponentState.STALLED: 4,
        ComponentState.UNOBSERVED: 5,
    }
    for (state, count, stands), titles in sorted(groups.items(), key=lambda item: (rank[item[0][0]], -item[0][1])):
        keys = ""
        if state is ComponentState.ABSENT:
            with_key, samples = _key_samples(workers, titles)
            keys = f", {with_key} of {samples} samples had a key{_nearest(workers, titles, contract)}"
        if state is ComponentState.UNOBSERVED:
            fields = [c.field for c in workers[0].components if c.title in titles]
            asked = [near for name in fields for near in get_close_matches(name, foreign_fields, n=1, cutoff=0.5)]
            keys = f": asked for as {', '.join(asked)}, a name that /status never had" if asked else ""
        state_text = state.value if state in (ComponentState.ABSENT, ComponentState.BAD) else state.value.lower()
        # What stands by design once it has shown is not stalled.
        state_text = "stands" if stands else state_text
        lines.append(f"{', '.join(titles)} {state_text} on {count}/{total} workers{keys}")
    return tuple(lines)


def _nearest(workers: Sequence[WorkerView], titles: Sequence[str], contract: ContractView | None) -> str:
    """Name for each field that was never seen the most similar seen name; "" without any."""
    if contract is None:
        return ""
    fields = [component.field for component in workers[0].components if component.title in titles]
    parts = [f"{name}; nearest seen: {near}" for name in fields if (near := contract.nearest_to(name))]
    return f", never seen: {', '.join(parts)}" if parts else ""


def _key_samples(workers: Sequence[WorkerView], titles: Sequence[str]) -> tuple[int, int]:
    matching = [c for w in workers for c in w.components if c.title in titles]
    with_key = max((c.samples_with_key for c in matching), default=0)
    return with_key, max((c.samples for c in matching), default=0)
