"""Judges what the process table shows of a worker: the pid of its generation, and whether its process is seen.

Does not: read processes.
"""

from __future__ import annotations

from collections.abc import Iterable

from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.worker import Reach
from metabonk_tui.core.worker.tracker import WorkerTrack

# On Python 3.11 a member of an enumeration takes ten times the time of a name of the module.
_UP = Reach.UP

PID_SETTLES_S = 10.0
"""Seconds after which the process table was read again: an unchanged pid means that the process itself reset."""


def known_pid(track: WorkerTrack, t: float) -> int | None:
    """Return the pid of this generation; None while the process table may show the previous one."""
    if track.generation_pid is not None or track.generation <= 1:
        return track.generation_pid or track.pid
    settled = t - track.generations[-1].began_t > PID_SETTLES_S
    return track.pid if settled else None


def has_unseen_process(track: WorkerTrack, table_t: float, t: float) -> bool:
    """Return whether the worker answers, and the process tables of the last seconds did not show its process."""
    if track.reach is not _UP or not track.generations or t - track.generations[-1].began_t <= PID_SETTLES_S:
        return False
    return track.process_t is None or table_t - track.process_t > PID_SETTLES_S


def stopped_unseen(tracks: Iterable[WorkerTrack], t: float, slack_s: float) -> tuple[WorkerRef, ...]:
    """Return the workers whose process was never seen, and that stopped answering or restarted in this moment."""
    return tuple(
        [
            track.ref
            for track in tracks
            if track.process_t is None
            and track.last_good_t is not None
            and (
                (track.reach is Reach.DOWN and t - track.reach_since_t <= slack_s)
                or (track.generation > 1 and t - track.generations[-1].began_t <= slack_s)
            )
        ]
    )
