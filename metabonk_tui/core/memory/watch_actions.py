"""What the memory watch does when memory is critical: its words for people, and the plan that carries one out.

Refuses to decide when; and where a thing cannot be done it says so rather than do something else in silence.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass

from metabonk_tui.core.config.schema import MemoryWatchConfig
from metabonk_tui.core.model.pool import Action, Plan, Resize, Stop, StopWorker
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.text.numbers import age
from metabonk_tui.core.text.phrases import count_of

BY = "watch"
RESPONSES = {
    "alarm": "only an alarm",
    "stop-highest": "stop the highest slot",
    "resize": "resize to what fits",
    "stop": "stop the pool",
}
"""The words of `memory_watch.on_critical`, for people."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What would be done now, and why not something else."""

    plan: Plan | None
    """None: nothing can be done."""
    title: str
    """"resize 5 → 3 workers"; "" for nothing."""
    why_not: tuple[str, ...]
    """Why what the configuration names first cannot be done."""


def choose(rules: MemoryWatchConfig, snapshot: Snapshot, plan: Callable[[Action], Plan]) -> Choice:
    """Plan the response of the configuration, else its second one, and say why where there is none. May block."""
    why: list[str] = []
    for response in dict.fromkeys((rules.on_critical, rules.otherwise)):
        if response == "alarm":
            break
        action = intended(response, snapshot)
        if isinstance(action, str):
            why.append(f"{RESPONSES[response]}: {action}")
            continue
        planned = plan(action)
        if planned.mode == "refused":
            why.append(f"{RESPONSES[response]}: {planned.refusal or 'refused'}")
        elif planned.mode == "noop":
            why.append(f"{RESPONSES[response]}: {next(iter(planned.warnings), 'there is nothing to do')}")
        elif planned.respawns:
            why.append(f"{RESPONSES[response]}: the launcher would start it again at once")
        else:
            return Choice(planned, _title(action, snapshot), tuple(why))
    return Choice(None, "", tuple(why))


def intended(response: str, snapshot: Snapshot) -> Action | str:
    """Return the action of a response, or why it has none now."""
    alive = [worker for worker in snapshot.workers if worker.alive]
    if response == "stop":
        return Stop(BY)
    if response == "stop-highest":
        named = [w for w in alive if w.pid is not None and w.pid_started_at is not None]
        if not named:
            return "no worker's process is known"
        highest = max(named, key=lambda worker: worker.ref)
        assert highest.pid is not None
        assert highest.pid_started_at is not None
        return StopWorker(highest.ref, highest.pid, highest.pid_started_at, BY)
    now, budget = _workers(snapshot), snapshot.memory.budget
    if budget is None:
        return "it is not known how many fit"
    # Memory is critical with so many: as many again would be no help, whatever the arithmetic says.
    fewer = min(budget.fits, now - 1)
    if fewer < 1:
        return "not one worker fits" if budget.fits < 1 else "there is one worker only"
    return Resize(fewer, BY)


def _workers(snapshot: Snapshot) -> int:
    return snapshot.pool.desired or sum(worker.alive for worker in snapshot.workers)


def _title(action: Action, snapshot: Snapshot) -> str:
    if isinstance(action, Resize):
        return f"resize {_workers(snapshot)} → {count_of(action.workers, 'worker')}"
    return f"stop worker {action.ref.slot}" if isinstance(action, StopWorker) else "stop the pool"


def commands(plan: Plan) -> str:
    """Write a plan's commands on one line; "signals the processes" where it runs none."""
    return "; ".join(shlex.join(argv) for argv in plan.commands) or "signals its process"


def describe_rules(rules: MemoryWatchConfig) -> tuple[str, str, str]:
    """Say when the watch warns, when it is critical, and what it does then."""
    then = RESPONSES[rules.on_critical]
    if rules.on_critical != "alarm" and rules.otherwise != rules.on_critical:
        then += f", else {RESPONSES[rules.otherwise]}"
    return (
        f"below {rules.warn_gb:g} GB or an end forecast within {age(rules.warn_forecast_s)}, "
        f"held for {age(rules.warn_hold_s)}",
        f"below {rules.critical_gb:g} GB or an end forecast within {age(rules.critical_forecast_s)}, "
        f"held for {age(rules.critical_hold_s)}",
        then,
    )
