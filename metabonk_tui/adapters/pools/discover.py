"""Sorts the observed processes of one pool: workers, their launcher, and companions.

Does not: act on a process, or claim one that may belong to another pool.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from metabonk_tui.adapters.pools.launch_record import LaunchRecord, boot_id
from metabonk_tui.adapters.pools.launch_spec import LaunchSpec
from metabonk_tui.adapters.pools.terminate import as_target
from metabonk_tui.adapters.process.proc import Proc, ProcessStat
from metabonk_tui.adapters.process.roles import option
from metabonk_tui.adapters.process.tree import (
    ancestors,
    descendants,
    has_token,
    listeners,
    own_ancestry,
    processes_with_token,
    supervisors,
)
from metabonk_tui.core.model.host import ProcessReading
from metabonk_tui.core.model.pool import TargetProcess
from metabonk_tui.core.model.refs import ProcessRef, WorkerRef


@dataclass(frozen=True, slots=True)
class PoolProcesses:
    """The running processes of one pool."""

    workers: tuple[TargetProcess, ...] = ()
    launcher: TargetProcess | None = None
    launcher_arguments: tuple[str, ...] = ()
    ours: bool = False
    """True when `launcher` is the process in our launch record."""
    companions: tuple[TargetProcess, ...] = ()
    """Orchestrator, supervisors that outlived the launcher, and other processes with our token."""

    @property
    def all_targets(self) -> tuple[TargetProcess, ...]:
        """All processes that a stop signals, workers first."""
        return (*self.workers, *((self.launcher,) if self.launcher else ()), *self.companions)


def find_processes(
    readings: Iterable[ProcessReading], spec: LaunchSpec, record: LaunchRecord | None, proc: Proc, sweep: bool
) -> PoolProcesses:
    """Sort the readings by role. `sweep` also scans every process of the machine for the pool's token."""
    protected_pids = own_ancestry(proc)
    readings = tuple(readings)
    names = {reading.pid: reading.name for reading in readings}
    seen = [
        (reading, stat)
        for reading in readings
        if reading.pid is not None and reading.started_at is not None and reading.pid not in protected_pids
        if (stat := proc.stat(reading.pid)) is not None
        and stat.ref.same_as(ProcessRef(reading.pid, reading.started_at), other_reader=True)
    ]
    token = record.token if record else None
    candidates = {stat.pid: stat for reading, stat in seen if reading.role == "launcher"}
    slotted = [stat for reading, stat in seen if reading.role == "worker" and reading.worker is not None]
    recorded = recorded_launcher(record, proc)
    launcher = recorded or _launcher_of(slotted, candidates, spec, proc)
    workers = tuple(
        TargetProcess("worker", stat.pid, stat.started_at, reading.worker, reading.name)
        for reading, stat in seen
        if reading.role == "worker"
        and (reading.worker is not None or _belongs(stat.pid, launcher, frozenset(), token, proc))
    )
    groups = _groups(target.pid for target in workers) if launcher is None else frozenset()
    companions = {
        stat.pid: TargetProcess("orchestrator", stat.pid, stat.started_at, name=reading.name)
        for reading, stat in seen
        if reading.role == "orchestrator" and _belongs(stat.pid, launcher, groups, token, proc)
    }
    if launcher is None:
        for worker in workers:
            companions |= {s.pid: as_target(s) for s in supervisors(proc, worker.pid) if s.pid not in protected_pids}
    if sweep and token is not None:
        below = {stat.pid for stat in descendants(proc, [launcher.pid])} | {launcher.pid} if launcher else set()
        for stat in processes_with_token(proc, token):
            if stat.pid not in below | protected_pids:
                companions.setdefault(stat.pid, as_target(stat))
    named = {target.pid for target in workers}
    return PoolProcesses(
        workers=tuple(sorted(workers, key=_by_worker)),
        launcher=_named_launcher(launcher, names) if launcher else None,
        launcher_arguments=proc.arguments(launcher.pid) if launcher else (),
        ours=recorded is not None,
        companions=tuple(target for pid, target in companions.items() if pid not in named),
    )


def _by_worker(target: TargetProcess) -> tuple[bool, WorkerRef, int]:
    return target.worker is None, target.worker or WorkerRef(), target.pid


