"""Computes (previous Snapshot, Sample) → Snapshot, the same way for live, file and test. Pure.

Runs the stages of a tick, and decides which run a sample belongs to. Does not: know what a stage does.
"""

from __future__ import annotations

from typing import cast

from msgspec.structs import replace

from metabonk_tui.core.alerts import tracker as alerts
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.memory import kernel_evidence
from metabonk_tui.core.memory import tracker as memory
from metabonk_tui.core.memory.tracker import HISTORY_BUCKET_S
from metabonk_tui.core.model.sample import PoolReading, RunHeader, Sample
from metabonk_tui.core.model.snapshot import Gap, RunSummary, Snapshot, computed
from metabonk_tui.core.run import gate
from metabonk_tui.core.run import tracker as runs
from metabonk_tui.core.run.gate import GateTrack
from metabonk_tui.core.run.replay import Step
from metabonk_tui.core.step import obituaries
from metabonk_tui.core.step.ended import add_verdict, closed_verdict, end_draft, following_header, with_end
from metabonk_tui.core.step.event_log import EventLog, emit_gap, emit_run_start
from metabonk_tui.core.step.hosts import with_hosts_of
from metabonk_tui.core.step.inputs import host_views, verdict_inputs
from metabonk_tui.core.step.stages import STAGES
from metabonk_tui.core.step.state import HostState, State, Tick, new_hosts, with_own_actions
from metabonk_tui.core.verdict.decide import decide
from metabonk_tui.core.verdict.hysteresis import apply
from metabonk_tui.core.worker import contract
from metabonk_tui.core.worker.component import TREND_BUCKET_S
from metabonk_tui.core.worker.process_exits import LATE_S
from metabonk_tui.core.worker.run_end import with_run_end
from metabonk_tui.core.worker.strangers import without_strangers

KEPT_RUNS = 50
RUNS = tuple([stage.run for stage in STAGES])


def step(previous: Snapshot | None, sample: Sample, config: Config) -> Snapshot:
    """Return the Snapshot of a sample after all samples before it. Never raises for observed data."""
    sample = without_strangers(sample, config)
    if previous is None:
        return _advance(None, _new_state(runs.first_header(sample), config), sample, config)
    state = cast(State, previous.state)
    if runs.is_new(state.run, sample.run):
        return _begin_run(previous, cast(RunHeader, sample.run), sample, config)
    header_after = following_header(state.run, state, sample)
    if header_after is not None:
        return _begin_run(previous, header_after, sample, config)
    following = _advance(previous, replace(state, run=runs.adopt(state.run, sample.run)), sample, config)
    if following.state.run.header is not sample.run:
        header_seen = _relaunched(state, cast(State, following.state), sample, config)
        if header_seen is not None:
            return _begin_run(previous, header_seen, sample, config)
    return following


def stepper(config: Config) -> Step:
    """Return `step` for one configuration."""

    def step_with_config(previous: Snapshot | None, sample: Sample) -> Snapshot:
        return step(previous, sample, config)

    return step_with_config


def _relaunched(before: State, after: State, sample: Sample, config: Config) -> RunHeader | None:
    return runs.relaunch(
        after.run,
        before.tracks,
        after.tracks,
        sample,
        config,
        launcher_before=before.run.launcher,
        starting=before.gate.began_t is None,
        killed_t=max(
            [t for host in after.hosts.values() if (t := host.memory.kills.last_t) is not None], default=None
        ),
    )


def _new_state(header: RunHeader, config: Config) -> State:
    run, names = runs.new_run(header, config), contract.new_contract(config)
    return State(run=run, tracks={}, hosts=new_hosts(), gate=GateTrack(), contract=names)


def _begin_run(previous: Snapshot, header: RunHeader, sample: Sample, config: Config) -> Snapshot:
    """Close the previous run, if it had begun, and start a new one."""
    state = cast(State, previous.state)
    ended = previous.ended_runs
    if state.run.begun:
        last = _close_run(previous, state, header, sample, config)
        ended = (*ended, RunSummary(last, last.events, last.verdicts))[-KEPT_RUNS:]
    fresh = _new_state(replace(header, interval_s=header.interval_s or state.run.header.interval_s), config)
    spaced = replace(fresh.run, spacing=runs.spacing_after(state.run, fresh.run))
    known = {name: _with_lasting(before) for name, before in state.hosts.items()}
    fresh = replace(fresh, run=spaced, hosts=known, env_file=state.env_file)
    first = _advance(None, fresh, sample, config, pool=previous.pool)
    return replace(first, tick=previous.tick + 1, ended_runs=ended)


def _with_lasting(before: HostState) -> HostState:
    """Keep what outlives a run: the peaks of earlier runs, the kernel's log, and the way to the host."""
    host = HostState()
    # Kills that the counter had in the run before are known to be no part of this one.
    kills = replace(host.memory.kills, read_before=before.memory.kills.scope)
    memory_track = replace(host.memory, earlier=before.memory.earlier, kills=kills)
    evidence = kernel_evidence.of_next_run(before.evidence)
    return replace(host, memory=memory_track, kernel_log=before.kernel_log, evidence=evidence, link=before.link)


