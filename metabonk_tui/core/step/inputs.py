"""Builds what a verdict stands on: the views of the hosts, and all inputs at one time. Does not: judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.memory import kernel_evidence
from metabonk_tui.core.memory import tracker as memory
from metabonk_tui.core.model.host_view import HostView, gravest
from metabonk_tui.core.model.refs import HostName, WorkerRef
from metabonk_tui.core.model.sample import PoolReading, WatchReading, slots_without_place
from metabonk_tui.core.model.snapshot import Gate
from metabonk_tui.core.model.worker import WorkerView
from metabonk_tui.core.step.state import HostState, State
from metabonk_tui.core.verdict.inputs import VerdictInputs
from metabonk_tui.core.worker import pids


def host_views(
    hosts: Mapping[HostName, HostState],
    watch: WatchReading | None,
    t: float,
    config: Config,
    run_started_at: float,
) -> dict[HostName, HostView]:
    """Return the view of every host at `t`. The memory watch guards all of them."""
    armed = watch is not None and watch.armed and not watch.dry_run
    logged = {
        name: kernel_evidence.view(host.evidence, host.memory.reading, run_started_at) for name, host in hosts.items()
    }
    return {
        name: HostView(
            replace(
                memory.view(host.memory, config, t),
                # A log without a gap has the time of every kill: those of this run are in it.
                earlier_kills=0 if logged[name].complete else host.memory.kills.earlier,
                kernel=logged[name],
                watch=watch,
                watch_armed=armed,
                black_box=host.recorder.box,
                kernel_log=host.kernel_log,
                sees_kills=host.memory.kills.seen is not None or host.kernel_log == "readable",
                host=name,
            ),
            host.link,
        )
        for name, host in hosts.items()
    }


def verdict_inputs(
    state: State,
    t: float,
    gate_view: Gate,
    views: Sequence[WorkerView],
    hosts: Mapping[HostName, HostView],
    pool: PoolReading,
    config: Config,
) -> VerdictInputs:
    """Return the inputs of a verdict at `t`."""
    run = state.run
    began_t = gate_view.start_up_ended_t
    window_s = config.clock.validation_s if began_t is None else min(config.clock.validation_s, max(t - began_t, 0.0))
    # By position as far as there are no defaults: msgspec takes 1 us for so many keywords and 0.3 us for these.
    inputs = VerdictInputs(
        t,
        run.started_at,
        run.begun,
        run.stopped_t,
        is_changing(pool),
        gate_view,
        state.record,
        views,
        gravest(hosts).memory,
        run.answered.seconds_between(t - window_s, t),
        window_s,
        None if run.looked_t is None else t - run.looked_t,  # unanswered_s
        run.spacing.nominal_s,
        run.header.foreign_fields,
        config,
        hosts=hosts,
        contract=state.contract.view,
        launcher_pid=pool.launcher_pid,
        elsewhere=pool.elsewhere,
        unidentified=_unidentified(state, t),
        calm=not state.record.not_up and _is_calm(state, config),
    )
    if not pool.placed:
        return inputs
    no_place = slots_without_place(pool, state.tracks)
    return replace(inputs, waiting=pool.waiting, engine_error=pool.engine_error, no_place=no_place)


def _is_calm(state: State, config: Config) -> bool:
    """Return whether every worker, all of which answer, steps at its usual rate and has no problem."""
    still_s = config.verdict.still_s
    for ref, track in state.tracks.items():
        if track.steps.fell is not None or track.last_good_t is None:
            return False
        if track.stepped_t is not None and track.last_good_t - track.stepped_t >= still_s:
            return False
        if ref not in state.health_tracks or state.health_tracks[ref].now is not None:
            return False
    return True


def _unidentified(state: State, t: float) -> tuple[WorkerRef, ...]:
    """Return the workers whose processes this machine's tables do not show; none where no table was ever read."""
    found = []
    for ref, track in state.tracks.items():
        host = state.hosts.get(ref.host)
        table_t = host.memory.table_t if host is not None else None
        # Most processes are in the table of this very sample.
        if table_t is not None and track.process_t != table_t and pids.has_unseen_process(track, table_t, t):
            found.append(ref)
    return tuple(found)


def is_changing(pool: PoolReading) -> bool:
    return pool.operation is not None and pool.operation.ended_at is None
