"""Turns scenarios (each worker's answer at each time) into Samples, and these into Snapshots through `step` alone."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from hashlib import blake2b
from typing import Any

from msgspec import msgpack
from msgspec.structs import replace

from metabonk_tui.adapters.state.package_data import default_config_text
from metabonk_tui.core.config.load import parse_config
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.host import NOT_READ, HostReading, MemoryReading, ProcessReading
from metabonk_tui.core.model.refs import ONLY_HOST, WorkerRef
from metabonk_tui.core.model.sample import EnvReading, Event, Observation, PoolReading, RunHeader, Sample, WorkerStatus
from metabonk_tui.core.model.snapshot import Check, Node, Snapshot
from metabonk_tui.core.model.worker import ComponentState, ComponentView, WorkerView
from metabonk_tui.core.step.pipeline import step
from metabonk_tui.core.verdict.inputs import VerdictInputs
from metabonk_tui.core.worker.record import PoolRecord, WorkerRecord, pool_of
from tests.support.refs import w

GB = 1_000_000_000
MIN = 60.0
HOUR = 3600.0

Fields = dict[str, Any]
Answer = Fields | str | None
"""A status, an error name, or None: this worker was not polled."""
Life = Callable[[int, float], Answer]


def configured(toml: str = "") -> Config:
    """Return the packaged configuration with these lines merged over it."""
    return parse_config(default_config_text(), toml)


CONFIG = configured()

NO_HOLD = configured("[verdict]\nhold_evaluations = 1")
"""For scripts that test which verdict is decided, not when it shows."""


def healthy(_slot: int, t: float, since_t: float = 0.0) -> Fields:
    """Every component is on and grows; the worker is in the menu."""
    lived_s = t - since_t
    return {
        "step": lived_s,
        "reward": 0.0,
        "gameplay_started": False,
        "dynamic_ui_state_type": "menu_ui",
        "dynamic_ui_epsilon": 0.8,
        "dynamic_ui_text_density": 0.2,
        "dynamic_ui_exploration_actions": int(lived_s // 10),
        "intrinsic_reward_total": lived_s / 1000,
        "system2_trigger_mode": "smart",
        "system2_trigger_engaged_count": float(lived_s // 20),
        "vlm_hints_used": int(lived_s // 25),
        "meta_success_sequences": 0.0,
        "meta_learner_sequences_learned": 0.0,
    }


PLAYING: Fields = {"gameplay_started": True, "hud_present": True, "dynamic_ui_state_type": "gameplay"}


def playing(slot: int, t: float) -> Fields:
    """Healthy, and in gameplay by two signs."""
    return healthy(slot, t) | PLAYING


def silent(_slot: int, t: float) -> Fields:
    """A worker without any component: gated keys are absent, but exploration actions still grow."""
    return {
        "step": t,
        "reward": 0.0,
        "gameplay_started": False,
        "dynamic_ui_state_type": "uncertain",
        "dynamic_ui_epsilon": 0.9,
        "dynamic_ui_exploration_actions": int(t // 10),
        "system2_trigger_mode": "always",
        "system2_trigger_engaged_count": 0.0,
        "vlm_hints_used": 0,
    }


def without(life: Life, *names: str) -> Life:
    """The same life without these keys."""

    def lived(slot: int, t: float) -> Answer:
        answer = life(slot, t)
        return {k: v for k, v in answer.items() if k not in names} if isinstance(answer, dict) else answer

    return lived


def with_fields(life: Life, **fields: Any) -> Life:
    """The same life with these keys; a function is called with the time."""

    def lived(slot: int, t: float) -> Answer:
        answer = life(slot, t)
        values = {name: value(t) if callable(value) else value for name, value in fields.items()}
        return answer | values if isinstance(answer, dict) else answer

    return lived


def by_slot(*lives: Life) -> Life:
    """Each slot has its own life, by position."""
    return lambda slot, t: lives[slot](slot, t)


def phases(*parts: tuple[float, Life]) -> Life:
    """Lives one after another: (start time in seconds, life)."""

    def lived(slot: int, t: float) -> Answer:
        life = parts[0][1]
        for from_t, following in parts:
            if t >= from_t:
                life = following
        return life(slot, t)

    return lived


def down(_slot: int, _t: float) -> Answer:
    return "refused"


def unseen(_slot: int, _t: float) -> Answer:
    return None


def room(available: float = 8.0, kills: int | None = 0, scope: Any = "cgroup") -> MemoryReading:
    """Return a memory reading with `available` GB free of 16 GB."""
    return MemoryReading(
        total_bytes=16 * GB, available_bytes=int(available * GB), oom_kills=kills, oom_scope=scope, limited_by="host"
    )


def losing_w1(from_s: float) -> Callable[[float], tuple[ProcessReading, ...]]:
    """Three worker processes, of which w1's vanishes at `from_s`: then a kernel kill in that moment is ours."""
    three = tuple(ProcessReading("worker", 300_000_000, w(slot), pid=40 + slot) for slot in range(3))
    return lambda t: three if t < from_s else (three[0], three[2])


