"""Declares the history of a run by the minute: the worst verdict, the worst worker, the least memory available.

An interval that no monitor watched has no value of any kind. Times are seconds since the start of the run.
"""

from __future__ import annotations

from msgspec import Struct

from metabonk_tui.core.model import levels
from metabonk_tui.core.model.condition import WorkerCondition
from metabonk_tui.core.model.level_names import Level

FINEST_S = 60.0
"""The shortest interval."""
NOT_WATCHED = " "
"""The code of an interval in which no monitor watched. It sorts before every other code."""
MIB = 1 << 20


class RunInterval(Struct, frozen=True):
    """The worst of one interval of a run. None: no monitor watched, or the value was not read."""

    level: Level | None
    """The level of the gravest verdict."""
    condition: WorkerCondition | None
    """What was wrong with the worst worker."""
    lowest_bytes: int | None
    """The least memory that was available."""


NO_INTERVAL = RunInterval(None, None, None)


class RunMinutes(Struct, frozen=True):
    """The intervals of a run from its start, packed: two days at a minute each take 20 KB.

    The codes of one text sort by severity, so that the worst of several intervals is their highest code.
    """

    spacing_s: float = FINEST_S
    """The length of an interval: a minute; for a run of more than two days it doubles."""
    verdicts: str = ""
    """A code for each interval that has ended: the rank of the level among `LEVELS`, or `NOT_WATCHED`."""
    worst: str = ""
    """A code for each interval that has ended: the number of the `WorkerCondition`, or `NOT_WATCHED`."""
    lowest_mib: tuple[int | None, ...] = ()
    """MiB for each interval that has ended; None: not read."""
    open_verdict: str = NOT_WATCHED
    """The code of the interval that goes on."""
    open_worst: str = NOT_WATCHED
    open_lowest_mib: int | None = None
    judged_t: float | None = None
    """When the workers were last looked at for this history, in Unix seconds; None: never in this interval."""

    @property
    def ended(self) -> int:
        """The number of intervals that have ended, and the place of the one that goes on."""
        return len(self.verdicts)

    def between(self, first: int, past_last: int) -> RunInterval:
        """Return the worst of several intervals, by their places; the one that goes on is among them at `ended`."""
        verdict, worst = max(self.verdicts[first:past_last], default=""), max(self.worst[first:past_last], default="")
        read = [mib for mib in self.lowest_mib[first:past_last] if mib is not None]
        if first <= self.ended < past_last:
            verdict, worst = max(verdict, self.open_verdict), max(worst, self.open_worst)
            read += [] if self.open_lowest_mib is None else [self.open_lowest_mib]
        return RunInterval(
            levels.LEVELS[int(verdict)] if verdict.strip() else None,
            WorkerCondition(int(worst)) if worst.strip() else None,
            min(read) * MIB if read else None,
        )
