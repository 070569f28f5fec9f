"""The hosts of a Snapshot, and whose memory stands for the pool's."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from metabonk_tui.core.model.host import LinkReading
from metabonk_tui.core.model.host_view import HostView, gravest
from metabonk_tui.core.model.refs import ONLY_HOST
from tests.support import snapshots
from tests.support.samples import healthy, last, script


def test_a_step_makes_one_host_and_its_memory_is_the_pools() -> None:
    seen = last(script(healthy, for_s=20))
    assert list(seen.hosts) == [ONLY_HOST]
    assert seen.memory is seen.hosts[ONLY_HOST].memory


def test_none_is_rejected() -> None:
    with pytest.raises(ValueError, match="at least one host"):
        replace(snapshots.stop(), hosts={})


def test_of_several_hosts_the_worst_memory_is_shown() -> None:
    seen = snapshots.stop()
    low = replace(seen.memory, level="crit", host="node2")
    both = replace(seen, hosts={"node1": HostView(replace(seen.memory, host="node1")), "node2": HostView(low)})
    assert both.memory is low
    assert both.has_several_hosts
    assert not seen.has_several_hosts


def test_a_host_that_is_not_seen_is_worse_than_a_fine_one_and_better_than_a_critical_one() -> None:
    memory = snapshots.healthy().memory
    fine = HostView(replace(memory, level="ok", forecast=None))
    away = HostView(fine.memory, LinkReading("LOST"))
    critical = HostView(replace(memory, level="crit"))
    assert gravest({"node1": fine, "node2": away}) is away
    assert gravest({"node1": critical, "node2": away}) is critical
