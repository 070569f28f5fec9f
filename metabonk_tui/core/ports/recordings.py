"""The doors to what is past: recordings that are walked through, and runs that are laid beside another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from metabonk_tui.core.model.sample import Event, Sample
from metabonk_tui.core.ports.live import Monitor
from metabonk_tui.core.recordings.playback import Playback
from metabonk_tui.core.recordings.seek import SeekTarget
from metabonk_tui.core.report.timeline import RunTimelineBuilder


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """One recorded run, as a list shows it."""

    name: str
    """By which it is found."""
    run: str
    """What the run calls itself."""
    started_at: float
    duration_s: float
    verdict: str
    workers: int | None
    source: str


class UnreadableRecording(Exception):
    """A recording, or where they lie, cannot be read; its text says why."""


class RunArchive(Protocol):
    """The runs that were recorded. From any thread that may wait: every call may take long."""

    def runs(self) -> tuple[RecordedRun, ...]:
        """List them, the newest first; what cannot be read is left out. Raises Unreadable."""
        ...

    def load_timeline(self, name: str, on_progress: Callable[[float], bool]) -> RunTimelineBuilder | None:
        """Boil a run down. `on_progress` is told now and then which share is done, and says whether to go on.

        None: it was not to go on, or there is nothing in it. Raises Unreadable.
        """
        ...


class SeekableRecording(Protocol):
    """A recording whose samples can be read again from any place on. From one thread; ends where it cannot be read."""

    @property
    def ends_t(self) -> float | None:
        """When its last sample is; None: nobody knows before all was read."""
        ...

    @property
    def known_events(self) -> tuple[Event, ...]:
        """What is known to have happened in it before it is read; empty where that is not known."""
        ...

    @property
    def unread(self) -> int:
        """How many things of it could not be read so far."""
        ...

    def samples(self, after: int = 0) -> Iterator[tuple[int, Sample]]:
        """Yield the samples behind the one of this number, each with its own number; they start above 0 and grow."""
        ...


class ReplayControls(Protocol):
    """How one walks through the past. From any thread; every method returns at once, `playback` tells what came of it.

    Whatever goes to a place stays there; `play` goes on.
    """

    def playback(self) -> Playback | None:
        """Say how it stands; None: nothing was read yet."""
        ...

    def step(self, samples: int) -> None:
        """Go so many samples on, or back when negative."""
        ...

    def seek(self, target: SeekTarget) -> None:
        """Go to a place; where it was not read yet, as soon as it is."""
        ...

    def play(self) -> None:
        """Play on, or stand still when it plays; from the end, from the start."""
        ...


class Replay(Monitor, ReplayControls, Protocol):
    """A recording that is looked at."""

    def start(self) -> None:
        """Begin to read."""
        ...

    def stop(self) -> None:
        """Let go of it, within a few seconds."""
        ...


class ReplayOpener(Protocol):
    """What was recorded of the run that is watched."""

    def open(self, run: str) -> Replay | str:
        """Open what there is of a run up to now, standing at its end; else say why there is nothing."""
        ...
