"""Collects all inputs of a verdict, and summarises what the workers together show. Does not: judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct, field

from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.contract import ContractView
from metabonk_tui.core.model.host_view import HostView
from metabonk_tui.core.model.memory import MemoryView
from metabonk_tui.core.model.refs import HostName, WorkerRef
from metabonk_tui.core.model.sample import WaitingWorker
from metabonk_tui.core.model.snapshot import Cause, Gate
from metabonk_tui.core.model.worker import ComponentState, WorkerView
from metabonk_tui.core.text.similar import most_similar
from metabonk_tui.core.worker.record import PoolRecord, SilentGroup

PROVEN = 0.9
"""Confidence from which a cause stands in the verdict row and gives the first step, whatever the word."""


class VerdictInputs(Struct, frozen=True):
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
    record: PoolRecord
    """The workers in words, for whatever is judged at every sample."""
    workers: Sequence[WorkerView]
    """Their views, for texts: a step computes them when they are first read."""
    memory: MemoryView
    """That of the only host, or of the one on which it is worst."""
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
    launcher_pid: int | None = None
    """The launcher of this pool; None: none is seen."""
    elsewhere: str = ""
    """Where workers of this launch or checkout listen, while none is on a wanted port; "": not known."""
    waiting: Sequence[WaitingWorker] = ()
    """The workers that wait for a place on a cluster, as its engine last said."""
    engine_error: str | None = None
    """Why the engine of the cluster does not answer now; None: it does, or there is none."""
    no_place: Sequence[int] = ()
    """The wanted slots of a cluster that no node has and that do not wait."""
    hosts: Mapping[HostName, HostView] = field(default_factory=dict)
    """Every host; empty: there is one, and `memory` is its memory."""
    calm: bool = False
    """Whether it is known that every worker answers, steps at its usual rate, and has no problem."""

    @property
    def answered_ever(self) -> bool:
        """Whether any worker answered in this run."""
        return self.record.answered > 0

    @property
    def wanted(self) -> int:
        """The number of workers."""
        return len(self.record.workers)

    @property
    def is_first_gate_over(self) -> bool:
        """Whether the 30 minutes after start-up are over, in which every other word is still to come."""
        ended_t = self.gate.start_up_ended_t
        return ended_t is not None and self.t >= ended_t + self.config.clock.validation_s

    @property
    def unresolved(self) -> str:
        """Say that the host's name does not resolve, so that no worker was asked; "": it resolves, or is not known."""
        if self.unanswered_s is None or not self.workers:
            return ""
        if any(worker.error != "dns" for worker in self.workers):
            return ""
        return (
            f"host {self.config.pool.host} does not resolve: nothing is known of the pool; check --host or pool.host"
        )

    @property
    def proven_cause(self) -> Cause | None:
        """The first cause, if it is as good as certain."""
        return self.causes[0] if self.causes and self.causes[0].confidence >= PROVEN - 1e-9 else None


def silence_evidence(inputs: VerdictInputs, foreign_fields: Sequence[str] = ()) -> tuple[str, ...]:
    """List the silent components, grouped by state: "A, B ABSENT on 5/5 workers ...".

    `foreign_fields`: names that the recorder requested and `/status` never had.
    """
    return tuple([_silence_line(group, inputs, foreign_fields) for group in inputs.record.silence])


def _silence_line(group: SilentGroup, inputs: VerdictInputs, foreign_fields: Sequence[str]) -> str:
    workers, keys = inputs.workers, ""
    if group.state is ComponentState.ABSENT:
        with_key, samples = _key_samples(workers, group.titles)
        keys = f", {with_key} of {samples} samples had a key"
        # A key that every sample has, on a worker that is ABSENT, has null for its value.
        is_null = with_key > 0 and with_key == samples
        keys = ", null in every sample" if is_null else keys + _nearest(workers, group.titles, inputs.contract)
    if group.state is ComponentState.UNOBSERVED:
        fields = [c.field for c in workers[0].components if c.title in group.titles]
        asked = [near for name in fields if (near := most_similar(name, foreign_fields, 0.5))]
        keys = f": asked for as {', '.join(asked)}, a name that /status never had" if asked else ""
    is_loud = group.state in (ComponentState.ABSENT, ComponentState.BAD)
    # What stands by design once it has shown is not stalled.
    state_text = "stands" if group.stands else group.state.value if is_loud else group.state.value.lower()
    return f"{', '.join(group.titles)} {state_text} on {group.workers}/{inputs.wanted} workers{keys}"


def _nearest(workers: Sequence[WorkerView], titles: Sequence[str], contract: ContractView | None) -> str:
    """Name for each field that was never seen the most similar seen name; "" without any."""
    if contract is None:
        return ""
    fields = [component.field for component in workers[0].components if component.title in titles]
    parts = [f"{name}; nearest seen: {near}" for name in fields if (near := contract.nearest_to(name))]
    return f", never seen: {', '.join(parts)}" if parts else ""


def _key_samples(workers: Sequence[WorkerView], titles: Sequence[str]) -> tuple[int, int]:
    """Return samples with a key and samples of the workers that lack it: others have it in every sample."""
    matching = [
        c for w in workers for c in w.components if c.title in titles and c.known_state is ComponentState.ABSENT
    ]
    with_key = max((c.samples_with_key for c in matching), default=0)
    return with_key, max((c.samples for c in matching), default=0)
