"""Episodes: counted by their number; what each was like is known only where it was observed throughout."""

from __future__ import annotations

import pytest

from metabonk_tui.core.model.sample import WorkerStatus
from metabonk_tui.core.model.worker import KEPT_EPISODES, Episode
from metabonk_tui.core.worker.episodes import NO_EPISODES, EpisodeSight, EpisodeTrack, observe

Look = tuple[float, int | None, bool]
"""(time, number of the episode, whether it is in the game)"""


def followed(
    *looks: Look, generation: int = 1, answers: bool = True, track: EpisodeTrack = NO_EPISODES
) -> EpisodeTrack:
    before_t = looks[0][0]
    for t, number, playing in looks:
        status = WorkerStatus({"intrinsic_reward_total": t / 100}) if answers else None
        observed_s = t if answers else 0.0
        track = observe(track, EpisodeSight(number, status, generation, observed_s, playing), t, t - before_t)
        before_t = t
    return track


def every_10_s(*parts: tuple[float, int | None, bool]) -> list[Look]:
    """(until, number, playing) one after another, looked at every 10 s."""
    looks: list[Look] = []
    t = 0.0
    for until, number, playing in parts:
        while t < until:
            looks.append((t, number, playing))
            t += 10.0
    return looks


def test_an_episode_that_was_observed_has_its_length_its_play_and_what_it_added() -> None:
    looks = every_10_s((100, 3, False), (200, 4, False), (300, 4, True), (320, 5, False))

    seen = followed(*looks).episodes

    assert (seen.ended, seen.known, seen.reached) == (2, 1, 1)
    assert seen.kept == (Episode(100.0, None, None, None), Episode(300.0, 200.0, 100.0, pytest.approx(2.0)))
    assert seen.longest == seen.kept[1]


@pytest.mark.parametrize(
    ("looks", "ended", "known"),
    [
        pytest.param(every_10_s((50, 0, False), (90, 1, False)), 1, 0, id="the first one began unseen"),
        pytest.param(every_10_s((50, 0, False), (90, 1, False), (130, 4, False)), 4, 0, id="some ended at once"),
        pytest.param(
            every_10_s((50, 0, False), (90, 1, False), (300, None, False), (330, 2, False)), 2, 0,
            id="the orchestrator did not answer around the end",
        ),
        pytest.param(every_10_s((50, 2, False), (90, 0, False)), 0, 0, id="the number fell: nothing ended"),
        pytest.param(every_10_s((50, None, True)), 0, 0, id="never served"),
    ],
)  # fmt: skip
def test_what_was_not_seen_is_not_known(looks: list[Look], ended: int, known: int) -> None:
    track = followed(*looks)

    assert (track.episodes.ended, track.episodes.known) == (ended, known)


def test_an_episode_of_a_worker_that_did_not_answer_is_counted_and_nothing_more() -> None:
    track = followed((0.0, 0, False), (10.0, 1, False), (20.0, 1, False))

    track = followed((30.0, 1, False), (60.0, 1, False), (90.0, 2, False), answers=False, track=track)

    assert track.episodes.kept[-1].play_s is None
    assert track.episodes.kept[-1].reached is None


def test_a_restart_ends_no_episode() -> None:
    track = followed((0.0, 7, False), (10.0, 7, False))

    track = followed((20.0, 8, False), generation=2, track=track)

    assert track.episodes.ended == 0
    assert track.began_t is None


def test_it_is_bounded() -> None:
    looks = [(10.0 * i, i, False) for i in range(3 * KEPT_EPISODES)]

    episodes = followed(*looks).episodes

    assert episodes.ended == 3 * KEPT_EPISODES - 1
    assert len(episodes.kept) == KEPT_EPISODES
