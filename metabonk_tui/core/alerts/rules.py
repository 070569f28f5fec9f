"""Collects every alert rule by name; has the rules that concern neither one worker nor memory. Pure.

A rule reads judgements made elsewhere, so that an alert agrees with the screen. The configuration sets durations and
severities; `core.alerts.tracker` applies both.
"""

from __future__ import annotations

from metabonk_tui.core.alerts import rules_memory, rules_workers
from metabonk_tui.core.alerts.rule import (
    NO_DATA,
    NO_RESULT,
    RULES,
    SAME_EVENT,
    Condition,
    RuleInput,
    RuleResult,
    rule,
    should_run,
)
from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.sample import waiting_text
from metabonk_tui.core.text.numbers import age

__all__ = ["RULES", "RULE_MODULES", "SAME_EVENT"]

RULE_MODULES = (rules_memory, rules_workers)
"""The other modules with rules; importing them registers their rules."""


@rule("NoGameplay", same_event="verdict")
def no_gameplay(rule_input: RuleInput) -> RuleResult:
    """No worker reached gameplay in time: the answer of the decision matrix."""
    node = next((node for node in rule_input.verdict.nodes if node.id == "gameplay"), None)
    if node is None or not should_run(rule_input) or node.answer != "no":
        return NO_RESULT
    limit = age(rule_input.inputs.config.clock.gameplay_s)
    return RuleResult((Condition(f"no worker has reached gameplay within {limit}: {node.short}"),))


@rule("HostLost", same_event=EventKind.HOST_LOST, without_run=True)
def host_lost(rule_input: RuleInput) -> RuleResult:
    """A host's agent has not answered for half a minute; its workers are unknown, not down."""
    conditions = [
        Condition(f"{name} {link.state}: {link.reason}", name)
        for name, host in rule_input.inputs.hosts.items()
        if (link := host.link) is not None and link.state == "LOST"
    ]
    return RuleResult(tuple(conditions))


@rule("WorkerWaiting", without_run=True)
def worker_waiting(rule_input: RuleInput) -> RuleResult:
    """A wanted worker waits for a place on the cluster; unknown while the engine does not answer."""
    inputs = rule_input.inputs
    if inputs.engine_error is not None:
        return NO_DATA
    if not inputs.waiting:
        return NO_RESULT
    refs = tuple(WorkerRef(slot=each.slot) for each in inputs.waiting)
    return RuleResult((Condition(waiting_text(inputs.waiting), workers=refs),))


@rule("RecorderStale", same_event=EventKind.RECORDER_ERROR, without_run=True)
def recorder_stale(rule_input: RuleInput) -> RuleResult:
    """Recording fails. Does not detect a stopped monitor; the verb `status` does."""
    return RuleResult((Condition(rule_input.recorder_problem),)) if rule_input.recorder_problem else NO_RESULT
