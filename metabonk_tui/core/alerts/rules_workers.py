"""Defines the alerts about workers: components, reachability, health, environment. Pure.

Uses the judgements that the screens show: component states, health, environments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from msgspec.structs import replace

from metabonk_tui.core.alerts.rule import NO_DATA, NO_RESULT, Condition, RuleInput, RuleResult, rule, should_run
from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.worker import ComponentState, HealthState, Reach, WorkerView
from metabonk_tui.core.text.phrases import cut_list
from metabonk_tui.core.worker.environment import wrong_keys
from metabonk_tui.core.worker.record import WorkerRecord
from metabonk_tui.core.worker.strangers import stranger_text

# On Python 3.11 a member of an enumeration takes ten times the time of a name of the module.
_UP = Reach.UP
_ABSENT, _STALLED, _ZERO = (ComponentState.ABSENT, ComponentState.STALLED, ComponentState.ZERO)
_IDLE, _LOOPING, _ZOMBIE = (HealthState.IDLE, HealthState.LOOPING, HealthState.ZOMBIE)

HOUR_S = 3600.0
MAX_RESETS_PER_HOUR = 3
"""From this many restarts of one worker within an hour on, the alert escalates."""
VALIDATION_FACTOR = 3.0
"""Components due only after validation may stay silent this many times longer."""
UNCERTAIN_SHARE = 0.75
NOT_UP = (Reach.DOWN, Reach.STALE, Reach.BROKEN, Reach.STRANGER)


def _nothing(unknown_workers: frozenset[WorkerRef]) -> RuleResult:
    """Return that nothing was found on the other workers."""
    return RuleResult(unknown_workers=unknown_workers) if unknown_workers else NO_RESULT


_BAD_WORDS = {ComponentState.BAD: "is no number", ComponentState.UNPROVEN: "moves without its proof"}

Worker = TypeVar("Worker", WorkerView, WorkerRecord)
Describe = Callable[[str, str], str]
"""(title, field) → the text of the condition."""


def _components(
    rule_input: RuleInput, states: tuple[ComponentState, ...], describe: Describe, *, is_lasting: bool = False
) -> RuleResult:
    """Find components in one of these states; escalated if every answering worker is affected."""
    record = rule_input.inputs.record
    # The usual case first, here and below: it needs no look at the run.
    is_none = record.up_states.isdisjoint(states)
    if (is_none and not record.not_up) or not should_run(rule_input) or not record.workers:
        return NO_RESULT
    if is_none:
        return _nothing(record.not_up)
    answered = [worker for worker in record.workers if worker.reach is _UP]
    found = []
    for place, spec in enumerate(rule_input.inputs.config.component):
        if is_lasting and spec.stands:
            # What stands by design may stand; NoGameplay reports that no worker came into the game.
            continue
        # A flag that nothing corroborates is no fault: NoGameplay reports who does not come into the game.
        wanted = [each for each in states if spec.kind != "transitions" or each is not ComponentState.UNPROVEN]
        refs = tuple([worker.ref for worker in answered if worker.states[place] in wanted])
        if not refs:
            continue
        found.append(
            Condition(
                describe(spec.title, spec.field),
                spec.id,
                refs,
                escalated=len(refs) == len(answered),
                for_factor=VALIDATION_FACTOR if is_lasting and spec.due == "gameplay" else 1.0,
            )
        )
    return RuleResult(tuple(found), record.not_up) if found else _nothing(record.not_up)


@rule("ComponentAbsent", same_event=EventKind.COMPONENT_SILENT)
def component_absent(rule_input: RuleInput) -> RuleResult:
    """A component's key is not in `/status`: the component was never built."""
    return _components(rule_input, (_ABSENT,), lambda title, name: f"{title}: {name} is not in /status")


@rule("ComponentBad", same_event=EventKind.COMPONENT_SILENT)
def component_bad(rule_input: RuleInput) -> RuleResult:
    """A component's value is no number, or it moves without its proof."""
    found = _components(rule_input, tuple(_BAD_WORDS), lambda title, name: f"{title}: {name}")
    if not found.conditions:
        return found
    places = {spec.id: place for place, spec in enumerate(rule_input.inputs.config.component)}
    workers = {worker.ref: worker for worker in rule_input.inputs.record.workers}
    return RuleResult(
        tuple(
            replace(condition, text=f"{condition.text} {_bad_words(condition, places, workers)}")
            for condition in found.conditions
        ),
        found.unknown_workers,
    )


