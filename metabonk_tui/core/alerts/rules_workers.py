"""Alerts about workers: their components, whether they can be reached, what they do, how they were started. Pure.

The judgements are those of the screens: states of components, words of conduct, views of environments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from metabonk_tui.core.alerts.rule import NO_DATA, NO_RESULT, Condition, RuleInput, RuleResult, meant_to_run
from metabonk_tui.core.model.worker import ComponentState, HealthState, Reach, WorkerView

HOUR_S = 3600.0
RESETS_AN_HOUR = 3
"""So many new generations of one worker within an hour are more than news."""
LATER = 3.0
"""What is due only after validation may be silent this many times as long."""
UNCERTAIN_SHARE = 0.75


def _unanswering(inputs: RuleInput) -> frozenset[int]:
    return frozenset(worker.slot for worker in inputs.facts.workers if worker.reach is not Reach.UP)


Describe = Callable[[str, str], str]
"""(title, field) → the clause."""


def _components(
    inputs: RuleInput, states: tuple[ComponentState, ...], describe: Describe, *, lasts: bool = False
) -> RuleResult:
    """Find the components that are in one of these states; raised where they are on every worker that answers."""
    workers = inputs.facts.workers
    if not meant_to_run(inputs) or not workers:
        return NO_RESULT
    answered = [worker for worker in workers if worker.reach is Reach.UP]
    if not any(component.state in states for worker in answered for component in worker.components):
        return RuleResult(unknown_workers=_unanswering(inputs))
    found = []
    for index, component in enumerate(workers[0].components):
        slots = tuple(worker.slot for worker in answered if worker.components[index].state in states)
        if not slots or (lasts and component.derived):
            # That nobody came from the menu into the game is NoGameplay's to say.
            continue
        found.append(
            Condition(
                describe(component.title, component.field),
                component.id,
                slots,
                raised=len(slots) == len(answered),
                lasting=LATER if lasts and component.due == "gameplay" else 1.0,
            )
        )
    return RuleResult(tuple(found), _unanswering(inputs))


def component_absent(inputs: RuleInput) -> RuleResult:
    """The key of a component is not in `/status`: it was never built."""
    return _components(inputs, (ComponentState.ABSENT,), lambda title, name: f"{title}: {name} is not in /status")


def component_bad(inputs: RuleInput) -> RuleResult:
    """What a component says cannot be taken for a number of its own."""
    states = (ComponentState.BAD, ComponentState.UNPROVEN)
    return _components(inputs, states, lambda title, name: f"{title}: {name} is no number, or moves without its proof")


def component_zero(inputs: RuleInput) -> RuleResult:
    """A component is there and has done nothing, while the worker steps."""
    found = _components(inputs, (ComponentState.ZERO,), lambda title, name: f"{title}: {name} stays at 0", lasts=True)
    return _stepping(inputs, found)


def component_stalled(inputs: RuleInput) -> RuleResult:
    """A component has shown and has stopped, while the worker steps."""
    found = _components(inputs, (ComponentState.STALLED,), lambda title, name: f"{title}: {name} stands", lasts=True)
    return _stepping(inputs, found)


def _stepping(inputs: RuleInput, found: RuleResult) -> RuleResult:
    """Leave out the workers that do not step: of those another alert tells. Raised once the gate is over."""
    if not found.conditions:
        return found
    still = {worker.slot for worker in inputs.facts.workers if not worker.step_rate}
    ends_t = inputs.facts.gate.ends_t
    over = ends_t is not None and inputs.facts.t >= ends_t
    kept = []
    for one in found.conditions:
        slots = tuple(slot for slot in one.workers if slot not in still)
        if slots:
            whole = one.raised and over and one.lasting == 1.0 and len(slots) == len(one.workers)
            kept.append(Condition(one.text, one.about, slots, raised=whole, lasting=one.lasting))
    return RuleResult(tuple(kept), found.unknown_workers)


def worker_down(inputs: RuleInput) -> RuleResult:
    """A worker cannot be reached, or does not answer as a worker does; raised where none does."""
    facts = inputs.facts
    if not meant_to_run(inputs):
        return NO_RESULT
    if facts.changing:
        return NO_DATA
    down = [worker for worker in facts.workers if worker.reach in (Reach.DOWN, Reach.STALE, Reach.BROKEN)]
    unknown_workers = frozenset(worker.slot for worker in facts.workers if worker.reach is Reach.UNOBSERVED)
    if not down:
        return RuleResult(unknown_workers=unknown_workers)
    every = len(down) == len(facts.workers)
    text = f"no worker answers: {down[0].error or 'no answer'}" if every else _each(down, _unreached)
    return RuleResult((Condition(text, workers=_slots(down), raised=every),), unknown_workers)


def _unreached(worker: WorkerView) -> str:
    how = {Reach.DOWN: "not reachable", Reach.BROKEN: "its status is broken"}.get(worker.reach, "no answer")
    return f"{how}: {worker.error}" if worker.error else how


def _conduct(inputs: RuleInput, *words: HealthState) -> RuleResult:
    """Find the workers with one of these words of conduct; raised where every one that answers has it."""
    if not meant_to_run(inputs):
        return NO_RESULT
    workers = inputs.facts.workers
    found = [worker for worker in workers if worker.health is not None and worker.health.state in words]
    unknown_workers = _unanswering(inputs).difference(worker.slot for worker in found)
    if not found:
        return RuleResult(unknown_workers=unknown_workers)
    answered = sum(worker.reach is Reach.UP for worker in workers)
    text = _each(found, lambda worker: worker.health.why if worker.health else "")
    return RuleResult((Condition(text, workers=_slots(found), raised=len(found) >= answered),), unknown_workers)


def worker_idle(inputs: RuleInput) -> RuleResult:
    """A worker answers, and nothing in it moves."""
    return _conduct(inputs, HealthState.IDLE, HealthState.ZOMBIE)


def stale_frames(inputs: RuleInput) -> RuleResult:
    """A worker steps, and what it sees stands still."""
    return _conduct(inputs, HealthState.STALE_FRAMES)


def worker_looping(inputs: RuleInput) -> RuleResult:
    """A worker begins anew again and again."""
    return _conduct(inputs, HealthState.LOOPING)


def rate_regime(inputs: RuleInput) -> RuleResult:
    """The step rate of a worker has left its own regime, upwards or downwards."""
    if not meant_to_run(inputs):
        return NO_RESULT
    stands = (HealthState.IDLE, HealthState.ZOMBIE)
    found = []
    for worker in inputs.facts.workers:
        word = worker.health.state if worker.health else None
        fell = worker.step_rate_fell is not None and word not in stands
        if worker.reach is Reach.UP and (word is HealthState.RACING or fell):
            found.append(worker)
    if not found:
        return RuleResult(unknown_workers=_unanswering(inputs))
    rate = max(found, key=lambda worker: abs((worker.step_rate_ratio or 1.0) - 1.0)).step_rate
    condition = Condition(_each(found, _pace), workers=_slots(found), value=rate, unit="per s")
    return RuleResult((condition,), _unanswering(inputs))


def _pace(worker: WorkerView) -> str:
    if worker.step_rate_fell is not None:
        return f"steps at {worker.step_rate_fell:.0%} of its own past"
    return worker.health.why if worker.health else ""


def generation_change(inputs: RuleInput) -> RuleResult:
    """A worker began anew at this moment; raised where it does so often."""
    if inputs.before is None:
        return NO_RESULT
    known = {worker.slot: worker.generation for worker in inputs.before.workers}
    found = [worker for worker in inputs.facts.workers if 0 < known.get(worker.slot, 0) < worker.generation]
    if not found:
        return NO_RESULT
    t = inputs.facts.t
    often = any(sum(at > t - HOUR_S for at in worker.resets_t[-100:]) >= RESETS_AN_HOUR for worker in found)
    text = _each(found, lambda worker: f"gen {worker.generation}: {worker.generations[-1].why}")
    return RuleResult((Condition(text, workers=_slots(found), raised=often),))


def env_mismatch(inputs: RuleInput) -> RuleResult:
    """A worker's process runs with another environment than is required."""
    if not meant_to_run(inputs):
        return NO_RESULT
    found, unknown_workers = [], set()
    for worker in inputs.facts.workers:
        env = worker.env
        if env is None or env.error is not None:
            unknown_workers.add(worker.slot)
        elif env.missing or env.wrong:
            found.append(worker)
    if not found:
        return RuleResult(unknown_workers=frozenset(unknown_workers))
    return RuleResult((Condition(_each(found, _wrong_keys), workers=_slots(found)),), frozenset(unknown_workers))


