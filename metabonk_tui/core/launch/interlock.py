"""Judges whether a launch is allowed: conditions that block it unless the operator overrides them with a reason.

Pure. A long run needs the whole checklist; a short run needs only the absence of known failures.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.launch.checklist import ChecklistItem, CheckState, format_item, is_reason
from metabonk_tui.core.launch.preflight import (
    PreflightView,
    env_file_item,
    id_of_test,
    kept_tests_item,
    memory_item,
    processes_item,
)
from metabonk_tui.core.model.pool import Action, Launch, Resize, Restart
from metabonk_tui.core.model.refs import ONLY_HOST, HostName
from metabonk_tui.core.model.snapshot import Snapshot, VerdictKind

LONG_RUN_WORDS = (VerdictKind.LAUNCH_24H, VerdictKind.SUCCESS)
FRESH_S = 600.0
"""Seconds on the run's clock for which findings of a preflight can block a launch."""
REPLACED = frozenset({"memory", "env-processes"})
"""Findings of a preflight that block no launch: memory is judged again, and the processes are replaced."""


BUDGET_KEPT_S = 60.0
"""Seconds on the run's clock for which a known budget of memory counts where it is not known now."""


class InterlockResult(Struct, frozen=True):
    """Whether an action that starts workers is allowed."""

    items: tuple[ChecklistItem, ...] = ()
    """All items judged for the action."""
    blocking: tuple[ChecklistItem, ...] = ()
    """Items that block the action."""
    reason: str = ""
    """Why the operator overrides the block; "" without an override or a sufficient reason."""

    @property
    def closed(self) -> bool:
        """Whether the action is refused."""
        return bool(self.blocking) and not self.reason

    @property
    def why(self) -> str:
        """The blocking items in one line."""
        return "; ".join(format_item(item) for item in self.blocking)

    @property
    def overridden(self) -> tuple[str, ...]:
        """The blocking items that the operator overrode, one text each."""
        return tuple(format_item(item) for item in self.blocking) if self.reason else ()


def check_interlock(
    action: Action,
    snapshot: Snapshot | None,
    preflight: PreflightView | None,
    config: Config,
    *,
    watch_returns: str = "",
) -> InterlockResult:
    """Judge an action; only a launch, resize or restart can be refused.

    `watch_returns`: the monitor that lent this one the control of the pool, and arms its memory watch again.
    """
    if not isinstance(action, Launch | Resize | Restart):
        return InterlockResult()
    if action.by == "watch":
        # The watch shrinks a pool whose memory is ending: a refusal would end in an OOM kill.
        return InterlockResult()
    reason = action.override.strip() if is_reason(action.override) else ""
    stays_open = action.by != "cli"
    long = is_long(action.hours, config)
    items: tuple[ChecklistItem, ...] = ()
    if long:
        items = checklist(
            snapshot,
            preflight,
            action.workers,
            config,
            stays_open=stays_open,
            watch_returns=watch_returns,
            hosts=action.hosts,
        )
    if items:
        blocking = [item for item in items if item.standing != "PASS"]
        known = {item.id for item in blocking}
        known_failures = [
            item for item in _known_failures(action, snapshot, preflight, config) if item.id not in known
        ]
        return InterlockResult((*items, *known_failures), (*blocking, *known_failures), reason)
    known_failures = _known_failures(action, snapshot, preflight, config)
    return InterlockResult(tuple(known_failures), tuple(known_failures), reason)


def with_last_budget(snapshot: Snapshot, last: Snapshot | None) -> Snapshot:
    """Return a Snapshot with the budget of `last` where its own is not known and the other is no older than a minute.

    A host that thrashes answers late. Without this, one late reading would open the door to a launch beyond memory.
    """
    if snapshot.memory.budget is not None or last is None or not 0 <= snapshot.t - last.t <= BUDGET_KEPT_S:
        return snapshot
    hosts = {
        name: replace(host, memory=replace(host.memory, budget=known.memory.budget))
        if host.memory.budget is None and (known := last.hosts.get(name)) is not None
        else host
        for name, host in snapshot.hosts.items()
    }
    return replace(snapshot, hosts=hosts)


