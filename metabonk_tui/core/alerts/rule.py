"""Declares the input and the result of alert rules, and registers rules by name."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from metabonk_tui.core.model.memory import MemoryView
from metabonk_tui.core.model.refs import HostName, WorkerRef
from metabonk_tui.core.model.snapshot import Snapshot, Verdict
from metabonk_tui.core.verdict.inputs import VerdictInputs
from metabonk_tui.core.worker.record import PoolRecord


class RuleInput(Struct, frozen=True):
    """The facts of one tick that rules evaluate."""

    inputs: VerdictInputs
    verdict: Verdict
    before: Snapshot | None
    """The Snapshot before, of the same run; None: there is none."""
    uncertain: Mapping[WorkerRef, float] = field(default_factory=dict)
    """By slot, for how much of a whole window its state was "uncertain"; only where a whole one was watched."""
    recorder_problem: str = ""
    """Why recording fails; "": recording works, or no recorder runs."""
    over_before: bool = False
    """Whether the run was over before this monitor opened: what happened in it is no news."""
    record_before: PoolRecord | None = None
    """The workers in words as they were in `before`; None: its views show it."""

    @property
    def memory_before(self) -> MemoryView | None:
        """The memory in `before` of the host that is judged; None: there is none."""
        host = None if self.before is None else self.before.hosts.get(self.inputs.memory.host)
        return None if host is None else host.memory


class Condition(Struct, frozen=True):
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


class RuleResult(Struct, frozen=True):
    """The result of one rule for one `RuleInput`."""

    conditions: tuple[Condition, ...] = ()
    unknown_workers: frozenset[WorkerRef] = frozenset()
    """Workers for which this tick shows neither that the condition holds nor that it has ended."""
    no_data: bool = False
    """The condition is unknown for everything that the rule covers."""
    unknown_hosts: frozenset[HostName] = frozenset()
    """Hosts for which the condition is unknown."""


NO_RESULT = RuleResult()
NO_DATA = RuleResult(no_data=True)
Rule = Callable[[RuleInput], RuleResult]

RULES: dict[str, Rule] = {}
"""By name, filled by `@rule`; `core.alerts.rules` imports every module with rules."""
SAME_EVENT: dict[str, str] = {}
"""Alerts whose start another kind of event reports already, so that lists show it once."""
WITHOUT_RUN: set[str] = set()
"""Alerts about this machine or this monitor, which a run that is over does not silence."""


def rule(name: str, *, same_event: str = "", without_run: bool = False) -> Callable[[Rule], Rule]:
    """Register the rule of an alert. `[alerts.rule]` of config.toml sets its duration and severity."""

    def register(function: Rule) -> Rule:
        if name in RULES:
            raise ValueError(f"two rules are named {name}")
        RULES[name] = function
        if same_event:
            SAME_EVENT[name] = same_event
        if without_run:
            WITHOUT_RUN.add(name)
        return function

    return register


def on_each_host(judge: Rule) -> Rule:
    """Return a rule that judges the memory of each host for itself; where hosts have names, it names them."""

    def judged(rule_input: RuleInput) -> RuleResult:
        inputs = rule_input.inputs
        if not inputs.memory.host:
            return judge(rule_input)
        conditions: list[Condition] = []
        unknown: set[HostName] = set()
        for name, host in inputs.hosts.items():
            found = judge(replace(rule_input, inputs=replace(inputs, memory=host.memory)))
            if found.no_data:
                unknown.add(name)
            conditions += [
                replace(one, text=f"{name}: {one.text}", about=f"{name} {one.about}".rstrip())
                for one in found.conditions
            ]
        return RuleResult(tuple(conditions), unknown_hosts=frozenset(unknown))

    return functools.wraps(judge)(judged)


def evaluate(name: str, function: Rule, rule_input: RuleInput) -> RuleResult:
    """Run a rule; of a run that was over before this monitor opened, its alerts stay as they are."""
    is_past = rule_input.over_before and name not in WITHOUT_RUN
    return NO_DATA if is_past else function(rule_input)


def should_run(rule_input: RuleInput) -> bool:
    """Return whether the pool should be running: started, and not stopped or replaced by a person."""
    end = rule_input.verdict.ended
    was_ended = rule_input.inputs.stopped_t is not None or (end is not None and end.keeps_verdict)
    return rule_input.inputs.begun and not was_ended
