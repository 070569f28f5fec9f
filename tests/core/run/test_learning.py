"""The run so far in one sentence: only what was observed, and what was not is said."""

from __future__ import annotations

from datetime import UTC

import pytest
from msgspec.structs import replace

from metabonk_tui.core.model.sample import PoolReading
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import Episode, Episodes, Reach
from metabonk_tui.core.run.learning import running_mean, series, since, so_far
from tests.support.snapshots import healthy


def text(snapshot: Snapshot, form: int = 0) -> str:
    return "".join(words for words, _ in so_far(snapshot, UTC)[form])


def with_episodes(snapshot: Snapshot, *episodes: Episode, ended: int, reached: int = 0) -> Snapshot:
    seen = Episodes(ended, ended, reached, episodes, episodes[-1] if episodes else None)
    return replace(snapshot, workers=(replace(snapshot.workers[0], episodes=seen), *snapshot.workers[1:]))


def episode(ago_s: float, play_s: float | None) -> Episode:
    return Episode(healthy().t - ago_s, 600.0, play_s, 1.0)


@pytest.mark.parametrize(
    ("episodes", "ended", "expected"),
    [
        pytest.param(
            (episode(4000, 90.0), episode(60, 300.0), episode(50, 0.0)), 212,
            "212 episodes since 14:02, in the last hour 1 of 2 reached the game, for 5m each", id="an hour",
        ),
        pytest.param((episode(60, 0.0),), 1, "1 episode since 14:02, in the last hour 0 of 1 reached the game", id=""),
        pytest.param((episode(60, None),), 4, "4 episodes since 14:02", id="what they were like is not known"),
        pytest.param((episode(4000, 90.0),), 1, "1 episode since 14:02, in the last hour none", id="none lately"),
        pytest.param((), 0, "0 episodes since 14:02", id="the first one goes on"),
    ],
)  # fmt: skip
def test_the_sentence_counts_what_was_observed(episodes: tuple[Episode, ...], ended: int, expected: str) -> None:
    assert text(with_episodes(healthy(), *episodes, ended=ended)).split(". ", 1)[1] == expected


def test_without_the_orchestrator_the_sentence_says_so_and_counts_what_is_derived() -> None:
    snapshot = replace(healthy(), pool=PoolReading(orchestrator_error="refused"))

    assert text(snapshot).endswith(
        "Episodes not observed: the orchestrator does not answer; 4 transitions to the game, derived *"
    )
    assert "transitions" not in text(snapshot, 1)


def test_the_shorter_forms_are_shorter() -> None:
    forms = so_far(with_episodes(healthy(), episode(60, 300.0), ended=212), UTC)

    lengths = [sum(len(words) for words, _ in form) for form in forms]
    assert lengths == sorted(lengths, reverse=True)


def test_a_mean_takes_the_last_twenty() -> None:
    means = running_mean([(float(i), float(i)) for i in range(30)])

    assert means[0] == (0.0, 0.0)
    assert means[19] == (19.0, 9.5)
    assert means[29] == (29.0, 19.5)


def test_curves_leave_out_what_is_not_known() -> None:
    seen = Episodes(kept=(episode(9, 60.0), episode(5, None)))

    assert series([seen], lambda each: each.play_s) == [(healthy().t - 9, 60.0)]
    assert since([seen], healthy().t - 6).known == 0


def test_nothing_is_said_of_workers_that_do_not_answer() -> None:
    workers = [replace(worker, ui_state="menu_ui") for worker in healthy().workers]

    def sentence(*down: int) -> str:
        seen = [replace(each, reach=Reach.DOWN) if each.slot in down else each for each in workers]
        return text(replace(healthy(), workers=tuple(seen)), -1)

    assert sentence() in ("No worker plays now.", "No worker plays yet.")
    assert sentence(0).startswith("No worker that answers plays ")
    assert sentence(*range(len(workers))) == "No worker answers."
