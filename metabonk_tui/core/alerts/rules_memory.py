"""Alerts about memory: what is available, when it ends, whom the kernel killed, what the memory watch did. Pure.

The judgements are those of the screens: levels, forecasts, swap.
"""

from __future__ import annotations

from collections.abc import Iterable

from metabonk_tui.core.alerts.rule import NO_DATA, NO_RESULT, Condition, RuleInput, RuleResult, rule
from metabonk_tui.core.config.schema import GB
from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.model.memory import Forecast
from metabonk_tui.core.model.refs import worker_ref

STALLED_PERCENT = 10.0
"""All tasks stand still waiting for memory for so much of the last 10 s: memory is critical, whatever is left."""


@rule("MemLow", same_event=EventKind.MEMORY_LOW)
def mem_low(rule_input: RuleInput) -> RuleResult:
    """Less is available than must stay so."""
    memory = rule_input.inputs.memory
    available = memory.available_bytes
    if available is None:
        return NO_DATA
    if memory.below_floor_since_t is None:
        return NO_RESULT
    text = f"{available / GB:.2f} GB available, below the floor of {memory.floor_bytes / GB:.1f} GB"
    return RuleResult((Condition(text, value=available, unit="bytes"),))


@rule("MemCritical", same_event=EventKind.MEMORY_CRITICAL)
def mem_critical(rule_input: RuleInput) -> RuleResult:
    """Less than half the floor is available, or every task waits for memory."""
    memory = rule_input.inputs.memory
    reading = memory.reading
    if reading is None or reading.available_bytes is None:
        return NO_DATA
    reasons = []
    if memory.level == "crit":
        reasons.append(f"{reading.available_bytes / GB:.2f} GB available, below half the floor")
    full = reading.pressure_full_avg10
    if full is not None and full > STALLED_PERCENT:
        reasons.append(f"every task waited for memory {full:.0f} % of the last 10 s")
    if not reasons:
        return NO_RESULT
    return RuleResult((Condition(", ".join(reasons), value=reading.available_bytes, unit="bytes"),))


@rule("OomForecast", same_event=EventKind.MEMORY_FORECAST)
def oom_forecast(rule_input: RuleInput) -> RuleResult:
    """Memory ends soon, if the trend holds: as the forecast says, which holds its own tongue until it is sure."""
    memory = rule_input.inputs.memory
    if memory.available_bytes is None:
        return NO_DATA
    return RuleResult(tuple(_forecast_conditions(memory.forecast, rule_input.inputs.t)))


@rule("GpuForecast", same_event=EventKind.MEMORY_FORECAST)
def gpu_forecast(rule_input: RuleInput) -> RuleResult:
    """The same of a GPU's own memory."""
    gpus = rule_input.inputs.memory.gpus
    if gpus is None:
        return NO_DATA
    return RuleResult(
        tuple(c for gpu in gpus for c in _forecast_conditions(gpu.forecast, rule_input.inputs.t, f"gpu{gpu.index}"))
    )


def _forecast_conditions(forecast: Forecast | None, t: float, about: str = "") -> Iterable[Condition]:
    if forecast is not None and forecast.raised:
        left_s = None if forecast.reaches_zero_t is None else max(0.0, forecast.reaches_zero_t - t)
        unit = "" if left_s is None else "s"
        yield Condition(forecast.text, about, escalated=forecast.state == "CRITICAL", value=left_s, unit=unit)


@rule("SwapThrashing", same_event=EventKind.MEMORY_SWAP)
def swap_thrashing(rule_input: RuleInput) -> RuleResult:
    """Swap in use grows while tasks wait for memory."""
    swap = rule_input.inputs.memory.swap
    if swap is None:
        return NO_DATA
    if swap.level not in ("warn", "crit"):
        return NO_RESULT
    used = None if swap.used_bytes is None else float(swap.used_bytes)
    return RuleResult((Condition(swap.text, escalated=swap.level == "crit", value=used, unit="bytes"),))


@rule("OomKill", same_event=EventKind.MEMORY_OOM)
def oom_kill(rule_input: RuleInput) -> RuleResult:
    """The kernel killed one of ours at this moment; who it was may be seen a moment later."""
    memory = rule_input.inputs.memory
    before = rule_input.before.memory if rule_input.before else None
    if before is None:
        return NO_RESULT
    killed = memory.oom_kills_in_run > before.oom_kills_in_run
    named = [name for name in memory.oom_victims if name not in before.oom_victims]
    refs = tuple(sorted(ref for name in named if (ref := worker_ref(name)) is not None))
    if not killed and not refs:
        return NO_RESULT
    victims = ", ".join(named) or "victim not known"
    return RuleResult((Condition(f"kernel OOM kill: {victims}", workers=refs),))


@rule("WatchActed", same_event=EventKind.WATCH_ACT)
def watch_acted(rule_input: RuleInput) -> RuleResult:
    """The memory watch did something at this moment; raised where that failed."""
    watch, before = rule_input.inputs.memory.watch, rule_input.before.memory.watch if rule_input.before else None
    if watch is None or before is None or not watch.did:
        return NO_RESULT
    failed = watch.did_ok is False and before.did_ok is not False
    if watch.did_t == before.did_t and not failed:
        return NO_RESULT
    how = "would have done" if watch.dry_run else "failed" if failed else "did"
    return RuleResult((Condition(f"memory watch {how}: {watch.did}", escalated=failed),))
