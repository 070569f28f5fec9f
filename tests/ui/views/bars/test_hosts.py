"""The rows of the hosts: memory and workers of each, and no number of a host that is not seen."""

from __future__ import annotations

from msgspec.structs import replace

from metabonk_tui.core.model.host import LinkReading
from metabonk_tui.core.model.host_view import HostView
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import Reach
from metabonk_tui.ui.style.spans import plain
from metabonk_tui.ui.views.bars.hosts import host_rows
from metabonk_tui.ui.views.memory.screen import memory_rows
from tests.support import snapshots
from tests.support.draw import frame_of
from tests.support.refs import w

UP = LinkReading("UP", snapshots.START, "", 2)


def several(hosts: dict[str, LinkReading]) -> Snapshot:
    base = snapshots.healthy(2)
    workers = tuple(replace(each, ref=w(each.slot, name)) for name in sorted(hosts) for each in base.workers)
    views = {name: HostView(replace(base.memory, host=name), link) for name, link in hosts.items()}
    return replace(base, workers=workers, hosts=views)


def rows(snapshot: Snapshot, wide: int = 100, high: int = 40) -> list[str]:
    return [plain(row) for row in host_rows(frame_of(snapshot, wide, high), snapshot)]


def test_each_host_has_its_memory_and_its_workers() -> None:
    first, second = rows(several({"node1": UP, "node2": UP}))
    assert first.startswith(" node1 ")
    assert " GB free of " in first
    assert first.rstrip().endswith("2/2 up")
    assert second.startswith(" node2 ")


def test_a_lost_host_shows_since_when_and_why_and_no_memory() -> None:
    link = LinkReading("LOST", snapshots.START + 1744, "Connection refused", 2)
    lost = rows(several({"node1": UP, "node2": link}))[1]
    assert "LOST for 1m: Connection refused" in lost
    assert "GB" not in lost
    assert lost.rstrip().endswith("2 unknown")


def test_one_that_never_answered_has_no_time() -> None:
    lost = rows(several({"node1": UP, "node2": LinkReading("LOST", None, "Permission denied", 2)}))[1]
    assert "LOST never answered: Permission denied" in lost


def test_one_that_connects_says_so() -> None:
    assert " connecting" in rows(several({"node1": LinkReading("STALE", None, "connecting", 2)}))[0]


def test_the_clock_and_the_version_of_a_host_are_named() -> None:
    link = replace(UP, skew="clock 5m behind", reason="its version is 0.2.0", delay_s=0.44)
    (row,) = rows(several({"node1": link}), wide=160)
    assert "clock 5m behind" in row
    assert "its version is 0.2.0" in row
    assert "delay 0.4 s" in row


def test_many_hosts_leave_room_for_the_workers() -> None:
    hosts = {f"node{n:02d}": UP for n in range(20)} | {"zulu": LinkReading("LOST", None, "no route to host", 2)}
    shown = rows(several(hosts), high=24)
    assert len(shown) == 4
    assert any(row.startswith(" zulu") for row in shown), "the worst is among them"
    assert shown[-1].strip() == "18 more hosts"


def test_every_row_fits_a_narrow_terminal() -> None:
    link = LinkReading("LOST", None, "a very long reason " * 10, 2)
    shown = rows(several({"node1": UP, "node2": link}), wide=60)
    assert {len(row) for row in shown} == {60}


def test_the_memory_screen_shows_the_host_of_the_selected_worker() -> None:
    both = several({"node1": UP, "node2": LinkReading("LOST", None, "gone", 2)})
    worst = frame_of(both, 100, 40)
    assert plain(memory_rows(worst, both, 30)[0]).startswith(" AVAILABLE ON node2")
    chosen = replace(worst, state=replace(worst.state, ref=w(0, "node1")))
    assert plain(memory_rows(chosen, both, 30)[0]).startswith(" AVAILABLE ON node1")


def test_a_node_without_a_job_says_so_and_its_workers_are_down() -> None:
    link = LinkReading("IDLE", snapshots.START + 1744, "no job of this pool runs there: job 1_2 TIMEOUT", 2)
    seen = several({"n1": UP, "n2": link})
    assert rows(seen)[1].rstrip().endswith("2 unknown")
    gone = replace(
        seen, workers=[replace(each, reach=Reach.DOWN) if each.ref.host == "n2" else each for each in seen.workers]
    )
    idle = rows(gone)[1]
    assert "IDLE for 1m: no job of this pool runs there: job 1_2 TIMEOUT" in idle
    assert idle.rstrip().endswith("0/2 up")
