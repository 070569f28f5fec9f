"""A Snapshot shows exactly one host."""

from __future__ import annotations

from dataclasses import replace

import pytest

from metabonk_tui.core.model.refs import ONLY_HOST
from metabonk_tui.core.model.snapshot import HostView
from tests.support import snapshots
from tests.support.samples import healthy, last, script


def test_a_step_makes_one_host_and_its_memory_is_the_pools() -> None:
    seen = last(script(healthy, for_s=20))
    assert list(seen.hosts) == [ONLY_HOST]
    assert seen.memory is seen.hosts[ONLY_HOST].memory


@pytest.mark.parametrize("names", [(), (ONLY_HOST, "node2")])
def test_none_and_several_are_rejected(names: tuple[str, ...]) -> None:
    seen = snapshots.stop()
    hosts = {name: HostView(seen.memory) for name in names}
    with pytest.raises(ValueError, match=f"one host, not {len(names)}"):
        replace(seen, hosts=hosts)
