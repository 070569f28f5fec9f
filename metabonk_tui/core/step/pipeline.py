"""(previous Snapshot, Sample) → Snapshot: the one path for live, file and test. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import cast

from metabonk_tui.core.alerts import tracker as alerts
from metabonk_tui.core.alerts.rule import RuleInput
from metabonk_tui.core.alerts.tracker import AlertState
from metabonk_tui.core.causes.tracker import CauseTracker
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.memory import flight_recorder as black_box
from metabonk_tui.core.memory import tracker as memory
from metabonk_tui.core.memory.flight_recorder import FlightRecorder
from metabonk_tui.core.memory.tracker import HISTORY_BUCKET_S, MemoryTrack
from metabonk_tui.core.model.memory import MemoryView
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.sample import EnvFileReading, Event, PoolReading, RunHeader, Sample, Severity
from metabonk_tui.core.model.snapshot import MAX_EVENTS, Gap, Gate, RunSummary, Snapshot, Verdict, VerdictKind
from metabonk_tui.core.model.worker import WorkerView
from metabonk_tui.core.run import gate
from metabonk_tui.core.run import tracker as runs
from metabonk_tui.core.run.gate import GateTrack
from metabonk_tui.core.run.tracker import RunTrack
from metabonk_tui.core.step.event_log import EventLog
from metabonk_tui.core.verdict.decide import decide
from metabonk_tui.core.verdict.hysteresis import Hysteresis, apply
from metabonk_tui.core.verdict.inputs import VerdictInputs
from metabonk_tui.core.worker import contract, health
from metabonk_tui.core.worker import process_exits as exits
from metabonk_tui.core.worker import tracker as workers
from metabonk_tui.core.worker.component import TREND_BUCKET_S
from metabonk_tui.core.worker.contract import ContractTrack
from metabonk_tui.core.worker.health import HealthTrack
from metabonk_tui.core.worker.process_exits import ExitState
from metabonk_tui.core.worker.tracker import WorkerTrack
from metabonk_tui.core.worker.view import worker_views

KEPT_RUNS = 50
KEPT_VERDICTS = 500
VerdictChange = tuple[float, VerdictKind, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class State:
    """What a step needs of the steps before it."""

    run: RunTrack
    tracks: Mapping[WorkerRef, WorkerTrack]
    memory: MemoryTrack
    gate: GateTrack
    contract: ContractTrack
    health_tracks: Mapping[WorkerRef, HealthTrack] = field(default_factory=dict)
    hysteresis: Hysteresis = field(default_factory=Hysteresis)
    env_file: EnvFileReading | None = None
    """The last that was read; a file outlives a run."""
    causes_tracker: CauseTracker = field(default_factory=CauseTracker)
    exits: ExitState = field(default_factory=ExitState)
    recorder: FlightRecorder = field(default_factory=FlightRecorder)
    kernel_log: str | None = None
    alerts: AlertState = field(default_factory=AlertState)


def step(previous: Snapshot | None, sample: Sample, config: Config) -> Snapshot:
    """Say what a sample means after all that came before. Never raises for anything that was observed."""
    if previous is None:
        return _advance(None, _new_state(runs.first_header(sample), config), sample, config, ended=())
    state = cast(State, previous.state)
    if runs.is_new(state.run, sample.run):
        header = cast(RunHeader, sample.run)
        return _begin_run(previous, header, sample, config)
    following = _advance(previous, replace(state, run=runs.adopt(state.run, sample.run)), sample, config)
    if following.state.run.header is not sample.run:
        header_seen = _relaunched(state, cast(State, following.state), sample, config)
        if header_seen is not None:
            return _begin_run(previous, header_seen, sample, config)
    return following


def _relaunched(before: State, after: State, sample: Sample, config: Config) -> RunHeader | None:
    return runs.relaunch(
        after.run,
        before.tracks,
        after.tracks,
        sample,
        config,
        launcher_before=before.run.launcher,
        starting=before.gate.began_t is None,
    )


def _new_state(header: RunHeader, config: Config) -> State:
    run, names = runs.new_run(header, config), contract.new_contract(config)
    return State(run=run, tracks={}, memory=MemoryTrack(), gate=GateTrack(), contract=names)


def _begin_run(previous: Snapshot, header: RunHeader, sample: Sample, config: Config) -> Snapshot:
    """Close the run so far, if it ever was one, and begin another."""
    state = cast(State, previous.state)
    ended = previous.ended_runs
    if state.run.begun:
        last = _close_run(previous, state, sample, config)
        ended = (*ended, RunSummary(last, last.events, last.verdicts))[-KEPT_RUNS:]
    fresh = _new_state(replace(header, interval_s=header.interval_s or state.run.header.interval_s), config)
    spaced = replace(fresh.run, spacing=runs.spacing_after(state.run, fresh.run))
    known = replace(fresh.memory, earlier=state.memory.earlier)
    fresh = replace(fresh, run=spaced, memory=known, env_file=state.env_file)
    return _advance(None, fresh, sample, config, ended=ended, tick=previous.tick + 1, pool=previous.pool)


def _close_run(previous: Snapshot, state: State, sample: Sample, config: Config) -> Snapshot:
    """Return the last Snapshot of a run that ends before this sample: the hole up to it is still that run's.

    So is a kernel kill in it: what the counter shows when the next run begins is that run's zero.
    """
    last = replace(previous, state=None, ended_runs=())
    event_log = EventLog(previous.t, previous.events)
    if sample.t - previous.t > runs.gap_s(state.run, config) and state.run.samples > 1:
        closing_gap = Gap(previous.t, sample.t)
        gap_text = f"nothing was recorded for {sample.t - previous.t:.0f} s"
        event_log.emit("recorder.gap", "warn", gap_text, {"from": previous.t, "to": sample.t})
        last = replace(last, run=replace(last.run, gaps=(*last.run.gaps, closing_gap)))
    after = memory.close(state.memory, sample, previous.t)
    if after.drafts:
        view = memory.view(after, config, len(previous.workers), previous.t)
        view = replace(view, black_box=state.recorder.box, kernel_log=state.kernel_log)
        inputs = _verdict_inputs(state, previous.t, previous.gate, previous.workers, view, previous.pool, config)
        _, verdict = apply(state.hysteresis, decide(inputs), inputs, config)
        event_log.emit_memory(after.drafts)
        last = replace(last, memory=view, verdict=verdict, verdicts=_add_verdict(last.verdicts, verdict, event_log))
    return replace(last, events=event_log.events[-MAX_EVENTS:])


def _add_verdict(
    verdicts: tuple[VerdictChange, ...], verdict: Verdict, event_log: EventLog
) -> tuple[VerdictChange, ...]:
    """Add a verdict to those of the run, and tell it, where it says another word than the last one."""
    if verdicts and verdicts[-1][1] is verdict.kind:
        return verdicts
    event_log.emit_verdict(verdict)
    return (*verdicts, (verdict.since_t, verdict.kind, verdict.because))[-KEPT_VERDICTS:]


def _advance(
    previous: Snapshot | None,
    state: State,
    sample: Sample,
    config: Config,
    *,
    ended: tuple[RunSummary, ...] | None = None,
    tick: int | None = None,
    pool: PoolReading | None = None,
) -> Snapshot:
    t = sample.t
    event_log = EventLog(t, previous.events if previous else ())
    if previous is None:
        header = state.run.header
        event_log.emit("run.start", "info", _start_text(header), {"how": header.how}, t=header.started_at)
        foreign = header.foreign_fields
        if foreign:
            text = f"asked for under names that /status never had, so never observed: {', '.join(foreign)}"
            event_log.emit("recorder.names", "warn", text, {"fields": list(foreign)})
    if previous is not None and not (sample.workers or sample.memory or sample.processes):
        # Only events: nothing was looked at, so nothing can be judged.
        event_log.add(sample.events)
        noted_alerts = alerts.apply_events(state.alerts, sample.events)
        noted = _note_own_actions(replace(state, alerts=noted_alerts), sample)
        return replace(previous, events=event_log.events[-MAX_EVENTS:], state=noted, alerts=noted_alerts.view)

    run, elapsed_s, gap = runs.observe(runs.begin_late(state.run, sample), sample, config)
    run = replace(run, launcher=runs.launcher_of(sample) or run.launcher)
    if gap is not None:
        text = f"nothing was recorded for {gap.to_t - gap.from_t:.0f} s"
        event_log.emit("recorder.gap", "warn", text, {"from": gap.from_t, "to": gap.to_t})
    run = runs.note_answers(run, sample, runs.gap_s(run, config))
    nominal_s = run.spacing.nominal_s
    stale_s = max(config.observe.stale_intervals * nominal_s, config.observe.timeout_s)
    pool_now = sample.pool or (previous.pool if previous else pool) or PoolReading()
    desired = _desired(pool_now, run.header)
    starting = state.gate.began_t is None
    tracks = _observe_workers(state.tracks, sample, run, desired, elapsed_s, stale_s, config, starting=starting)
    slack_s = max(5.0, 3 * nominal_s)
    operation = pool_now.operation
    changing = operation is not None and operation.ended_at is None
    suspended = changing or (starting and t - run.started_at < config.clock.startup_grace_s)
    gap_s = runs.gap_s(run, config)
    memory_now = memory.observe(state.memory, sample, gap_s, slack_s, config, suspended=suspended)
    memory_now = memory.remember_present(memory_now, sample)

    late_s = max(exits.LATE_S, 10 * nominal_s)
    exit_state = exits.observe(state.exits, sample, state.memory, memory_now, slack_s, late_s)
    named = tuple(one.who for _, _, one in exit_state.drafts if one.process_exit.reason == "OOM-killed")
    memory_now = memory.latch_named(memory_now, t, named)
    killed = memory_now.kills_in_run > state.memory.kills_in_run or bool(named)
    recorder = black_box.observe(state.recorder, sample, killed)

    health_tracks = health.observe(
        state.health_tracks, tracks, sample.workers, t, config, nominal_s=nominal_s, gap_s=gap_s, starting=starting
    )
    names = contract.observe(
        state.contract, tracks, t, nominal_s=nominal_s, gap_s=gap_s, gate_began_t=state.gate.began_t
    )
    views = worker_views(tracks, state.tracks, memory_now, health_tracks, t, config, exit_state)
    answered = [v for v in views if v.last_good_t is not None]
    all_answered = bool(views) and len(answered) == len(views) and run.begun
    before_gap = gate.WorkersAt(previous.t, previous.workers) if previous is not None and gap is not None else None
    gate_now = gate.begin(state.gate, t, run.started_at, all_answered, config) if run.begun else state.gate
    gate_now, judged = gate.check(
        gate_now, gate.WorkersAt(t, views), before_gap, run.watched, run.answered, stale_s, config
    )
    gate_view = gate.view(gate_now, t, run.started_at, config)
    tracks = event_log.emit_workers(state.tracks, tracks, views, config, exits.known_exit_texts(exit_state, t, late_s))
    event_log.emit_slots(
        (*health.health_events(state.health_tracks, health_tracks, state.tracks, tracks), *names.drafts)
    )
    event_log.emit_memory(memory_now.drafts)
    event_log.emit_exits(exit_state.drafts)
    for check in judged:
        event_log.emit_check(check, len(gate_now.checks))
    event_log.add(sample.events)

    log = sample.kernel_log
    kernel_log = state.kernel_log if log is None else log.error or "readable"
    memory_view = _with_watch(memory.view(memory_now, config, len(views), t), sample)
    memory_view = replace(memory_view, black_box=recorder.box, kernel_log=kernel_log)
    env_file = sample.env_file or state.env_file
    state = replace(state, run=run, tracks=tracks, memory=memory_now, gate=gate_now, env_file=env_file)
    state = replace(state, health_tracks=health_tracks, contract=names)
    state = replace(state, exits=exit_state, recorder=recorder, kernel_log=kernel_log)
    state = _note_own_actions(state, sample)
    inputs = _verdict_inputs(state, t, gate_view, views, memory_view, pool_now, config)
    environs = {ref: track.env.values for ref, track in tracks.items() if track.env is not None}
    causes_tracker = state.causes_tracker.observe(sample, inputs, environs, env_file)
    state = replace(state, causes_tracker=causes_tracker)
    hysteresis, verdict = apply(state.hysteresis, decide(inputs), inputs, config)
    state = replace(state, hysteresis=hysteresis)
    verdicts = _add_verdict(previous.verdicts if previous else (), verdict, event_log)
    alerts_state = alerts.apply_events(state.alerts, sample.events, gap=gap is not None)
    alerts_state = alerts.observe_states(alerts_state, views, t, elapsed_s)
    rule_input = RuleInput(inputs, verdict, previous, alerts.uncertain(alerts_state), alerts_state.recorder_problem)
    alerts_state, transitions = alerts.observe(alerts_state, rule_input, elapsed_s, config)
    event_log.emit_alerts(transitions)
    state = replace(state, alerts=alerts_state)
    return Snapshot(
        t=t,
        tick=tick if tick is not None else (previous.tick + 1 if previous else 0),
        run=runs.view(state.run, t, desired),
        workers=views,
        memory=memory_view,
        gate=gate_view,
        verdict=verdict,
        pool=pool_now,
        events=event_log.events[-MAX_EVENTS:],
        verdicts=verdicts,
        causes=causes_tracker.causes,
        lag_s=sample.lag_s,
        trend_bucket_s=TREND_BUCKET_S,
        memory_bucket_s=HISTORY_BUCKET_S,
        ended_runs=ended if ended is not None else (previous.ended_runs if previous else ()),
        state=state,
        env_file=env_file,
        contract=names.view,
        log_lines=causes_tracker.logs,
        alerts=alerts_state.view,
    )


def _with_watch(view: MemoryView, sample: Sample) -> MemoryView:
    watch = sample.watch
    return replace(view, watch=watch, watch_armed=watch is not None and watch.armed and not watch.dry_run)


def _start_text(header: RunHeader) -> str:
    how = f", {header.how}" if header.how else ""
    return f"run {header.name} begins{how}"


def _desired(pool: PoolReading, header: RunHeader) -> int | None:
    return pool.desired if pool.desired is not None else header.desired


def _observe_workers(
    before: Mapping[WorkerRef, WorkerTrack],
    sample: Sample,
    run: RunTrack,
    desired: int | None,
    elapsed_s: float,
    stale_s: float,
    config: Config,
    *,
    starting: bool,
) -> dict[WorkerRef, WorkerTrack]:
    """Take in every wanted slot, and every other one that was seen alive."""
    wanted = {WorkerRef(slot=slot) for slot in range(desired)} if desired is not None else set(sample.workers)
    alive = {ref for ref, seen in sample.workers.items() if seen.status is not None or seen.pid is not None}
    known = {ref for ref, track in before.items() if track.generation and (desired is None or ref.slot < desired)}
    of_slot = {p.slot: p for p in sample.processes or () if p.role == "worker" and p.slot is not None}
    tracks = {}
    for ref in sorted(wanted | alive | known):
        track = before.get(ref) or workers.new_track(ref, sample.t, config)
        tracks[ref] = workers.observe(
            track,
            sample.workers.get(ref),
            of_slot.get(ref.slot),
            sample.environments.get(ref),
            sample.t,
            elapsed_s,
            config,
            starting=starting,
            stale_s=stale_s,
        )
    return tracks


def _note_own_actions(state: State, sample: Sample) -> State:
    """Learn from what we did ourselves: a pool that we stopped is not a pool that fell."""
    run = state.run
    for event in sample.events:
        if event.severity == "crit":
            continue
        if event.kind == "pool.stop" and event.worker is None:
            run = replace(run, stopped_t=event.t)
        elif event.kind in ("pool.launch", "pool.resize"):
            run = replace(run, stopped_t=None)
    if run.stopped_t is not None and any(s.status is not None for s in sample.workers.values()):
        answered_after = sample.t - run.stopped_t > 2 * run.spacing.nominal_s
        run = replace(run, stopped_t=None) if answered_after else run
    return replace(state, run=run)


def _verdict_inputs(
    state: State,
    t: float,
    gate_view: Gate,
    views: tuple[WorkerView, ...],
    memory_view: MemoryView,
    pool: PoolReading,
    config: Config,
) -> VerdictInputs:
    run = state.run
    began_t = gate_view.began_t
    window_s = config.clock.validation_s if began_t is None else min(config.clock.validation_s, max(t - began_t, 0.0))
    operation = pool.operation
    return VerdictInputs(
        t=t,
        started_at=run.started_at,
        begun=run.begun,
        stopped_t=run.stopped_t,
        changing=operation is not None and operation.ended_at is None,
        gate=gate_view,
        workers=views,
        memory=memory_view,
        answered_s=run.answered.seconds_between(t - window_s, t),
        answered_early_s=run.answered.seconds_between(t - config.verdict.early_silence_s, t),
        window_s=window_s,
        unanswered_s=None if run.looked_t is None else t - run.looked_t,
        nominal_s=run.spacing.nominal_s,
        foreign_fields=run.header.foreign_fields,
        config=config,
        contract=state.contract.view,
    )


__all__ = ["Event", "Severity", "State", "step"]
