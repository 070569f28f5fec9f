"""Declares the interfaces to recordings: the list of runs, replay, and comparison."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from metabonk_tui.core.model.sample import Event, Sample
from metabonk_tui.core.model.snapshot import Snapshot, VerdictKind
from metabonk_tui.core.ports.live import Monitor
from metabonk_tui.core.recordings.playback import Playback
from metabonk_tui.core.recordings.seek import SeekTarget

if TYPE_CHECKING:
    from metabonk_tui.core.report.timeline import RunTimelineBuilder


class RecordedRun(Struct, frozen=True):
    """One recorded run as shown in a list."""

    name: str
    """The key of the run in its archive."""
    run: str
    """The run's own name."""
    started_at: float
    duration_s: float
    verdict: str
    workers: int | None
    source: str
    is_demo: bool = False

    @property
    def is_success(self) -> bool:
        """Whether other runs may be measured by it: a demo proves nothing."""
        return self.verdict == VerdictKind.SUCCESS and not self.is_demo


class UnreadableRecording(Exception):
    """A recording or its folder cannot be read; the message gives the reason."""


class RunArchive(Protocol):
    """Reads recorded runs. Safe from any thread; every call may block for long."""

    def runs(self) -> tuple[RecordedRun, ...]:
        """Return the runs, newest first, without unreadable ones. Raises UnreadableRecording."""
        ...

    def load_timeline(self, name: str, on_progress: Callable[[float], bool]) -> RunTimelineBuilder | None:
        """Build the timeline of a run. `on_progress` receives the finished share; False cancels.

        None: cancelled, or the run is empty. Raises UnreadableRecording.
        """
        ...


class SeekableRecording(Protocol):
    """A recording whose samples can be read from any position. One thread; ends at unreadable data."""

    @property
    def ends_t(self) -> float | None:
        """Time of the last sample; None: not known until all is read."""
        ...

    @property
    def known_events(self) -> tuple[Event, ...]:
        """Events known before the samples are read; empty: not known."""
        ...

    @property
    def unread(self) -> int:
        """Number of unreadable items so far."""
        ...

    def samples(self, after: int = 0) -> Iterator[tuple[int, Sample]]:
        """Yield (number, sample) for the samples after number `after`. Numbers are above 0 and ascend."""
        ...

    def kept_before(self, t: float) -> int | None:
        """Return the number of a sample at or before `t` whose Snapshot is kept; None: there is none."""
        ...

    def kept(self, number: int) -> Snapshot | None:
        """Return the kept Snapshot of a sample; None: it is gone, or cannot be read."""
        ...


class ReplayControls(Protocol):
    """Controls a replay. Safe from any thread; every method returns at once and `playback` shows the result.

    `step` and `seek` pause the replay; `play` resumes it.
    """

    def playback(self) -> Playback | None:
        """Return the state of the replay; None: nothing read yet."""
        ...

    def step(self, samples: int) -> None:
        """Move by this number of samples; negative: backwards."""
        ...

    def seek(self, target: SeekTarget) -> None:
        """Move to a target, as soon as it is read."""
        ...

    def play(self) -> None:
        """Toggle between play and pause; at the end, restart from the beginning."""
        ...


class Replay(Monitor, ReplayControls, Protocol):
    """A monitor of a recording instead of a live pool."""

    def start(self) -> None:
        """Start reading."""
        ...

    def stop(self) -> None:
        """Stop reading and release the recording, within a few seconds."""
        ...


class ReplayOpener(Protocol):
    """Opens the recording of the live run."""

    def open(self, run: str) -> Replay | str:
        """Return a replay of the run so far, positioned at its end; a text gives the reason for none."""
        ...
