"""Measures how far the clock of a host is from this one. Does not: read a clock."""

from __future__ import annotations

from metabonk_tui.core.text.numbers import age

SAME_S = 2.0
"""Clocks this close are one: what the agent sends has times of up to a second's precision."""


class ClockSkew:
    """The difference to a host's clock in whole seconds, which stays until the clock is set.

    A difference that followed each measurement would move the start of every process, and a process with another start
    is another process.
    """

    def __init__(self) -> None:
        self._shift_s = 0.0
        self._is_known = False

    def forget(self) -> None:
        """Measure anew: the host may have been started again."""
        self._is_known = False

    def observe(self, difference_s: float) -> float:
        """Take in our time less the host's at one moment; return the seconds to add to its times."""
        if not self._is_known or abs(difference_s - self._shift_s) > SAME_S:
            self._shift_s = 0.0 if abs(difference_s) <= SAME_S else float(round(difference_s))
            self._is_known = True
        return self._shift_s

    @property
    def shift_s(self) -> float:
        """The seconds to add to the host's times, as last measured."""
        return self._shift_s

    @property
    def text(self) -> str:
        """The difference in words; "" while there is none."""
        if not self._shift_s:
            return ""
        return f"clock {age(abs(self._shift_s))} {'behind' if self._shift_s > 0 else 'ahead'}"
