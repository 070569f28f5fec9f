"""Defines the stages of one tick, in their order of execution.

A stage is a small function that reads and writes a `Tick`. It declares the fields that it writes and needs; a test
checks both. "now.x" is the field x of the state from which the next step starts.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from metabonk_tui.core.alerts import tracker as alerts
from metabonk_tui.core.alerts.rule import RuleInput
from metabonk_tui.core.memory import flight_recorder, kernel_evidence
from metabonk_tui.core.memory import tracker as memory
from metabonk_tui.core.model.deferred import Deferred
from metabonk_tui.core.model.refs import MAX_WORKERS, ONLY_HOST, WorkerRef
from metabonk_tui.core.model.timing import Timing
from metabonk_tui.core.model.worker import WorkerView
from metabonk_tui.core.run import gate
from metabonk_tui.core.run import tracker as runs
from metabonk_tui.core.step import history, obituaries, worker_events
from metabonk_tui.core.step.ended import add_verdict, judge_end
from metabonk_tui.core.step.event_log import (
    alert_draft,
    check_draft,
    emit_gap,
    exit_draft,
    gate_late_draft,
)
from metabonk_tui.core.step.hosts import exit_text, is_beyond_launch, link_drafts, of_host, still_placed, wanted_refs
from metabonk_tui.core.step.inputs import host_views, is_changing, verdict_inputs
from metabonk_tui.core.step.log_evidence import kill_evidence, killed_processes, traceback_drafts
from metabonk_tui.core.step.state import HostState, Tick, with_own_actions
from metabonk_tui.core.verdict.decide import decide
from metabonk_tui.core.verdict.hysteresis import apply
from metabonk_tui.core.worker import contract, health, pids
from metabonk_tui.core.worker import process_exits as exits
from metabonk_tui.core.worker import record as records
from metabonk_tui.core.worker import tracker as workers
from metabonk_tui.core.worker.tracker import WorkerTrack
from metabonk_tui.core.worker.view import worker_views


class Stage(Struct, frozen=True):
    """A stage with its declared fields."""

    run: Callable[[Tick], None]
    writes: tuple[str, ...]
    """Fields that only this stage writes."""
    needs: tuple[str, ...]
    """Fields of earlier stages that it reads."""

    @property
    def name(self) -> str:
        return self.run.__name__


def stage(*, writes: tuple[str, ...] = (), needs: tuple[str, ...] = ()) -> Callable[[Callable[[Tick], None]], Stage]:
    """Declare the fields that a stage writes and needs. Every stage may emit events."""
    return lambda run: Stage(run, writes, needs)


# What was observed


@stage(writes=("run", "timing"))
def observe_run(tick: Tick) -> None:
    """Add the sample to the run, and compute every limit that depends on its time."""
    sample, config = tick.sample, tick.config
    run, elapsed_s, gap = runs.observe(runs.begin_late(tick.now.run, sample), sample, config)
    run = replace(run, launcher=runs.launcher_of(sample) or run.launcher)
    if gap is not None:
        emit_gap(tick.events, gap)
    gap_s = runs.gap_s(run, config)
    tick.run = runs.note_answers(run, sample, gap_s)
    nominal_s = run.spacing.nominal_s
    starting = tick.before.gate.began_t is None
    tick.timing = Timing(
        t=sample.t,
        elapsed_s=elapsed_s,
        gap=gap,
        gap_s=gap_s,
        nominal_s=nominal_s,
        stale_s=max(config.observe.stale_intervals * nominal_s, config.observe.timeout_s),
        slack_s=max(5.0, 3 * nominal_s),
        run_age_s=sample.t - run.started_at,
        late_s=max(exits.LATE_S, 10 * nominal_s),
        starting=starting,
        suspended=is_changing(tick.pool) or (starting and sample.t - run.started_at < config.clock.startup_grace_s),
    )


@stage(writes=("tracks",), needs=("timing", "run"))
def observe_workers(tick: Tick) -> None:
    """Take in every wanted worker, and every other one that was seen alive."""
    sample, before = tick.sample, tick.before.tracks
    # No recording and no checkpoint may make a step build a million workers.
    most = max(MAX_WORKERS, tick.config.pool.workers)
    wanted = wanted_refs(tick.before.hosts, sample, tick.desired, most)
    alive = {ref for ref, seen in sample.workers.items() if seen.status is not None or seen.pid is not None}
    # A slot that was seen once in a run never disappears by itself.
    known = {ref for ref, track in before.items() if track.generation}
    if tick.run.header.how in BY_LAUNCH or ONLY_HOST not in tick.before.hosts:
        known = {ref for ref in known if not _is_left_over(before[ref], tick)}
    if not known <= wanted:
        known = still_placed(known, tick.before.hosts, sample)
    processes = {p.who: p for host in sample.hosts.values() for p in host.processes or ()}
    tracks: dict[WorkerRef, WorkerTrack] = {}
    refs = wanted | alive | known
    # Tracks are in this order already; comparing refs takes longer than finding them.
    for ref in before if refs == before.keys() else sorted(refs):
        track = before.get(ref) or workers.new_track(ref, sample.t, tick.config)
        seen, env = sample.workers.get(ref), sample.environments.get(ref)
        tracks[ref] = workers.observe(track, seen, processes.get(ref), env, tick.timing, tick.config)
    tick.tracks = tracks


BY_LAUNCH = ("launched by us", "relaunch seen")


def _is_left_over(track: WorkerTrack, tick: Tick) -> bool:
    """Return whether a worker beyond the wanted number was seen only while the pool before this run was ending."""
    run, desired = tick.run, tick.desired
    if track.ref.host:
        return is_beyond_launch(track.ref, tick.before.hosts, tick.sample)
    if desired is None or track.ref.slot < desired:
        return False
    last_good_t = track.last_good_t
    return last_good_t is None or last_good_t - run.started_at <= runs.HANDOVER_S


@stage(writes=("observed_memory",), needs=("timing", "tracks"))
def observe_memory(tick: Tick) -> None:
    sample, timing, tracks = tick.sample, tick.timing, {}
    unseen = pids.stopped_unseen(tick.tracks.values(), timing.t, timing.slack_s)
    for name, before in tick.before.hosts.items():
        host = sample.host(name)
        here = tuple(ref for ref in unseen if ref.host == name)
        known = kill_evidence(before.exits, host, sample.t)
        observed = memory.observe(before.memory, sample, host, timing, tick.config, here, known)
        tracks[name] = memory.remember_present(observed, host, sample.t)
    tick.observed_memory = tracks


@stage(writes=("exits",), needs=("timing", "observed_memory"))
def observe_process_exits(tick: Tick) -> None:
    sample, observed, end = tick.sample, tick.observed_memory, tick.before.ending.end
    tick.exits = {
        name: exits.observe(before.exits, sample, sample.host(name), before.memory, observed[name], tick.timing, end)
        for name, before in tick.before.hosts.items()
    }


@stage(writes=("now.hosts",), needs=("run", "exits", "observed_memory"))
def latch_oom_kills(tick: Tick) -> None:
    """Latch OOM kills known only from exits or the kernel's log, and keep the readings before a kill."""
    hosts, t = {}, tick.sample.t
    for name, before in tick.before.hosts.items():
        host, exit_state = tick.sample.host(name), tick.exits[name]
        named, logged = killed_processes(exit_state)
        latched = memory.name_victims(tick.observed_memory[name], t, named, logged)
        killed = latched.kills.in_run > before.memory.kills.in_run or bool(named)
        recorder = flight_recorder.observe(before.recorder, host, t, killed)
        log = host.kernel_log
        readable = before.kernel_log if log is None else log.error or "readable"
        evidence = kernel_evidence.observe(before.evidence, host, tick.run.started_at, t)
        hosts[name] = HostState(latched, exit_state, recorder, readable, evidence, host.link or before.link)
    tick.update(hosts=hosts)


