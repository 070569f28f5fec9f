"""Follows the episodes of one worker: their number from the orchestrator, the time in the game from `/status`. Pure.

Does not: guess. Of an episode whose beginning or end was not seen, only that it ended is known.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from metabonk_tui.core.model.sample import WorkerStatus
from metabonk_tui.core.model.worker import KEPT_EPISODES, Episode, Episodes
from metabonk_tui.core.status.decode import number

INTRINSIC = "intrinsic_reward_total"
FRESH_S = 60.0
"""A number that was seen longer ago, and longer than two samples, does not say when an episode ended."""
SEEN_EVERY_S = 10.0
OBSERVED_SHARE = 0.9
"""The play of an episode is known where its worker answered for at least this share of it."""


class EpisodeTrack(Struct, frozen=True):
    """State of the episodes of one worker."""

    number: int | None = None
    """The number of the episode that goes on; None: never seen."""
    seen_t: float = 0.0
    """When the number was last seen, to `SEEN_EVERY_S`."""
    generation: int = 0
    began_t: float | None = None
    """When this episode began; None: not seen."""
    play_s: float = 0.0
    observed_began_s: float = 0.0
    intrinsic_began: float | None = None
    episodes: Episodes = Episodes()


NO_EPISODES = EpisodeTrack()


class EpisodeSight(Struct, frozen=True):
    """What one tick shows of a worker's episode."""

    number: int | None
    """From the orchestrator; None: it does not serve it."""
    status: WorkerStatus | None
    generation: int
    observed_s: float
    """How long the worker was observed answering in this run."""
    playing: bool
    """Whether it is in the game."""


def observe(track: EpisodeTrack, seen: EpisodeSight, t: float, elapsed_s: float) -> EpisodeTrack:
    """Take in one tick of `elapsed_s` observed seconds."""
    if seen.playing and seen.status is not None and elapsed_s > 0.0 and track.number is not None:
        track = replace(track, play_s=track.play_s + elapsed_s)
    episode = seen.number
    if episode is None:
        return track
    if episode == track.number and seen.generation == track.generation:
        return replace(track, seen_t=t) if t - track.seen_t >= SEEN_EVERY_S else track
    fresh = track.number is not None and t - track.seen_t <= max(FRESH_S, 2 * elapsed_s)
    episodes = track.episodes
    is_next = seen.generation == track.generation and track.number is not None and episode > track.number
    if is_next and track.number is not None:
        episodes = _ended(track, episode - track.number, seen, t, fresh=fresh)
    return EpisodeTrack(
        number=episode,
        seen_t=t,
        generation=seen.generation,
        # A restarted worker begins with an episode, too, but when is not known to the second.
        began_t=t if is_next and fresh else None,
        observed_began_s=seen.observed_s,
        intrinsic_began=_intrinsic(seen.status),
        episodes=episodes,
    )


def _ended(track: EpisodeTrack, many: int, seen: EpisodeSight, t: float, *, fresh: bool) -> Episodes:
    """Count episodes that ended between two looks. Of more than one, what each was like is not known."""
    before = track.episodes
    counted = replace(before, ended=before.ended + many)
    if many != 1 or not fresh:
        return counted
    length_s = None if track.began_t is None else t - track.began_t
    seen_s = seen.observed_s - track.observed_began_s
    is_known = length_s is not None and seen_s >= OBSERVED_SHARE * length_s
    now = _intrinsic(seen.status)
    gained = None if now is None or track.intrinsic_began is None else now - track.intrinsic_began
    episode = Episode(
        ended_t=t,
        length_s=length_s,
        play_s=track.play_s if is_known else None,
        intrinsic=gained if is_known and gained is not None and gained >= 0.0 else None,
    )
    longest = before.longest
    if episode.play_s and (longest is None or longest.play_s is None or episode.play_s > longest.play_s):
        longest = episode
    return replace(
        counted,
        known=before.known + (episode.reached is not None),
        reached=before.reached + (episode.reached is True),
        kept=(*before.kept, episode)[-KEPT_EPISODES:],
        longest=longest,
    )


def _intrinsic(status: WorkerStatus | None) -> float | None:
    return None if status is None else number(status, INTRINSIC).value
