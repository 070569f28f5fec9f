"""Decides in each tick whether the memory watch warns, raises the alarm or acts.

Follows levels, how long they lasted, and the cool-down. Does not: act, plan, or treat unread memory as low.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from metabonk_tui.core.config.schema import GB, Config, MemoryWatchConfig
from metabonk_tui.core.model.refs import ONLY_HOST, HostName
from metabonk_tui.core.model.sample import PoolReading
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.text.numbers import age

WatchLevel = Literal["unknown", "ok", "warn", "crit"]
Decision = Literal["none", "warn", "critical", "act", "stand down", "recovered"]
PoolIdentity = tuple[str, int | None, float | None]
"""One generation of a pool: (run, pid of the launcher, start time of the launcher)."""


class WatchInputs(Struct, frozen=True):
    """Memory and pool as observed in one tick."""

    t: float
    available_bytes: int | None
    ends_in_s: float | None
    """Seconds until memory ends by a raised forecast; None without one."""
    pool: PoolIdentity | None
    """None: no pool to act on."""
    busy: bool
    """An operation of this monitor on the pool is under way."""
    gap_s: float
    """Seconds; memory was not observed over a longer hole."""


class WatchState(Struct, frozen=True):
    """State from tick to tick while the watch is armed."""

    seen_t: float | None = None
    """When memory was last read."""
    warn_since_t: float | None = None
    crit_since_t: float | None = None
    ok_since_t: float | None = None
    notified: Literal["", "warn", "crit"] = ""
    """Highest level notified since memory last recovered."""
    checking: PoolIdentity | None = None
    """The pool that the watch is about to act on; it checks once more first."""
    acted_t: float | None = None
    spent: bool = False
    """The watch has acted, and memory has not recovered since."""


def watch_inputs(snapshot: Snapshot, config: Config, host: HostName = ONLY_HOST) -> WatchInputs:
    """Return the inputs of the watch of one host from a Snapshot."""
    memory, pool = snapshot.hosts[host].memory, snapshot.pool
    forecast = memory.forecast
    ends_in_s = None
    # Memory always falls while workers load.
    if snapshot.gate.began_t is not None and forecast is not None and forecast.raised:
        ends_t = forecast.reaches_zero_t
        ends_in_s = None if ends_t is None else ends_t - snapshot.t
    there = any(worker.alive and worker.ref.host == host for worker in snapshot.workers)
    there = there or (host == ONLY_HOST and pool.launcher_pid is not None)
    return WatchInputs(
        t=snapshot.t,
        available_bytes=memory.available_bytes,
        ends_in_s=ends_in_s,
        pool=(snapshot.run.name, pool.launcher_pid, pool.launcher_started_at) if there else None,
        busy=pool.operation is not None and pool.operation.ended_at is None,
        gap_s=config.observe.gap_intervals * snapshot.run.interval_s,
    )


def level_of(seen: WatchInputs, rules: MemoryWatchConfig) -> WatchLevel:
    """Judge one moment. Unread memory is unknown, whatever the forecast."""
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
    """Return the new state and the decision of this tick.

    "critical" with `checking` set requests a plan. `prepared`: the plan exists, and this tick was observed after it.
    "act" follows only then, and only if memory is still critical for the same pool.
    """
    if not armed:
        # Keep the cool-down: the operator must not bypass it by disarming and arming again.
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
    """Record that the act failed: after the cool-down the watch may try again without a recovery."""
    return replace(state, spent=False)


def _may_act(state: WatchState, seen: WatchInputs, rules: MemoryWatchConfig) -> bool:
    if rules.on_critical == "alarm" or seen.pool is None or state.spent:
        return False
    return state.acted_t is None or seen.t - state.acted_t >= rules.cooldown_s


def _update_holds(state: WatchState, seen: WatchInputs, level: WatchLevel) -> WatchState:
    """Update since when each level lasts. Unread memory interrupts a level only after `gap_s`."""
    blank = replace(state, warn_since_t=None, crit_since_t=None, ok_since_t=None)
    if state.seen_t is not None and seen.t - state.seen_t > seen.gap_s:
        state = blank
    if seen.busy:
        # Our own operations move memory, so the readings prove nothing about the run.
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
    """Return why this monitor cannot arm the watch, "" when it can: only the pool's controller may act."""
    if pool.read_only:
        return "this monitor only looks"
    if pool.placed and pool.backend == "slurm":
        return "on Slurm it does not act: each job has its own memory limit, at which the kernel ends that job alone"
    if pool.placed:
        return "on Ray it does not act: a resize ends the last workers, on whatever node they are"
    if pool.controller == "us":
        return ""
    if pool.controller == "other":
        return f"another monitor holds this pool ({pool.holder or 'who, it does not say'})"
    return pool.problem or "which monitor controls this pool is not known yet"


def reason(seen: WatchInputs, rules: MemoryWatchConfig, level: Literal["warn", "crit"]) -> str:
    """Format the reason of a level: "available 0.93 GB, below 1 GB, held for 30s", or the forecast."""
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
