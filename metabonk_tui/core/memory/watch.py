"""The memory watch's mind: from what is seen now and was seen before, whether to warn, to raise the alarm, to act.

Knows levels, holds and waiting. Refuses to act, to plan, and to take what it cannot see for too little.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from metabonk_tui.core.config.schema import GB, Config, MemoryWatchConfig
from metabonk_tui.core.model.sample import PoolReading
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.text.numbers import age

WatchLevel = Literal["unknown", "ok", "warn", "crit"]
Decision = Literal["none", "warn", "critical", "act", "stand down", "recovered"]
PoolIdentity = tuple[str, int | None, float | None]
"""One generation of a pool: (run, launcher's pid, its start)."""


@dataclass(frozen=True, slots=True)
class WatchInputs:
    """What is seen of memory and the pool in one tick."""

    t: float
    available_bytes: int | None
    ends_in_s: float | None
    """When memory ends by a forecast that is raised; None: none is."""
    pool: PoolIdentity | None
    """None: there is nothing to act on."""
    busy: bool
    """We are just doing something to the pool ourselves."""
    gap_s: float
    """A hole longer than this was not observed."""


@dataclass(frozen=True, slots=True)
class WatchState:
    """What is remembered from tick to tick while the watch is armed."""

    seen_t: float | None = None
    """When memory was last read."""
    warn_since_t: float | None = None
    crit_since_t: float | None = None
    ok_since_t: float | None = None
    notified: Literal["", "warn", "crit"] = ""
    """The loudest that was said since memory last recovered."""
    checking: PoolIdentity | None = None
    """It wants to act on this pool and looks once more."""
    acted_t: float | None = None
    spent: bool = False
    """It has acted, and memory has not recovered since."""


def watch_inputs(snapshot: Snapshot, config: Config) -> WatchInputs:
    """Take from a Snapshot what the watch goes by."""
    memory, pool = snapshot.memory, snapshot.pool
    forecast = memory.forecast
    ends_in_s = None
    # While workers load, memory falls anyhow.
    if snapshot.gate.began_t is not None and forecast is not None and forecast.raised:
        ends_t = forecast.reaches_zero_t
        ends_in_s = None if ends_t is None else ends_t - snapshot.t
    there = pool.launcher_pid is not None or any(worker.alive for worker in snapshot.workers)
    return WatchInputs(
        t=snapshot.t,
        available_bytes=memory.available_bytes,
        ends_in_s=ends_in_s,
        pool=(snapshot.run.name, pool.launcher_pid, pool.launcher_started_at) if there else None,
        busy=pool.operation is not None and pool.operation.ended_at is None,
        gap_s=config.observe.gap_intervals * snapshot.run.interval_s,
    )


def level_of(seen: WatchInputs, rules: MemoryWatchConfig) -> WatchLevel:
    """Judge one moment. Memory that was not read is unknown, whatever a forecast says."""
    if seen.available_bytes is None:
        return "unknown"
    if seen.available_bytes < rules.critical_gb * GB or _ends_within(seen, rules.critical_forecast_s):
        return "crit"
    if seen.available_bytes < rules.warn_gb * GB or _ends_within(seen, rules.warn_forecast_s):
        return "warn"
    return "ok"


def _ends_within(seen: WatchInputs, limit_s: float) -> bool:
    return seen.ends_in_s is not None and seen.ends_in_s < limit_s


def decide(
    state: WatchState, seen: WatchInputs, rules: MemoryWatchConfig, *, armed: bool, prepared: bool
) -> tuple[WatchState, Decision]:
    """Say what this tick leads to, and what is to be remembered of it.

    "critical" with `checking` set asks for a plan; `prepared` says that there is one and that this tick was seen
    after it was made. Only then, and only if it is still critical for the same pool, comes "act".
    """
    if not armed:
        # Disarming and arming again is no way around the cool-down.
        return WatchState(acted_t=state.acted_t), "none"
    level = level_of(seen, rules)
    state = _update_holds(state, seen, level)
    if state.checking is not None:
        if seen.busy or state.crit_since_t is None or seen.pool != state.checking:
            return replace(state, checking=None, crit_since_t=None), "stand down"
        if level == "crit" and prepared:
            return replace(state, checking=None, acted_t=seen.t, spent=True), "act"
        return state, "none"
    if level == "crit" and _held(state.crit_since_t, seen.t, rules.critical_hold_s):
        if _may_act(state, seen, rules):
            return replace(state, checking=seen.pool, notified="crit"), "critical"
        if state.notified != "crit":
            return replace(state, notified="crit"), "critical"
    elif level in ("warn", "crit") and not state.notified and _held(state.warn_since_t, seen.t, rules.warn_hold_s):
        return replace(state, notified="warn"), "warn"
    elif level == "ok" and (state.notified or state.spent) and _held(state.ok_since_t, seen.t, rules.warn_hold_s):
        return replace(state, notified="", spent=False), "recovered"
    return state, "none"


def failed(state: WatchState) -> WatchState:
    """Note that the act came to nothing: after the cool-down it may be tried again without a recovery."""
    return replace(state, spent=False)


def _may_act(state: WatchState, seen: WatchInputs, rules: MemoryWatchConfig) -> bool:
    if rules.on_critical == "alarm" or seen.pool is None or state.spent:
        return False
    return state.acted_t is None or seen.t - state.acted_t >= rules.cooldown_s


def _update_holds(state: WatchState, seen: WatchInputs, level: WatchLevel) -> WatchState:
    """Follow how long each level has held. What could not be read breaks a hold only when it lasts."""
    blank = replace(state, warn_since_t=None, crit_since_t=None, ok_since_t=None)
    if state.seen_t is not None and seen.t - state.seen_t > seen.gap_s:
        state = blank
    if seen.busy:
        # What we do to the pool ourselves moves memory; it says nothing about the run.
        return replace(blank, seen_t=seen.t)
    if level == "unknown":
        return state
    return replace(
        state,
        seen_t=seen.t,
        warn_since_t=_since(state.warn_since_t, seen.t, level in ("warn", "crit")),
        crit_since_t=_since(state.crit_since_t, seen.t, level == "crit"),
        ok_since_t=_since(state.ok_since_t, seen.t, level == "ok"),
    )


def _since(since_t: float | None, t: float, is_so: bool) -> float | None:
    if not is_so:
        return None
    return t if since_t is None else since_t


def _held(since_t: float | None, t: float, hold_s: float) -> bool:
    return since_t is not None and t - since_t >= hold_s


def why_not_arm(pool: PoolReading) -> str:
    """Say why the watch cannot be armed from here, "" when it can: only who holds the pool may act on it."""
    if pool.read_only:
        return "this monitor only looks"
    if pool.controller == "us":
        return ""
    if pool.controller == "other":
        return f"another monitor holds this pool ({pool.holder or 'who, it does not say'})"
    return pool.problem or "nobody knows yet who holds this pool"


def reason(seen: WatchInputs, rules: MemoryWatchConfig, level: Literal["warn", "crit"]) -> str:
    """Say what a level stands on: "available 0.93 GB, below 1 GB for 30s", or the forecast."""
    below_gb, ends_s = (
        (rules.warn_gb, rules.warn_forecast_s) if level == "warn" else (rules.critical_gb, rules.critical_forecast_s)
    )
    hold = age(rules.warn_hold_s if level == "warn" else rules.critical_hold_s)
    if seen.available_bytes is not None and seen.available_bytes < below_gb * GB:
        return f"available {seen.available_bytes / GB:.2f} GB, below {below_gb:g} GB, held for {hold}"
    if seen.ends_in_s is not None:
        return (
            f"the forecast says memory ends in {age(max(0.0, seen.ends_in_s))}, below {age(ends_s)}, held for {hold}"
        )
    return "memory is not known"
