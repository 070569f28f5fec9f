"""Finds since when a worker does not answer, and what is believed of a port where a stranger answers.

One rule for the verdict, the panels and the sentences.
"""

from __future__ import annotations

from metabonk_tui.core.model.worker import EnvView, Reach
from metabonk_tui.core.worker.tracker import WorkerTrack


def away_since_t(track: WorkerTrack) -> float:
    """Return when its reach began; of a worker that does not answer: its last answer, else the first look at it."""
    if track.reach not in (Reach.DOWN, Reach.STALE, Reach.BROKEN):
        return track.reach_since_t
    if track.last_good_t is not None:
        return track.last_good_t
    return track.reach_since_t if track.first_look_t is None else track.first_look_t


def believed_env(track: WorkerTrack) -> EnvView | None:
    """Return the environment of a worker; None while a stranger answers: the process that was read is its own."""
    return None if track.reach is Reach.STRANGER else track.env_view
