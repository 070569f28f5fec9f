"""The recorded runs for the screens: what there is, and any of them boiled down. May take long; never on a screen's
own thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from metabonk_tui.adapters.store.run_directory import UNREADABLE, find, summaries
from metabonk_tui.adapters.store.run_reader import Recording
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.ports.recordings import RecordedRun, UnreadableRecording
from metabonk_tui.core.report.timeline import RunTimelineBuilder
from metabonk_tui.core.run.replay import by_run, replay
from metabonk_tui.core.step.pipeline import stepper
from metabonk_tui.core.text.clean import clean_text

PROGRESS_EVERY = 50
"""Samples between two words of how far it is."""


class StoreRunArchive:
    """Implements `core.past_ports.Archive` over folders of recordings; of two of one name the first counts."""

    def __init__(self, folders: Iterable[Path], config: Config) -> None:
        self._folders = tuple(dict.fromkeys(folders))
        self._config = config

    def runs(self) -> tuple[RecordedRun, ...]:
        """List them, the newest first."""
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
            )
            for one in found
        )
        return tuple(sorted(infos, key=lambda item: item.started_at, reverse=True))

    def load_timeline(self, name: str, on: Callable[[float], bool]) -> RunTimelineBuilder | None:
        """Step through a run from its first sample on; of several runs in it the last one counts."""
        path = next((path for folder in self._folders if (path := find(folder, name)) is not None), None)
        if path is None:
            raise UnreadableRecording(f"{clean_text(name)} is not there any more")
        builder: RunTimelineBuilder | None = None
        try:
            with Recording(path) as recording:
                first_t, last_t = recording.span
                number = 0
                for walk in by_run(replay(recording.samples(), stepper(self._config))):
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
