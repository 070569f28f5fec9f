"""Finds the processes of the pool and reads the memory of each, with and without its descendants.

Does not: check whether they work, or signal them.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from metabonk_tui.adapters.process.command_lines import CommandLines
from metabonk_tui.adapters.process.other_pools import OtherPools, ancestry, launcher_above
from metabonk_tui.adapters.process.proc import Proc, ProcessStat
from metabonk_tui.adapters.process.resident import Identity, PoolMemory
from metabonk_tui.adapters.process.roles import Match, recognise, slot_of_port
from metabonk_tui.adapters.process.sockets import (
    ListenSocket,
    answering,
    listen_sockets,
    listening_ports,
    owned_links,
)
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.host import SERVICES, ProcessReading
from metabonk_tui.core.model.refs import ProcessRef, WorkerRef
from metabonk_tui.core.text.clean import clean_masked
from metabonk_tui.core.text.mask import mask_arguments

SCAN_EVERY_S = 5.0
"""Seconds between two scans: a scan of all processes costs milliseconds, reading the known ones a tenth of that."""
RESCAN_S = 15.0
"""Seconds for which every reading scans after a known process vanished, to find its successor."""
_ORDER = ("launcher", *SERVICES, "worker", "ollama")
_NAME_LIMIT = 80
_BY_PORT = -1
"""Stands for a pattern in the match of a process that only its port makes a worker."""


class _KnownProcess(Struct, frozen=True):
    """A process of the pool as the last scan found it; `tree` are the descendants charged to it."""

    match: Match
    pid: int
    started_at: float
    name: str
    tree: tuple[Identity, ...]
    unconfirmed: bool


class ProcessTable:
    """Finds the processes of one pool and reads their memory in bytes. For any thread; a lock orders the calls."""

    def __init__(
        self, config: Config, root: Path = Path("/"), monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._patterns = config.processes
        self._base_port = config.pool.base_port
        self._host = config.pool.host
        self._wanted = config.pool.workers
        self._proc = Proc(root)
        self._other_pools = OtherPools(config, self._proc.working_directory)
        self._memory = PoolMemory(self._proc, monotonic)
        self._net_ns = self._proc.link("self", "ns/net")
        self._monotonic = monotonic
        self._lines = CommandLines(
            self._proc.arguments, lambda arguments: recognise(arguments, self._patterns, self._base_port), monotonic
        )
        self._known: tuple[_KnownProcess, ...] | None = None
        self._scan_at = 0.0
        self._rescan_until = 0.0
        self._slots: dict[Identity, int | None] = {}
        self._listens_here: set[Identity] = set()
        """Workers that were seen listening where our host and port lead."""
        self._strays: dict[Identity, int | None] = {}
        self._holders: dict[str, int | None] = {}
        """Socket on a wanted port → the pid that has it open; None: not visible."""
        self._lock = threading.Lock()

    def read(self, fresh: bool = False) -> tuple[ProcessReading, ...]:
        """Read the pool's processes, sorted by role, slot and age; `fresh` scans all processes now.

        A descendant with its own role is not part of its ancestor's tree, so that trees can be added up.
        """
        with self._lock:
            return self._read(fresh)

    def _read(self, fresh: bool) -> tuple[ProcessReading, ...]:
        now = self._monotonic()
        readings = None if fresh or self._known is None or now >= self._scan_at else self._read_known(self._known)
        if readings is None:
            if self._known is not None and self._read_known(self._known) is None:
                self._rescan_until = now + RESCAN_S
            self._known = self._scan(fresh)
            self._scan_at = now if now < self._rescan_until else now + SCAN_EVERY_S
            # The next reading notices processes that ended during the scan.
            readings = tuple(reading for known in self._known if (reading := self._read_one(known)) is not None)
        return self._with_memory(readings, self._known or ())

    def _with_memory(
        self, readings: Iterable[ProcessReading], known: Iterable[_KnownProcess]
    ) -> tuple[ProcessReading, ...]:
        """Add what each process and its descendants hold, each page once."""
        held = self._memory.read(
            {(each.pid, each.started_at): ((each.pid, each.started_at), *each.tree) for each in known}
        )
        full = []
        for reading in readings:
            assert reading.pid is not None
            assert reading.started_at is not None
            memory = held.get((reading.pid, reading.started_at))
            full.append(
                reading
                if memory is None
                else replace(
                    reading,
                    anon_bytes=memory.anon_bytes,
                    shmem_bytes=memory.shmem_bytes,
                    common_bytes=memory.common_bytes,
                )
            )
        return tuple(full)

    def _read_known(self, known: Iterable[_KnownProcess]) -> tuple[ProcessReading, ...] | None:
        """Read the processes of the last scan; None: one of them is gone."""
        readings = []
        for each in known:
            reading = self._read_one(each)
            if reading is None:
                return None
            readings.append(reading)
        return tuple(readings)

    def _read_one(self, known: _KnownProcess) -> ProcessReading | None:
        stat = self._proc.stat(known.pid)
        if stat is None or not stat.ref.same_as(ProcessRef(known.pid, known.started_at)):
            return None
        own = stat.rss_bytes
        tree = own + sum(self._rss_bytes(*identity) or 0 for identity in known.tree)
        return ProcessReading(
            role=known.match.role,
            rss_bytes=own,
            worker=None if known.match.slot is None else WorkerRef(slot=known.match.slot),
            pid=known.pid,
            started_at=known.started_at,
            tree_bytes=tree,
            name=known.name,
            unconfirmed=known.unconfirmed or None,
            stopped=stat.is_stopped or None,
        )

    def _rss_bytes(self, pid: int, started_at: float) -> int | None:
        stat = self._proc.stat(pid)
        return stat.rss_bytes if stat is not None and stat.ref.same_as(ProcessRef(pid, started_at)) else None

    def _scan(self, fresh: bool) -> tuple[_KnownProcess, ...]:
        """Find the pool's processes; `fresh` trusts no command line that was read before."""
        # On an idle machine two of three processes are kernel threads.
        threads = self._proc.kernel_threads()
        found = (self._proc.stat(pid) for pid in self._proc.pids() if pid not in threads)
        stats = {stat.pid: stat for stat in found if stat is not None and not stat.of_kernel}
        arguments: dict[int, tuple[str, ...]] = {}
        matches: dict[int, Match] = {}
        own_pids = set(ancestry(os.getpid(), stats))
        if fresh:
            self._lines.forget()
        for pid, stat in stats.items():
            if pid in own_pids:
                continue
            arguments[pid], match = self._lines.read(stat)
            if match is not None:
                matches[pid] = self._placed(match, stat)
        self._lines.keep(stats)
        matches = _one_each(matches, arguments, stats)
        sockets = listen_sockets() if self._proc.is_real else ()
        matches = self._without_elsewhere(matches, stats, sockets)
        matches = self._other_pools.mark(matches, arguments, stats)
        matches |= self._listening_instead(matches, arguments, sockets)
        trees = _trees(matches, stats)
        self._add_strays(trees, matches, stats)
        ours = {pid: match for pid, match in matches.items() if not match.foreign}
        unconfirmed = self._other_pools.unconfirmed(ours, arguments, stats)
        left = self._left_to_others(matches, stats)
        known = [
            _KnownProcess(
                match=match,
                pid=pid,
                started_at=stats[pid].started_at,
                name=_name(arguments[pid], stats[pid]),
                tree=tuple((child, stats[child].started_at) for child in trees[pid]),
                unconfirmed=pid in unconfirmed
                or pid in left
                or (match.pattern == _BY_PORT and launcher_above(pid, ours, stats) is None),
            )
            for pid, match in (ours | left).items()
            if match.role != "worker" or match.slot is not None
        ]
        return tuple(sorted(known, key=_by_role))

    def _left_to_others(self, matches: Mapping[int, Match], stats: Mapping[int, ProcessStat]) -> dict[int, Match]:
        """Return the launchers and services of the last scan that turned out to be another pool's.

        They are listed once more, not confirmed: a process that only leaves the table would count as dead.
        """
        before = {(each.pid, each.started_at) for each in self._known or () if not each.match.foreign}
        return {
            pid: match
            for pid, match in matches.items()
            if match.foreign and match.role != "worker" and (pid, stats[pid].started_at) in before
        }

    def _placed(self, match: Match, stat: ProcessStat) -> Match:
        """Return the match with a worker's slot, from its listening port if its command line has none."""
        if match.role != "worker" or match.slot is not None or match.foreign:
            return match
        identity = (stat.pid, stat.started_at)
        if self._slots.get(identity) is None:
            slots = [slot_of_port(port, self._base_port) for port in listening_ports(stat.pid)]
            self._slots[identity] = next((slot for slot in slots if slot is not None), None)
        return Match(match.role, match.pattern, self._slots[identity])

    def _without_elsewhere(
        self, matches: Mapping[int, Match], stats: Mapping[int, ProcessStat], listening: Iterable[ListenSocket]
    ) -> dict[int, Match]:
        """Mark as foreign what runs in another network namespace, or listens on another address of this machine."""
        sockets = {each.link: each for each in listening}
        kept = {}
        for pid, match in matches.items():
            kept[pid] = match
            if match.role == "ollama" or match.foreign:
                continue
            net_ns = self._proc.link(pid, "ns/net")
            elsewhere = None not in (net_ns, self._net_ns) and net_ns != self._net_ns
            identity = (pid, stats[pid].started_at)
            if not elsewhere and match.slot is not None and sockets and identity not in self._listens_here:
                port = self._base_port + match.slot
                own = [sockets[link] for link in owned_links(pid, sockets) if sockets[link].port == port]
                if own and port in answering(self._host, (port,), own):
                    self._listens_here.add(identity)
                elsewhere = bool(own) and identity not in self._listens_here
            if elsewhere:
                kept[pid] = replace(match, foreign=True)
        self._listens_here &= {(pid, stat.started_at) for pid, stat in stats.items()}
        return kept

    def _listening_instead(
        self, matches: Mapping[int, Match], pids: Collection[int], listening: Iterable[ListenSocket]
    ) -> dict[int, Match]:
        """Find what listens on the wanted ports for which no worker was recognised, whatever its command line."""
        seen = {match.slot for match in matches.values() if match.role == "worker" and not match.foreign}
        ports = [self._base_port + slot for slot in range(self._wanted) if slot not in seen]
        reached = answering(self._host, ports, listening) if ports else {}
        sockets = {each.link: each for found in reached.values() for each in found}
        self._holders = {link: pid for link, pid in self._holders.items() if link in sockets and pid in (None, *pids)}
        if new := sockets.keys() - self._holders.keys():
            # One search of all open files for each new socket: it costs about 20 ms.
            self._holders |= dict.fromkeys(new)
            for pid in pids:
                self._holders |= dict.fromkeys(owned_links(pid, new), pid)
        return {
            pid: Match("worker", _BY_PORT, sockets[link].port - self._base_port)
            for link, pid in self._holders.items()
            if pid is not None and (pid not in matches or (matches[pid].foreign and matches[pid].role == "worker"))
        }

    def _add_strays(
        self, trees: dict[int, list[int]], matches: Mapping[int, Match], stats: Mapping[int, ProcessStat]
    ) -> None:
        """Charge detached daemons to their worker, by the WORKER_PORT in their environment."""
        workers = {match.slot: pid for pid, match in matches.items() if match.role == "worker" and not match.foreign}
        claimed = {pid for tree in trees.values() for pid in tree} | matches.keys()
        fresh: dict[Identity, int | None] = {}
        for pid, stat in stats.items():
            identity = (pid, stat.started_at)
            if pid in claimed or not workers:
                continue
            slot = self._strays[identity] if identity in self._strays else self._slot_carried(pid)
            fresh[identity] = slot
            if slot in workers and slot is not None and stats[workers[slot]].started_at <= stat.started_at:
                trees[workers[slot]].append(pid)
        self._strays = fresh

    def _slot_carried(self, pid: int) -> int | None:
        try:
            environment = self._proc.environment(pid)
        except OSError:
            return None
        for item in environment.split(b"\0"):
            key, _, value = item.partition(b"=")
            # Any process may bear the name: int() refuses more than 4300 digits.
            if key == b"WORKER_PORT" and value.isdigit() and len(value) <= 5:
                return slot_of_port(int(value), self._base_port)
        return None