def _wrong_keys(worker: WorkerView) -> str:
    env = worker.env
    if env is None:
        return ""
    said = [f"{key} missing" for key in env.missing] + [f"{key} is {value}" for key, value, _ in env.wrong]
    return ", ".join(said[:2]) + (f" and {len(said) - 2} more" if len(said) > 2 else "")


def state_uncertain(inputs: RuleInput) -> RuleResult:
    """The state of a worker's UI was "uncertain" most of the time."""
    if not meant_to_run(inputs):
        return NO_RESULT
    found = [worker for worker in inputs.facts.workers if inputs.uncertain.get(worker.slot, 0.0) >= UNCERTAIN_SHARE]
    unknown_workers = frozenset(worker.slot for worker in inputs.facts.workers if worker.slot not in inputs.uncertain)
    if not found:
        return RuleResult(unknown_workers=unknown_workers)
    least = min(inputs.uncertain[worker.slot] for worker in found)
    return RuleResult(
        (Condition(f'state "uncertain" for {least:.0%} of the last 10m', workers=_slots(found)),), unknown_workers
    )


def _slots(workers: Iterable[WorkerView]) -> tuple[int, ...]:
    return tuple(worker.slot for worker in workers)


def _each(workers: list[WorkerView], said: Callable[[WorkerView], str]) -> str:
    """Say what is the matter with the first, and with how many others."""
    first = said(workers[0])
    return first if len(workers) == 1 else f"w{workers[0].slot}: {first}; and {len(workers) - 1} more"
