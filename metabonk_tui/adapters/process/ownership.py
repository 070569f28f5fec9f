"""Decides which processes are the pool's own and may be signalled, and names the proof or the reason why not.

Pure: `process_facts` reads what is judged here. Does not: signal a process, or trust a text in a command line alone.

A process is ours if one of these is proved, and nothing is on the list of `_never`:
- it is the pool's launcher or descends from it (LAUNCHER);
- it, or a process above it, bears the token of our launch (TOKEN);
- it is in the cgroup that a monitor made for this pool (CGROUP);
- it, or a process above it, is our worker by user, namespaces, module, directory and listening port (LISTENS);
- a person named it and typed a word for it (ADOPTED).
The nearest launcher above a process decides first: what another launcher started is another pool's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum
from itertools import takewhile

from msgspec import Struct, field

from metabonk_tui.adapters.process.command_line import Program, option
from metabonk_tui.adapters.process.keepers import REAPERS, kept_by
from metabonk_tui.adapters.process.launch_command import LaunchCommand, is_below
from metabonk_tui.adapters.process.proc import ProcessStat
from metabonk_tui.adapters.process.roles import Match, instance_of, port_of
from metabonk_tui.adapters.process.sockets import IpAddress, addresses_of


class Proof(StrEnum):
    """What proves that a process is the pool's own."""

    TOKEN = "token"
    CGROUP = "cgroup"
    LAUNCHER = "launcher"
    LISTENS = "listens"
    ADOPTED = "adopted"


class Owned(Struct, frozen=True):
    """The process is the pool's own; process `by` bears the proof."""

    proof: Proof
    by: int


class NotOurs(Struct, frozen=True):
    """The process is left alone."""

    reason: str
    adoptable: bool = False
    """Whether a person may adopt it by a typed word."""


OwnershipVerdict = Owned | NotOurs
ProcessIdentity = tuple[int, int]
"""A pid and its start in ticks since boot: one process of this boot."""


class ProcessFacts(Struct, frozen=True):
    """Everything that the decision uses of one process. None: it could not be read, and then proves nothing."""

    stat: ProcessStat
    program: Program
    command_line: tuple[str, ...] = ()
    role: Match | None = None
    uid: int | None = None
    cwd: str | None = None
    """The working directory, without symbolic links."""
    script_path: str | None = None
    """The absolute path of the script or program that it runs, without symbolic links."""
    net_ns: str | None = None
    pid_ns: str | None = None
    token: bool = False
    """It was started with the token of our launch."""
    grouped: bool = False
    """It is in the cgroup that a monitor made for our pool."""
    seated: bool = False
    """It was started inside a terminal multiplexer or on a terminal."""
    served: bool = False
    """systemd or D-Bus started it, or a process above it."""
    container: str = ""
    """The container that its cgroup names; "": none."""
    listens: tuple[tuple[IpAddress, int], ...] = ()
    """Addresses and ports of its listening sockets, in the monitor's network namespace."""
    reached: tuple[int, ...] = ()
    """Wanted ports of the pool on which a connection to the pool's host arrives here."""

    @property
    def is_later(self) -> bool:
        """Whether it was started after our launch by others: a person on a terminal, or a manager of services."""
        return self.seated or self.served

    @property
    def key(self) -> ProcessIdentity:
        return self.stat.pid, self.stat.start_ticks

    @property
    def keeper(self) -> str:
        """The name of the program if it keeps sessions; "" for any other."""
        return kept_by(self.command_line, self.stat.name, self.program)


class PoolClaim(Struct, frozen=True):
    """What the monitor may call its own: one pool, one user, one pair of namespaces."""

    host: str
    base_port: int
    wanted: int
    """Number of wanted slots; ports from base_port + wanted on prove nothing."""
    command: LaunchCommand
    uid: int
    net_ns: str | None
    pid_ns: str | None
    container: str = ""
    protected: Collection[int] = frozenset({0, 1})
    """The monitor, its ancestors and init."""
    cgroup: str | None = None
    """The cgroup in our launch record; None: the pool was launched into none of its own."""
    recorded: ProcessIdentity | None = None
    """The launcher in our launch record, if that exact process runs."""
    proven: Mapping[ProcessIdentity, Proof] = field(default_factory=dict)
    """Processes that are ours by an earlier decision, which their end or that of their launcher cannot undo."""

    @property
    def ports(self) -> range:
        return range(self.base_port, self.base_port + self.wanted)

    @property
    def name(self) -> str:
        return f"{self.host}:{self.base_port}"