def _bad_words(condition: Condition, places: Mapping[str, int], workers: Mapping[WorkerRef, WorkerRecord]) -> str:
    """Say which of the two it is; where both are, which workers have which."""
    place = places[condition.about]
    by_words = {
        words: [ref for ref in condition.workers if workers[ref].states[place] is state]
        for state, words in _BAD_WORDS.items()
    }
    had = {words: refs for words, refs in by_words.items() if refs}
    if len(had) == 1:
        return next(iter(had))
    return ", ".join(f"{words} on {cut_list([ref.label for ref in refs])}" for words, refs in had.items())


@rule("ComponentZero")
def component_zero(rule_input: RuleInput) -> RuleResult:
    """A component's counter stays at 0 while the worker steps."""
    found = _components(rule_input, (_ZERO,), lambda title, name: f"{title}: {name} stays at 0", is_lasting=True)
    return _only_stepping(rule_input, found)


@rule("ComponentStalled", same_event=EventKind.COMPONENT_SILENT)
def component_stalled(rule_input: RuleInput) -> RuleResult:
    """A component's counter stopped while the worker steps."""
    found = _components(rule_input, (_STALLED,), lambda title, name: f"{title}: {name} stands", is_lasting=True)
    return _only_stepping(rule_input, found)


def _only_stepping(rule_input: RuleInput, found: RuleResult) -> RuleResult:
    """Drop workers that do not step, because WorkerIdle reports them; escalate only after the gate."""
    if not found.conditions:
        return found
    not_stepping = {worker.ref for worker in rule_input.inputs.workers if not worker.step_rate}
    is_gate_over = rule_input.inputs.is_first_gate_over
    kept = []
    for condition in found.conditions:
        refs = tuple(ref for ref in condition.workers if ref not in not_stepping)
        if refs:
            is_whole_pool = (
                condition.escalated
                and is_gate_over
                and condition.for_factor == 1.0
                and len(refs) == len(condition.workers)
            )
            kept.append(
                Condition(
                    condition.text, condition.about, refs, escalated=is_whole_pool, for_factor=condition.for_factor
                )
            )
    return RuleResult(tuple(kept), found.unknown_workers)


@rule("WorkerDown", same_event=EventKind.WORKER_DOWN)
def worker_down(rule_input: RuleInput) -> RuleResult:
    """A worker is unreachable or answers without a valid status; escalated if none answers."""
    inputs = rule_input.inputs
    if (inputs.calm and not inputs.changing) or not should_run(rule_input):
        return NO_RESULT
    if inputs.changing:
        return NO_DATA
    down = [worker for worker in inputs.workers if worker.reach in NOT_UP]
    unknown_workers = frozenset(worker.ref for worker in inputs.workers if worker.reach is Reach.UNOBSERVED)
    if not down:
        return RuleResult(unknown_workers=unknown_workers)
    every = len(down) == len(inputs.workers)
    text = f"no worker answers: {down[0].error or 'no answer'}" if every else _each(down, _unreachable_text)
    return RuleResult((Condition(text, workers=_slots(down), escalated=every),), unknown_workers)


def _unreachable_text(worker: WorkerView) -> str:
    if worker.reach is Reach.STRANGER:
        return stranger_text(worker.error, worker.detail)
    how = {Reach.DOWN: "not reachable", Reach.BROKEN: "its status is broken"}.get(worker.reach, "no answer")
    return f"{how}: {worker.error}" if worker.error else how


def _health(rule_input: RuleInput, *states: HealthState) -> RuleResult:
    """Find workers in one of these health states; escalated if every answering worker is affected."""
    if rule_input.inputs.calm or not should_run(rule_input):
        return NO_RESULT
    workers = rule_input.inputs.workers
    found = [worker for worker in workers if worker.health is not None and worker.health.state in states]
    unknown_workers = rule_input.inputs.record.not_up.difference(worker.ref for worker in found)
    if not found:
        return RuleResult(unknown_workers=unknown_workers)
    answered = sum(worker.reach is Reach.UP for worker in workers)
    text = _each(found, lambda worker: worker.health.why if worker.health else "")
    return RuleResult((Condition(text, workers=_slots(found), escalated=len(found) >= answered),), unknown_workers)


@rule("WorkerIdle", same_event=EventKind.WORKER_HEALTH)
def worker_idle(rule_input: RuleInput) -> RuleResult:
    """A worker answers, but its counters do not move."""
    return _health(rule_input, _IDLE, _ZOMBIE)


@rule("StaleFrames", same_event=EventKind.WORKER_HEALTH)
def stale_frames(rule_input: RuleInput) -> RuleResult:
    """A worker steps, but its frames do not change."""
    return _health(rule_input, HealthState.STALE_FRAMES)


