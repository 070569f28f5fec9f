"""Facts of processes that end while they are read: none is made of two processes with one pid."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from metabonk_tui.adapters.pools.discover import PoolWatch
from metabonk_tui.adapters.process.ownership import Owned, Proof, judge
from metabonk_tui.adapters.process.proc import Proc, ProcessStat
from tests.support.fake_pool import FakePool
from tests.support.waiting import wait_for


class ReusedPid(Proc):
    """Shows another process under a pid from the moment on when its environment was read."""

    def __init__(self, pid: int) -> None:
        super().__init__()
        self.pid = pid
        self.is_reused = False

    def environment(self, pid: int) -> bytes:
        self.is_reused |= pid == self.pid
        return super().environment(pid)

    def stat(self, pid: int) -> ProcessStat | None:
        stat = super().stat(pid)
        is_other = pid == self.pid and self.is_reused and stat is not None
        return replace(stat, start_ticks=stat.start_ticks + 500) if is_other and stat is not None else stat


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[FakePool]:
    fake = FakePool(tmp_path)
    yield fake
    fake.close()


def test_facts_of_a_pid_that_another_process_got_meanwhile_count_for_neither(pool: FakePool) -> None:
    parent = pool.start_by_hand(["sh", "-c", "sleep 600; true"])
    [child] = wait_for(lambda: Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split())
    stat = wait_for(lambda: Proc().stat(parent.pid))
    proven = {(stat.pid, stat.start_ticks): Proof.ADOPTED}
    for proc, is_one_process in ((Proc(), True), (ReusedPid(parent.pid), False)):
        watch = PoolWatch(pool.backend()._spec, None, proc)
        claim = watch.with_proven(proven)
        facts = watch.reader.read(claim, None, [parent.pid, int(child)], sweep=False, ports=False).facts
        assert (parent.pid in facts) is is_one_process
        assert isinstance(judge(facts, claim)[int(child)], Owned) is is_one_process


def test_a_pid_that_is_read_again_for_a_signal_is_one_process(pool: FakePool) -> None:
    child = pool.start_by_hand(["sleep", "600"])
    for proc, found in ((Proc(), True), (ReusedPid(child.pid), False)):
        watch = PoolWatch(pool.backend()._spec, None, proc)
        assert (child.pid in watch.reader.read_again(child.pid, watch.claim, None)) is found
