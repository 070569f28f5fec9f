"""Sorts the processes of one pool into those that are its own and those that are left alone, each with its reason.

Does not: decide, `ownership` does; act on a process; or claim one that may belong to another pool.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from metabonk_tui.adapters.pools.launch_record import LaunchRecord, boot_id
from metabonk_tui.adapters.pools.launch_spec import LaunchSpec
from metabonk_tui.adapters.process.command_line import option
from metabonk_tui.adapters.process.ownership import (
    NotOurs,
    Owned,
    OwnershipVerdict,
    PoolClaim,
    ProcessFacts,
    ProcessIdentity,
    Proof,
    ancestry,
    judge,
)
from metabonk_tui.adapters.process.proc import Proc, ProcessStat
from metabonk_tui.adapters.process.process_facts import Census, FactsReader
from metabonk_tui.adapters.process.roles import port_of
from metabonk_tui.adapters.process.tree import own_ancestry, supervisors
from metabonk_tui.core.model.host import ProcessReading
from metabonk_tui.core.model.pool import StrangerProcess, TargetProcess
from metabonk_tui.core.model.refs import ProcessRef, WorkerRef
from metabonk_tui.core.text.clean import clean_text
from metabonk_tui.core.text.phrases import count_of, cut_list

_NAME_LIMIT = 32


class ElsewhereWorker(Struct, frozen=True):
    """A worker on a port that this pool does not ask."""

    port: int
    of_launch: bool
    """Whether it is proved to be of this pool's launch; else it only runs in the same checkout."""


class PoolProcesses(Struct, frozen=True):
    """The running processes of one pool."""

    workers: tuple[TargetProcess, ...] = ()
    launcher: TargetProcess | None = None
    launcher_arguments: tuple[str, ...] = ()
    ours: bool = False
    """True when `launcher` is the process in our launch record."""
    companions: tuple[TargetProcess, ...] = ()
    """Orchestrators, launchers inside the launcher's tree, and other processes that are proved to be ours."""
    strangers: tuple[StrangerProcess, ...] = ()
    """Processes that concern the pool and are left alone."""
    others_of_metabonk: tuple[StrangerProcess, ...] = ()
    """Processes that MetaBonk's own stop command may end, and that are not ours."""
    elsewhere: tuple[ElsewhereWorker, ...] = ()
    """Workers of this launch or checkout on other ports, while none has a wanted slot."""
    other_uid: int | None = None
    """The user whose workers listen on wanted ports, while no process is ours; None: there is no such user."""
    owned: Mapping[int, Owned] = field(default_factory=dict)
    """Every process that is proved to be ours, with its descendants."""
    command_lines: Mapping[int, tuple[str, ...]] = field(default_factory=dict)

    @property
    def all_targets(self) -> tuple[TargetProcess, ...]:
        """All processes that a stop signals, workers first."""
        return (*self.workers, *((self.launcher,) if self.launcher else ()), *self.companions)


class PoolWatch:
    """Looks at the processes of one pool and decides which are its own. For one thread at a time."""

    def __init__(self, spec: LaunchSpec, record: LaunchRecord | None, proc: Proc) -> None:
        recorded = recorded_launcher(record, proc)
        of_this_boot = record if record is not None and record.boot_id == boot_id() else None
        # The ports of a launch that has ended may be another pool's by now.
        launched = record.workers if record is not None and recorded is not None else None
        wanted = max(spec.workers, launched or 0)
        self.proc = proc
        self.token = record.token if record else None
        self.reader = FactsReader(proc, spec.processes)
        self.claim = PoolClaim(
            # One address: on `localhost` another pool may listen on the other one.
            host=spec.canonical_host,
            base_port=spec.base_port,
            wanted=wanted,
            command=spec.command,
            uid=os.geteuid(),
            net_ns=proc.link("self", "ns/net"),
            pid_ns=proc.link("self", "ns/pid"),
            container=proc.container("self"),
            protected=own_ancestry(proc),
            cgroup=of_this_boot.cgroup if of_this_boot else None,
            recorded=(recorded.pid, recorded.start_ticks) if recorded else None,
        )

    def with_proven(self, proven: Mapping[ProcessIdentity, Proof]) -> PoolClaim:
        return replace(self.claim, proven={**self.claim.proven, **proven})

    def look(
        self, readings: Iterable[ProcessReading] = (), adopt: Collection[int] = (), *, sweep: bool = True
    ) -> PoolProcesses:
        """Read and judge. `adopt`: pids that a person named; `sweep` also searches for the token and the ports."""
        slots = {reading.pid: reading for reading in readings if self._is_same(reading)}
        stats = [stat for pid in adopt if (stat := self.proc.stat(pid)) is not None]
        claim = self.with_proven({(stat.pid, stat.start_ticks): Proof.ADOPTED for stat in stats})
        pids = [pid for pid in (*slots, *adopt) if pid is not None]
        census = self.reader.read(claim, self.token, pids, sweep=sweep, ports=sweep)
        return _Sorting(claim, census, slots, self.proc, adopt).sorted()

    def _is_same(self, reading: ProcessReading) -> bool:
        stat = self.proc.stat(reading.pid) if reading.pid is not None else None
        if stat is None or reading.pid is None or reading.started_at is None:
            return False
        return stat.ref.same_as(ProcessRef(reading.pid, reading.started_at), other_reader=True)


