"""Lists the scenarios as data: the behaviour of each demo pool, in run minutes and megabytes.

Does not: know processes, ports or real time.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Knots = tuple[tuple[float, float], ...]
"""(run minute, MB) points of a memory curve: linear between points, a jump at a repeated minute, then flat."""

FLAT: Knots = ((0, 0),)
GROWTH_CAP_MB = 300.0
"""Most that a scenario may grow a worker: a demo must not harm its machine."""


class Fault(Struct, frozen=True):
    """What goes wrong with one worker, from this run minute of its life on."""

    kind: Literal["", "hang", "nan", "freeze", "import", "starve", "idle", "race", "loop", "blind", "break"] = ""
    after_min: float = 0.0


class Scenario(Struct, frozen=True):
    """The behaviour of one demo pool."""

    summary: str
    workers: int = 3
    """Number of workers that the first launch starts."""
    planned: int | None = None
    """Number of workers in the configuration, if different: after the failed run the plan was three."""
    exported: bool = True
    """Whether the first launch has the env file's values in its environment."""
    enabled: bool = True
    """Whether the env file switches the learning components on."""
    memory: Knots = FLAT
    """Memory that each worker holds above its base, over the run minutes of its life."""
    tight_floor: bool = False
    """Whether the monitor's memory floor is set so that part of the growth crosses it."""
    lifetime_min: tuple[float, float] | None = None
    """Range of ages, in run minutes, at which a worker kills itself; None: never."""
    restarts: int = 10
    """Number of times the launcher respawns one slot before it gives up."""
    missing_keys: tuple[str, ...] = ()
    """Keys missing from the env file."""
    profile: tuple[tuple[str, str], ...] = ()
    """Variables that the launcher's JSON profile overrides besides its usual ones."""
    ollama: bool = True
    """Whether an Ollama stand-in runs."""
    finds_ollama: bool = False
    """Whether workers reach it without the env file, as real ones do at Ollama's default port."""
    faults: tuple[Fault, ...] = ()
    """The faults of the workers in the last slots, in the order of the slots."""
    delay_s: tuple[float, float] = (0.0, 0.0)
    """Range of the delay of every answer, in real seconds."""


SCENARIOS = {
    "seed": Scenario(
        "five workers, env file sourced but not exported: only System2 moves",
        workers=5,
        planned=3,
        exported=False,
        finds_ollama=True,
    ),
    "healthy": Scenario("every component learns, gameplay is reached after 40 to 50 minutes"),
    "silent": Scenario("env file not exported, Ollama not found: every component is silent", exported=False),
    "disabled": Scenario("the env file itself switches the components off", enabled=False),
    "leak": Scenario("every worker's memory grows", memory=((0, 0), (150, 300)), tight_floor=True),
    "steps": Scenario(
        "models load in jumps, then memory is flat", memory=((3, 0), (3, 40), (7, 40), (7, 90), (12, 90), (12, 120))
    ),
    "flaky": Scenario("workers die now and then and are respawned", lifetime_min=(20, 45)),
    "hung": Scenario("the last worker accepts and never answers again", faults=(Fault("hang", 8),)),
    "nan": Scenario("the last worker's intrinsic reward becomes NaN", faults=(Fault("nan", 8),)),
    "zombie": Scenario("the last worker answers, its step stands still", faults=(Fault("freeze", 8),)),
    "imports": Scenario("the last worker cannot import its intrinsic reward", faults=(Fault("import"),)),
    "starved": Scenario("no frame reaches the last worker's state classifier", faults=(Fault("starve"),)),
    "mixed": Scenario(
        "no frames on w1, NaN on w2, w3 hangs, w4 stands still, w5 races",
        workers=6,
        faults=(Fault("starve"), Fault("nan", 8), Fault("hang", 14), Fault("freeze", 11), Fault("race", 17)),
    ),
    "override": Scenario(
        "the launcher's profile switches System2 off, whatever the file says",
        profile=(("METABONK_SYSTEM2_ENABLED", "0"),),
    ),
    "swallowed": Scenario(
        "pure vision swallows the intrinsic reward: the env file lacks a key",
        missing_keys=("METABONK_INTRINSIC_APPLY_IN_PURE_VISION",),
    ),
    "mute": Scenario("Ollama is down: System2 asks and gets no answer", ollama=False),
    "idle": Scenario("the last worker answers, and nothing in it ever grows", faults=(Fault("idle"),)),
    "racing": Scenario("the last worker's step rate jumps fortyfold", faults=(Fault("race", 8),)),
    "looping": Scenario("the last worker dies a minute after every start", faults=(Fault("loop", 1),), restarts=1000),
    "frozen": Scenario("the last worker's steps advance, its frames do not", faults=(Fault("blind", 8),)),
    "broken": Scenario("the last worker answers with HTTP 500", faults=(Fault("break", 8),)),
    "slow": Scenario("every answer takes about a second", delay_s=(0.7, 1.5)),
    "crash": Scenario(
        "only System2 moves, memory falls, workers are killed at 75 minutes",
        workers=5,
        planned=3,
        exported=False,
        finds_ollama=True,
        memory=((0, 0), (75, 250)),
        tight_floor=True,
        lifetime_min=(75, 80),
        restarts=0,
    ),
}
DEFAULT = "seed"


def extra_mb(knots: Knots, minute: float) -> float:
    """Return a memory curve's value at a run minute, in megabytes and at most `GROWTH_CAP_MB`."""
    left_minute, level = knots[0]
    for right_minute, right in knots:
        if minute < right_minute:
            if right_minute > left_minute:
                level += (right - level) * max(0.0, (minute - left_minute) / (right_minute - left_minute))
            break
        left_minute, level = right_minute, right
    return min(level, GROWTH_CAP_MB)


def fault_of(row: Scenario, slot: int, workers: int) -> Fault:
    """Return the fault of the worker in a slot of so many; without one its kind is ""."""
    place = slot - (workers - len(row.faults))
    return row.faults[place] if 0 <= place < len(row.faults) else Fault()


def lifetime_min(row: Scenario, slot: int, attempt: int) -> float:
    """Return the age, in run minutes, at which a worker dies, different for every slot; infinite: never."""
    if row.lifetime_min is None:
        return float("inf")
    low, high = row.lifetime_min
    # Multiples of the golden ratio (modulo 1) spread evenly.
    return low + (high - low) * ((0.05 + 0.618034 * slot + 0.29 * attempt) % 1)
