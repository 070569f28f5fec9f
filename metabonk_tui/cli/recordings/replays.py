"""Opens the recording of the monitored run for replay on the screen."""

from __future__ import annotations

from datetime import tzinfo
from pathlib import Path

from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.ports.recordings import Replay


class StoreReplayOpener:
    """Implements `core.ports.recordings.ReplayOpener` over the folder of all runs."""

    def __init__(self, folder: Path, config: Config, zone: tzinfo, speed: float) -> None:
        """`speed` is in recorded seconds per real second."""
        self._folder = folder
        self._config = config
        self._zone = zone
        self._speed = speed

    def open(self, run: str) -> Replay | str:
        """Return a paused replay at the end of what is recorded so far, or the reason why there is none."""
        # Imported late: most monitors never open the past.
        from metabonk_tui.adapters.store import checkpoint
        from metabonk_tui.adapters.store.run_directory import SUFFIX, UNREADABLE, summaries
        from metabonk_tui.adapters.store.seekable import StoredRecording
        from metabonk_tui.cli.stepping import stepper
        from metabonk_tui.core.recordings.seek import Edge
        from metabonk_tui.engine.replay_player import ReplayPlayer

        try:
            recorded_name = next((one.name for one in summaries(self._folder, []) if one.run == run), None)
            if recorded_name is None:
                return f"{run} is not recorded"
            recording = StoredRecording(self._folder / f"{recorded_name}{SUFFIX}", checkpoint.key(self._config))
        except UNREADABLE as error:
            return f"the recording cannot be read: {error}"
        return ReplayPlayer(
            recording,
            stepper(self._config),
            zone=self._zone,
            at=Edge("end"),
            playing=False,
            speed=self._speed,
            done=recording.close,
        )