@stage(writes=("now.health_tracks",), needs=("timing", "tracks"))
def observe_health(tick: Tick) -> None:
    before = tick.before.health_tracks
    tick.update(health_tracks=health.observe(before, tick.tracks, tick.sample.workers, tick.timing, tick.config))


@stage(writes=("now.contract",), needs=("timing", "tracks"))
def observe_contract(tick: Tick) -> None:
    before = tick.before
    tick.update(contract=contract.observe(before.contract, tick.tracks, tick.timing, before.gate.start_up_ended_t))


@stage(writes=("now.env_file",))
def keep_env_file(tick: Tick) -> None:
    tick.update(env_file=tick.sample.env_file or tick.before.env_file)


@stage(writes=("now.record",), needs=("tracks",))
def record_workers(tick: Tick) -> None:
    tick.update(record=records.observe(tick.before.record, tick.tracks, tick.sample.t, tick.config))


# What it shows


@stage(writes=("workers",), needs=("timing", "tracks", "now.hosts", "now.health_tracks"))
def view_workers(tick: Tick) -> None:
    """Leave the views to the first reader: the judges read the record, and most samples are never looked at."""
    now, t, tracks, config, starting = tick.now, tick.sample.t, tick.tracks, tick.config, tick.timing.starting
    hosts, health_tracks = now.hosts, now.health_tracks

    def views() -> tuple[WorkerView, ...]:
        exited = [process for host in hosts.values() for process in host.exits.exited]
        victims = [victim for host in hosts.values() for victim in host.memory.kills.proved]
        return worker_views(tracks, victims, health_tracks, t, config, exited, starting=starting)

    tick.workers = Deferred(views, len(tracks))


