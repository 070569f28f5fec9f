"""Replays a stored recording without a screen and prints what it took as JSON.

    python -m bench.replay_probe RECORDING SEEKS

In a process of its own, so that CPU time and memory are the player's. Does not: count the imports.
"""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from bench import recordings
from bench.arithmetic import percentile
from metabonk_tui.adapters.store import checkpoint
from metabonk_tui.adapters.store.seekable import StoredRecording
from metabonk_tui.core.recordings.seek import EventMoment
from metabonk_tui.core.step.pipeline import stepper
from metabonk_tui.engine.replay_player import ReplayPlayer

LIMIT_S = 3600.0


class Watched:
    """A player, and the wait for a condition on what it publishes."""

    def __init__(self, player: ReplayPlayer) -> None:
        self.player = player
        self._changed = threading.Event()
        player.subscribe(self._changed.set)

    def wait(self, met: Callable[[], bool]) -> None:
        """Wait until a condition is met. Raises RuntimeError when the player has failed or nothing comes."""
        ends_s = time.monotonic() + LIMIT_S
        while not met():
            if self.player.fault is not None or time.monotonic() > ends_s:
                raise RuntimeError(self.player.fault or "the replay does not go on")
            self._changed.wait(0.005)
            self._changed.clear()

    def seek(self, t: float) -> float:
        """Go to a place; return the real seconds until it is shown."""
        began_s = time.monotonic()
        self.player.seek(EventMoment(t))
        self.wait(lambda: self._shows(t))
        return time.monotonic() - began_s

    def _shows(self, t: float) -> bool:
        """Return whether the player is at a place, and its Snapshot is that of the sample there."""
        state, seen = self.player.playback(), self.player.latest()
        return state is not None and seen is not None and state.t == t and seen.t == state.sample_t


def opened(path: Path) -> tuple[Watched, StoredRecording, float]:
    """Open a recording and play; return the real seconds until the first picture as well."""
    began_s = time.monotonic()
    recording = StoredRecording(path, checkpoint.key(recordings.config()))
    watched = Watched(ReplayPlayer(recording, stepper(recordings.config()), playing=False))
    watched.player.start()
    watched.wait(lambda: watched.player.latest() is not None)
    return watched, recording, time.monotonic() - began_s


def measure(path: Path, seeks: int) -> dict[str, float | None]:
    """Return the first picture, a seek into the unread part, everything read, and seeks after that."""
    places = random.Random(1)
    spent_s = time.process_time()
    watched, recording, first_s = opened(path)
    watched.wait(lambda: (state := watched.player.playback()) is not None and state.whole)
    spent_s = time.process_time() - spent_s
    state = watched.player.playback()
    assert state is not None
    seek_s = [watched.seek(places.uniform(state.from_t, state.read_to_t)) for _ in range(seeks)]
    watched.player.stop()
    recording.close()
    watched, recording, _ = opened(path)
    unread_s = watched.seek(state.from_t + 0.9 * (state.read_to_t - state.from_t))
    watched.player.stop()
    recording.close()
    return {
        "first_ms": first_s * 1e3,
        "cpu_s": spent_s,
        "seek_p95_ms": (percentile(seek_s, 0.95) or 0.0) * 1e3,
        "seek_unread_ms": unread_s * 1e3,
    }


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), int(sys.argv[2]))))
