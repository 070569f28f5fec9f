"""Builds what a verdict stands on: the views of the hosts, and all inputs at one time. Does not: judge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.memory import tracker as memory
from metabonk_tui.core.model.refs import HostName, WorkerRef
from metabonk_tui.core.model.sample import PoolReading, WatchReading
from metabonk_tui.core.model.snapshot import Gate, HostView
from metabonk_tui.core.model.worker import WorkerView
from metabonk_tui.core.step.state import HostState, State
from metabonk_tui.core.verdict.inputs import VerdictInputs
from metabonk_tui.core.worker import tracker as workers


def host_views(
    hosts: Mapping[HostName, HostState],
    workers: tuple[WorkerView, ...],
    watch: WatchReading | None,
    t: float,
    config: Config,
) -> dict[HostName, HostView]:
    """Return the view of every host at `t`. The memory watch guards all of them."""
    counts = Counter(worker.ref.host for worker in workers)
    armed = watch is not None and watch.armed and not watch.dry_run
    return {
        name: HostView(
            replace(
                memory.view(host.memory, config, counts[name], t),
                watch=watch,
                watch_armed=armed,
                black_box=host.recorder.box,
                kernel_log=host.kernel_log,
                sees_kills=host.memory.kills.seen is not None or host.kernel_log == "readable",
            )
        )
        for name, host in hosts.items()
    }


def verdict_inputs(
    state: State,
    t: float,
    gate_view: Gate,
    views: tuple[WorkerView, ...],
    hosts: Mapping[HostName, HostView],
    pool: PoolReading,
    config: Config,
) -> VerdictInputs:
    """Return the inputs of a verdict at `t`."""
    run = state.run
    (only,) = hosts.values()
    began_t = gate_view.start_up_ended_t
    window_s = config.clock.validation_s if began_t is None else min(config.clock.validation_s, max(t - began_t, 0.0))
    return VerdictInputs(
        t=t,
        started_at=run.started_at,
        begun=run.begun,
        stopped_t=run.stopped_t,
        changing=is_changing(pool),
        gate=gate_view,
        workers=views,
        memory=only.memory,
        answered_s=run.answered.seconds_between(t - window_s, t),
        window_s=window_s,
        unanswered_s=None if run.looked_t is None else t - run.looked_t,
        nominal_s=run.spacing.nominal_s,
        foreign_fields=run.header.foreign_fields,
        config=config,
        contract=state.contract.view,
        unidentified=_unidentified(state, t),
    )


def _unidentified(state: State, t: float) -> tuple[WorkerRef, ...]:
    """Return the workers whose processes this machine's tables do not show; none where no table was ever read."""
    found = []
    for ref, track in state.tracks.items():
        host = state.hosts.get(ref.host)
        table_t = host.memory.table_t if host is not None else None
        if table_t is not None and workers.has_unseen_process(track, table_t, t):
            found.append(ref)
    return tuple(found)


def is_changing(pool: PoolReading) -> bool:
    return pool.operation is not None and pool.operation.ended_at is None