def header(started_at: float = 0.0, workers: int | None = 3, every_s: float | None = 10.0, **how: Any) -> RunHeader:
    values = {"name": f"run-{started_at:g}", "how": "launched by us"} | how
    return RunHeader(started_at=started_at, desired=workers, interval_s=every_s, **values)


def script(
    fields: Life = healthy,
    *,
    workers: int = 3,
    every_s: float = 10.0,
    for_s: float = 600.0,
    from_s: float = 0.0,
    run: RunHeader | str | None = "launched",
    memory: Callable[[float], MemoryReading | None] | None = lambda _t: room(),
    processes: Callable[[float], tuple[ProcessReading, ...] | None] | None = None,
    env: Callable[[int, float], EnvReading | None] | None = None,
    pid: Callable[[int, float], int | None] | None = None,
    started: Callable[[int, float], float | None] | None = None,
    pool: Callable[[float], PoolReading | None] | None = None,
    events: Mapping[float, tuple[Event, ...]] | None = None,
    blind: Callable[[float], bool] | None = None,
    observable: Iterable[str] | None = None,
) -> list[Sample]:
    """Return the samples at `from_s`, one interval later, and so on until `for_s` seconds have passed.

    `blind(t)`: no monitor was running at t. `run`: "launched" for our own header at 0, None for no header.
    """
    run_header = header(0.0, workers, every_s) if run == "launched" else run
    seen_fields = frozenset(observable) if observable is not None else None
    samples: list[Sample] = []
    known_env: dict[int, EnvReading | None] = {}
    for n in range(int(for_s / every_s) + 1):
        t = from_s + n * every_s
        if blind is not None and blind(t):
            continue
        seen = {}
        environments = {}
        for slot in range(workers):
            answer = fields(slot, t)
            if answer is not None:
                seen[slot] = observation(
                    answer,
                    seen_fields,
                    pid=pid(slot, t) if pid else None,
                    pid_started_at=started(slot, t) if started else None,
                )
            reading = env(slot, t) if env else None
            if reading is not None and known_env.get(slot) != reading:
                environments[slot] = known_env[slot] = reading
        samples.append(
            flat_sample(
                t=t,
                workers={w(slot): each for slot, each in seen.items()},
                memory=memory(t) if memory else None,
                processes=processes(t) if processes else None,
                environments={w(slot): reading for slot, reading in environments.items()},
                pool=pool(t) if pool else None,
                events=(events or {}).get(t, ()),
                run=run_header if not samples and not isinstance(run_header, str) else None,
            )
        )
    return samples


def coarse(fields: Life = healthy, *, fine: Iterable[tuple[float, float]] = (), **how: Any) -> list[Sample]:
    """Return the samples of a script of many minutes, every 30 s instead of 10: a third of the work.

    `fine`: (from, until) of the times at which a sample every 10 s matters. 30 s are then three intervals: no gap.
    """
    if not fine:
        return script(fields, **{"every_s": 30.0} | how)
    spans, blind = tuple(fine), how.pop("blind", None) or (lambda _t: False)
    return script(fields, blind=lambda t: blind(t) or (t % 30 != 0 and not any(a <= t <= b for a, b in spans)), **how)


HOST_FIELDS = set(HostReading.__struct_fields__)


def flat_sample(t: float, workers: Mapping[WorkerRef, Observation] | None = None, **flat: Any) -> Sample:
    """Return a Sample of the only host, whose readings stand beside the other fields as they do in a recording."""
    return changed(Sample(t, workers or {}), **flat)


def changed(sample: Sample, **flat: Any) -> Sample:
    """Return the Sample with other fields, or with other readings of its only host."""
    of_host = {name: value for name, value in flat.items() if name in HOST_FIELDS}
    host = replace(sample.only_host, **of_host)
    rest = {name: value for name, value in flat.items() if name not in HOST_FIELDS}
    return replace(sample, hosts={} if host == NOT_READ else {ONLY_HOST: host}, **rest)


def observation(answer: Fields | str, observable: frozenset[str] | None = None, **who: Any) -> Observation:
    """Return the result of one poll; a string is an error."""
    if isinstance(answer, str):
        return Observation(error=answer, **who)
    return Observation(status=WorkerStatus(answer, observable), **who)


def begin(sample: Sample, run: RunHeader) -> Sample:
    """Return the sample as the first of a run."""
    return replace(sample, run=run)


