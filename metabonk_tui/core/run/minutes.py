"""Follows a run by the minute. Pure; a tick costs a comparison, a minute a copy of 20 KB at most.

Does not: judge a worker more often than it must: with hundreds of them that would cost more than the rest.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from metabonk_tui.core.model import levels
from metabonk_tui.core.model.condition import WorkerCondition
from metabonk_tui.core.model.level_names import Level
from metabonk_tui.core.model.minutes import MIB, NOT_WATCHED, RunMinutes

MOST_INTERVALS = 2880
"""Two days by the minute; then two intervals become one."""
JUDGED_EVERY_S = 10.0
"""How often the workers are looked at while no event says that one has changed."""


def is_due(minutes: RunMinutes, t: float, *, has_events: bool) -> bool:
    """Return whether the worst worker is to be found for this sample."""
    return has_events or minutes.judged_t is None or not 0.0 <= t - minutes.judged_t < JUDGED_EVERY_S


def observe(
    minutes: RunMinutes,
    t: float,
    run_s: float,
    level: Level,
    worst: WorkerCondition | None,
    available_bytes: int | None,
    *,
    after_gap: bool,
) -> RunMinutes:
    """Take in one sample at `t` (Unix seconds), `run_s` seconds after the start of the run.

    `worst` is None where the workers were not looked at. Intervals without a sample were watched all the same where
    samples are that sparse; after a gap, and before the first sample, they were not.
    """
    place = int(max(0.0, run_s) // minutes.spacing_s)
    while place >= MOST_INTERVALS:
        minutes = _halved(minutes)
        place = int(max(0.0, run_s) // minutes.spacing_s)
    if place > minutes.ended:
        minutes = _closed(minutes, place, after_gap=after_gap)
    verdict = str(levels.order(level))
    mib = None if available_bytes is None else available_bytes // MIB
    lowest = minutes.open_lowest_mib
    code = NOT_WATCHED if worst is None else str(int(worst))
    if verdict > minutes.open_verdict or code > minutes.open_worst or worst is not None:
        minutes = replace(
            minutes,
            open_verdict=max(verdict, minutes.open_verdict),
            open_worst=max(code, minutes.open_worst),
            judged_t=t if worst is not None else minutes.judged_t,
        )
    if mib is not None and (lowest is None or mib < lowest):
        minutes = replace(minutes, open_lowest_mib=mib)
    return minutes


def _closed(minutes: RunMinutes, place: int, *, after_gap: bool) -> RunMinutes:
    """End the interval that goes on, and begin the one at `place`."""
    between = place - minutes.ended - 1
    verdict, worst, lowest = minutes.open_verdict, minutes.open_worst, minutes.open_lowest_mib
    skipped = (NOT_WATCHED, NOT_WATCHED, None) if after_gap else (verdict, worst, lowest)
    return RunMinutes(
        spacing_s=minutes.spacing_s,
        verdicts=minutes.verdicts + verdict + skipped[0] * between,
        worst=minutes.worst + worst + skipped[1] * between,
        lowest_mib=(*minutes.lowest_mib, lowest, *(skipped[2],) * between),
    )


def _halved(minutes: RunMinutes) -> RunMinutes:
    """Make one interval of every two. An odd last one joins the one that goes on."""
    pairs = minutes.ended // 2
    verdict, worst, lowest = minutes.open_verdict, minutes.open_worst, minutes.open_lowest_mib
    if minutes.ended % 2:
        verdict, worst = max(verdict, minutes.verdicts[-1]), max(worst, minutes.worst[-1])
        lowest = _least((lowest, minutes.lowest_mib[-1]))
    return replace(
        minutes,
        spacing_s=minutes.spacing_s * 2,
        verdicts="".join([max(minutes.verdicts[2 * i : 2 * i + 2]) for i in range(pairs)]),
        worst="".join([max(minutes.worst[2 * i : 2 * i + 2]) for i in range(pairs)]),
        lowest_mib=tuple([_least(minutes.lowest_mib[2 * i : 2 * i + 2]) for i in range(pairs)]),
        open_verdict=verdict,
        open_worst=worst,
        open_lowest_mib=lowest,
    )


def _least(mib: Sequence[int | None]) -> int | None:
    return min([each for each in mib if each is not None], default=None)
