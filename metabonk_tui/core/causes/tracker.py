"""What is kept between two samples to find causes, and when they are looked for again. Bounded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from metabonk_tui.core.causes.evidence import Clues, WorkerClues, reachable
from metabonk_tui.core.causes.rank import causes
from metabonk_tui.core.causes.stillness import Signs, observe
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.sample import EnvFileReading, Sample
from metabonk_tui.core.model.snapshot import Cause
from metabonk_tui.core.status.log_lines import add_relevant
from metabonk_tui.core.verdict.inputs import VerdictInputs

EVERY_S = 10.0
"""Between two searches while nothing changed its state."""


@dataclass(frozen=True, slots=True)
class Suspects:
    """What was noticed so far, and the causes that were last found in it."""

    signs: Mapping[WorkerRef, Signs] = field(default_factory=dict)
    logs: Mapping[WorkerRef, tuple[str, ...]] = field(default_factory=dict)
    """The telling lines of each worker's log, oldest first."""
    causes: tuple[Cause, ...] = ()
    judged_t: float | None = None
    judged: tuple[Any, ...] = ()
    """What they were judged on, as far as a change of it asks for another look at once."""

    def observe(
        self,
        sample: Sample,
        facts: VerdictInputs,
        environs: Mapping[WorkerRef, Mapping[str, str] | None],
        env_file: EnvFileReading | None,
    ) -> Suspects:
        """Take in a sample, and look for causes when it is time to."""
        logs = _remembered(self.logs, sample.log_tails)
        noticed = replace(self, signs=observe(self.signs, facts.workers, facts.t), logs=logs)
        judged: tuple[Any, ...] = (
            tuple((w.ref, w.reach, w.generation, *(c.state for c in w.components)) for w in facts.workers),
            dict(environs),
            env_file,
            facts.memory.oom_victims,
            facts.stopped_t is not None or not facts.begun,
        )
        recent = self.judged_t is not None and 0 <= facts.t - self.judged_t < EVERY_S
        if recent and judged == self.judged and logs is self.logs:
            return noticed
        found = () if judged[-1] else causes(_clues(noticed, facts, environs, env_file))
        return replace(noticed, causes=found, judged_t=facts.t, judged=judged)


def _clues(
    noticed: Suspects,
    facts: VerdictInputs,
    environs: Mapping[WorkerRef, Mapping[str, str] | None],
    env_file: EnvFileReading | None,
) -> Clues:
    workers = tuple(
        WorkerClues(view, view.status, noticed.signs[view.ref], environs.get(view.ref), noticed.logs.get(view.ref, ()))
        for view in facts.workers
        if reachable(view) and view.status is not None and view.ref in noticed.signs
    )
    return Clues(facts.t, workers, len(facts.workers), env_file, facts.memory, facts.config, facts.foreign_fields)


def _remembered(
    before: Mapping[WorkerRef, tuple[str, ...]], tails: Mapping[WorkerRef, Sequence[str]]
) -> Mapping[WorkerRef, tuple[str, ...]]:
    """Add what tells something: the lines of the start scroll out of a tail, and are the ones that count."""
    after = dict(before)
    for ref, lines in tails.items():
        merged = add_relevant(after.get(ref, ()), lines)
        if merged:
            after[ref] = merged
    return before if after == before else after