def judge(facts: Mapping[int, ProcessFacts], claim: PoolClaim) -> dict[int, OwnershipVerdict]:
    """Judge every process of `facts`, which must contain the ancestors of each."""
    launchers = _judge_launchers(facts, claim)
    hosts = _terminal_hosts(facts)
    return {pid: _judge_process(each, facts, claim, launchers, pid in hosts) for pid, each in facts.items()}


def _judge_process(
    each: ProcessFacts,
    facts: Mapping[int, ProcessFacts],
    claim: PoolClaim,
    launchers: Mapping[int, OwnershipVerdict],
    is_host: bool,
) -> OwnershipVerdict:
    """Walk up from the process: the nearest launcher decides, and the walk ends where sessions are kept."""
    never = _never(each, claim)
    if never:
        return NotOurs(never)
    chain: list[ProcessFacts] = []
    foreign: NotOurs | None = None
    inherited = True
    for above in ancestry(each.stat.pid, facts):
        pid = above.stat.pid
        if pid in claim.protected or (above.keeper and above is not each):
            # What a person opened in a tmux server that the pool once started bears the token as well.
            inherited = not (above.token or above.grouped) or above.keeper in REAPERS or pid in claim.protected
            break
        chain.append(above)
        if pid in launchers:
            verdict = launchers[pid]
            if isinstance(verdict, Owned):
                return Owned(Proof.LAUNCHER, pid)
            foreign = NotOurs(
                verdict.reason if above is each else f"was started by pid {pid}, which {verdict.reason}",
                adoptable=True,
            )
            break
    if (proven := next((above for above in chain if above.key in claim.proven), None)) is not None:
        return Owned(claim.proven[proven.key], proven.stat.pid)
    if each.uid != claim.uid:
        return NotOurs(_other_user(each), adoptable=claim.uid == 0)
    if foreign is not None:
        return foreign
    # A container that shares our state directory launches its own pool with our token, and we read its record.
    near = [up for up in chain if not _why_elsewhere(up, claim)]
    # From the first process with a terminal on, a person works in what our launch left.
    started = [up for up in takewhile(lambda up: not up.is_later, chain) if up in near]
    inherited = inherited and not is_host
    if inherited and (bearer := next((up for up in started if up.token), None)) is not None:
        return Owned(Proof.TOKEN, bearer.stat.pid)
    if inherited and each in near and each.grouped and not any(up.is_later for up in chain):
        return Owned(Proof.CGROUP, each.stat.pid)
    if (worker := next((up for up in chain if not _why_no_worker(up, claim)), None)) is not None:
        return Owned(Proof.LISTENS, worker.stat.pid)
    if each.token:
        use = "keeps a terminal" if is_host else "was opened in a terminal"
        opened = "was started by systemd or D-Bus" if each.served else f"{use} that a person uses"
        why = _why_elsewhere(each, claim) or opened
        return NotOurs(f"bears the pool's token, but {why}", adoptable=True)
    return NotOurs(_why_no_worker(each, claim), adoptable=True)


def ancestry(pid: int, facts: Mapping[int, ProcessFacts]) -> Iterator[ProcessFacts]:
    """Yield a process and its ancestors, nearest first.

    A parent never starts after its child: one that did has the pid of a parent that ended while we read.
    """
    seen: set[int] = set()
    start_ticks = None
    while pid in facts and pid not in seen:
        if start_ticks is not None and facts[pid].stat.start_ticks > start_ticks:
            return
        seen.add(pid)
        yield facts[pid]
        pid, start_ticks = facts[pid].stat.parent_pid, facts[pid].stat.start_ticks


