"""Lists the recorded runs for the screens and reduces one to its timeline. Slow: call it on a background thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from metabonk_tui.adapters.store.run_directory import UNREADABLE, find, summaries
from metabonk_tui.adapters.store.run_identity import NO_TRAINING
from metabonk_tui.adapters.store.run_reader import Recording
from metabonk_tui.cli.recordings.stepped import stepped
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.ports.recordings import RecordedRun, UnreadableRecording
from metabonk_tui.core.report.timeline import RunTimelineBuilder
from metabonk_tui.core.run.replay import by_run
from metabonk_tui.core.text.clean import clean_text

PROGRESS_EVERY = 50
"""Samples between two progress reports."""


class StoreRunArchive:
    """Implements `core.ports.recordings.RunArchive`; for a name in several folders the first folder counts."""

    def __init__(self, folders: Iterable[Path], config: Config) -> None:
        self._folders = tuple(dict.fromkeys(folders))
        self._config = config

    def runs(self) -> tuple[RecordedRun, ...]:
        """Return the recorded runs, newest first. Raises UnreadableRecording."""
        try:
            found = [one for folder in self._folders for one in summaries(folder, [])]
        except OSError as error:
            raise UnreadableRecording(f"the runs cannot be listed: {error.strerror or error}") from None
        infos = (
            RecordedRun(
                name=one.name,
                run=one.run,
                started_at=one.started_at,
                duration_s=one.duration_s,
                verdict=clean_text(one.verdict),
                workers=one.workers,
                source=clean_text(one.source),
                is_demo=one.source in NO_TRAINING,
            )
            for one in found
        )
        return tuple(sorted(infos, key=lambda item: item.started_at, reverse=True))

    def load_timeline(self, name: str, on: Callable[[float], bool]) -> RunTimelineBuilder | None:
        """Step through a run from its first sample; of several runs in the recording the last counts.

        `on` receives the progress from 0 to 1; when it returns False, the result is None. Raises UnreadableRecording.
        """
        path = next((path for folder in self._folders if (path := find(folder, name)) is not None), None)
        if path is None:
            raise UnreadableRecording(f"{clean_text(name)} no longer exists")
        builder: RunTimelineBuilder | None = None
        try:
            with Recording(path) as recording:
                first_t, last_t = recording.span
                number = 0
                for walk in by_run(stepped(recording, recording.samples(), self._config)):
                    builder = RunTimelineBuilder()
                    for snapshot in walk:
                        if number % PROGRESS_EVERY == 0 and not on(
                            (snapshot.t - first_t) / max(1.0, last_t - first_t)
                        ):
                            return None
                        number += 1
                        builder.add(snapshot)
        except UNREADABLE as error:
            raise UnreadableRecording(f"{clean_text(name)} cannot be read: {clean_text(str(error))}") from None
        return builder
