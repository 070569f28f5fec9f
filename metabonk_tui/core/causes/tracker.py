"""Keeps the evidence for causes between samples, in bounded size, and decides when to search again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from msgspec import Struct, field
from msgspec.structs import replace

from metabonk_tui.core.causes.evidence import Evidence, WorkerEvidence
from metabonk_tui.core.causes.rank import causes
from metabonk_tui.core.causes.stillness import Stillness, observe
from metabonk_tui.core.model.host import Role
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.sample import EnvFileReading, Sample
from metabonk_tui.core.model.snapshot import Cause
from metabonk_tui.core.model.worker import ComponentState, Reach
from metabonk_tui.core.status.log_lines import add_lines
from metabonk_tui.core.verdict.inputs import VerdictInputs
from metabonk_tui.core.worker.away import believed_env
from metabonk_tui.core.worker.tracker import WorkerTrack

RECENT = (Reach.UP, Reach.STALE)
"""The last status of such a worker is recent enough to judge it."""
SEARCH_EVERY_S = 10.0
"""Time between two searches while no state changes."""


class SearchInputs(NamedTuple):
    """What a search for causes depends on, besides the log lines and the time."""

    workers: tuple[tuple[WorkerRef, Reach, int, tuple[ComponentState, ...]], ...]
    environs: Mapping[WorkerRef, Mapping[str, str] | None]
    env_file: EnvFileReading | None
    oom_victims: tuple[WorkerRef | Role, ...]
    off: bool
    """True: the pool was stopped by us or has not begun, so nothing is searched."""


class CauseTracker(Struct, frozen=True):
    """The collected evidence, and the causes of the last search."""

    stillness: Mapping[WorkerRef, Stillness] = field(default_factory=dict)
    logs: Mapping[WorkerRef, tuple[str, ...]] = field(default_factory=dict)
    """The telling lines of each worker's log, oldest first."""
    causes: tuple[Cause, ...] = ()
    searched_t: float | None = None
    searched_on: SearchInputs | None = None
    """Inputs of the last search; a change triggers a new search at once."""

    def observe(
        self,
        sample: Sample,
        inputs: VerdictInputs,
        tracks: Mapping[WorkerRef, WorkerTrack],
        env_file: EnvFileReading | None,
    ) -> CauseTracker:
        """Add a sample; search for causes after a change or `SEARCH_EVERY_S`."""
        logs = _merge_logs(self.logs, sample.log_tails)
        updated = replace(self, stillness=observe(self.stillness, tracks, inputs.t), logs=logs)
        environs = {
            ref: track.env.values
            for ref, track in tracks.items()
            if track.env is not None and believed_env(track) is not None
        }
        searched_on = SearchInputs(
            tuple([(w.ref, w.reach, w.generation, w.states) for w in inputs.record.workers]),
            environs,
            env_file,
            inputs.memory.oom_victims,
            inputs.stopped_t is not None or not inputs.begun,
        )
        recent = self.searched_t is not None and 0 <= inputs.t - self.searched_t < SEARCH_EVERY_S
        if recent and searched_on == self.searched_on and logs is self.logs:
            return updated
        found = () if searched_on.off else causes(_evidence(updated, inputs, tracks, environs, env_file))
        return replace(updated, causes=found, searched_t=inputs.t, searched_on=searched_on)


def _evidence(
    updated: CauseTracker,
    inputs: VerdictInputs,
    tracks: Mapping[WorkerRef, WorkerTrack],
    environs: Mapping[WorkerRef, Mapping[str, str] | None],
    env_file: EnvFileReading | None,
) -> Evidence:
    workers = tuple(
        WorkerEvidence(
            ref,
            record.reach,
            record.states,
            inputs.workers,
            place,
            status,
            updated.stillness[ref],
            environs.get(ref),
            updated.logs.get(ref, ()),
        )
        for place, record in enumerate(inputs.record.workers)
        if record.reach in RECENT
        and (ref := record.ref) in updated.stillness
        and (status := tracks[ref].status) is not None
    )
    return Evidence(
        inputs.t, workers, len(inputs.record.workers), env_file, inputs.memory, inputs.config, inputs.foreign_fields
    )


def _merge_logs(
    before: Mapping[WorkerRef, tuple[str, ...]], tails: Mapping[WorkerRef, Sequence[str]]
) -> Mapping[WorkerRef, tuple[str, ...]]:
    """Add the lines that may explain a cause: those of the start matter most, and scroll out of a tail."""
    if not tails:
        return before
    after = dict(before)
    for ref, lines in tails.items():
        merged = add_lines(after.get(ref, ()), lines)
        if merged:
            after[ref] = merged
    return before if after == before else after
