"""Sums up what the episodes of all workers were like, and says the run so far in one sentence. Pure.

Does not: count what was not observed. Episodes come from the orchestrator; without it the sentence says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import tzinfo

from msgspec import Struct

from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import Episode, Episodes, Reach, WorkerView
from metabonk_tui.core.text import numbers as fmt
from metabonk_tui.core.text.phrases import count_of

Sentence = tuple[tuple[str, bool], ...]
"""(text, whether it is the number that counts)"""
HOUR_S = 3600.0
MENU = "menu_ui"
FEW_WORDS = {1: "one", 2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}
MEAN_OF = 20
"""The episodes of a running mean."""
TRANSITIONS = "ui_to_gameplay"
"""The component that counts transitions to the game, which the monitor derives."""


class EpisodeSum(Struct, frozen=True):
    """The episodes of one or more workers."""

    ended: int
    known: int
    """Of how many it is known whether they reached the game."""
    reached: int
    play_s: float | None
    """The mean time in the game of those that reached it; None: none did."""


def of_run(episodes: Iterable[Episodes]) -> EpisodeSum:
    """Sum up all episodes of the run; the mean play is that of the newest ones."""
    found = list(episodes)
    plays = [each.play_s for one in found for each in one.kept if each.play_s]
    return EpisodeSum(
        sum(one.ended for one in found),
        sum(one.known for one in found),
        sum(one.reached for one in found),
        sum(plays) / len(plays) if plays else None,
    )


def since(episodes: Iterable[Episodes], from_t: float) -> EpisodeSum:
    """Sum up the episodes that ended at `from_t` or later, of those that are kept."""
    late: list[Episode] = []
    for one in episodes:
        for each in reversed(one.kept):
            if each.ended_t < from_t:
                break
            late.append(each)
    plays = [each.play_s for each in late if each.play_s]
    known = sum(each.reached is not None for each in late)
    return EpisodeSum(len(late), known, len(plays), sum(plays) / len(plays) if plays else None)


def observed(snapshot: Snapshot) -> list[Episodes]:
    """Return the episodes of the workers of which they are observed."""
    return [worker.episodes for worker in snapshot.workers if worker.episodes is not None]


def why_not(snapshot: Snapshot) -> str:
    """Say why no episode is observed."""
    if snapshot.pool.orchestrator_error is not None:
        return "episodes not observed: the orchestrator does not answer"
    return "episodes not observed: no orchestrator has named one"


def running_mean(values: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return (t, mean of the last `MEAN_OF` values up to t) for every point in the order of time."""
    means = []
    total = 0.0
    for i, (t, value) in enumerate(values):
        total += value
        if i >= MEAN_OF:
            total -= values[i - MEAN_OF][1]
        means.append((t, total / min(i + 1, MEAN_OF)))
    return means


def series(episodes: Iterable[Episodes], read: Callable[[Episode], float | None]) -> list[tuple[float, float]]:
    """Return (when it ended, value) of the kept episodes that have the value, in the order of time."""
    found = [(each.ended_t, value) for one in episodes for each in one.kept if (value := read(each)) is not None]
    return sorted(found)


def so_far(snapshot: Snapshot, zone: tzinfo) -> tuple[Sentence, ...]:
    """Return the run so far as one sentence, the longest form first."""
    players: Sentence = ((f"{_players(snapshot.workers)}.", False),)
    episodes = observed(snapshot)
    if not episodes:
        why = why_not(snapshot)
        derived = _transitions(snapshot)
        known: Sentence = (*players, (f" {why[:1].upper()}{why[1:]}", False))
        return ((*known, (f"; {derived}", False)), known, players) if derived else (known, players)
    run, late = of_run(episodes), since(episodes, snapshot.t - HOUR_S)
    count: Sentence = (*players, (" ", False), (count_of(run.ended, "episode"), True))
    begin: Sentence = ((f" since {fmt.clock(snapshot.run.started_at, zone, with_seconds=False)}", False),)
    hour = f", in the last hour {late.reached} of {late.known} reached the game"
    if not late.known:
        hour = ", in the last hour none" if run.ended and not late.ended else ""
    each = f", for {fmt.age(late.play_s)} each" if late.known and late.play_s is not None else ""
    return (
        (*count, *begin, (f"{hour}{each}", False)),
        (*count, (f"{hour}{each}", False)),
        (*count, (hour, False)),
        count,
        players,
    )


def _players(workers: Sequence[WorkerView]) -> str:
    """Say who is in the game, of the workers that answer."""
    up = [worker for worker in workers if worker.reach is Reach.UP]
    players = [worker for worker in up if worker.gameplay.corroborated and worker.ui_state != MENU]
    many = len(workers)
    if not up:
        return "No worker answers"
    if not players:
        reached = any(worker.gameplay.reached_t is not None for worker in workers)
        who = "No worker plays" if len(up) == many else "No worker that answers plays"
        return f"{who} now" if reached else f"{who} yet"
    if len(players) == many:
        return f"{players[0].ref.label} plays" if many == 1 else f"All {FEW_WORDS.get(many, many)} workers play"
    if len(players) == 1:
        return f"{players[0].ref.label} plays, of {many} workers"
    return f"{len(players)} of {many} workers play"


def transitions(snapshot: Snapshot) -> list[tuple[str, int]]:
    """Return how often each worker reached the game, as far as the monitor derives it."""
    return [
        (worker.ref.label, round(part.shown_value))
        for worker in snapshot.workers
        for part in worker.components
        if part.id == TRANSITIONS and part.shown_value is not None
    ]


def _transitions(snapshot: Snapshot) -> str:
    counts = transitions(snapshot)
    return f"{count_of(sum(count for _, count in counts), 'transition')} to the game, derived *" if counts else ""
