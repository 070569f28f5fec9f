"""Describes an action on a pool: its title, its event, how many workers are wanted, what ran before it.

Does not: act, or read processes.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from metabonk_tui.adapters.pools.discover import PoolProcesses, workers_option
from metabonk_tui.adapters.pools.launch_record import LaunchRecord
from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.model.level_names import Severity
from metabonk_tui.core.model.pool import Launch, Plan, Resize, Restart, Stop, StopWorker
from metabonk_tui.core.model.sample import Event
from metabonk_tui.core.text.clean import clean_text
from metabonk_tui.core.text.mask import masked_command
from metabonk_tui.core.text.phrases import count_of


class Before(Struct, frozen=True):
    """What ran before a restart, so that a failed one does not lose it."""

    workers: int = 0
    hours: float | None = None
    command: tuple[str, ...] = ()
    """The arguments of the launcher; empty: no launcher was seen."""

    def text(self, call: str, verb: str) -> str:
        """Return what ran and the command that brings it back, to append to a problem; "" when nothing ran."""
        if not self.workers:
            return ""
        by = f" by {masked_command(self.command)}" if self.command else ""
        planned = f" --hours {self.hours:g}" if self.hours is not None else ""
        ran = f"before, {count_of(self.workers, 'worker')} ran{by}"
        return clean_text(f"; {ran}; to get them back: {call} {verb} {self.workers}{planned}", 1000)


def what_ran(record: LaunchRecord, running: PoolProcesses) -> Before:
    hours = record.hours if running.ours else None
    return Before(desired_workers(record, running) or len(running.workers), hours, running.launcher_arguments)


def desired_workers(record: LaunchRecord | None, running: PoolProcesses) -> int | None:
    """Return the wanted number of workers: from our launch, the launcher's arguments, else unknown."""
    if running.ours and record is not None and record.workers is not None:
        return record.workers
    # Those found may be fewer: a dead worker is still wanted.
    return workers_option(running.launcher_arguments)


def title(plan: Plan) -> str:
    action = plan.action
    match action:
        case Launch():
            return f"launch {count_of(action.workers, 'worker')}"
        case Restart():
            return f"restart {count_of(action.workers, 'worker')}"
        case Resize():
            return (
                f"resize {workers_hit(plan)} → {count_of(action.workers, 'worker')}"
                if plan.hits
                else f"resize to {count_of(action.workers, 'worker')}"
            )
        case Stop():
            return "stop the pool"
        case StopWorker():
            return f"stop worker {action.ref.slot} (pid {action.pid})"


def workers_hit(plan: Plan) -> int:
    return sum(hit.role == "worker" for hit in plan.hits)


def with_intent(record: LaunchRecord, plan: Plan) -> LaunchRecord:
    """Add the planned hours and the override reason to the record."""
    action = plan.action
    if not isinstance(action, Launch | Resize | Restart):
        return record
    reason = clean_text(action.override) if plan.overridden else ""
    return replace(record, hours=action.hours, override=reason, overridden=plan.overridden)


def event_of(plan: Plan, now_t: float, severity: Severity, text: str, facts: Mapping[str, str]) -> Event:
    """Return the event of an action that has ended."""
    action = plan.action
    counts = {"from": workers_hit(plan), "to": plan.start, "by": action.by}
    worker = None
    if isinstance(action, StopWorker):
        worker = action.ref
        counts = {"pid": action.pid, "by": action.by}
    kind = {Launch: EventKind.POOL_LAUNCH, Restart: EventKind.POOL_LAUNCH, Resize: EventKind.POOL_RESIZE}.get(
        type(action), EventKind.POOL_STOP
    )
    return Event(now_t, kind, severity, text, worker, {**counts, **facts})