def is_long(hours: float | None, config: Config) -> bool:
    """Return whether a run of `hours` is more than a validation: longer than gameplay may take."""
    return hours is not None and hours * 3600 > config.clock.gameplay_s


def _known_failures(
    action: Launch | Resize | Restart, snapshot: Snapshot | None, preflight: PreflightView | None, config: Config
) -> list[ChecklistItem]:
    """List the known failures."""
    found = [memory_on_hosts(snapshot, action.workers, action.hosts, is_resize=isinstance(action, Resize))]
    now_t = snapshot.t if snapshot else None
    found.append(kept_tests_item(config, preflight.tests if preflight else (), now_t))
    if preflight is not None and now_t is not None and preflight.began_t is not None:
        since_t = preflight.ended_t if preflight.ended_t is not None else now_t
        tests = {id_of_test(test.name) for test in config.preflight.test}
        if now_t - since_t <= FRESH_S:
            found += [item for item in preflight.items if item.id not in REPLACED | tests]
    return [item for item in found if item.standing == "FAIL"]


def memory_on_hosts(
    snapshot: Snapshot | None, workers: int, hosts: tuple[HostName, ...] = (), *, is_resize: bool = False
) -> ChecklistItem:
    """Judge whether so many workers fit into the memory of each of these hosts, `()`: all; the worst one decides.

    A resize to fewer workers than run there now needs no memory: it frees some.
    """
    if snapshot is None:
        return memory_item(None, workers)
    if snapshot.pool.placed:
        # The budget is that of one node, and the engine of a cluster places each worker where its memory is free.
        return memory_item(None, workers)
    items = []
    for name in hosts or tuple(snapshot.hosts):
        running = sum(worker.alive and worker.ref.host == name for worker in snapshot.workers)
        if is_resize and workers < running:
            continue
        host = snapshot.hosts.get(name)
        # A restart of several hosts names no number: each keeps its own.
        wanted = workers or (host.link.workers if host is not None and host.link is not None else 0)
        item = memory_item(host.memory.budget if host is not None else None, wanted)
        if name != ONLY_HOST:
            item = replace(item, evidence=tuple(f"{name}: {line}" for line in item.evidence))
        items.append(item)
    if not items:
        return ChecklistItem("memory", "workers against memory", "PASS", ("fewer than run now",))
    worst = next((s for s in ("FAIL", "UNKNOWN") if any(item.standing == s for item in items)), "PASS")
    decisive = [item for item in items if item.standing == worst]
    return replace(decisive[0], evidence=tuple(line for item in decisive for line in item.evidence))


def checklist(
    snapshot: Snapshot | None,
    preflight: PreflightView | None,
    workers: int,
    config: Config,
    *,
    stays_open: bool,
    watch_returns: str = "",
    hosts: tuple[HostName, ...] = (),
) -> tuple[ChecklistItem, ...]:
    """Judge each condition of a long run, in the order in which a run proves them.

    `stays_open`: the program keeps running. A command that ends with the launch records nothing of the run.
    """
    return (
        kept_tests_item(config, preflight.tests if preflight else (), snapshot.t if snapshot else None),
        _environment(snapshot, config),
        memory_on_hosts(snapshot, workers, hosts),
        _components(snapshot),
        _word(snapshot),
        _gameplay(snapshot),
        _stable(snapshot),
        _kills(snapshot),
        _recorder(snapshot, stays_open),
        _watch(snapshot, watch_returns),
    )