@stage(writes=("now.gate", "gate", "judged_checks"), needs=("run", "timing", "tracks", "workers", "now.record"))
def check_gate(tick: Tick) -> None:
    """End start-up when all workers answered and none is queued, or time is up; judge the checks that are due."""
    run, timing, config, previous = tick.run, tick.timing, tick.config, tick.previous
    if tick.before.ending.end is not None:
        # A run that is over is not checked any more; its gate stays as it was.
        tick.judged_checks = ()
        tick.gate = gate.view(tick.before.gate, timing.t, run.started_at, config)
        return
    record = tick.now.record
    all_answered = 0 < record.answered == len(record.workers) and run.begun and not tick.pool.waiting
    track = tick.before.gate
    if tick.pool.waiting and not any([ref.host for ref in tick.tracks]):
        track = gate.wait_for_place(track, timing.t)
    elif run.begun:
        track = gate.begin(track, timing.t, run.started_at, all_answered, config)
    before_gap = gate.WorkersAt(previous.t, previous.workers) if previous is not None and timing.gap else None
    here = gate.WorkersAt(timing.t, tick.workers)
    track, tick.judged_checks = gate.check(track, here, before_gap, run.watched, run.answered, timing.stale_s, config)
    if timing.gap is not None or (tick.before.gate.began_t is None and track.began_t is not None):
        late = gate.begin_late(track, timing.t, run.watched, config)
        if late is not track:
            tick.events.emit(gate_late_draft(late, config))
        track = late
    track = gate.begin_again(gate.request(track, tick.sample.events), timing.t, config)
    tick.update(gate=track)
    tick.gate = gate.view(track, timing.t, run.started_at, config)


# Which events it emits


@stage(writes=("now.tracks",), needs=("timing", "tracks", "now.health_tracks", "now.hosts"))
def emit_worker_events(tick: Tick) -> None:
    """Emit the changes of the workers, and mark announced step rates as emitted."""
    texts: dict[tuple[WorkerRef, int | None], str] = {}
    for host in tick.now.hosts.values():
        texts |= exits.known_exit_texts(host.exits, tick.timing.t, tick.timing.late_s)
    drafts = worker_events.drafts(tick.before.tracks, tick.tracks, tick.now.health_tracks, tick.config, texts)
    tick.events.emit_for_workers(drafts)
    tick.update(tracks=worker_events.with_announced_rates(tick.tracks))


@stage(needs=("timing", "now.tracks", "now.health_tracks", "now.contract"))
def emit_slot_events(tick: Tick) -> None:
    before, now = tick.before, tick.now
    gap = tick.timing.gap is not None
    changed = health.health_events(before.health_tracks, now.health_tracks, before.tracks, now.tracks, after_gap=gap)
    tick.events.emit_for_workers(changed)
    tick.events.emit_for_workers(now.contract.drafts)
    tick.events.emit_for_workers(traceback_drafts(before.cause_tracker.logs, tick.sample.log_tails))


@stage(needs=("now.hosts",))
def emit_memory_events(tick: Tick) -> None:
    tick.events.emit_all(link_drafts(tick.before.hosts, tick.now.hosts, tick.sample.t))
    for name, host in tick.now.hosts.items():
        tick.events.emit_all(of_host(draft, name) for draft in (*host.memory.drafts, *host.evidence.drafts))


@stage(needs=("now.hosts",))
def emit_exit_events(tick: Tick) -> None:
    for name, host in tick.now.hosts.items():
        tick.events.emit_all(
            exit_draft(severity, exit_text(text, p, name), p) for severity, text, p in host.exits.drafts
        )


