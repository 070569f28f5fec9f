"""One host, judged, and which of several is in the greatest danger. Does not: name workers."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from metabonk_tui.core.config.schema import GB
from metabonk_tui.core.model.host import LinkReading
from metabonk_tui.core.model.memory import MemoryView
from metabonk_tui.core.model.refs import HostName


class HostView(Struct, frozen=True):
    """One host, judged."""

    memory: MemoryView
    link: LinkReading | None = None
    """How its agent answers; None: the monitor reads the host itself."""

    @property
    def is_seen(self) -> bool:
        """Whether the host can be read now."""
        return self.link is None or self.link.state == "UP"


def gravest(hosts: Mapping[HostName, HostView]) -> HostView:
    """Return the host on which memory is worst: what is critical, not seen, had a kill, or is nearest to its floor."""
    return next(iter(hosts.values())) if len(hosts) == 1 else max(hosts.values(), key=gravity)


def gravity(host: HostView) -> tuple[float, ...]:
    """Return the order in which hosts are in danger: the greatest is worst."""
    memory = host.memory
    killed = bool(memory.oom_kills_in_run or memory.other_kills_in_run or memory.kernel.kills)
    state = memory.forecast.state if memory.forecast is not None else ""
    falls = {"CRITICAL": 3, "WARNING": 2}.get(state, 0)
    is_unknown = not host.is_seen or memory.available_bytes is None
    level = 1 if is_unknown else {"crit": 3, "warn": 2}.get(memory.level, 0)
    left = float("inf") if memory.available_bytes is None else memory.available_bytes - memory.floor_bytes
    # In whole GB, so that of two equal hosts the same one stays.
    return float(max(level, falls)), float(killed), -(left // GB)
