"""The episodes as curves, shares and longest plays, on their screen and on the dashboard of a healthy run."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from metabonk_tui.core.model.sample import PoolReading
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import Episode, Episodes
from tests.support.draw import text_of
from tests.support.snapshots import healthy, stop

MIN = 60.0


def learnt(snapshot: Snapshot) -> Snapshot:
    """w0 learns to play: of its six episodes the last three reach the game; w1's first one goes on."""
    plays = (0.0, 0.0, 0.0, 60.0, 120.0, 240.0)
    kept = tuple(Episode(snapshot.t - (6 - i) * 4 * MIN, 4 * MIN, play_s, 0.1 * i) for i, play_s in enumerate(plays))
    first, second, *rest = snapshot.workers
    seen = Episodes(ended=7, known=6, reached=3, kept=kept, longest=kept[-1])
    return replace(snapshot, workers=(replace(first, episodes=seen), replace(second, episodes=Episodes()), *rest))


def test_the_screen_has_curves_shares_and_the_longest_play() -> None:
    lines = text_of(learnt(healthy()), 120, 60, "learning").splitlines()

    text = "\n".join(lines)
    assert " LEARNING  minutes of play in an episode, mean of 20, all workers " in text
    assert next(line for line in lines if line.startswith(" w0 ")).split() == ["w0", "▂▇", "3/6", "3/6"]
    assert any(line.endswith("intrinsic 0.50") and " w0         4m  at 14:28 " in line for line in lines)
    assert next(line for line in lines if line.startswith(" w1 ")).split() == ["w1", "none", "none"]
    assert next(line for line in lines if line.startswith(" all ")).split()[-2:] == ["3/6", "3/6"]


@pytest.mark.parametrize("size", [(120, 40), (200, 60)])
def test_a_healthy_dashboard_leads_with_the_episodes_and_one_sentence(size: tuple[int, int]) -> None:
    text = text_of(learnt(healthy()), *size)

    assert (
        " SO FAR   w1 plays, of 3 workers. 7 episodes since 14:02, in the last hour 3 of 6 reached the game, for 2m20s"
        in text
    )
    assert " LEARNING " in text
    assert " GAMEPLAY " in text


def test_a_dashboard_with_something_wrong_leads_with_that() -> None:
    text = text_of(learnt(stop()), 120, 40)

    assert " LEARNING " not in text
    assert " SO FAR " not in text


def test_without_the_orchestrator_the_screen_says_so_and_shows_what_is_derived() -> None:
    snapshot = replace(healthy(), pool=PoolReading(orchestrator_error="refused"))

    text = text_of(snapshot, 80, 24, "learning")

    assert " episodes not observed: the orchestrator does not answer" in text
    assert " w1    3 transitions to the game *" in text
    assert " * derived " in text