@stage(needs=("now.gate", "judged_checks"))
def emit_check_events(tick: Tick) -> None:
    total = len(tick.now.gate.checks)
    tick.events.emit_all(check_draft(check, total) for check in tick.judged_checks)


@stage()
def add_sample_events(tick: Tick) -> None:
    tick.events.add(tick.sample.events)


# What it means


@stage(writes=("hosts",), needs=("run", "now.hosts"))
def view_hosts(tick: Tick) -> None:
    sample, began_t = tick.sample, tick.run.started_at
    tick.hosts = host_views(tick.now.hosts, sample.watch, sample.t, tick.config, began_t)


@stage(writes=("now.run",), needs=("run",))
def note_own_actions(tick: Tick) -> None:
    tick.update(run=with_own_actions(tick.run, tick.sample))


JUDGED = ("now.record", "now.run", "now.hosts", "now.tracks", "now.health_tracks", "now.contract")


@stage(writes=("inputs",), needs=("gate", "workers", "hosts", *JUDGED))
def gather_verdict_inputs(tick: Tick) -> None:
    tick.inputs = verdict_inputs(tick.now, tick.sample.t, tick.gate, tick.workers, tick.hosts, tick.pool, tick.config)


@stage(writes=("now.cause_tracker",), needs=("inputs", "tracks", "now.env_file"))
def rank_causes(tick: Tick) -> None:
    found = tick.before.cause_tracker.observe(tick.sample, tick.inputs, tick.tracks, tick.now.env_file)
    tick.update(cause_tracker=found)


@stage(
    writes=("now.hysteresis", "now.ending", "verdict", "verdicts"),
    needs=("inputs", "timing", "now.cause_tracker", "exits", "gate", "now.run"),
)
def decide_verdict(tick: Tick) -> None:
    inputs = replace(tick.inputs, causes=tick.now.cause_tracker.causes)
    after_gap = tick.timing.gap is not None
    hysteresis, verdict = apply(tick.before.hysteresis, decide(inputs), inputs, tick.config, after_gap=after_gap)
    tick.update(hysteresis=hysteresis)
    tick.verdict = judge_end(tick, verdict)
    before = tick.previous.verdicts if tick.previous else ()
    tick.verdicts = add_verdict(before, tick.verdict, tick.events)


@stage(writes=("now.alerts",), needs=("inputs", "verdict", "timing", "tracks", "now.record", "now.ending"))
def evaluate_alerts(tick: Tick) -> None:
    timing, config = tick.timing, tick.config
    known = alerts.apply_events(tick.before.alerts, tick.sample.events, gap=timing.gap is not None)
    known = alerts.observe_states(known, tick.tracks, timing.t, timing.elapsed_s)
    seen = RuleInput(
        tick.inputs,
        tick.verdict,
        tick.previous,
        alerts.uncertain(known),
        known.recorder_problem,
        over_before=tick.now.ending.over_before,
        record_before=tick.before.record,
    )
    known, transitions = alerts.observe(known, seen, timing.elapsed_s, config)
    tick.events.emit_all(alert_draft(transition) for transition in transitions)
    tick.update(alerts=known)


@stage(
    writes=("obituaries",),
    needs=(
        *("timing", "exits", "tracks", "hosts", "workers"),
        *("now.tracks", "now.hosts", "now.run", "now.cause_tracker", "now.ending"),
    ),
)
def write_obituaries(tick: Tick) -> None:
    """Make and complete the pages about deaths, after every event of this step is known."""
    tick.obituaries = obituaries.observe(tick)


SEEN = ("verdict", "workers", "hosts", "timing", "inputs")


@stage(writes=("now.minutes",), needs=(*SEEN, "now.run", "now.ending", "now.record", "now.tracks"))
def note_minute(tick: Tick) -> None:
    tick.update(minutes=history.observe_minutes(tick))


STAGES: tuple[Stage, ...] = (
    observe_run,
    observe_workers,
    observe_memory,
    observe_process_exits,
    latch_oom_kills,
    observe_health,
    observe_contract,
    keep_env_file,
    record_workers,
    view_workers,
    check_gate,
    emit_worker_events,
    emit_slot_events,
    emit_memory_events,
    emit_exit_events,
    emit_check_events,
    add_sample_events,
    view_hosts,
    note_own_actions,
    gather_verdict_inputs,
    rank_causes,
    decide_verdict,
    evaluate_alerts,
    write_obituaries,
    note_minute,
)
