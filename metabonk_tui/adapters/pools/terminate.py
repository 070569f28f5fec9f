"""Ends processes identified by pid and start time, and reports survivors.

Does not: signal a process outside the plan, its descendants, and the holders of the pool's token.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable

from metabonk_tui.adapters.process.proc import Proc, ProcessStat
from metabonk_tui.adapters.process.tree import descendants, own_ancestry, processes_with_token
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


def as_target(stat: ProcessStat) -> TargetProcess:
    """Convert a process without a known role."""
    return TargetProcess("other", stat.pid, stat.started_at, name=clean_text(stat.name, 32))


class ProcessSet:
    """The processes that an action ends: the plan's hits, their descendants, and the holders of the token."""

    def __init__(self, hits: Iterable[TargetProcess], token: str | None, proc: Proc) -> None:
        self._proc = proc
        self._token = token
        self._protected_pids = own_ancestry(proc)
        self._known = {hit.pid: hit for hit in hits if hit.pid not in self._protected_pids}

    def is_live(self, target: TargetProcess) -> bool:
        """Return whether the process with this pid and start time runs."""
        return self._proc.is_same(target.pid, target.started_at)

    def living(self) -> tuple[TargetProcess, ...]:
        """Return the known processes that still run."""
        return tuple(target for target in self._known.values() if self.is_live(target))

    def refresh(self) -> tuple[TargetProcess, ...]:
        """Add new descendants and token holders, and return the live processes.

        Remembers them, because a parent may be gone at the next call.
        """
        living = self.living()
        self._known = {target.pid: target for target in living}
        self._remember(descendants(self._proc, [target.pid for target in living]))
        if self._token is not None:
            self._remember(processes_with_token(self._proc, self._token))
        return self.living()

    def signal_all(self, number: signal.Signals) -> tuple[str, ...]:
        """Signal the live processes, supervisors before the processes they restart. Returns the errors."""
        order = {"launcher": 0, "other": 1, "orchestrator": 2, "worker": 3, "ollama": 4}
        refused = []
        for target in sorted(self.refresh(), key=lambda target: order[target.role]):
            error = self._signal(target, number)
            if error:
                refused.append(f"{describe(target)}: {error}")
        return tuple(refused)

    def _remember(self, stats: Iterable[ProcessStat]) -> None:
        for stat in stats:
            if stat.pid not in self._protected_pids:
                self._known.setdefault(stat.pid, as_target(stat))

    def _signal(self, target: TargetProcess, number: signal.Signals) -> str:
        """Signal this process, but no later one with the same pid. Returns an error; "" when sent or gone."""
        try:
            handle = os.pidfd_open(target.pid)
        except ProcessLookupError:
            return ""
        except OSError as error:
            return error.strerror or str(error)
        try:
            # A pidfd refers to one process: a match now stays a match.
            if self.is_live(target):
                signal.pidfd_send_signal(handle, number)
        except ProcessLookupError:
            return ""
        except OSError as error:
            return error.strerror or str(error)
        finally:
            os.close(handle)
        return ""
