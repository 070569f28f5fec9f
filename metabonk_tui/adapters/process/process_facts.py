"""Reads the facts of processes that `ownership` judges. Does not: judge them, or signal a process."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping

from msgspec import Struct

from metabonk_tui.adapters.process.command_line import Program, parse_command
from metabonk_tui.adapters.process.ownership import PoolClaim, ProcessFacts
from metabonk_tui.adapters.process.pool_cgroup import CgroupMount
from metabonk_tui.adapters.process.proc import Proc, ProcessStat
from metabonk_tui.adapters.process.roles import Match, recognise
from metabonk_tui.adapters.process.sockets import ListenSocket, answering, listen_sockets, owned_links
from metabonk_tui.adapters.process.tree import TOKEN_VARIABLE
from metabonk_tui.core.config.schema import ProcessesConfig

SEAT_VARIABLES = frozenset(
    {
        *("TMUX", "TMUX_PANE", "STY", "ZELLIJ", "ZELLIJ_SESSION_NAME", "JPY_PARENT_PID", "JPY_SESSION_NAME"),
        *("SSH_TTY", "SSH_CONNECTION", "SSH_CLIENT", "WINDOWID", "TERM_PROGRAM", "VTE_VERSION", "KONSOLE_VERSION"),
        *("KITTY_WINDOW_ID", "ALACRITTY_WINDOW_ID", "WEZTERM_PANE", "GNOME_TERMINAL_SCREEN", "INSIDE_EMACS"),
        *("VSCODE_IPC_HOOK_CLI", "VSCODE_PID"),
    }
)
"""Variables that a terminal, a multiplexer, an editor or a notebook sets for what a person opens in it.

A launch passes none of them on, so a process with one was opened later. It keeps them when its terminal is closed.
"""
SERVICE_VARIABLES = frozenset({"SYSTEMD_EXEC_PID", "MANAGERPID", "DBUS_STARTER_ADDRESS", "DBUS_STARTER_BUS_TYPE"})
"""Variables that systemd and D-Bus set for what they start.

