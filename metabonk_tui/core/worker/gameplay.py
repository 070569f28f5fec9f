"""Judges whether one worker reached gameplay: the flag, and a second sign that corroborates it.

Does not: accept the flag alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from metabonk_tui.core.model.sample import WorkerStatus
from metabonk_tui.core.model.worker import GameplayView
from metabonk_tui.core.status.decode import flag, number, text

RISEN_SAMPLES = 3
"""The reward of one step is noisy: it counts as rising after this many samples above its earlier maximum."""


@dataclass(frozen=True, slots=True)
class GameplayTrack:
    """State of the gameplay flag and its corroborating signs."""

    started: bool | None = None
    signs: tuple[str, ...] = ()
    corroborated_t: float | None = None
    reward_before: float | None = None
    """The highest reward before the flag rose, in this generation."""
    reached_t: float | None = None
    """When gameplay was first corroborated in this run, in any generation."""
    risen: int = 0
    """Samples after the flag rose with a reward above `reward_before`."""


NOT_REACHED = GameplayTrack()


def observe(play: GameplayTrack, status: WorkerStatus, t: float) -> GameplayTrack:
    """Look for the flag and an independent sign: the flag has known false positives and never falls again."""
    started = flag(status, "gameplay_started")
    reward = number(status, "reward").value
    if started is not True:
        highest = play.reward_before
        if reward is not None:
            highest = reward if highest is None else max(highest, reward)
        return replace(play, started=started if started is not None else play.started, reward_before=highest)
    above = reward is not None and play.reward_before is not None and reward > play.reward_before
    risen = play.risen + above
    signs = list(play.signs)
    present = (
        ("hud_present", flag(status, "hud_present") is True),
        ("phase_gameplay", flag(status, "phase_gameplay") is True),
        ("state gameplay", text(status, "dynamic_ui_state_type") == "gameplay"),
        ("reward rising", risen >= RISEN_SAMPLES),
    )
    signs += [name for name, seen in present if seen and name not in signs]
    return replace(
        play,
        started=True,
        risen=risen,
        signs=tuple(signs),
        corroborated_t=t if signs and play.corroborated_t is None else play.corroborated_t,
        reached_t=t if signs and play.reached_t is None else play.reached_t,
    )


def reset(play: GameplayTrack) -> GameplayTrack:
    """Start a new generation; only `reached_t` outlives it."""
    return GameplayTrack(reached_t=play.reached_t)


def view(play: GameplayTrack) -> GameplayView:
    corroborated = play.corroborated_t is not None
    return GameplayView(play.started, play.signs, corroborated, play.corroborated_t, play.reached_t)
