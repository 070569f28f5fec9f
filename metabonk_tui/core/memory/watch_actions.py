"""Plans what the memory watch does when memory is critical, and formats it for people.

Does not: decide when to act, or replace an impossible response silently.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from metabonk_tui.core.config.schema import MemoryWatchConfig
from metabonk_tui.core.model.pool import Action, Plan, Resize, Stop, StopWorker
from metabonk_tui.core.model.refs import ONLY_HOST, HostName
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.text.mask import masked_command
from metabonk_tui.core.text.numbers import age
from metabonk_tui.core.text.phrases import count_of

BY = "watch"
RESPONSES = {
    "alarm": "only an alarm",
    "stop-highest": "stop the highest slot",
    "resize": "resize to what fits",
    "stop": "stop the pool",
}
"""Text for each value of `memory_watch.on_critical`."""


class Choice(Struct, frozen=True):
    """The plan that would be carried out now, and why other responses are impossible."""

    plan: Plan | None
    """None: no response is possible."""
    title: str
    """"resize 5 → 3 workers"; "" without a plan."""
    why_not: tuple[str, ...]
    """Why the responses that the configuration prefers are impossible."""


def choose(
    rules: MemoryWatchConfig, snapshot: Snapshot, plan: Callable[[Action], Plan], host: HostName | None = None
) -> Choice:
    """Plan the configured response, else the second one; give the reason for each failure. May block.

    `host`: the one on which memory is critical, and the only one that is acted on; None: the worst one.
    """
    host = snapshot.memory.host if host is None else host
    why: list[str] = []
    for response in dict.fromkeys((rules.on_critical, rules.otherwise)):
        if response == "alarm":
            break
        action = intended(response, snapshot, host)
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
            return Choice(planned, _title(action, snapshot, host), tuple(why))
    return Choice(None, "", tuple(why))


def intended(response: str, snapshot: Snapshot, host: HostName = ONLY_HOST) -> Action | str:
    """Return the action of a response on one host, or the reason why none is possible."""
    alive = [worker for worker in snapshot.workers if worker.alive and worker.ref.host == host]
    only = (host,) if host != ONLY_HOST else ()
    if response == "stop":
        return Stop(BY, hosts=only)
    if response == "stop-highest":
        named = [w for w in alive if w.pid is not None and w.pid_started_at is not None]
        if not named:
            return "no worker's process is known"
        highest = max(named, key=lambda worker: worker.ref)
        assert highest.pid is not None
        assert highest.pid_started_at is not None
        return StopWorker(highest.ref, highest.pid, highest.pid_started_at, BY)
    now, budget = _workers(snapshot, host), snapshot.hosts[host].memory.budget
    if budget is None:
        return "it is not known how many fit"
    # Memory is critical with `now` workers: the same number again would not help, whatever the budget allows.
    fewer = min(budget.fits, now - 1)
    if fewer < 1:
        return "not one worker fits" if budget.fits < 1 else "there is one worker only"
    return Resize(fewer, BY, hosts=only)


def _workers(snapshot: Snapshot, host: HostName) -> int:
    link = snapshot.hosts[host].link
    wanted = snapshot.pool.desired if link is None else link.workers
    return wanted or sum(worker.alive and worker.ref.host == host for worker in snapshot.workers)


def _title(action: Action, snapshot: Snapshot, host: HostName) -> str:
    where = f" on {host}" if host != ONLY_HOST else ""
    if isinstance(action, Resize):
        return f"resize {_workers(snapshot, host)} → {count_of(action.workers, 'worker')}{where}"
    if isinstance(action, StopWorker):
        return f"stop worker {action.ref.label if host != ONLY_HOST else action.ref.slot}"
    return f"stop the pool{where}"


def commands(plan: Plan) -> str:
    """Format the commands of a plan on one line; "signals its process" when the plan runs none."""
    return "; ".join(masked_command(argv) for argv in plan.commands) or "signals its process"


def describe_rules(rules: MemoryWatchConfig) -> tuple[str, str, str]:
    """Return three texts: when the watch warns, when memory is critical, and the response."""
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
