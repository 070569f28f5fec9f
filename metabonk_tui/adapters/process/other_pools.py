"""Finds which launchers and services in the process table belong to another pool on this machine.

What was decided of a process stays: when the workers of another pool end first, its launcher is still not ours.
Does not: read processes, or decide which of them may be signalled; `ownership` does.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping

from msgspec.structs import replace

from metabonk_tui.adapters.process.command_line import parse_command
from metabonk_tui.adapters.process.launch_command import LaunchCommand
from metabonk_tui.adapters.process.proc import ProcessStat
from metabonk_tui.adapters.process.resident import Identity
from metabonk_tui.adapters.process.roles import Match
from metabonk_tui.core.config.schema import Config


class OtherPools:
    """Marks processes of other pools, and remembers which launchers are ours and which are not."""

    def __init__(self, config: Config, working_directory: Callable[[int], str | None]) -> None:
        launcher = config.pool.launcher
        directory = os.path.realpath(os.path.expanduser(launcher.directory))
        self._command = LaunchCommand(directory, tuple(launcher.launch), tuple(launcher.stop))
        self._base_port = config.pool.base_port
        self._wanted = config.pool.workers
        self._working_directory = working_directory
        self._ours: set[Identity] = set()
        """Launchers that had a worker of ours."""
        self._foreign: set[Identity] = set()
        """Launchers of other pools, and what they launched, apart from workers."""

    def mark(
        self,
        matches: Mapping[int, Match],
        arguments: Mapping[int, tuple[str, ...]],
        stats: Mapping[int, ProcessStat],
    ) -> dict[int, Match]:
        """Mark as foreign each launcher whose workers all use another pool's ports, and all that it launched.

        A worker on a wanted port is ours. A higher port is ours if the worker's instance number agrees with it, or if
        its launcher has a worker on a wanted port.
        """
        identities = {pid: (pid, stats[pid].started_at) for pid in matches}
        launchers = {pid: launcher_above(pid, matches, stats) for pid in matches}
        workers = {pid: match for pid, match in matches.items() if match.role == "worker"}
        sure = {pid for pid, match in workers.items() if not match.foreign and self._is_sure(match)}
        self._ours |= {identities[up] for pid in sure if (up := launchers[pid]) is not None}
        ours = {pid for pid, identity in identities.items() if identity in self._ours}
        doubtful = {
            pid for pid, match in workers.items() if pid not in sure and (match.foreign or match.slot is not None)
        }
        doubtful = {pid for pid in doubtful if launchers[pid] not in ours}
        foreign = {launchers[pid] for pid in doubtful} - {None}
        foreign |= {
            pid
            for pid, match in matches.items()
            if match.role == "launcher" and pid not in ours and self._named_port(arguments[pid]) == "another"
        }
        others = {
            pid
            for pid, match in matches.items()
            if match.role not in ("ollama", "worker")
            and launchers[pid] not in ours
            and (launchers[pid] in foreign or identities[pid] in self._foreign)
        }
        self._ours &= set(identities.values())
        self._foreign = {identities[pid] for pid in others}
        others |= doubtful | {pid for pid in workers if launchers[pid] in foreign}
        return {pid: replace(match, foreign=True) if pid in others else match for pid, match in matches.items()}

    def unconfirmed(
        self,
        matches: Mapping[int, Match],
        arguments: Mapping[int, tuple[str, ...]],
        stats: Mapping[int, ProcessStat],
    ) -> set[int]:
        """Return the launchers of which only their command says that they are ours, and the services below them.

        Another sign is a worker of ours, our base port in the arguments, or our directory.
        """
        ours = {pid for pid, _ in self._ours}
        doubtful = {
            pid
            for pid, match in matches.items()
            if match.role == "launcher"
            and pid not in ours
            and self._named_port(arguments[pid]) != "ours"
            and self._working_directory(pid) != self._command.directory
        }
        return {
            pid
            for pid, match in matches.items()
            if match.role not in ("ollama", "worker") and launcher_above(pid, matches, stats) in doubtful
        }

    def _is_sure(self, match: Match) -> bool:
        return match.slot is not None and (match.numbered or match.slot < self._wanted)

    def _named_port(self, arguments: Iterable[str]) -> str:
        """Return whose base port a launcher's arguments name: "ours", "another"; "": none."""
        named = set(self._command.base_ports(parse_command(tuple(arguments)).arguments)) - {None}
        return "" if not named else "ours" if named == {self._base_port} else "another"


def ancestry(pid: int, stats: Mapping[int, ProcessStat]) -> Iterable[int]:
    """Yield a process and its ancestors, nearest first."""
    seen: set[int] = set()
    while pid in stats and pid not in seen:
        seen.add(pid)
        yield pid
        pid = stats[pid].parent_pid


def launcher_above(pid: int, matches: Mapping[int, Match], stats: Mapping[int, ProcessStat]) -> int | None:
    """Return the nearest launcher, the process itself included; None: there is none."""
    return next((up for up in ancestry(pid, stats) if up in matches and matches[up].role == "launcher"), None)
