"""Declares the input and the result of alert rules, and registers rules by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.snapshot import Snapshot, Verdict
from metabonk_tui.core.verdict.inputs import VerdictInputs


@dataclass(frozen=True, slots=True)
class RuleInput:
    """The facts of one tick that rules evaluate."""

    inputs: VerdictInputs
    verdict: Verdict
    before: Snapshot | None
    """The Snapshot before, of the same run; None: there is none."""
    uncertain: Mapping[WorkerRef, float] = field(default_factory=dict)
    """By slot, for how much of a whole window its state was "uncertain"; only where a whole one was watched."""
    recorder_problem: str = ""
    """Why recording fails; "": recording works, or no recorder runs."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition that is true now."""

    text: str
    about: str = ""
    workers: tuple[WorkerRef, ...] = ()
    escalated: bool = False
    """Whether the higher of the rule's two severities applies."""
    value: float | None = None
    unit: str = ""
    for_factor: float = 1.0
    """Factor on the configured duration before the alert fires."""


@dataclass(frozen=True, slots=True)
class RuleResult:
    """The result of one rule for one `RuleInput`."""

    conditions: tuple[Condition, ...] = ()
    unknown_workers: frozenset[WorkerRef] = frozenset()
    """Workers for which this tick shows neither that the condition holds nor that it has ended."""
    no_data: bool = False
    """The condition is unknown for everything that the rule covers."""


NO_RESULT = RuleResult()
NO_DATA = RuleResult(no_data=True)
Rule = Callable[[RuleInput], RuleResult]

RULES: dict[str, Rule] = {}
"""By name, filled by `@rule`; `core.alerts.rules` imports every module with rules."""
SAME_EVENT: dict[str, str] = {}
"""Alerts whose start another kind of event reports already, so that lists show it once."""


def rule(name: str, *, same_event: str = "") -> Callable[[Rule], Rule]:
    """Register the rule of an alert. `[alerts.rule]` of config.toml sets its duration and severity."""

    def register(function: Rule) -> Rule:
        if name in RULES:
            raise ValueError(f"two rules are named {name}")
        RULES[name] = function
        if same_event:
            SAME_EVENT[name] = same_event
        return function

    return register


def should_run(rule_input: RuleInput) -> bool:
    """Return whether the pool should be running: started, and not stopped or replaced by a person."""
    end = rule_input.verdict.ended
    was_ended = rule_input.inputs.stopped_t is not None or (end is not None and end.keeps_verdict)
    return rule_input.inputs.begun and not was_ended
