"""Ends processes that are proved to be the pool's own, and reports survivors.

Does not: signal a process without a proof (`ownership`), or one that is no longer the process that was proved.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Mapping

from msgspec import Struct

from metabonk_tui.adapters.pools.discover import PoolWatch
from metabonk_tui.adapters.process.handles import handle_of
from metabonk_tui.adapters.process.ownership import Owned, ProcessFacts, ProcessIdentity, Proof, ancestry, judge
from metabonk_tui.adapters.process.proc import Proc, ProcessStat
from metabonk_tui.core.model.pool import TargetProcess
from metabonk_tui.core.text.clean import clean_text
from metabonk_tui.core.text.phrases import cut_list


def describe(target: TargetProcess) -> str:
    """Format a process for the operator: "worker 2 (pid 4711)"."""
    slot = f" {target.worker.written}" if target.worker is not None else ""
    role = target.name or "process" if target.role == "other" else f"{target.role}{slot}"
    return f"{role} (pid {target.pid})"


def describe_all(targets: Iterable[TargetProcess], most: int = 6) -> str:
    """Format the first `most` processes and a count of the others."""
    return cut_list([describe(target) for target in targets], most)


def came_back(targets: Iterable[TargetProcess], proc: Proc) -> str:
    """Name the processes that run again after a stop, and what starts their launcher again; "" for none."""
    found = [(target, stat) for target in targets if (stat := proc.stat(target.pid)) and stat.ref.same_as(target.ref)]
    if not found:
        return ""
    text = f"came back meanwhile: {', '.join(describe(target) for target, _ in found)}"
    above = {stat.parent_pid for target, stat in found if target.role == "launcher"} - {0, 1, os.getpid()}
    starters = [stat for pid in sorted(above) if (stat := proc.stat(pid)) is not None]
    return text + "".join(
        f"; {describe(as_target(stat))} starts the launcher again: end that first" for stat in starters
    )


def as_target(stat: ProcessStat) -> TargetProcess:
    """Convert a process without a known role."""
    return TargetProcess("other", stat.pid, stat.started_at, name=clean_text(stat.name, 32))


class _Proven(Struct, frozen=True):
    """A process that was proved to be ours, and what it ran then."""

    target: TargetProcess
    key: ProcessIdentity
    proof: Proof
    by: int
    command_line: tuple[str, ...]
    executable: str | None


class ProcessSet:
    """The processes that an action ends: the plan's hits that are ours, and what they started.

    `whole_pool`: every other process with the token or in the cgroup of our launch joins.
    """

    def __init__(
        self,
        hits: Iterable[TargetProcess],
        watch: PoolWatch,
        adopt: Iterable[int] = (),
        *,
        whole_pool: bool = True,
    ) -> None:
        self._watch = watch
        self._proc = watch.proc
        self._whole_pool = whole_pool
        self._known: dict[int, _Proven] = {}
        hits, adopted = tuple(hits), set(adopt)
        facts = watch.reader.read(watch.claim, watch.token, [hit.pid for hit in hits], sweep=False, ports=False).facts
        proven = {facts[hit.pid].key: Proof.ADOPTED for hit in hits if hit.pid in adopted & facts.keys()}
        verdicts = judge(facts, watch.with_proven(proven))
        self._unproven: list[TargetProcess] = []
        for hit in hits:
            verdict = verdicts.get(hit.pid)
            if not self.is_live(hit):
                continue
            if isinstance(verdict, Owned):
                self._remember(hit, facts[hit.pid], verdict)
            else:
                self._unproven.append(hit)

    def is_live(self, target: TargetProcess) -> bool:
        """Return whether the process with this pid and start time runs."""
        return self._proc.is_same(target.pid, target.started_at)

    def living(self) -> tuple[TargetProcess, ...]:
        """Return the known processes that still run."""
        return tuple(known.target for known in self._known.values() if self._runs(known))

    def left_alone(self) -> tuple[TargetProcess, ...]:
        """Return the live processes of the plan that are not signalled, because they were not proved to be ours."""
        return tuple(target for target in self._unproven if self.is_live(target))

    def refresh(self) -> tuple[TargetProcess, ...]:
        """Add what the known processes started since, and return the live processes.

        Remembers them, because a parent may be gone at the next call.
        """
        self._known = {pid: known for pid, known in self._known.items() if self._runs(known)}
        proven = {known.key: known.proof for known in self._known.values() if self._is_ours(known)}
        claim = self._watch.with_proven(proven)
        census = self._watch.reader.read(
            claim, self._watch.token, list(self._known), sweep=self._whole_pool, ports=False
        )
        for pid, verdict in judge(census.facts, claim).items():
            if not isinstance(verdict, Owned) or pid in self._known:
                continue
            # Another launcher that starts meanwhile is not in the plan, even if it were ours.
            left = self._whole_pool and verdict.proof in (Proof.TOKEN, Proof.CGROUP)
            if left or verdict.by in self._known or self._is_below_known(pid, census.facts):
                self._remember(as_target(census.facts[pid].stat), census.facts[pid], verdict)
        return self.living()

    def signal_all(self, number: signal.Signals) -> tuple[str, ...]:
        """Signal the live processes, supervisors before the processes they restart. Returns the errors."""
        order = {"launcher": 0, "other": 1, "orchestrator": 2, "worker": 3, "ollama": 4}
        self.refresh()
        refused = []
        for known in sorted(self._known.values(), key=lambda known: order[known.target.role]):
            error = self._signal(known, number)
            if error:
                refused.append(f"{describe(known.target)}: {error}")
        return tuple(refused)

    def _remember(self, target: TargetProcess, facts: ProcessFacts, verdict: Owned) -> None:
        executable = _executable(self._proc.link(target.pid, "exe"))
        self._known[target.pid] = _Proven(target, facts.key, verdict.proof, verdict.by, facts.command_line, executable)

    def _is_below_known(self, pid: int, facts: Mapping[int, ProcessFacts]) -> bool:
        """Return whether a known process started it. A service that one worker started serves the others as well."""
        for up in ancestry(pid, facts):
            known = self._known.get(up.stat.pid)
            if known is not None and known.key == up.key:
                return True
            if not self._whole_pool and up.role is not None and up.role.role != "worker":
                return False
        return False

    def _runs(self, known: _Proven) -> bool:
        stat = self._proc.stat(known.target.pid)
        return stat is not None and (stat.pid, stat.start_ticks) == known.key

    def _is_unchanged(self, known: _Proven) -> bool:
        """Return whether the process still runs what it ran when it was proved to be ours."""
        if self._proc.arguments(known.target.pid) != known.command_line:
            return False
        return _executable(self._proc.link(known.target.pid, "exe")) == known.executable

    def _is_ours(self, known: _Proven) -> bool:
        """Return whether the proof still holds. A process that runs another program now is judged again.

        What our launcher started, or what bears our token, stays ours: a fork of the launcher becomes a worker. The
        launcher itself does not: a person may replace it by a shell.
        """
        if self._is_unchanged(known):
            return True
        claim = self._watch.claim
        is_launcher = known.proof is Proof.LAUNCHER and known.by == known.target.pid
        if known.proof in (Proof.LAUNCHER, Proof.TOKEN, Proof.CGROUP) and not is_launcher:
            claim = self._watch.with_proven({known.key: known.proof})
        facts = self._watch.reader.read_again(known.target.pid, claim, self._watch.token)
        return isinstance(judge(facts, claim).get(known.target.pid), Owned)

    def _signal(self, known: _Proven, number: signal.Signals) -> str:
        """Signal this process, but no later one with the same pid. Returns an error; "" when sent or gone."""
        try:
            with handle_of(known.target.pid) as handle:
                # A handle refers to one process: what is checked now is what the signal reaches.
                if not self._runs(known):
                    return ""
                if not self._is_ours(known):
                    changed = "left alone: it runs another program since it was proved to be ours"
                    return changed if self._runs(known) else ""
                signal.pidfd_send_signal(handle, number)
        except ProcessLookupError:
            return ""
        except OSError as error:
            return error.strerror or str(error)
        return ""


def _executable(link: str | None) -> str | None:
    """Return the path of a program. The kernel marks one that was replaced since; the process is the same."""
    return None if link is None else link.removesuffix(" (deleted)")
