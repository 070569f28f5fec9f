"""The table of alerts: what must hold for each, as a small function of what a step knows. Pure.

A rule takes over judgements that are made elsewhere, so that an alert never says other than the screen. How long a
condition must hold is `core.alerts`' business, and how loud it is the configuration's.
"""

from __future__ import annotations

from collections.abc import Mapping

from metabonk_tui.core.alerts import rules_memory as memory
from metabonk_tui.core.alerts import rules_workers as workers
from metabonk_tui.core.alerts.rule import NO_RESULT, Condition, Rule, RuleInput, RuleResult, should_run
from metabonk_tui.core.text.numbers import age


def no_gameplay(rule_input: RuleInput) -> RuleResult:
    """Nobody has reached gameplay by when it is due: the matrix' own answer."""
    node = next((node for node in rule_input.verdict.nodes if node.id == "gameplay"), None)
    if node is None or not should_run(rule_input) or node.answer != "no":
        return NO_RESULT
    limit = age(rule_input.inputs.config.clock.gameplay_s)
    return RuleResult((Condition(f"no worker has reached gameplay within {limit}: {node.short}"),))


def recorder_stale(rule_input: RuleInput) -> RuleResult:
    """The run is not being written to disk. That nobody looked at all, `status` says: nothing here would know."""
    return RuleResult((Condition(rule_input.recorder_problem),)) if rule_input.recorder_problem else NO_RESULT


RULES: Mapping[str, Rule] = {
    "ComponentAbsent": workers.component_absent,
    "ComponentBad": workers.component_bad,
    "ComponentZero": workers.component_zero,
    "ComponentStalled": workers.component_stalled,
    "WorkerDown": workers.worker_down,
    "WorkerIdle": workers.worker_idle,
    "WorkerLooping": workers.worker_looping,
    "StaleFrames": workers.stale_frames,
    "RateRegime": workers.rate_regime,
    "GenerationChange": workers.generation_change,
    "MemLow": memory.mem_low,
    "MemCritical": memory.mem_critical,
    "OomForecast": memory.oom_forecast,
    "OomKill": memory.oom_kill,
    "SwapThrashing": memory.swap_thrashing,
    "GpuForecast": memory.gpu_forecast,
    "WatchActed": memory.watch_acted,
    "EnvMismatch": workers.env_mismatch,
    "StateUncertain": workers.state_uncertain,
    "NoGameplay": no_gameplay,
    "RecorderStale": recorder_stale,
}
"""By name, in the order of the table; each has its line in `[alerts.rule]`."""

SAME_EVENT: Mapping[str, str] = {
    "ComponentAbsent": "component.silent",
    "ComponentBad": "component.silent",
    "ComponentStalled": "component.silent",
    "WorkerDown": "worker.down",
    "WorkerIdle": "worker.conduct",
    "WorkerLooping": "worker.conduct",
    "StaleFrames": "worker.conduct",
    "GenerationChange": "worker.generation",
    "MemLow": "memory.low",
    "MemCritical": "memory.critical",
    "OomForecast": "memory.forecast",
    "OomKill": "memory.oom",
    "SwapThrashing": "memory.swap",
    "GpuForecast": "memory.forecast",
    "WatchActed": "watch.act",
    "EnvMismatch": "env.mismatch",
    "NoGameplay": "verdict",
    "RecorderStale": "recorder.error",
}
"""Alerts whose beginning another event tells already: a list for people need not say it twice."""