def _one_each(
    matches: Mapping[int, Match], arguments: Mapping[int, tuple[str, ...]], stats: Mapping[int, ProcessStat]
) -> dict[int, Match]:
    """Keep one process of a parent and child with the same match.

    With the same command line the child is a fork, and the parent stays. Otherwise the parent is a wrapper
    (`uv run launch.py`), and the child stays.
    """
    kept = dict(matches)
    for pid, match in matches.items():
        parent = stats[pid].parent_pid
        if matches.get(parent) == match:
            kept.pop(pid if arguments[parent] == arguments[pid] else parent, None)
    return kept


def _trees(matches: Mapping[int, Match], stats: Mapping[int, ProcessStat]) -> dict[int, list[int]]:
    """Charge every process to the nearest match above it."""
    trees: dict[int, list[int]] = {pid: [] for pid in matches}
    for pid in stats:
        owner = next((up for up in ancestry(pid, stats) if up in matches), None)
        if owner is not None and owner != pid:
            trees[owner].append(pid)
    return trees


def _name(arguments: tuple[str, ...], stat: ProcessStat) -> str:
    """Return the command line in short, or the kernel's name where it shows none, as in the middle of exec."""
    shown = (os.path.basename(arguments[0]), *arguments[1:]) if any(arguments) else (stat.name,)
    return clean_masked(" ".join(mask_arguments(shown)), limit=_NAME_LIMIT)


def _by_role(known: _KnownProcess) -> tuple[int, int, float, int]:
    match = known.match
    return _ORDER.index(match.role), -1 if match.slot is None else match.slot, known.started_at, known.pid