def _terminal_hosts(facts: Mapping[int, ProcessFacts]) -> set[int]:
    """Return the processes without a terminal that started one with a terminal: it would end with them."""
    seated = [pid for pid, each in facts.items() if each.seated]
    return {up.stat.pid for pid in seated for up in ancestry(pid, facts) if not up.seated}


def _never(each: ProcessFacts, claim: PoolClaim) -> str:
    """Return why this process is never signalled, whatever else is proved; "" when nothing forbids it."""
    if each.stat.pid in claim.protected or each.stat.pid <= 1:
        return "is this monitor, or started it"
    if each.stat.of_kernel:
        return "is a thread of the kernel"
    if each.keeper:
        return f"is {each.keeper}, which keeps sessions or serves the machine"
    return ""


def _why_no_worker(each: ProcessFacts, claim: PoolClaim) -> str:
    """Return which condition of LISTENS is not proved; "" when every one is."""
    if each.uid != claim.uid:
        return _other_user(each)
    if (why := _why_elsewhere(each, claim)) != "":
        return why
    if each.role is None or each.role.role != "worker" or not each.program.is_python:
        return "is no interpreter that runs the worker's module"
    script = each.script_path if each.program.kind == "script" else None
    if not is_below(each.cwd, claim.command.directory) and not is_below(script, claim.command.directory):
        return f"runs in {each.cwd or 'a directory that cannot be read'}, not below {claim.command.directory}"
    if not each.reached:
        other = next((address for address, port in each.listens if port in claim.ports), None)
        return f"does not listen on a wanted port of {claim.name}{f', but on {other}' if other is not None else ''}"
    port, instance = port_of(each.program.arguments), instance_of(each.program.arguments)
    if port is not None and port not in each.reached:
        return f"was started for port {port}, which is no port of {claim.name}"
    if instance is not None and claim.base_port + instance not in each.reached:
        return f"is instance {instance} of another pool than {claim.name}"
    return ""


def _why_elsewhere(each: ProcessFacts, claim: PoolClaim) -> str:
    """Return why the process is not proved to share our network and pid namespaces; "" when it does."""
    if each.net_ns is None or claim.net_ns is None or each.pid_ns is None or claim.pid_ns is None:
        return "has namespaces that cannot be read"
    if each.net_ns != claim.net_ns:
        return "runs in another network namespace (a container)"
    if each.pid_ns != claim.pid_ns:
        return "runs in another pid namespace (a container)"
    if each.container != claim.container:
        return f"runs in {f'the container {each.container[:24]}' if each.container else 'no container, and we do'}"
    return ""


def _other_user(each: ProcessFacts) -> str:
    return "belongs to a user that cannot be read" if each.uid is None else f"belongs to user id {each.uid}"


# Launchers


def _judge_launchers(facts: Mapping[int, ProcessFacts], claim: PoolClaim) -> dict[int, OwnershipVerdict]:
    """Judge every process that looks like a launcher: a verdict for each, the outer ones first."""
    like = {pid: each for pid, each in facts.items() if _is_like_launcher(each, claim)}
    workers = _workers_by_launcher(facts, like)
    compared = {pid: _compare_ports(each, workers.get(pid, []), claim) for pid, each in like.items()}
    verdicts: dict[int, OwnershipVerdict] = {}
    # A launcher whose worker answers on our port leaves no room for one that only has the same arguments.
    answers = any(strength == _ANSWERS for _, strength in compared.values())
    for pid in sorted(like, key=lambda pid: len(list(ancestry(pid, facts)))):
        each = like[pid]
        outer = next((up.stat.pid for up in ancestry(pid, facts) if up.stat.pid in like and up is not each), None)
        why, strength = compared[pid]
        if never := _never(each, claim):
            verdicts[pid] = NotOurs(never)
        elif each.key == claim.recorded and each.token and not _why_elsewhere(each, claim):
            verdicts[pid] = Owned(Proof.LAUNCHER, pid)
        elif why:
            verdicts[pid] = NotOurs(why)
        elif outer is not None:
            above = verdicts[outer]
            verdicts[pid] = (
                above if isinstance(above, Owned) else NotOurs(f"descends from pid {outer}: {above.reason}")
            )
        elif each.token and not each.is_later and each.uid == claim.uid and not _why_elsewhere(each, claim):
            verdicts[pid] = Owned(Proof.TOKEN, pid)
        elif why := _why_not_our_command(each, claim):
            verdicts[pid] = NotOurs(why)
        elif strength == _ANSWERS or (strength == _NAMES_PORT and not answers):
            verdicts[pid] = Owned(Proof.LAUNCHER, pid)
        else:
            verdicts[pid] = NotOurs("runs our command in our directory, but no port shows for which pool")
    return verdicts