def _environment(snapshot: Snapshot | None, config: Config) -> ChecklistItem:
    item_id, title = "environment", "environment verified"
    if snapshot is None:
        return ChecklistItem(item_id, title, "UNKNOWN", (NOTHING_SEEN,))
    parts = (
        env_file_item(config, snapshot.env_file),
        processes_item(config, snapshot.env_file, snapshot.workers),
    )
    worst: tuple[CheckState, ...] = ("FAIL", "UNKNOWN")
    for standing in worst:
        bad = [item for item in parts if item.standing == standing]
        if bad:
            evidence = tuple(line for item in bad for line in item.evidence)
            return ChecklistItem(item_id, title, standing, evidence, bad[0].fix)
    silent = [worker.ref for worker in snapshot.workers if not worker.alive]
    if any(item.standing != "PASS" for item in parts) or silent:
        # Without a requirement or a process, nothing was verified.
        why = tuple(line for item in parts if item.standing != "PASS" for line in item.evidence)
        not_running = (f"{', '.join(ref.label for ref in silent)} not running",) if silent else ()
        return ChecklistItem(item_id, title, "UNKNOWN", why + not_running, "let every worker run first")
    return ChecklistItem(item_id, title, "PASS", tuple(line for item in parts for line in item.evidence))


def _components(snapshot: Snapshot | None) -> ChecklistItem:
    item_id, title = "components", "components non-zero"
    if snapshot is None or not snapshot.workers:
        return ChecklistItem(item_id, title, "UNKNOWN", (NOTHING_SEEN,))
    every: dict[str, bool] = {}
    for component in (c for worker in snapshot.workers for c in worker.components):
        every[component.title] = every.get(component.title, False) or component.shown_in_run
    if not every:
        return ChecklistItem(item_id, title, "UNKNOWN", ("no component is configured",))
    missing = [name for name, has_shown in every.items() if not has_shown]
    if not missing:
        return ChecklistItem(item_id, title, "PASS", (f"{len(every)}/{len(every)} have shown in this run",))
    seen_silent = [
        name
        for name in missing
        if any(
            c.title == name and c.window_activity == "silent" for worker in snapshot.workers for c in worker.components
        )
    ]
    standing: CheckState = "FAIL" if seen_silent else "UNKNOWN"
    lines = (f"never shown in this run: {', '.join(missing)}",)
    return ChecklistItem(item_id, title, standing, lines, "go on validating until all have shown")


def _word(snapshot: Snapshot | None) -> ChecklistItem:
    """A long run needs the word that says so: it also knows which workers are down and how the gate ended."""
    item_id, title = "verdict", "LAUNCH 24H or SUCCESS"
    if snapshot is None:
        return ChecklistItem(item_id, title, "UNKNOWN", (NOTHING_SEEN,))
    kind = snapshot.verdict.kind
    if snapshot.verdict.ended is not None:
        return ChecklistItem(
            item_id, title, "FAIL", (f"the run is over, its word was {kind}",), "watch a running pool first"
        )
    if kind in LONG_RUN_WORDS:
        return ChecklistItem(item_id, title, "PASS", (kind.value,))
    standing: CheckState = "UNKNOWN" if kind.level == "unknown" else "FAIL"
    return ChecklistItem(item_id, title, standing, (f"it is {kind.value}",), "do what NEXT says, then look again")


def _gameplay(snapshot: Snapshot | None) -> ChecklistItem:
    item_id, title = "gameplay", "a worker reached gameplay"
    if snapshot is None or not snapshot.workers:
        return ChecklistItem(item_id, title, "UNKNOWN", (NOTHING_SEEN,))
    reached = [worker.ref.label for worker in snapshot.workers if worker.gameplay.reached_t is not None]
    total = len(snapshot.workers)
    if reached:
        return ChecklistItem(item_id, title, "PASS", (f"{', '.join(reached)} of {total}, corroborated",))
    claimed = [worker.ref.label for worker in snapshot.workers if worker.gameplay.started]
    if claimed:
        return ChecklistItem(
            item_id, title, "UNKNOWN", (f"{', '.join(claimed)} say so, but no second sign",), "wait for one"
        )
    if any(worker.gameplay.started is None for worker in snapshot.workers):
        return ChecklistItem(item_id, title, "UNKNOWN", ("not every worker says whether it has",))
    return ChecklistItem(item_id, title, "FAIL", (f"0 of {total} workers",), "wait until one has")


