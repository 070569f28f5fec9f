"""The scenarios, one a line: what each demo pool does, as data.

Knows run minutes and megabytes. Does not know processes, ports or time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Knots = tuple[tuple[float, float], ...]
"""(run minute, MB) points of a memory curve: straight between them, a jump where two share a minute, then flat."""

FLAT: Knots = ((0, 0),)
GROWTH_CAP_MB = 300.0
"""No scenario may grow a worker beyond this: a demo must not harm the machine it runs on."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One way for a small MetaBonk to fare."""

    summary: str
    workers: int = 3
    """How many the initial launch starts."""
    planned: int | None = None
    """How many the configuration wants instead: the plan after the failed run was three."""
    exported: bool = True
    """Does the initial launch have the env file's values in its environment?"""
    enabled: bool = True
    """Does the env file switch the learning components on?"""
    memory: Knots = FLAT
    """What each worker holds besides its base, over the run minutes of its life."""
    tight_floor: bool = False
    """Set the monitor's memory floor so that a part of the growth crosses it."""
    lifetime_min: tuple[float, float] | None = None
    """A worker kills itself at an age between these run minutes; None: never."""
    restarts: int = 10
    """How often the launcher respawns one slot before it gives up."""
    missing_keys: tuple[str, ...] = ()
    """Keys that the env file forgets."""
    profile: tuple[tuple[str, str], ...] = ()
    """What the launcher's JSON profile lays over the environment besides what it always does."""
    ollama: bool = True
    """Is there an Ollama?"""
    fault: Literal["", "hang", "nan", "freeze", "import", "starve", "idle", "race", "loop", "blind", "break"] = ""
    """What befalls the worker of the last slot."""
    fault_after_min: float = 0.0
    delay_s: tuple[float, float] = (0.0, 0.0)
    """How long every answer takes, in real seconds."""


SCENARIOS = {
    "seed": Scenario("five workers, the env file sourced but never exported", workers=5, planned=3, exported=False),
    "healthy": Scenario("every component learns, gameplay is reached after 40 to 50 minutes"),
    "silent": Scenario("the env file sets the flags, nobody exported them", exported=False),
    "disabled": Scenario("the env file itself switches the components off", enabled=False),
    "leak": Scenario("every worker's memory grows", memory=((0, 0), (150, 300)), tight_floor=True),
    "steps": Scenario(
        "models load in jumps, then memory is flat", memory=((3, 0), (3, 40), (7, 40), (7, 90), (12, 90), (12, 120))
    ),
    "flaky": Scenario("workers die now and then and are respawned", lifetime_min=(20, 45)),
    "hung": Scenario("the last worker accepts and never answers again", fault="hang", fault_after_min=8),
    "nan": Scenario("the last worker's intrinsic reward becomes NaN", fault="nan", fault_after_min=8),
    "zombie": Scenario("the last worker answers, its step stands still", fault="freeze", fault_after_min=8),
    "imports": Scenario("the last worker cannot import its intrinsic reward and goes on without it", fault="import"),
    "starved": Scenario("no frame reaches the last worker's state classifier", fault="starve"),
    "override": Scenario(
        "the launcher's profile switches System2 off, whatever the env file says",
        profile=(("METABONK_SYSTEM2_ENABLED", "0"),),
    ),
    "swallowed": Scenario(
        "pure vision swallows the intrinsic reward: the env file forgets the key that applies it",
        missing_keys=("METABONK_INTRINSIC_APPLY_IN_PURE_VISION",),
    ),
    "mute": Scenario("Ollama is down: System2 asks and nobody answers", ollama=False),
    "idle": Scenario("the last worker answers from the start, and nothing in it ever grows", fault="idle"),
    "racing": Scenario("the last worker's step rate jumps fortyfold", fault="race", fault_after_min=8),
    "looping": Scenario(
        "the last worker dies a minute after every start", fault="loop", fault_after_min=1, restarts=1000
    ),
    "frozen": Scenario("the last worker's steps advance, its frames do not", fault="blind", fault_after_min=8),
    "broken": Scenario("the last worker answers with HTTP 500", fault="break", fault_after_min=8),
    "slow": Scenario("every answer takes about a second", delay_s=(0.7, 1.5)),
    "crash": Scenario(
        "ends like the failed run: silent, leaking, killed after 75 minutes",
        workers=5,
        planned=3,
        exported=False,
        memory=((0, 0), (75, 250)),
        tight_floor=True,
        lifetime_min=(75, 80),
        restarts=0,
    ),
}
DEFAULT = "seed"


def extra_mb(knots: Knots, minute: float) -> float:
    """Read a memory curve at a run minute: megabytes, never above the cap."""
    left_minute, level = knots[0]
    for right_minute, right in knots:
        if minute < right_minute:
            if right_minute > left_minute:
                level += (right - level) * max(0.0, (minute - left_minute) / (right_minute - left_minute))
            break
        left_minute, level = right_minute, right
    return min(level, GROWTH_CAP_MB)


def lifetime_min(row: Scenario, slot: int, attempt: int) -> float:
    """Say at which age, in run minutes, a worker dies; infinite where none does. No two slots at once."""
    if row.lifetime_min is None:
        return float("inf")
    low, high = row.lifetime_min
    # Multiples of the golden ratio never crowd.
    return low + (high - low) * ((0.05 + 0.618034 * slot + 0.29 * attempt) % 1)