@rule("WorkerLooping", same_event=EventKind.WORKER_HEALTH)
def worker_looping(rule_input: RuleInput) -> RuleResult:
    """A worker restarts again and again."""
    return _health(rule_input, _LOOPING)


@rule("RateRegime")
def rate_regime(rule_input: RuleInput) -> RuleResult:
    """A worker's step rate left its usual range, upwards or downwards."""
    if rule_input.inputs.calm or not should_run(rule_input):
        return NO_RESULT
    stopped = (HealthState.IDLE, HealthState.ZOMBIE)
    found = []
    for worker in rule_input.inputs.workers:
        state = worker.health.state if worker.health else None
        fell = worker.step_rate_fell is not None and state not in stopped
        if worker.reach is Reach.UP and (state is HealthState.RACING or fell):
            found.append(worker)
    if not found:
        return RuleResult(unknown_workers=rule_input.inputs.record.not_up)
    rate = max(found, key=lambda worker: abs((worker.step_rate_ratio or 1.0) - 1.0)).step_rate
    condition = Condition(_each(found, _rate_text), workers=_slots(found), value=rate, unit="per s")
    return RuleResult((condition,), rule_input.inputs.record.not_up)


def _rate_text(worker: WorkerView) -> str:
    if worker.step_rate_fell is not None:
        return f"steps at {worker.step_rate_fell:.0%} of its own past"
    return worker.health.why if worker.health else ""


@rule("GenerationChange", same_event=EventKind.WORKER_GENERATION)
def generation_change(rule_input: RuleInput) -> RuleResult:
    """A worker restarted in this tick; escalated after `MAX_RESETS_PER_HOUR` restarts within an hour."""
    before, record = rule_input.record_before, rule_input.inputs.record
    if rule_input.before is None or before is record:
        return NO_RESULT
    workers_before = rule_input.before.workers if before is None else before.workers
    known = {worker.ref: worker.generation for worker in workers_before}
    renewed = {worker.ref for worker in record.workers if 0 < known.get(worker.ref, 0) < worker.generation}
    if not renewed:
        return NO_RESULT
    found = [worker for worker in rule_input.inputs.workers if worker.ref in renewed]
    t = rule_input.inputs.t
    often = any(sum(at > t - HOUR_S for at in worker.resets_t[-100:]) >= MAX_RESETS_PER_HOUR for worker in found)
    text = _each(found, lambda worker: f"gen {worker.generation}: {worker.generations[-1].why}")
    return RuleResult((Condition(text, workers=_slots(found), escalated=often),))


@rule("EnvMismatch", same_event=EventKind.ENV_MISMATCH)
def env_mismatch(rule_input: RuleInput) -> RuleResult:
    """A worker's environment differs from the required one."""
    record = rule_input.inputs.record
    if not (record.env_wrong or record.env_unknown) or not should_run(rule_input):
        return NO_RESULT
    if not record.env_wrong:
        return _nothing(record.env_unknown)
    readable = [worker for worker in record.workers if worker.ref not in record.env_unknown]
    found = [worker for worker in readable if worker.env is not None and (worker.env.missing or worker.env.wrong)]
    return RuleResult((Condition(_each(found, _wrong_keys), workers=_slots(found)),), record.env_unknown)


def _wrong_keys(worker: WorkerRecord) -> str:
    env = worker.env
    if env is None:
        return ""
    return cut_list(wrong_keys(env))


@rule("StateUncertain")
def state_uncertain(rule_input: RuleInput) -> RuleResult:
    """A worker's UI state was "uncertain" for at least `UNCERTAIN_SHARE` of the last 10 minutes."""
    if not should_run(rule_input):
        return NO_RESULT
    shares = rule_input.uncertain
    refs = [worker.ref for worker in rule_input.inputs.record.workers]
    found = tuple(ref for ref in refs if shares.get(ref, 0.0) >= UNCERTAIN_SHARE)
    unknown_workers = frozenset([ref for ref in refs if ref not in shares])
    if not found:
        return _nothing(unknown_workers)
    least = min(shares[ref] for ref in found)
    text = f'state "uncertain" for {least:.0%} of the last 10m'
    return RuleResult((Condition(text, workers=found),), unknown_workers)


def _slots(workers: Iterable[WorkerView | WorkerRecord]) -> tuple[WorkerRef, ...]:
    return tuple(worker.ref for worker in workers)


def _each(workers: list[Worker], describe: Callable[[Worker], str]) -> str:
    """Describe the first worker, and count the others."""
    first = describe(workers[0])
    return first if len(workers) == 1 else f"{workers[0].ref.label}: {first}; and {len(workers) - 1} more"
