"""Generates series of available memory by kind and seed: kinds that reach zero and kinds that do not.

A series is generated at 1 s, then thinned, cut and disturbed. Its end is where the undisturbed level reaches zero.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

LEAKS = ("linear", "stepped", "saw_leak", "exponential", "late")
SAFE = ("flat", "noisy", "wander", "fast_saw", "slow_saw", "steps")
KINDS = (*LEAKS, *SAFE)


@dataclass(frozen=True)
class Series:
    """Readings of available memory, and the time at which it reaches zero."""

    kind: str
    total_bytes: float
    readings: tuple[tuple[float, float], ...]
    """(t in seconds, available bytes), as a reader returns them."""
    end_t: float | None
    """When it reaches zero, in seconds; None: it does not."""


def draw(kind: str, seed: int, interval_s: float | None = None, minutes: int | None = None) -> Series:
    """Generate one series of a kind; equal seeds give equal series."""
    rng = random.Random(f"{kind} {seed}")
    interval_s = interval_s or rng.choice((1.0, 1.0, 2.0, 5.0))
    total = math.exp(rng.uniform(math.log(0.5e9), math.log(64e9)))
    start = total * rng.uniform(0.35, 0.8)
    noise = total * rng.choice((0.0005, 0.002, 0.005))
    drawn = rng.choice((40, 60, 75, 90, 120, 180, 300)) if kind in LEAKS else rng.choice((60, 90, 120, 180))
    minutes = minutes or drawn
    level = _LEVELS[kind](rng, total, start, minutes * 60.0)
    t, readings, end_t, drift = 0.0, [], None, 0.0
    holes = [rng.uniform(600, minutes * 60) for _ in range(rng.choice((0, 0, 1, 2)))]
    scatter = noise * (3 if kind == "noisy" else 0.3 if kind == "flat" else 1)
    while t < minutes * 60.0 * 1.5:
        value = level(t)
        if value <= 0:
            end_t = t
            break
        drift = 0.9 * drift + rng.gauss(0, scatter) * 0.43
        lost = rng.random() < 0.02 or any(hole <= t < hole + 45 for hole in holes)
        if not lost:
            seen = min(total, max(0.0, value + drift))
            readings.append((t + rng.uniform(-0.1, 0.1) * interval_s, seen))
            if rng.random() < 0.005:
                readings.append(readings[-1])
        t += interval_s
        if kind not in LEAKS and t >= minutes * 60.0:
            break
    return Series(kind, total, tuple(readings), end_t)


Level = Callable[[float], float]


def _linear(rng: random.Random, total: float, start: float, length_s: float) -> Level:
    return lambda t: start * (1 - t / length_s)


def _stepped(rng: random.Random, total: float, start: float, length_s: float) -> Level:
    """Fall linearly, with loads that each take a share at once."""
    share = rng.uniform(0.2, 0.4)
    count = rng.randint(2, 4)
    times = sorted(rng.uniform(0.1, 0.6) * length_s for _ in range(count))
    return lambda t: start * (1 - (1 - share) * t / length_s - share / count * sum(t >= at for at in times))


def _saw_leak(rng: random.Random, total: float, start: float, length_s: float) -> Level:
    period_s, height = rng.uniform(60, 240), start * rng.uniform(0.02, 0.08)
    return lambda t: start * (1 - t / length_s) - height * ((t % period_s) / period_s)


def _exponential(rng: random.Random, total: float, start: float, length_s: float) -> Level:
    bend = rng.uniform(1.5, 3.0)
    whole = math.exp(bend) - 1
    return lambda t: start * (1 - (math.exp(bend * t / length_s) - 1) / whole)


def _late(rng: random.Random, total: float, start: float, length_s: float) -> Level:
    lasts_s = rng.uniform(500, 1200)
    return lambda t: start * min(1.0, (length_s - t) / lasts_s)


def _flat(rng: random.Random, total: float, start: float, length_s: float) -> Level:
    return lambda t: start


def _wander(rng: random.Random, total: float, start: float, length_s: float) -> Level:
    """Drift: slow waves, and a random walk that is pulled back."""
    pull_s, size = rng.uniform(300, 1500), start * rng.uniform(0.02, 0.08)
    at, values = 0.0, []
    for _ in range(int(length_s / 5) + 2):
        at += -at * 5 / pull_s + rng.gauss(0, size * math.sqrt(2 * 5 / pull_s))
        values.append(at)
    return lambda t: start + values[min(len(values) - 1, int(t / 5))]


def _saw(rng: random.Random, start: float, period_s: float, height: float) -> Level:
    phase = rng.uniform(0, period_s)
    return lambda t: start - height * (((t + phase) % period_s) / period_s)


def _fast_saw(rng: random.Random, total: float, start: float, length_s: float) -> Level:
    return _saw(rng, start, rng.uniform(20, 180), start * rng.uniform(0.05, 0.3))


def _slow_saw(rng: random.Random, total: float, start: float, length_s: float) -> Level:
    return _saw(rng, start, rng.uniform(600, 1500), start * rng.uniform(0.1, 0.35))


def _steps(rng: random.Random, total: float, start: float, length_s: float) -> Level:
    """Load 2 to 5 times, at once or within a minute; some loads are released again."""
    moves = []
    for _ in range(rng.randint(2, 5)):
        takes_s = rng.choice((0.0, 10.0, 60.0))
        moves.append((rng.uniform(200, length_s), takes_s, start * rng.uniform(0.05, 0.13) * rng.choice((1, 1, -0.5))))
    return lambda t: (
        start
        - sum(
            size * (1.0 if t >= at + takes_s else (t - at) / takes_s if takes_s else 1.0)
            for at, takes_s, size in moves
            if t >= at
        )
    )


_LEVELS: dict[str, Callable[[random.Random, float, float, float], Level]] = {
    "linear": _linear,
    "stepped": _stepped,
    "saw_leak": _saw_leak,
    "exponential": _exponential,
    "late": _late,
    "flat": _flat,
    "noisy": _flat,
    "wander": _wander,
    "fast_saw": _fast_saw,
    "slow_saw": _slow_saw,
    "steps": _steps,
}
