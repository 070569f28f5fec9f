"""Says how one host answers: UP, STALE or LOST, and since when. Does not: ask it."""

from __future__ import annotations

from metabonk_tui.core.model.host import LinkReading, LinkState
from metabonk_tui.core.ports.hosts import HostAnswer

LOST_S = 30.0
"""Real seconds after which a host that does not answer is LOST."""
FIRST_S = 30.0
"""A host that never answered is LOST from its first failure on, at the latest after so many real seconds."""
FADES = 0.8
"""How much of the time of a long answer counts at the next one."""


class HostWatch:
    """Remembers the answers of one host's agent. `now_s` is monotonic, `t` is on the run's clock."""

    def __init__(self) -> None:
        self._began_s: float | None = None
        self._answered_s: float | None = None
        self._answered_t: float | None = None
        self._up_since_t: float | None = None
        self._error = ""
        self._version = ""
        self.took_s = 0.0
        """How long answers take, the longer ones of the last few; 0 while the host is away."""

    def observe(self, answer: HostAnswer | None, now_s: float, t: float, stale_s: float, workers: int) -> LinkReading:
        """Take in an answer, None: none arrived in this tick; return how the host answers."""
        if self._began_s is None:
            self._began_s = now_s
        if answer is not None:
            self._version = answer.version or self._version
            self._error = answer.error
        if answer is not None and answer.sample is not None:
            was_away = self._answered_s is None or now_s - self._answered_s > stale_s
            self._up_since_t = t if was_away or self._up_since_t is None else self._up_since_t
            self._answered_s, self._answered_t = now_s, t
            self.took_s = max(answer.took_s, FADES * self.took_s)
            return LinkReading(
                "UP", self._up_since_t, "; ".join(answer.notes), workers, self._version, answer.skew, answer.delay_s
            )
        if self._answered_s is None:
            is_lost = bool(self._error) or now_s - self._began_s > FIRST_S
            return LinkReading(
                "LOST" if is_lost else "STALE", None, self._error or "connecting", workers, self._version
            )
        away_s = now_s - self._answered_s
        if away_s <= stale_s and not self._error:
            return LinkReading("UP", self._up_since_t, "", workers, self._version)
        self.took_s = 0.0
        state: LinkState = "LOST" if away_s > LOST_S else "STALE"
        reason = self._error or "its agent does not answer"
        return LinkReading(state, self._answered_t, reason, workers, self._version)
