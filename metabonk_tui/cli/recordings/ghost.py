"""Reads the recorded run that a live one is compared with: the one that is named, or the last that was a success."""

from __future__ import annotations

from metabonk_tui.cli.exit_codes import UsageError
from metabonk_tui.cli.recordings.archive import StoreRunArchive
from metabonk_tui.cli.recordings.open import store
from metabonk_tui.cli.recordings.walk import timeline_of
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.ports.recordings import UnreadableRecording
from metabonk_tui.core.report.ghost import Ghost, make_ghost

TRUSTED = "success"
"""Stands for the last run that was a success."""


def ghost_of(name: str, snapshot: Snapshot, config: Config) -> Ghost:
    """Read a run as a ghost; `TRUSTED` never means the run of the Snapshot. Raises UsageError."""
    return make_ghost(timeline_of(_trusted(snapshot, config) if name == TRUSTED else name, config))


def _trusted(snapshot: Snapshot, config: Config) -> str:
    try:
        runs = StoreRunArchive((store(),), config).runs()
    except UnreadableRecording as error:
        raise UsageError(str(error)) from None
    own = snapshot.run.name
    found = next((run for run in runs if run.is_success and run.run != own), None)
    if found is None:
        raise UsageError("no other recorded run was a success; name one: --ghost RUN")
    return found.name
