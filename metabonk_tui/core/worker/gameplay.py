"""Judges whether one worker reached gameplay: the flag, and a second sign that corroborates it.

Does not: accept the flag alone, or a rising reward: in pure vision the reward is that of exploration.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from metabonk_tui.core.model.sample import WorkerStatus
from metabonk_tui.core.model.worker import GameplayView
from metabonk_tui.core.status.decode import flag, text


class GameplayTrack(Struct, frozen=True):
    """State of the gameplay flag and its corroborating signs."""

    started: bool | None = None
    signs: tuple[str, ...] = ()
    corroborated_t: float | None = None
    reached_t: float | None = None
    """When gameplay was first corroborated in this run, in any generation."""
    not_yet_t: float | None = None
    """When the worker was last seen in this run before that; None: never."""


SIGNS = 3
"""How many signs there are; where all were seen, nothing can be added."""
NOT_REACHED = GameplayTrack()


def observe(play: GameplayTrack, status: WorkerStatus, t: float) -> GameplayTrack:
    """Look for the flag and an independent sign: the flag has known false positives and never falls again."""
    started = flag(status, "gameplay_started")
    if started is not True:
        not_yet_t = t if play.reached_t is None else play.not_yet_t
        return replace(play, started=started if started is not None else play.started, not_yet_t=not_yet_t)
    if play.started and play.reached_t is not None and play.corroborated_t is not None and len(play.signs) == SIGNS:
        return play
    signs = list(play.signs)
    present = (
        ("hud_present", flag(status, "hud_present") is True),
        ("phase_gameplay", flag(status, "phase_gameplay") is True),
        ("state gameplay", text(status, "dynamic_ui_state_type") == "gameplay"),
    )
    signs += [name for name, seen in present if seen and name not in signs]
    return replace(
        play,
        started=True,
        not_yet_t=t if play.reached_t is None and not signs else play.not_yet_t,
        signs=tuple(signs),
        corroborated_t=t if signs and play.corroborated_t is None else play.corroborated_t,
        reached_t=t if signs and play.reached_t is None else play.reached_t,
    )


def reset(play: GameplayTrack) -> GameplayTrack:
    """Start a new generation; what is known of the run outlives it."""
    return GameplayTrack(reached_t=play.reached_t, not_yet_t=play.not_yet_t)


def view(play: GameplayTrack) -> GameplayView:
    corroborated = play.corroborated_t is not None
    return GameplayView(play.started, play.signs, corroborated, play.corroborated_t, play.reached_t, play.not_yet_t)
