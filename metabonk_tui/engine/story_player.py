"""Plays a recording in chapters, each at a speed of its own and with a caption. Does not: know what they mean."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, tzinfo

from msgspec.structs import replace

from metabonk_tui.core.ports.recordings import SeekableRecording
from metabonk_tui.core.recordings.playback import Playback
from metabonk_tui.core.recordings.story import END, StoryPart
from metabonk_tui.engine.replay_index import ReplayStep
from metabonk_tui.engine.replay_player import ReplayPlayer


class StoryPlayer(ReplayPlayer):
    """A replay that leaves out what lies between its chapters. It can be paused and searched like any other."""

    def __init__(
        self, recording: SeekableRecording, step: ReplayStep, parts: Sequence[StoryPart], *, zone: tzinfo = UTC
    ) -> None:
        super().__init__(recording, step, zone=zone, speed=parts[0].speed)
        self._parts = tuple(parts)

    @property
    def _part(self) -> int:
        """The number of the chapter at the position."""
        return max([number for number, part in enumerate(self._parts) if part.from_t <= self._at], default=0)

    def _advance(self) -> None:
        now_s = self._now()
        passed_s, self._played_s = now_s - self._played_s, now_s
        number = self._part
        part = self._parts[number]
        self._speed = part.speed
        if not self._playing or self._target is not None:
            return
        t = self._at + passed_s * part.speed
        if t >= part.to_t and number + 1 < len(self._parts):
            # What is left out is read all the same: the next chapter waits for it.
            t = max(part.to_t, self._parts[number + 1].from_t)
            t = t if t <= self._read_to_t else part.to_t
        self._t = min(t, self._read_to_t)
        if self._index.whole and self._t >= self._read_to_t:
            self._playing = False

    def _state(self) -> Playback:
        has_ended = self._index.whole and not self._playing and self._at >= self._read_to_t
        return replace(super()._state(), caption=END if has_ended else self._parts[self._part].caption)
