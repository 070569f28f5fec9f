"""Defines the alerts about memory: floor, forecast, swap, OOM kills, memory watch. Pure.

Uses the judgements that the screens show: levels, forecasts, swap.
"""

from __future__ import annotations

from collections.abc import Iterable

from metabonk_tui.core.alerts.rule import NO_DATA, NO_RESULT, Condition, RuleInput, RuleResult, on_each_host, rule
from metabonk_tui.core.config.schema import GB
from metabonk_tui.core.memory.kernel_evidence import QUIET_S
from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.model.memory import Forecast, GpuFaultView
from metabonk_tui.core.model.refs import WorkerRef, label_of

STALLED_PERCENT = 10.0
"""Memory is critical, whatever is left, if all tasks stall on it for this share of the last 10 s."""


@rule("MemLow", same_event=EventKind.MEMORY_LOW, without_run=True)
@on_each_host
def mem_low(rule_input: RuleInput) -> RuleResult:
    """Available memory is below the floor."""
    memory = rule_input.inputs.memory
    available = memory.available_bytes
    if available is None:
        return NO_DATA
    if memory.below_floor_since_t is None:
        return NO_RESULT
    text = f"{available / GB:.2f} GB available, below the floor of {memory.floor_bytes / GB:.1f} GB"
    return RuleResult((Condition(text, value=available, unit="bytes"),))


@rule("MemCritical", same_event=EventKind.MEMORY_CRITICAL, without_run=True)
@on_each_host
def mem_critical(rule_input: RuleInput) -> RuleResult:
    """Available memory is below half the floor, or every task stalls on memory."""
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


@rule("OomForecast", same_event=EventKind.MEMORY_FORECAST, without_run=True)
@on_each_host
def oom_forecast(rule_input: RuleInput) -> RuleResult:
    """Memory will run out soon if the trend lasts. The forecast itself warns only when it is sure."""
    memory = rule_input.inputs.memory
    if memory.available_bytes is None:
        return NO_DATA
    return RuleResult(tuple(_forecast_conditions(memory.forecast, rule_input.inputs.t)))


@rule("GpuForecast", same_event=EventKind.MEMORY_FORECAST, without_run=True)
@on_each_host
def gpu_forecast(rule_input: RuleInput) -> RuleResult:
    """A GPU's memory will run out soon if the trend lasts."""
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


@rule("SwapThrashing", same_event=EventKind.MEMORY_SWAP, without_run=True)
@on_each_host
def swap_thrashing(rule_input: RuleInput) -> RuleResult:
    """Used swap grows while tasks stall on memory."""
    swap = rule_input.inputs.memory.swap
    if swap is None:
        return NO_DATA
    if swap.level not in ("warn", "crit"):
        return NO_RESULT
    used = None if swap.used_bytes is None else float(swap.used_bytes)
    return RuleResult((Condition(swap.text, escalated=swap.level == "crit", value=used, unit="bytes"),))


@rule("OomKill", same_event=EventKind.MEMORY_OOM)
@on_each_host
def oom_kill(rule_input: RuleInput) -> RuleResult:
    """The kernel killed a process of the pool in this tick; the victim may be identified later."""
    memory = rule_input.inputs.memory
    before = rule_input.memory_before
    if before is None:
        return NO_RESULT
    killed = memory.oom_kills_in_run > before.oom_kills_in_run
    victims = [victim for victim in memory.oom_victims if victim not in before.oom_victims]
    refs = tuple(sorted(victim for victim in victims if isinstance(victim, WorkerRef)))
    if not killed and not refs:
        return NO_RESULT
    names = ", ".join(label_of(victim) for victim in victims)
    if memory.oom_suspects and not names:
        names = memory.victims_text
    return RuleResult((Condition(f"kernel OOM kill: {names or 'victim not known'}", workers=refs),))


@rule("GpuFault", same_event=EventKind.GPU_FAULT)
@on_each_host
def gpu_fault(rule_input: RuleInput) -> RuleResult:
    """The GPU's driver logged an error or found no memory in the last 10 min; raised: it found no memory."""
    memory, t = rule_input.inputs.memory, rule_input.inputs.t
    if memory.kernel_log != "readable":
        return NO_DATA
    recent = [fault for fault in memory.kernel.faults if t - fault.last_t <= QUIET_S]
    return RuleResult(tuple(Condition(fault.text, _about(fault), escalated=fault.xid is None) for fault in recent))


def _about(fault: GpuFaultView) -> str:
    return f"{fault.gpu or 'gpu'} {'memory' if fault.xid is None else f'Xid {fault.xid}'}"


@rule("WatchActed", same_event=EventKind.WATCH_ACT, without_run=True)
def watch_acted(rule_input: RuleInput) -> RuleResult:
    """The memory watch acted in this tick; escalated if the action failed."""
    watch, before = rule_input.inputs.memory.watch, rule_input.before.memory.watch if rule_input.before else None
    if watch is None or before is None or not watch.did:
        return NO_RESULT
    failed = watch.did_ok is False and before.did_ok is not False
    if watch.did_t == before.did_t and not failed:
        return NO_RESULT
    how = "would have done" if watch.dry_run else "failed" if failed else "did"
    return RuleResult((Condition(f"memory watch {how}: {watch.did}", escalated=failed),))