def _stable(snapshot: Snapshot | None) -> ChecklistItem:
    item_id, title = "memory-stable", "memory stable"
    nodes = snapshot.verdict.nodes if snapshot else ()
    for node in nodes:
        if node.id == "memory":
            standings: dict[str, CheckState] = {"yes": "PASS", "no": "FAIL"}
            return ChecklistItem(
                item_id, title, standings.get(node.answer, "UNKNOWN"), node.evidence, "fewer workers, or wait"
            )
    return ChecklistItem(item_id, title, "UNKNOWN", (NOTHING_SEEN,))


def _kills(snapshot: Snapshot | None) -> ChecklistItem:
    item_id, title = "oom", "no OOM kill"
    if snapshot is not None and snapshot.memory.oom_kills_in_run:
        evidence = (f"{snapshot.memory.oom_kills_in_run} in this run",)
        return ChecklistItem(item_id, title, "FAIL", evidence, "relaunch as many as fit: a new run counts anew")
    if snapshot is not None and snapshot.memory.other_kills_in_run:
        evidence = (f"{snapshot.memory.other_kills_in_run} in the workers' memory, of another process",)
        return ChecklistItem(item_id, title, "FAIL", evidence, "find out what else takes the workers' memory")
    if snapshot is not None and snapshot.memory.kernel.kills:
        evidence = (f"{snapshot.memory.kernel.kills} in this run before the first look, by the kernel's log",)
        return ChecklistItem(item_id, title, "FAIL", evidence, "relaunch as many as fit: a new run counts anew")
    if snapshot is not None and snapshot.memory.kernel.kills_unsure:
        evidence = (f"{snapshot.memory.kernel.kills_unsure} in this run, not known whether in the workers' memory",)
        return ChecklistItem(item_id, title, "UNKNOWN", evidence, "relaunch: a new run counts anew")
    if snapshot is not None and snapshot.memory.earlier_kills:
        evidence = (f"{snapshot.memory.earlier_kills} before the first look, at an unknown time",)
        return ChecklistItem(item_id, title, "UNKNOWN", evidence, "relaunch: a new run counts anew")
    if snapshot is None or snapshot.memory.reading is None or snapshot.memory.reading.oom_kills is None:
        return ChecklistItem(item_id, title, "UNKNOWN", ("the kernel's counter was not read",))
    return ChecklistItem(
        item_id, title, "PASS", (f"0 in this run, counted for the {snapshot.memory.reading.oom_scope}",)
    )


def _recorder(snapshot: Snapshot | None, stays_open: bool) -> ChecklistItem:
    item_id, title = "recorder", "recorder on"
    recording, by = (snapshot.recording, snapshot.recorded_by) if snapshot else (None, "")
    fix = "in another terminal: metabonk-tui record"
    if recording is False:
        return ChecklistItem(item_id, title, "FAIL", ("what is seen cannot be stored",), "see why, in the events")
    if not stays_open and not by:
        return ChecklistItem(item_id, title, "FAIL", ("none is there but this command, which ends",), fix)
    if recording is None:
        return ChecklistItem(
            item_id, title, "UNKNOWN", (f"{by} has stored nothing yet" if by else "no recorder runs",), fix
        )
    return ChecklistItem(item_id, title, "PASS", (f"{by} records" if by else "it records",))


def _watch(snapshot: Snapshot | None, watch_returns: str) -> ChecklistItem:
    item_id, title = "memory-watch", "memory watch on"
    if watch_returns:
        return ChecklistItem(item_id, title, "PASS", (f"{watch_returns} arms it again after this action",))
    if snapshot is None:
        return ChecklistItem(item_id, title, "UNKNOWN", (NOTHING_SEEN,))
    if not snapshot.memory.watch_armed:
        return ChecklistItem(item_id, title, "FAIL", ("it is not armed",), "arm the memory watch")
    return ChecklistItem(item_id, title, "PASS", ("it is armed",))


NOTHING_SEEN = "nothing was seen yet"