def _close_run(previous: Snapshot, state: State, header: RunHeader, sample: Sample, config: Config) -> Snapshot:
    """Return the last Snapshot of a run that ends before this sample.

    The gap before the sample belongs to the ended run, and so does a kernel kill in that gap.
    The next run counts kills from the counter in its first sample.
    """
    last = replace(computed(previous), state=None, ended_runs=())
    events = EventLog(previous.t, previous.events)
    if sample.t - previous.t > runs.gap_s(state.run, config) and state.run.samples > 1:
        closing_gap = Gap(previous.t, sample.t)
        emit_gap(events, closing_gap)
        last = replace(last, run=replace(last.run, gaps=(*last.run.gaps, closing_gap)))
    closed = {
        name: replace(host, memory=memory.close(host.memory, sample.host(name), previous.t))
        for name, host in state.hosts.items()
    }
    drafts = [draft for host in closed.values() for draft in host.memory.drafts]
    if drafts:
        hosts = host_views(closed, None, previous.t, config, state.run.started_at)
        inputs = verdict_inputs(state, previous.t, previous.gate, previous.workers, hosts, previous.pool, config)
        _, verdict = apply(state.hysteresis, decide(inputs), inputs, config)
        events.emit_all(drafts)
        last = replace(last, hosts=hosts, verdict=verdict, verdicts=add_verdict(last.verdicts, verdict, events))
    # A run that began before this one was over did not replace it.
    if state.run.header.source == "live" and sample.t >= previous.t:
        verdict, end = closed_verdict(last, state, header, sample)
        if state.ending.end is None:
            events.emit(end_draft(end))
        late_s = max(LATE_S, sample.t - previous.t)
        workers = with_run_end(last.workers, end, late_s)
        deaths = obituaries.with_run_end(last.obituaries, end, late_s)
        last = replace(last, workers=workers, verdict=verdict, run=with_end(last.run, verdict), obituaries=deaths)
    return replace(last, events=events.newest, event_count=last.event_count + events.emitted)


def _advance(
    previous: Snapshot | None, state: State, sample: Sample, config: Config, pool: PoolReading | None = None
) -> Snapshot:
    """Run every stage; `pool`: the last pool reading before a new run."""
    pool = sample.pool or (previous.pool if previous else pool) or PoolReading()
    known = with_hosts_of(state.hosts, sample)
    of_hosts = any(host.link is not None for host in sample.hosts.values())
    state = replace(state, run=runs.with_wanted(state.run, pool.desired, of_hosts=of_hosts), hosts=known)
    tick = Tick(
        previous=previous,
        sample=sample,
        config=config,
        before=state,
        events=EventLog(sample.t, previous.events if previous else ()),
        pool=pool,
        desired=state.run.wanted,
    )
    if previous is None:
        emit_run_start(tick.events, state.run.header)
    elif not pool.placed and not (
        sample.workers or any(host.memory or host.processes or host.link for host in sample.hosts.values())
    ):
        return _with_events_only(previous, tick)
    for run in RUNS:
        run(tick)
    return _snapshot_of(tick)


def _with_events_only(previous: Snapshot, tick: Tick) -> Snapshot:
    """Add a sample that has only events; without readings nothing is judged."""
    tick.events.add(tick.sample.events)
    known = alerts.apply_events(tick.now.alerts, tick.sample.events)
    requested = gate.request(tick.now.gate, tick.sample.events)
    tick.update(alerts=known, run=with_own_actions(tick.now.run, tick.sample), gate=requested)
    return replace(
        previous,
        events=tick.events.newest,
        event_count=previous.event_count + tick.events.emitted,
        state=tick.now,
        alerts=known.view,
    )


def _snapshot_of(tick: Tick) -> Snapshot:
    previous, now = tick.previous, tick.now
    deaths, dropped = tick.obituaries
    # By position as far as there are no defaults: msgspec takes 1.4 us for so many keywords and 0.4 us for these.
    return Snapshot(
        tick.sample.t,
        previous.tick + 1 if previous else 0,
        with_end(runs.view(now.run, tick.sample.t, tick.desired), tick.verdict),
        tick.workers,
        tick.hosts,
        tick.gate,
        tick.verdict,
        tick.pool,
        tick.events.newest,
        tick.verdicts,
        now.cause_tracker.causes,
        tick.sample.lag_s,
        TREND_BUCKET_S,
        HISTORY_BUCKET_S,
        previous.ended_runs if previous else (),
        now,
        env_file=now.env_file,
        contract=now.contract.view,
        log_lines=now.cause_tracker.logs,
        alerts=now.alerts.view,
        minutes=now.minutes,
        event_count=(previous.event_count if previous else 0) + tick.events.emitted,
        obituaries=deaths,
        earlier_obituaries=dropped,
        ended_unseen=now.ending.ended_unseen,
    )
