"""Steps through a run of the store, also to an end that no monitor recorded. Does not: open files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from metabonk_tui.cli.stepping import stepper
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.sample import Sample
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.run.replay import replay, with_last
from metabonk_tui.core.step.ended import over_by_restart

if TYPE_CHECKING:
    from metabonk_tui.adapters.store.run_reader import Recording


def stepped(recording: Recording, samples: Iterable[Sample], config: Config) -> Iterator[Snapshot]:
    """Yield the Snapshot of each of these samples of a recording; a restart of the machine ends the last one."""
    snapshots = replay(samples, stepper(config))
    return with_last(snapshots, over_by_restart) if recording.is_cut_by_restart else snapshots