A compositor or desktop that a worker starts may export its whole environment to them, with the token
(`dbus-update-activation-environment --all`): from then on every service of the user bears it. A launch passes none of
these variables on, so a process with one is such a service.
"""


class Census(Struct, frozen=True):
    """The processes of the machine at one moment, with the facts of those that may concern the pool."""

    facts: Mapping[int, ProcessFacts]
    listeners: Mapping[int, int | None]
    """Wanted port with a listening socket → the pid that has it open; None: not visible."""
    listener_uids: frozenset[int] = frozenset()
    """The users of the listening sockets on wanted ports; the kernel shows them even of hidden processes."""
    mentions: frozenset[int] = frozenset()
    """Processes whose command line contains a worker's or an orchestrator's texts, whatever they run."""


class FactsReader:
    """Reads the facts of one pool's processes. For one thread at a time."""

    def __init__(self, proc: Proc, patterns: ProcessesConfig) -> None:
        self._proc = proc
        self._patterns = patterns

    def read(
        self, claim: PoolClaim, token: str | None, pids: Iterable[int] = (), *, sweep: bool = True, ports: bool = True
    ) -> Census:
        """Read all processes that may be the pool's, with their ancestors and descendants.

        `pids` are read in any case. `sweep` searches every process for the token, `ports` for the wanted ports.
        """
        found = (self._proc.stat(pid) for pid in self._proc.pids())
        stats = {stat.pid: stat for stat in found if stat is not None}
        lines = {pid: self._proc.arguments(pid) for pid, stat in stats.items() if not stat.of_kernel}
        roles = self._roles(lines, claim)
        sockets = listen_sockets()
        reached = answering(claim.host, claim.ports, sockets)
        links = {socket.link: socket for socket in sockets}
        mentions = {pid for pid, line in lines.items() if pid not in roles and self._mentions(line)}
        core = {pid for pid in (*pids, *roles, *mentions) if pid in stats}
        core |= {pid for pid, stat in stats.items() if claim.recorded == (pid, stat.start_ticks)}
        core |= {pid for pid, line in lines.items() if not self._why_other(pid, line, claim)}
        owners = self._owners(reached, core, stats if ports else core)
        core |= {pid for pid in owners.values() if pid is not None and pid in stats}
        if sweep and token is not None:
            core |= {pid for pid in lines if self._environment(pid, token)[0]}
        mount = CgroupMount()
        members = mount.members(claim.cgroup)
        core |= members & stats.keys()
        related = _with_relatives(core, stats)
        read = (
            self._read_one(stats[pid], lines.get(pid, ()), roles.get(pid), token, links, reached, pid in members)
            for pid in related
        )
        facts = {each.stat.pid: each for each in read if each is not None}
        listeners: dict[int, int | None] = {}
        for port, listening in reached.items():
            listeners[port] = next((owners[each.link] for each in listening if owners.get(each.link)), None)
        uids = frozenset(each.uid for listening in reached.values() for each in listening)
        return Census(facts, listeners, uids, frozenset(mentions & facts.keys()))

    def read_again(self, pid: int, claim: PoolClaim, token: str | None) -> Mapping[int, ProcessFacts]:
        """Read one process and its ancestors again; empty: it is gone."""
        chain: dict[int, ProcessFacts] = {}
        sockets = listen_sockets()
        reached = answering(claim.host, claim.ports, sockets)
        links = {socket.link: socket for socket in sockets}
        members = CgroupMount().members(claim.cgroup)
        stat = self._proc.stat(pid)
        while stat is not None and stat.pid not in chain:
            line = self._proc.arguments(stat.pid)
            role = self._roles({stat.pid: line}, claim).get(stat.pid)
            facts = self._read_one(stat, line, role, token, links, reached, stat.pid in members)
            if facts is None:
                break
            chain[stat.pid] = facts
            stat = self._proc.stat(stat.parent_pid) if stat.parent_pid > 0 else None
        return chain

    def _roles(self, lines: Mapping[int, tuple[str, ...]], claim: PoolClaim) -> dict[int, Match]:
        found = ((pid, recognise(line, self._patterns, claim.base_port)) for pid, line in lines.items())
        return {pid: match for pid, match in found if match is not None}

    def _mentions(self, line: tuple[str, ...]) -> bool:
        text = " ".join(line)
        patterns = (*self._patterns.worker, *self._patterns.orchestrator)
        return any(texts and all(each in text for each in texts) for texts in patterns)

    def _why_other(self, pid: int, line: tuple[str, ...], claim: PoolClaim) -> str:
        program = parse_command(line)
        if not line or not claim.command.may_be(program):
            return "another program"
        cwd = self._proc.working_directory(pid)
        return claim.command.why_other(program, cwd, self._path(pid, program, cwd))

    def _owners(
        self, reached: Mapping[int, Collection[ListenSocket]], first: Collection[int], then: Iterable[int]
    ) -> dict[str, int | None]:
        """Map each reached socket to a process that has it open; None: not found."""
        owners: dict[str, int | None] = {each.link: None for listening in reached.values() for each in listening}
        for pid in (*first, *(pid for pid in then if pid not in first)):
            if all(owner is not None for owner in owners.values()):
                break
            for link in owned_links(pid, owners):
                owners[link] = owners[link] or pid
        return owners

    def _path(self, pid: int, program: Program, cwd: str | None) -> str | None:
        """Return the absolute path of a script, or of a program given by a path, without symbolic links."""
        if program.kind in ("module", "command") or (program.kind == "program" and "/" not in program.entry):
            return None
        path = os.path.join(cwd or "", program.entry)
        return os.path.realpath(path) if path.startswith("/") and self._proc.is_path_shared(pid, path) else None

    def _environment(self, pid: int, token: str | None) -> tuple[bool, bool, bool]:
        """Return (bears the token, was started inside a multiplexer, is a service); all False if unreadable."""
        try:
            items = self._proc.environment(pid).split(b"\0")
        except OSError:
            return False, False, False
        bears = token is not None and f"{TOKEN_VARIABLE}={token}".encode() in items
        names = {item.partition(b"=")[0].decode(errors="replace") for item in items}
        return bears, bool(names & SEAT_VARIABLES), bool(names & SERVICE_VARIABLES)

    def _read_one(
        self,
        stat: ProcessStat,
        line: tuple[str, ...],
        role: Match | None,
        token: str | None,
        links: Mapping[str, ListenSocket],
        reached: Mapping[int, Collection[ListenSocket]],
        grouped: bool,
    ) -> ProcessFacts | None:
        """Read the facts of a process; None: it ended meanwhile, and some may be those of a later one with its pid."""
        bears, seated, served = (False,) * 3 if stat.of_kernel else self._environment(stat.pid, token)
        program = parse_command(line)
        cwd = self._proc.working_directory(stat.pid)
        # Only a worker is proved by its sockets; the open files of all others are left unread.
        owned = owned_links(stat.pid, links) if role is not None and role.role == "worker" else set()
        facts = ProcessFacts(
            stat,
            program,
            line,
            role,
            uid=self._proc.uid(stat.pid),
            cwd=cwd,
            script_path=self._path(stat.pid, program, cwd),
            net_ns=self._proc.link(stat.pid, "ns/net"),
            pid_ns=self._proc.link(stat.pid, "ns/pid"),
            container=self._proc.container(stat.pid),
            token=bears,
            grouped=grouped,
            seated=seated or stat.has_terminal,
            served=served,
            listens=tuple(
                sorted({(address, links[link].port) for link in owned for address in links[link].addresses}, key=str)
            ),
            reached=tuple(
                sorted(port for port, listening in reached.items() if any(each.link in owned for each in listening))
            ),
        )
        again = self._proc.stat(stat.pid)
        return facts if again is not None and again.start_ticks == stat.start_ticks else None


def _with_relatives(pids: Collection[int], stats: Mapping[int, ProcessStat]) -> set[int]:
    """Add the ancestors and descendants of these processes."""
    children: dict[int, list[int]] = {}
    for pid, stat in stats.items():
        children.setdefault(stat.parent_pid, []).append(pid)
    found: set[int] = set()
    waiting = list(pids)
    while waiting:
        pid = waiting.pop()
        if pid not in found:
            found.add(pid)
            waiting += children.get(pid, ())
    for pid in pids:
        while pid in stats and stats[pid].parent_pid in stats and stats[pid].parent_pid not in found:
            pid = stats[pid].parent_pid
            found.add(pid)
    return found