class _Sorting:
    """Sorts one census by the verdicts on its processes."""

    def __init__(
        self,
        claim: PoolClaim,
        census: Census,
        readings: Mapping[int | None, ProcessReading],
        proc: Proc,
        adopt: Collection[int],
    ) -> None:
        self._adopt = adopt
        self._claim = claim
        self._facts = census.facts
        self._census = census
        self._readings = readings
        self._proc = proc
        self._verdicts: Mapping[int, OwnershipVerdict] = judge(census.facts, claim)
        self._owned = {pid: verdict for pid, verdict in self._verdicts.items() if isinstance(verdict, Owned)}

    def sorted(self) -> PoolProcesses:
        workers = tuple(sorted(self._workers(), key=_by_worker))
        launchers = self._launchers()
        recorded = next((pid for pid in launchers if self._facts[pid].key == self._claim.recorded), None)
        launcher = recorded if recorded is not None else next(iter(launchers), None)
        named = {target.pid for target in workers} | ({launcher} if launcher is not None else set())
        companions = tuple(
            self._target(pid, role="orchestrator" if self._role(pid) == "orchestrator" else "other")
            for pid in sorted(self._owned)
            if pid not in named and self._is_companion(pid, named)
        )
        strangers = tuple(self._strangers(workers, launcher))
        return PoolProcesses(
            workers=workers,
            launcher=self._target(launcher, role="launcher") if launcher is not None else None,
            launcher_arguments=self._facts[launcher].command_line if launcher is not None else (),
            ours=recorded is not None,
            companions=companions,
            strangers=strangers,
            others_of_metabonk=tuple(self._others_of_metabonk()),
            elsewhere=tuple(sorted(set(self._elsewhere(workers)), key=lambda each: each.port)),
            other_uid=None if self._owned else min(self._other_uids(), default=None),
            owned=self._owned,
            command_lines={pid: self._facts[pid].command_line for pid in self._owned},
        )

    def _workers(self) -> Iterator[TargetProcess]:
        for pid in self._owned:
            each, parent = self._facts[pid], self._facts.get(self._facts[pid].stat.parent_pid)
            if self._role(pid) != "worker":
                continue
            if parent is not None and parent.stat.pid in self._owned and parent.command_line == each.command_line:
                # A fork of the worker, which ends with it.
                continue
            yield self._target(pid, role="worker")

    def _launchers(self) -> list[int]:
        """List the owned launchers, the outer ones first."""
        found = [pid for pid, verdict in self._owned.items() if verdict.proof is Proof.LAUNCHER and verdict.by == pid]
        found += [pid for pid in self._owned if self._role(pid) == "launcher" and pid not in found]
        return sorted(found, key=lambda pid: (len(list(ancestry(pid, self._facts))), pid))

    def _is_companion(self, pid: int, named: Collection[int]) -> bool:
        """Return whether a plan must name this process: it is no descendant of another named one."""
        if self._role(pid) == "orchestrator":
            return True
        return not any(up.stat.pid in named or up.stat.pid in self._owned for up in self._above(pid))

    def _strangers(self, workers: tuple[TargetProcess, ...], launcher: int | None) -> Iterator[StrangerProcess]:
        listening = {pid: port for port, pid in self._census.listeners.items() if pid is not None}
        shown: set[int] = set()
        if launcher is None:
            for worker in workers:
                for stat in supervisors(self._proc, worker.pid):
                    if stat.pid not in self._owned and stat.pid not in (*self._claim.protected, *shown):
                        shown.add(stat.pid)
                        slot = "" if worker.worker is None else f" {worker.worker.slot}"
                        yield self._stranger(stat.pid, f"would start worker{slot} again")
        for pid in sorted(self._facts):
            verdict = self._verdicts[pid]
            if pid in self._adopt and isinstance(verdict, NotOurs):
                shown.add(pid)
                yield self._stranger(pid, verdict.reason)
            if isinstance(verdict, Owned) or pid in self._claim.protected or pid in shown:
                continue
            is_named = any(up.stat.pid in shown for up in self._above(pid))
            if self._concerns_us(pid, listening) and (pid in listening or not is_named):
                shown.add(pid)
                yield self._stranger(pid, verdict.reason)

    def _concerns_us(self, pid: int, listening: Collection[int]) -> bool:
        """Return whether a process looks like this pool's: by its port, its socket, its token or its command."""
        each = self._facts[pid]
        if pid in listening or each.token or each.grouped:
            return True
        if each.role is not None and each.role.role == "worker":
            return each.role.slot is not None and each.role.slot < self._claim.wanted
        if pid in self._census.mentions:
            return port_of(each.command_line) in self._claim.ports
        return not self._claim.command.why_other(each.program, each.cwd, each.script_path)

    def _others_of_metabonk(self) -> Iterator[StrangerProcess]:
        """List what a stop command that searches command lines may end besides the pool."""
        for pid, each in sorted(self._facts.items()):
            looks = pid in self._census.mentions or (each.role is not None and each.role.role != "ollama")
            if each.role is not None and each.role.role == "launcher":
                looks = each.cwd == self._claim.command.directory
            reachable = each.uid == self._claim.uid or self._claim.uid == 0
            if looks and reachable and pid not in self._owned and pid not in self._claim.protected:
                yield self._stranger(pid, "is not ours")

    def _other_uids(self) -> set[int]:
        """Return the other users of whom a worker is seen and a socket listens on a wanted port."""
        near = (each for pid, each in self._facts.items() if self._role(pid) == "worker")
        uids = {each.uid for each in near if each.role is not None and each.role.slot in range(self._claim.wanted)}
        return {uid for uid in self._census.listener_uids if uid in uids and uid != self._claim.uid}

    def _elsewhere(self, workers: Iterable[TargetProcess]) -> Iterator[ElsewhereWorker]:
        """Find workers of this launch, or of this user in this checkout, by the ports that they listen on.

        None while a worker has a wanted slot: then the others are another pool.
        """
        if any(worker.worker is not None and worker.worker.slot < self._claim.wanted for worker in workers):
            return
        for pid, each in self._facts.items():
            if each.role is None or each.role.role != "worker" or each.net_ns != self._claim.net_ns:
                continue
            is_near = each.cwd == self._claim.command.directory and each.uid == self._claim.uid
            ports = [port for _, port in each.listens]
            if not (pid in self._owned or is_near) or not ports or any(port in self._claim.ports for port in ports):
                continue
            named = port_of(each.command_line)
            yield ElsewhereWorker(named if named in ports else min(ports), pid in self._owned)

    def _stranger(self, pid: int, reason: str) -> StrangerProcess:
        verdict = self._verdicts.get(pid)
        adoptable = isinstance(verdict, NotOurs) and verdict.adoptable
        return StrangerProcess(self._target(pid, role="other"), clean_text(reason), adoptable)

    def _target(self, pid: int, role: str) -> TargetProcess:
        each, reading = self._facts.get(pid), self._readings.get(pid)
        stat = each.stat if each is not None else self._proc.stat(pid)
        name = reading.name if reading else clean_text(stat.name, _NAME_LIMIT) if stat else ""
        started_at = stat.started_at if stat else 0.0
        if role == "worker":
            return TargetProcess("worker", pid, started_at, self._worker(pid), name)
        if role == "launcher":
            return TargetProcess("launcher", pid, started_at, name=reading.name if reading else "")
        return TargetProcess("orchestrator" if role == "orchestrator" else "other", pid, started_at, name=name)

    def _worker(self, pid: int) -> WorkerRef | None:
        each, reading = self._facts[pid], self._readings.get(pid)
        if reading is not None and reading.worker is not None:
            return reading.worker
        if each.role is not None and each.role.slot is not None:
            return WorkerRef(slot=each.role.slot)
        return WorkerRef(slot=each.reached[0] - self._claim.base_port) if each.reached else None

    def _role(self, pid: int) -> str:
        each, reading = self._facts[pid], self._readings.get(pid)
        return each.role.role if each.role is not None else reading.role if reading is not None else ""

    def _above(self, pid: int) -> Iterator[ProcessFacts]:
        """Yield the ancestors of a process without itself."""
        return (up for up in ancestry(pid, self._facts) if up.stat.pid != pid)


