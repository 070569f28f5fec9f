"""Alerts about memory: what is available, when it ends, whom the kernel killed, what the memory watch did. Pure.

The judgements are those of the screens: levels, forecasts, swap.
"""

from __future__ import annotations

from collections.abc import Iterable

from metabonk_tui.core.alerts.rule import NOTHING, UNSEEN, Condition, Finding, Scene
from metabonk_tui.core.config.schema import GB
from metabonk_tui.core.model.memory import Forecast
from metabonk_tui.core.model.refs import worker_ref

STALLED_PERCENT = 10.0
"""All tasks stand still waiting for memory for so much of the last 10 s: memory is critical, whatever is left."""


def mem_low(scene: Scene) -> Finding:
    """Less is available than must stay so."""
    memory = scene.facts.memory
    available = memory.reading.available_bytes if memory.reading else None
    if available is None:
        return UNSEEN
    if memory.below_floor_since_t is None:
        return NOTHING
    text = f"{available / GB:.2f} GB available, below the floor of {memory.floor_bytes / GB:.1f} GB"
    return Finding((Condition(text, value=available, unit="bytes"),))


def mem_critical(scene: Scene) -> Finding:
    """Less than half the floor is available, or every task waits for memory."""
    memory = scene.facts.memory
    reading = memory.reading
    if reading is None or reading.available_bytes is None:
        return UNSEEN
    said = []
    if memory.level == "crit":
        said.append(f"{reading.available_bytes / GB:.2f} GB available, below half the floor")
    full = reading.pressure_full_avg10
    if full is not None and full > STALLED_PERCENT:
        said.append(f"every task waited for memory {full:.0f} % of the last 10 s")
    if not said:
        return NOTHING
    return Finding((Condition(", ".join(said), value=reading.available_bytes, unit="bytes"),))


def oom_forecast(scene: Scene) -> Finding:
    """Memory ends soon, if the trend holds: as the forecast says, which holds its own tongue until it is sure."""
    memory = scene.facts.memory
    if memory.reading is None or memory.reading.available_bytes is None:
        return UNSEEN
    return Finding(tuple(_ends(memory.forecast, scene.facts.t)))


def gpu_forecast(scene: Scene) -> Finding:
    """The same of a GPU's own memory."""
    gpus = scene.facts.memory.gpus
    if gpus is None:
        return UNSEEN
    return Finding(tuple(c for gpu in gpus for c in _ends(gpu.forecast, scene.facts.t, f"gpu{gpu.index}")))


def _ends(forecast: Forecast | None, t: float, about: str = "") -> Iterable[Condition]:
    if forecast is not None and forecast.raised:
        left_s = None if forecast.reaches_zero_t is None else max(0.0, forecast.reaches_zero_t - t)
        unit = "" if left_s is None else "s"
        yield Condition(forecast.text, about, raised=forecast.state == "CRITICAL", value=left_s, unit=unit)


def swap_thrashing(scene: Scene) -> Finding:
    """Swap in use grows while tasks wait for memory."""
    swap = scene.facts.memory.swap
    if swap is None:
        return UNSEEN
    if swap.level not in ("warn", "crit"):
        return NOTHING
    used = None if swap.used_bytes is None else float(swap.used_bytes)
    return Finding((Condition(swap.text, raised=swap.level == "crit", value=used, unit="bytes"),))


def oom_kill(scene: Scene) -> Finding:
    """The kernel killed one of ours at this moment; who it was may be seen a moment later."""
    memory = scene.facts.memory
    before = scene.before.memory if scene.before else None
    if before is None:
        return NOTHING
    killed = memory.oom_kills_in_run > before.oom_kills_in_run
    named = [name for name in memory.oom_victims if name not in before.oom_victims]
    refs = tuple(sorted(ref for name in named if (ref := worker_ref(name)) is not None))
    if not killed and not refs:
        return NOTHING
    who = ", ".join(named) or "victim not known"
    return Finding((Condition(f"kernel OOM kill: {who}", workers=refs),))


def watch_acted(scene: Scene) -> Finding:
    """The memory watch did something at this moment; raised where that failed."""
    watch, before = scene.facts.memory.watch, scene.before.memory.watch if scene.before else None
    if watch is None or before is None or not watch.did:
        return NOTHING
    failed = watch.did_ok is False and before.did_ok is not False
    if watch.did_t == before.did_t and not failed:
        return NOTHING
    how = "would have done" if watch.dry_run else "failed" if failed else "did"
    return Finding((Condition(f"memory watch {how}: {watch.did}", raised=failed),))
