"""What the rules of alerts look at, and the shape of what they find."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.snapshot import Snapshot, Verdict
from metabonk_tui.core.verdict.inputs import VerdictInputs


@dataclass(frozen=True, slots=True)
class RuleInput:
    """What the rules look at."""

    inputs: VerdictInputs
    verdict: Verdict
    before: Snapshot | None
    """The Snapshot before, of the same run; None: there is none."""
    uncertain: Mapping[WorkerRef, float] = field(default_factory=dict)
    """By slot, for how much of a whole window its state was "uncertain"; only where a whole one was watched."""
    recorder_problem: str = ""
    """Why nothing is recorded; "" while it is, or where no recorder runs."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that holds now."""

    text: str
    about: str = ""
    workers: tuple[WorkerRef, ...] = ()
    escalated: bool = False
    """Does it deserve the louder of its two severities?"""
    value: float | None = None
    unit: str = ""
    for_factor: float = 1.0
    """How many times the configured time it must hold."""


@dataclass(frozen=True, slots=True)
class RuleResult:
    """What a rule finds in a Scene."""

    conditions: tuple[Condition, ...] = ()
    unknown_workers: frozenset[WorkerRef] = frozenset()
    """Slots of which nothing can be told now: neither that it holds nor that it has ended."""
    no_data: bool = False
    """The same of everything that the rule is about."""


NO_RESULT = RuleResult()
NO_DATA = RuleResult(no_data=True)
Rule = Callable[[RuleInput], RuleResult]

RULES: dict[str, Rule] = {}
"""By name, filled by `@rule`; `core.alerts.rules` imports every module that has rules."""
SAME_EVENT: dict[str, str] = {}
"""Alerts whose beginning an event of another kind reports already: a list for people shows it once."""


def rule(name: str, *, same_event: str = "") -> Callable[[Rule], Rule]:
    """Register the rule of an alert; its duration and severity are its line in `[alerts.rule]` of config.toml."""

    def register(function: Rule) -> Rule:
        if name in RULES:
            raise ValueError(f"two rules are named {name}")
        RULES[name] = function
        if same_event:
            SAME_EVENT[name] = same_event
        return function

    return register


def should_run(rule_input: RuleInput) -> bool:
    """Is there a pool that should be at work?"""
    return rule_input.inputs.begun and rule_input.inputs.stopped_t is None