def find_processes(
    readings: Iterable[ProcessReading], spec: LaunchSpec, record: LaunchRecord | None, proc: Proc, sweep: bool
) -> PoolProcesses:
    """Sort the processes of a pool. `sweep` also searches every process for the token and the wanted ports."""
    return PoolWatch(spec, record, proc).look(readings, sweep=sweep)


def other_user_text(running: PoolProcesses) -> str:
    """Say whose pool it is, where this user can act on none of its processes; "" otherwise. Root may adopt them."""
    if running.other_uid is None or os.geteuid() == 0:
        return ""
    return f"the pool belongs to user id {running.other_uid}: only that user and root act on it"


def elsewhere_text(running: PoolProcesses, base_port: int) -> str:
    """Say where workers listen that this pool does not ask; "" for none."""
    if not running.elsewhere:
        return ""
    of_launch = [each.port for each in running.elsewhere if each.of_launch]
    ports = of_launch or [each.port for each in running.elsewhere]
    who = f"{count_of(len(ports), 'worker')} of this {'launch' if of_launch else 'checkout'}"
    verb = "listens" if len(ports) == 1 else "listen"
    return f"{who} {verb} on {cut_list(list(map(str, ports)), 8)}; pool.base_port is {base_port}"


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
    return int(text) or None if text.isascii() and text.isdecimal() and len(text) <= 4 else None