def recorded_launcher(record: LaunchRecord | None, proc: Proc) -> ProcessStat | None:
    """Return the recorded launcher if that exact process still runs (same boot, pid and start time)."""
    if record is None or record.launcher_pid is None or record.launcher_started_at is None:
        return None
    if record.boot_id != boot_id():
        return None
    stat = proc.stat(record.launcher_pid)
    named = ProcessRef(record.launcher_pid, record.launcher_started_at)
    return stat if stat is not None and stat.ref.same_as(named, other_reader=True) else None


def workers_option(arguments: tuple[str, ...]) -> int | None:
    """Read N of `--workers N` or `--workers=N` in a launcher's command line; 0 means the launcher's default."""
    text = option(arguments, "--workers") or ""
    return int(text) or None if re.fullmatch(r"[0-9]{1,4}", text) else None


def foreign_listeners(running: PoolProcesses, spec: LaunchSpec, workers: int, proc: Proc) -> dict[int, str]:
    """Map each needed port to its listener, where the listener is not part of this pool."""
    pids = [target.pid for target in running.all_targets]
    own_pids = {*pids, *(stat.pid for stat in descendants(proc, pids))}
    ports = range(spec.base_port, spec.base_port + workers)
    return {
        port: _name(pid, proc)
        for port, pid in sorted(listeners(ports, own_pids, proc).items())
        if pid is None or pid not in own_pids
    }


def open_ports(ports: Iterable[int], suspects: Iterable[int], proc: Proc) -> dict[int, str]:
    """Map each port with a listener to the name of that process."""
    return {port: _name(pid, proc) for port, pid in sorted(listeners(set(ports), suspects, proc).items())}


def _name(pid: int | None, proc: Proc) -> str:
    if pid is None:
        return "a process that may not be seen"
    stat = proc.stat(pid)
    return str(as_target(stat).name) + f" (pid {pid})" if stat else f"pid {pid}"


def _launcher_of(
    workers: list[ProcessStat], candidates: dict[int, ProcessStat], spec: LaunchSpec, proc: Proc
) -> ProcessStat | None:
    """Choose the nearest ancestor of the workers that is a launcher candidate.

    Without workers the pool may still be starting: choose a candidate that runs our command in our directory.
    """
    for worker in workers:
        for stat in ancestors(proc, worker.pid):
            if stat.pid in candidates:
                return candidates[stat.pid]
    if not workers:
        for stat in candidates.values():
            if _runs_our_command(stat.pid, spec, proc):
                return stat
    return None


def _runs_our_command(pid: int, spec: LaunchSpec, proc: Proc) -> bool:
    arguments = proc.arguments(pid)
    launch, words = spec.launch_argv(0), spec.command_words()
    if not launch:
        return False
    starts = range(1, len(arguments) - len(words) + 1)
    alike = [at for at in starts if [_last(a) for a in arguments[at : at + len(words)]] == [_last(w) for w in words]]
    stop = spec.stop_argv(0)[1:]
    if not alike or _interpreter(arguments[0]) != _interpreter(launch[0]):
        return False
    if stop and arguments[-len(stop) :] == stop:
        return False
    try:
        there = os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return False
    return there == os.path.realpath(spec.directory) and spec.names_base_port(arguments)


def _last(argument: str) -> str:
    return os.path.basename(argument) or argument


def _interpreter(program: str) -> str:
    return os.path.basename(program).rstrip("0123456789.")


def _belongs(pid: int, launcher: ProcessStat | None, groups: frozenset[int], token: str | None, proc: Proc) -> bool:
    if launcher is not None and any(stat.pid == launcher.pid for stat in ancestors(proc, pid)):
        return True
    return bool(_groups([pid]) & groups) or (token is not None and has_token(proc, pid, token))


def _groups(pids: Iterable[int]) -> frozenset[int]:
    """Return the process groups of the pids, without our own group."""
    found: set[int] = set()
    for pid in pids:
        try:
            found.add(os.getpgid(pid))
        except OSError:
            continue
    return frozenset(found - {os.getpgid(0)})


def _named_launcher(stat: ProcessStat, names: Mapping[int | None, str]) -> TargetProcess:
    return TargetProcess("launcher", stat.pid, stat.started_at, name=names.get(stat.pid, ""))
