"""Measures the forecast per kind of series: the lead time of its warnings, and the number of false alarms.

Run: python -m bench.forecast_quality [--seeds N] [--first SEED]. Seeds below 3000 were used to tune the method;
3000-3059 were only ever measured.
"""

from __future__ import annotations

import argparse
from statistics import median
from time import perf_counter

from metabonk_tui.core.memory.forecast import ForecastTrack, observe, suspend
from tests.support.series import KINDS, SAFE, Series, draw

STARTUP_S = 180.0
BARS = {"linear": 15, "stepped": 15, "saw_leak": 8, "exponential": 6, "late": 4}


def raised(series: Series) -> tuple[float | None, float | None, int]:
    """Return the start of the last warning and of CRITICAL, None unless they last; and the count of warnings."""
    track = ForecastTrack()
    warned_t = critical_t = None
    episodes = 0
    for t, available in series.readings:
        before = track.state
        if t < STARTUP_S:
            track = suspend(track, t)
        else:
            track = observe(track, t, available, 0.1 * series.total_bytes, series.total_bytes)
        up = track.state in ("WARNING", "CRITICAL")
        if up and before not in ("WARNING", "CRITICAL"):
            warned_t, episodes = t, episodes + 1
        if track.state == "CRITICAL" and before != "CRITICAL":
            critical_t = t
        if not up:
            warned_t = None
        if track.state != "CRITICAL":
            critical_t = None
    return warned_t, critical_t, episodes


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first", type=int, default=3000)
    options = parser.parse_args()
    seeds = range(options.first, options.first + options.seeds)
    print(
        f"{'kind':12} {'series':>6} {'warn min/p5/median':>20} {'crit min/median':>16} {'raised':>7} {'under bar':>10}"
    )
    for kind in KINDS:
        leads: list[float] = []
        critical: list[float] = []
        under, false = [], []
        began = perf_counter()
        count = 0
        for seed in seeds:
            series = draw(kind, seed)
            warned_t, critical_t, episodes = raised(series)
            count += len(series.readings)
            if series.end_t is None:
                if episodes:
                    false.append(seed)
                continue
            leads.append((series.end_t - warned_t) / 60 if warned_t is not None else 0.0)
            critical.append((series.end_t - critical_t) / 60 if critical_t is not None else 0.0)
            if leads[-1] < BARS[kind] or (kind == "linear" and critical[-1] < 5):
                under.append(seed)
        cost = (perf_counter() - began) / count * 1e6
        if kind in SAFE:
            print(f"{kind:12} {len(seeds):6} {'':20} {'':16} {len(false):7} {'':10} {cost:.0f} us {false[:8]}")
            continue
        leads_sorted, crit_sorted = sorted(leads), sorted(critical)
        p5 = leads_sorted[len(leads) // 20]
        warns = f"{leads_sorted[0]:.1f}/{p5:.1f}/{median(leads):.1f}"
        crit_text = f"{crit_sorted[0]:.1f}/{median(critical):.1f}"
        print(f"{kind:12} {len(seeds):6} {warns:>20} {crit_text:>16} {'':7} {len(under):10} {cost:.0f} us {under[:8]}")


if __name__ == "__main__":
    main()
