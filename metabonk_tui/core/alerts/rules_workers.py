"""Alerts about workers: their components, whether they can be reached, what they do, how they were started. Pure.

The judgements are those of the screens: states of components, words of conduct, views of environments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from metabonk_tui.core.alerts.rule import NOTHING, UNSEEN, Condition, Finding, Scene, meant_to_run
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.worker import ComponentState, HealthState, Reach, WorkerView

HOUR_S = 3600.0
RESETS_AN_HOUR = 3
"""So many new generations of one worker within an hour are more than news."""
LATER = 3.0
"""What is due only after validation may be silent this many times as long."""
UNCERTAIN_SHARE = 0.75


def _unheard(scene: Scene) -> frozenset[WorkerRef]:
    return frozenset(worker.ref for worker in scene.facts.workers if worker.reach is not Reach.UP)


Told = Callable[[str, str], str]
"""(title, field) → the clause."""


def _components(scene: Scene, states: tuple[ComponentState, ...], told: Told, *, lasts: bool = False) -> Finding:
    """Find the components that are in one of these states; raised where they are on every worker that answers."""
    workers = scene.facts.workers
    if not meant_to_run(scene) or not workers:
        return NOTHING
    heard = [worker for worker in workers if worker.reach is Reach.UP]
    if not any(component.state in states for worker in heard for component in worker.components):
        return Finding(blind=_unheard(scene))
    found = []
    for index, component in enumerate(workers[0].components):
        refs = tuple(worker.ref for worker in heard if worker.components[index].state in states)
        if not refs or (lasts and component.derived):
            # That nobody came from the menu into the game is NoGameplay's to say.
            continue
        found.append(
            Condition(
                told(component.title, component.field),
                component.id,
                refs,
                raised=len(refs) == len(heard),
                lasting=LATER if lasts and component.due == "gameplay" else 1.0,
            )
        )
    return Finding(tuple(found), _unheard(scene))


def component_absent(scene: Scene) -> Finding:
    """The key of a component is not in `/status`: it was never built."""
    return _components(scene, (ComponentState.ABSENT,), lambda title, name: f"{title}: {name} is not in /status")


def component_bad(scene: Scene) -> Finding:
    """What a component says cannot be taken for a number of its own."""
    states = (ComponentState.BAD, ComponentState.UNPROVEN)
    return _components(scene, states, lambda title, name: f"{title}: {name} is no number, or moves without its proof")


def component_zero(scene: Scene) -> Finding:
    """A component is there and has done nothing, while the worker steps."""
    found = _components(scene, (ComponentState.ZERO,), lambda title, name: f"{title}: {name} stays at 0", lasts=True)
    return _stepping(scene, found)


def component_stalled(scene: Scene) -> Finding:
    """A component has shown and has stopped, while the worker steps."""
    found = _components(scene, (ComponentState.STALLED,), lambda title, name: f"{title}: {name} stands", lasts=True)
    return _stepping(scene, found)


def _stepping(scene: Scene, found: Finding) -> Finding:
    """Leave out the workers that do not step: of those another alert tells. Raised once the gate is over."""
    if not found.conditions:
        return found
    still = {worker.ref for worker in scene.facts.workers if not worker.step_rate}
    ends_t = scene.facts.gate.ends_t
    over = ends_t is not None and scene.facts.t >= ends_t
    kept = []
    for one in found.conditions:
        refs = tuple(ref for ref in one.workers if ref not in still)
        if refs:
            whole = one.raised and over and one.lasting == 1.0 and len(refs) == len(one.workers)
            kept.append(Condition(one.text, one.about, refs, raised=whole, lasting=one.lasting))
    return Finding(tuple(kept), found.blind)


def worker_down(scene: Scene) -> Finding:
    """A worker cannot be reached, or does not answer as a worker does; raised where none does."""
    facts = scene.facts
    if not meant_to_run(scene):
        return NOTHING
    if facts.changing:
        return UNSEEN
    down = [worker for worker in facts.workers if worker.reach in (Reach.DOWN, Reach.STALE, Reach.BROKEN)]
    blind = frozenset(worker.ref for worker in facts.workers if worker.reach is Reach.UNOBSERVED)
    if not down:
        return Finding(blind=blind)
    every = len(down) == len(facts.workers)
    text = f"no worker answers: {down[0].error or 'no answer'}" if every else _each(down, _unreached)
    return Finding((Condition(text, workers=_slots(down), raised=every),), blind)


def _unreached(worker: WorkerView) -> str:
    how = {Reach.DOWN: "not reachable", Reach.BROKEN: "its status is broken"}.get(worker.reach, "no answer")
    return f"{how}: {worker.error}" if worker.error else how


def _conduct(scene: Scene, *words: HealthState) -> Finding:
    """Find the workers with one of these words of conduct; raised where every one that answers has it."""
    if not meant_to_run(scene):
        return NOTHING
    workers = scene.facts.workers
    found = [worker for worker in workers if worker.health is not None and worker.health.state in words]
    blind = _unheard(scene).difference(worker.ref for worker in found)
    if not found:
        return Finding(blind=blind)
    heard = sum(worker.reach is Reach.UP for worker in workers)
    text = _each(found, lambda worker: worker.health.why if worker.health else "")
    return Finding((Condition(text, workers=_slots(found), raised=len(found) >= heard),), blind)


def worker_idle(scene: Scene) -> Finding:
    """A worker answers, and nothing in it moves."""
    return _conduct(scene, HealthState.IDLE, HealthState.ZOMBIE)


def stale_frames(scene: Scene) -> Finding:
    """A worker steps, and what it sees stands still."""
    return _conduct(scene, HealthState.STALE_FRAMES)


def worker_looping(scene: Scene) -> Finding:
    """A worker begins anew again and again."""
    return _conduct(scene, HealthState.LOOPING)


def rate_regime(scene: Scene) -> Finding:
    """The step rate of a worker has left its own regime, upwards or downwards."""
    if not meant_to_run(scene):
        return NOTHING
    stands = (HealthState.IDLE, HealthState.ZOMBIE)
    found = []
    for worker in scene.facts.workers:
        word = worker.health.state if worker.health else None
        fell = worker.step_rate_fell is not None and word not in stands
        if worker.reach is Reach.UP and (word is HealthState.RACING or fell):
            found.append(worker)
    if not found:
        return Finding(blind=_unheard(scene))
    rate = max(found, key=lambda worker: abs((worker.step_rate_ratio or 1.0) - 1.0)).step_rate
    condition = Condition(_each(found, _pace), workers=_slots(found), value=rate, unit="per s")
    return Finding((condition,), _unheard(scene))


def _pace(worker: WorkerView) -> str:
    if worker.step_rate_fell is not None:
        return f"steps at {worker.step_rate_fell:.0%} of its own past"
    return worker.health.why if worker.health else ""


def generation_change(scene: Scene) -> Finding:
    """A worker began anew at this moment; raised where it does so often."""
    if scene.before is None:
        return NOTHING
    known = {worker.ref: worker.generation for worker in scene.before.workers}
    found = [worker for worker in scene.facts.workers if 0 < known.get(worker.ref, 0) < worker.generation]
    if not found:
        return NOTHING
    t = scene.facts.t
    often = any(sum(at > t - HOUR_S for at in worker.resets_t[-100:]) >= RESETS_AN_HOUR for worker in found)
    text = _each(found, lambda worker: f"gen {worker.generation}: {worker.generations[-1].why}")
    return Finding((Condition(text, workers=_slots(found), raised=often),))


def env_mismatch(scene: Scene) -> Finding:
    """A worker's process runs with another environment than is required."""
    if not meant_to_run(scene):
        return NOTHING
    found, blind = [], set()
    for worker in scene.facts.workers:
        env = worker.env
        if env is None or env.error is not None:
            blind.add(worker.ref)
        elif env.missing or env.wrong:
            found.append(worker)
    if not found:
        return Finding(blind=frozenset(blind))
    return Finding((Condition(_each(found, _wrong_keys), workers=_slots(found)),), frozenset(blind))


