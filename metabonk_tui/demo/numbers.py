"""Generates lifelike numbers, equal in every run: smooth, rising, different for every slot.

Pure functions of their arguments. `random` would add start-up time and state.
"""

from __future__ import annotations

from math import pi, sin, tau
from zlib import crc32


def unit(*key: object) -> float:
    """Return a number from 0 to 1 that depends only on the key."""
    return crc32(repr(key).encode()) / 0xFFFFFFFF


def between(low: float, high: float, *key: object) -> float:
    """Return a number from low to high that depends only on the key."""
    return low + (high - low) * unit(*key)


def rising(t_s: float, per_minute: float, *key: object) -> float:
    """Return a counter that starts at 0 and never falls; its pace varies by 40 % around `per_minute`."""
    if t_s <= 0:
        return 0.0
    period_s = between(400, 900, "period", *key)
    phase = tau * unit("phase", *key)
    swing_s = 0.4 * period_s / tau * (sin(tau * t_s / period_s + phase) - sin(phase))
    return per_minute / 60 * (t_s + swing_s)


def oscillating(t_s: float, low: float, high: float, *key: object) -> float:
    """Return a level that moves between low and high: two waves and a little noise."""
    slow = sin(tau * t_s / between(170, 310, "slow", *key) + tau * unit("p", *key))
    fast = sin(tau * t_s / between(11, 23, "fast", *key) + pi * unit("q", *key))
    noise = unit(round(t_s, 1), *key) - 0.5
    share = 0.5 + 0.25 * slow + 0.15 * fast + 0.2 * noise
    return low + (high - low) * share