def _is_like_launcher(each: ProcessFacts, claim: PoolClaim) -> bool:
    if each.key == claim.recorded:
        return True
    if each.role is not None and each.role.role != "launcher":
        return False
    return each.role is not None or not claim.command.why_other(each.program, each.cwd, each.script_path)


def _workers_by_launcher(
    facts: Mapping[int, ProcessFacts], like: Mapping[int, ProcessFacts]
) -> dict[int, list[ProcessFacts]]:
    found: dict[int, list[ProcessFacts]] = {}
    for pid, each in facts.items():
        if each.role is not None and each.role.role == "worker":
            for above in ancestry(pid, facts):
                if above.stat.pid in like:
                    found.setdefault(above.stat.pid, []).append(each)
    return found


def _why_not_our_command(each: ProcessFacts, claim: PoolClaim) -> str:
    if each.uid != claim.uid:
        return _other_user(each)
    if why := _why_elsewhere(each, claim) or claim.command.why_other(each.program, each.cwd, each.script_path):
        return why
    return "names no base port" if None in claim.command.base_ports(each.program.arguments) else ""


_NAMES_PORT, _ANSWERS = 1, 2
"""How strongly a launcher's ports speak for the claim: by its arguments, or by a worker that a connection reaches."""


def _compare_ports(each: ProcessFacts, workers: list[ProcessFacts], claim: PoolClaim) -> tuple[str, int]:
    """Compare a launcher's ports with the claim's. Returns (why it launched another pool, how strongly they agree)."""
    strength = 0
    for base_port in claim.command.base_ports(each.program.arguments):
        if base_port is not None and base_port != claim.base_port:
            return f"launched the pool on port {base_port}", 0
        strength = max(strength, _NAMES_PORT if base_port is not None else 0)
    host = addresses_of(option(each.program.arguments, "--host") or "0.0.0.0")
    if not set(host) & set(addresses_of(claim.host)):
        return "launched a pool on another host address", 0
    count = claim.command.workers(each.program.arguments) or max(claim.wanted, len(workers))
    for worker in workers:
        port = _port_of_worker(worker)
        if port is None:
            continue
        instance = instance_of(worker.program.arguments)
        slot = port - claim.base_port
        if (instance is not None and slot != instance) or not 0 <= slot < count:
            return f"has a worker on port {port}, which is another pool's", 0
        bound = [address for address, bound_port in worker.listens if bound_port == port]
        if bound and not _arrives(bound, claim.host):
            return f"has a worker on {bound[0]}:{port}, which is another pool's", 0
        strength = max(strength, _ANSWERS if bound else _NAMES_PORT)
    return "", strength


def _port_of_worker(worker: ProcessFacts) -> int | None:
    port = port_of(worker.program.arguments)
    bound = {bound_port for _, bound_port in worker.listens}
    return port if port is not None or len(bound) != 1 else bound.pop()


def _arrives(bound: list[IpAddress], host: str) -> bool:
    """Return whether a connection to the host can arrive at a socket on one of these addresses."""
    wanted = addresses_of(host)
    versions = {address.version for address in wanted}
    return any(address in wanted or (address.is_unspecified and address.version in versions) for address in bound)
