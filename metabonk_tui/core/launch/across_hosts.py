"""Joins the plans of several hosts to one, and says which hosts an action concerns. Pure. Does not: ask a host."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal

from msgspec.structs import replace

from metabonk_tui.core.model.pool import Action, HostPlan, Plan, StopWorker
from metabonk_tui.core.model.refs import HostName
from metabonk_tui.core.text.phrases import cut_list

Mode = Literal["noop", "restart_all", "incremental", "start", "stop", "refused"]
NAMED = 4
"""Hosts that a text names before it counts."""


def refused(action: Action, why: str) -> Plan:
    """Return a plan that does nothing, with the reason."""
    return Plan(action, "refused", (), (), 0, None, refusal=why)


def hosts_of(
    action: Action, hosts: Collection[HostName], read_only: Collection[HostName]
) -> tuple[tuple[HostName, ...], str]:
    """Return the hosts that an action concerns, and why it is impossible; "" when it is not.

    Without a choice these are all that the configuration does not set read-only.
    """
    if isinstance(action, StopWorker):
        named: tuple[HostName, ...] = (action.ref.host,)
    else:
        named = tuple(dict.fromkeys(action.hosts)) or tuple(name for name in hosts if name not in read_only)
    unknown = [name for name in named if name not in hosts]
    if unknown:
        return (), f"no host is called {cut_list(unknown, NAMED)}; there are {cut_list(list(hosts), NAMED)}"
    if getattr(action, "adopt", ()) and len(named) > 1:
        return (), "a pid names a process on one host: choose that host first, by --hosts or the filter"
    if not named:
        return (), "every host is read-only: `read_only = false` in its [[host]] lets this monitor act on it"
    return named, ""


def join_plans(
    action: Action, parts: Sequence[HostPlan], untouched: Collection[HostName], running: Collection[HostName]
) -> Plan:
    """Return one plan of those of the hosts. A host that refuses stops all of them: no person agreed to a part.

    `untouched` are the read-only hosts that nothing was asked of; on those of `running` workers run.
    """
    joined = _joined(action, parts, running)
    if left := [name for name in untouched if name in running]:
        joined = replace(joined, warnings=(*joined.warnings, f"left alone, read-only: {cut_list(left, NAMED)}"))
    bad = [part for part in parts if part.plan.mode == "refused"]
    if not bad:
        return joined
    why = "; ".join(f"{part.host}: {part.plan.refusal or 'refused'}" for part in bad[:NAMED])
    more = f"; and {len(bad) - NAMED} more" if len(bad) > NAMED else ""
    able = tuple(part.host for part in parts if _acts(part))
    return replace(joined, refusal=why + more, able=able, commands=(), hits=(), start=0)


def _joined(action: Action, parts: Sequence[HostPlan], running: Collection[HostName]) -> Plan:
    """Add the parts up, as if none of them refused."""
    acting = [part for part in parts if _acts(part)]
    doing = [part.plan for part in acting]
    mode = _mode(parts)
    idle = [f"{part.host}: {warning}" for part in parts for warning in part.plan.warnings] if mode == "noop" else []
    return Plan(
        action,
        mode,
        tuple(argv for plan in doing for argv in plan.commands),
        tuple(hit for plan in doing for hit in plan.hits),
        sum(plan.start for plan in doing),
        None,
        warnings=tuple(idle),
        respawns=any(plan.respawns for plan in doing),
        seconds=max((plan.seconds for plan in doing if plan.seconds is not None), default=None),
        overridden=tuple(f"{part.host}: {text}" for part in acting for text in part.plan.overridden),
        strangers=tuple(stranger for part in parts for stranger in part.plan.strangers),
        parts=tuple(parts),
        begins_run=set(running) <= {part.host for part in acting},
    )


def _acts(part: HostPlan) -> bool:
    return part.plan.mode not in ("refused", "noop")


def _mode(parts: Sequence[HostPlan]) -> Mode:
    modes = {part.plan.mode for part in parts} - {"noop"}
    if "refused" in modes:
        return "refused"
    if not modes:
        return "noop"
    if len(modes) == 1:
        return modes.pop()
    return "restart_all"
