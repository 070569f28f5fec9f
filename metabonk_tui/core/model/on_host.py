"""Puts a Sample that an agent made of its only host under the name of that host. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from msgspec.structs import replace

from metabonk_tui.core.model.host import ExitReading, HostReading, KernelLogReading, ProcessReading
from metabonk_tui.core.model.refs import ONLY_HOST, HostName, WorkerRef
from metabonk_tui.core.model.sample import Observation, Sample

V = TypeVar("V")


def on_host(sample: Sample, host: HostName, at: Callable[[float], float]) -> Sample:
    """Return the Sample with its only host and its workers named; `at` translates the times of the agent.

    The pool, the run and the memory watch are the monitor's own, not the agent's: they are left out.
    """
    reading = sample.host(ONLY_HOST)
    seen = {_on(ref, host): _observed(each, at) for ref, each in sample.workers.items() if ref.host == ONLY_HOST}
    return Sample(
        t=at(sample.t),
        workers=seen,
        hosts={host: host_reading(reading, host, at)},
        environments=_named(sample.environments, host),
        env_file=sample.env_file,
        log_tails=_named(sample.log_tails, host),
        log_ends=_named(sample.log_ends, host),
        events=tuple(
            replace(
                event,
                t=at(event.t),
                text=f"{host}: {event.text}",
                worker=None if event.worker is None else _on(event.worker, host),
            )
            for event in sample.events
        ),
    )


def host_reading(reading: HostReading, host: HostName, at: Callable[[float], float]) -> HostReading:
    """Return the reading of a host with its workers named."""
    return replace(
        reading,
        processes=None if reading.processes is None else tuple(_process(p, host, at) for p in reading.processes),
        exits=tuple(_exit(each, host) for each in reading.exits),
        kernel_log=None if reading.kernel_log is None else _logged(reading.kernel_log, at),
    )


def _on(ref: WorkerRef, host: HostName) -> WorkerRef:
    return ref._replace(host=host)


def _named(readings: Mapping[WorkerRef, V], host: HostName) -> dict[WorkerRef, V]:
    return {_on(ref, host): reading for ref, reading in readings.items() if ref.host == ONLY_HOST}


def _observed(seen: Observation, at: Callable[[float], float]) -> Observation:
    return replace(
        seen,
        pid_started_at=None if seen.pid_started_at is None else at(seen.pid_started_at),
        last_frame_t=None if seen.last_frame_t is None else at(seen.last_frame_t),
    )


def _process(process: ProcessReading, host: HostName, at: Callable[[float], float]) -> ProcessReading:
    return replace(
        process,
        worker=None if process.worker is None else _on(process.worker, host),
        started_at=None if process.started_at is None else at(process.started_at),
    )


def _exit(each: ExitReading, host: HostName) -> ExitReading:
    return each if each.worker is None else replace(each, worker=_on(each.worker, host))


def _logged(log: KernelLogReading, at: Callable[[float], float]) -> KernelLogReading:
    def moved(t: float | None) -> float | None:
        return None if t is None else at(t)

    return replace(
        log,
        kills=tuple(replace(kill, t=moved(kill.t)) for kill in log.kills),
        gpu_faults=tuple(replace(fault, t=moved(fault.t)) for fault in log.gpu_faults),
        from_t=moved(log.from_t),
    )
