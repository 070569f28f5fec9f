"""Collects series over time: growth in buckets, observed time in spans, points for rates, sample spacing.

Does not: know what the numbers measure.
"""

from __future__ import annotations

from msgspec import Struct

from metabonk_tui.core.timeseries.median import median


class Buckets(Struct, frozen=True):
    """Amounts per bucket of `width_s` seconds, newest last; at most `keep` buckets."""

    width_s: float
    keep: int
    newest: int | None = None
    """Index of the newest bucket, which starts at `newest * width_s`."""
    amounts: tuple[float, ...] = ()

    def add(self, t: float, amount: float) -> Buckets:
        """Add an amount at time `t`. An amount older than the newest bucket counts in the newest."""
        index = int(t // self.width_s)
        if self.newest is None:
            return Buckets(self.width_s, self.keep, index, (amount,))
        if index <= self.newest:
            if not amount:
                return self
            amounts = self.amounts[:-1] + (self.amounts[-1] + amount,)  # noqa: RUF005 - half the time
            return Buckets(self.width_s, self.keep, self.newest, amounts)
        empty = (0.0,) * min(index - self.newest - 1, self.keep)
        return Buckets(self.width_s, self.keep, index, (*self.amounts, *empty, amount)[-self.keep :])

    def newest_sum(self, count: int) -> float:
        """Sum the newest `count` buckets, fewer if fewer are kept."""
        return sum(self.amounts[-count:])


class Spans(Struct, frozen=True):
    """Exact time spans that were observed, over the last `keep_s` seconds; touching spans are merged."""

    keep_s: float
    items: tuple[tuple[float, float], ...] = ()

    def add(self, from_t: float, to_t: float) -> Spans:
        """Add a span that ends last; its overlap with the previous span counts once."""
        items = self.items
        if items and from_t <= items[-1][1]:
            if to_t <= items[-1][1]:
                return self
            from_t, items = items[-1][0], items[:-1]
        while items and items[0][1] <= to_t - self.keep_s:
            items = items[1:]
        return Spans(self.keep_s, (*items, (from_t, to_t)))

    def seconds_between(self, from_t: float, to_t: float) -> float:
        """Return the observed seconds within (from_t, to_t]."""
        total = 0.0
        for begin, end in reversed(self.items):
            if end <= from_t:
                break
            total += max(0.0, min(to_t, end) - max(from_t, begin))
        return total


class Points(Struct, frozen=True):
    """(t, value) at least `every_s` apart over the last `span_s` seconds, for rates over a window."""

    every_s: float
    span_s: float
    items: tuple[tuple[float, float], ...] = ()

    def add(self, t: float, value: float) -> Points:
        """Append a point. It replaces the newest one if that is closer than `every_s` to its predecessor."""
        items = self.items
        if len(items) >= 2:
            if items[-1][0] - items[-2][0] < self.every_s:
                items = items[:-1]
            # Keep one point at or before the start of the window: sparse samples would otherwise shrink it.
            from_t = t - self.span_s
            while len(items) >= 2 and items[1][0] <= from_t:
                items = items[1:]
        return Points(self.every_s, self.span_s, items + ((t, value),))  # noqa: RUF005 - half the time

    def rate(self, min_span_s: float = 0.0) -> float | None:
        """Return the change per second from the oldest to the newest point; None below `min_span_s` between them."""
        if len(self.items) < 2:
            return None
        (from_t, first), (to_t, last) = self.items[0], self.items[-1]
        span = to_t - from_t
        return (last - first) / span if span > 0 and span >= min_span_s else None


MAX_SLOWER = 3.0
"""The measured spacing counts up to this many times the declared one. Without a limit, gaps would pass for rhythm."""


class Spacing(Struct, frozen=True):
    """Seconds between samples: as the source declares, and the last 15 as measured."""

    declared_s: float | None
    recent: tuple[float, ...] = ()
    chosen_s: float | None = None
    """As the operator chose; None: no choice, and what was measured under a choice is forgotten."""

    def add(self, spacing_s: float) -> Spacing:
        """Add the measured seconds between two samples; ignores zero and less."""
        if spacing_s <= 0:
            return self
        return Spacing(self.declared_s, (*self.recent, spacing_s)[-15:], self.chosen_s)

    def choose(self, chosen_s: float | None) -> Spacing:
        """Take the interval that the operator chose."""
        return self if chosen_s == self.chosen_s else Spacing(self.declared_s, (), chosen_s)

    @property
    def nominal_s(self) -> float:
        """Nominal seconds between samples.

        As declared, or the median of five or more when the source is slower. Undeclared: the median, else 1 s.
        """
        for known, nominal_s in _nominal:
            if known is self:
                return nominal_s
        nominal_s = self._nominal_s()
        _nominal[:] = [(self, nominal_s)]
        return nominal_s

    def _nominal_s(self) -> float:
        if self.chosen_s is not None:
            return self.chosen_s
        recent = self.recent
        # A rhythm without a fault needs no sorting: the value of most spacings is their median.
        is_steady = bool(recent) and 2 * recent.count(recent[-1]) > len(recent)
        seen = recent[-1] if is_steady else median(recent) if recent else 0.0
        if self.declared_s:
            slower = min(max(self.declared_s, seen), MAX_SLOWER * self.declared_s)
            return slower if len(self.recent) >= 5 else self.declared_s
        return seen or 1.0


_nominal: list[tuple[Spacing, float]] = []
"""The spacing that was asked last: a step asks five times for the same one."""