def play(
    samples: Iterable[Sample], config: Config = CONFIG, before: Snapshot | None = None, *, anew: bool = False
) -> list[Snapshot]:
    """Step through all samples and return every Snapshot.

    A Snapshot depends only on the configuration and the samples so far. Many scripts have the same beginning, so
    recent results are cached. `anew` bypasses the cache.
    """
    if before is not None or anew:
        return [before := step(before, sample, config) for sample in samples]
    snapshots: list[Snapshot] = []
    so_far = blake2b(pickle.dumps(config), digest_size=16)
    for sample in samples:
        so_far.update(_written(sample))
        key = so_far.digest()
        if key in _PLAYED:
            _PLAYED.move_to_end(key)
        else:
            _PLAYED[key] = step(snapshots[-1] if snapshots else None, sample, config)
            if len(_PLAYED) > KEPT_SNAPSHOTS:
                _PLAYED.popitem(last=False)
        snapshots.append(_PLAYED[key])
    return snapshots


def _written(sample: Sample) -> bytes:
    """Return bytes that differ where samples do: also in 0, False and 0.0, which compare equal."""
    try:
        packed = msgpack.encode(sample)
    except (OverflowError, TypeError, ValueError):
        return pickle.dumps(sample)  # whole numbers of more than 64 bits, half characters
    # A bad value and an object with its fields are packed alike. A pickle costs four times as much.
    return pickle.dumps(sample) if b"\xa3why" in packed else packed


KEPT_SNAPSHOTS = 3000
_PLAYED: OrderedDict[bytes, Snapshot] = OrderedDict()


def last(samples: Iterable[Sample], config: Config = CONFIG) -> Snapshot:
    """Step through all samples and return the last Snapshot."""
    return play(samples, config)[-1]


def at(snapshots: Iterable[Snapshot], t: float) -> Snapshot:
    """Return the Snapshot whose time is exactly `t`."""
    return next(snapshot for snapshot in snapshots if snapshot.t == t)


def worker(snapshot: Snapshot, slot: int = 0) -> WorkerView:
    return next(view for view in snapshot.workers if view.slot == slot)


def part(snapshot: Snapshot, component: str, slot: int = 0) -> ComponentView:
    return next(view for view in worker(snapshot, slot).components if view.id == component)


def state(snapshot: Snapshot, component: str, slot: int = 0) -> ComponentState:
    """Return the state of one component on one worker."""
    return part(snapshot, component, slot).state


def node(snapshot: Snapshot, name: str) -> Node:
    """Return one question of the verdict matrix by id."""
    return next(one for one in snapshot.verdict.nodes if one.id == name)


def results(snapshot: Snapshot) -> list[str]:
    """Return the results of all checks of the gate."""
    return [check.result for check in snapshot.gate.checks]


def check(snapshot: Snapshot, n: int) -> Check:
    """Return check `n`, counted from 1."""
    return snapshot.gate.checks[n - 1]


def changes(snapshot: Snapshot) -> list[tuple[float, str]]:
    """Return (seconds after the start, verdict) for every verdict shown in this run."""
    return [(t - snapshot.run.started_at, word.value) for t, word, _ in snapshot.verdicts]


def kinds(snapshot: Snapshot, *wanted: str) -> list[str]:
    """Return the kinds of the events in order; with `wanted` only those."""
    return [event.kind for event in snapshot.events if not wanted or event.kind in wanted]


def facts_of(snapshot: Snapshot, config: Config = CONFIG, **changes: Any) -> VerdictInputs:
    """Return the inputs of the verdict matrix with some values replaced, for states that no sample produces."""
    began_t = snapshot.gate.began_t
    values: dict[str, Any] = {
        "t": snapshot.t,
        "started_at": snapshot.run.started_at,
        "begun": True,
        "stopped_t": None,
        "changing": False,
        "gate": snapshot.gate,
        "workers": snapshot.workers,
        "memory": snapshot.memory,
        "answered_s": snapshot.run.observed_s,
        "window_s": 0.0 if began_t is None else min(1800.0, snapshot.t - began_t),
        "unanswered_s": None,
        "nominal_s": snapshot.run.interval_s,
        "foreign_fields": (),
        "config": config,
    }
    values |= changes
    return VerdictInputs(**{"record": record_of_views(values["workers"], config)} | values)


def record_of_views(workers: Iterable[WorkerView], config: Config = CONFIG) -> PoolRecord:
    """Return the record that the judges read, derived from the views: slower than a step does it, and plainer."""
    return pool_of([_record_of_view(worker) for worker in workers], config)


def _record_of_view(worker: WorkerView) -> WorkerRecord:
    play, parts = worker.gameplay, worker.components
    return WorkerRecord(
        ref=worker.ref,
        reach=worker.reach,
        generation=worker.generation,
        answered=worker.last_good_t is not None,
        states=tuple(part.state for part in parts),
        known_states=tuple(part.known_state for part in parts),
        activities=tuple(part.window_activity for part in parts),
        shown=tuple(part.shown_in_run for part in parts),
        sampled=tuple(part.samples > 0 for part in parts),
        gameplay=play if play.reached_t is not None else replace(play, not_yet_t=None),
        env=worker.env,
        from_t=0.0,
        until_t=0.0,
    )