def _wrong_keys(worker: WorkerView) -> str:
    env = worker.env
    if env is None:
        return ""
    said = [f"{key} missing" for key in env.missing] + [f"{key} is {value}" for key, value, _ in env.wrong]
    return ", ".join(said[:2]) + (f" and {len(said) - 2} more" if len(said) > 2 else "")


def state_uncertain(scene: Scene) -> Finding:
    """The state of a worker's UI was "uncertain" most of the time."""
    if not meant_to_run(scene):
        return NOTHING
    found = [worker for worker in scene.facts.workers if scene.uncertain.get(worker.ref, 0.0) >= UNCERTAIN_SHARE]
    blind = frozenset(worker.ref for worker in scene.facts.workers if worker.ref not in scene.uncertain)
    if not found:
        return Finding(blind=blind)
    least = min(scene.uncertain[worker.ref] for worker in found)
    return Finding((Condition(f'state "uncertain" for {least:.0%} of the last 10m', workers=_slots(found)),), blind)


def _slots(workers: Iterable[WorkerView]) -> tuple[WorkerRef, ...]:
    return tuple(worker.ref for worker in workers)


def _each(workers: list[WorkerView], said: Callable[[WorkerView], str]) -> str:
    """Say what is the matter with the first, and with how many others."""
    first = said(workers[0])
    return first if len(workers) == 1 else f"{workers[0].ref.label}: {first}; and {len(workers) - 1} more"
