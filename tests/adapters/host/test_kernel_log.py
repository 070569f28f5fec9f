"""What is taken from the kernel's log: OOM kills and GPU faults, from the oldest line, with their times."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from metabonk_tui.adapters.host.kernel_log import RETRY_S, KernelLog
from metabonk_tui.core.model.host import GpuFault, KernelKill, KernelLogReading

KILLED = "Memory cgroup out of memory: Killed process 41 (python3) total-vm:9kB, anon-rss:8kB, file-rss:1kB"
REASON = "oom-kill:constraint=CONSTRAINT_MEMCG,oom_memcg=/pool,task_memcg=/pool/w1,task=python3,pid=41,uid=0"
NAMED_REASON = (
    "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/pool,"
    "task_memcg=/pool/w1,task=python3,pid=4711,uid=0"
)
NAMED = (
    "Memory cgroup out of memory: Killed process 4711 (a (b) c) total-vm:9kB, anon-rss:90kB, file-rss:8kB, "
    "shmem-rss:2kB, UID:0"
)
HOST = "Out of memory: Killed process 12 (ollama) total-vm:9kB, anon-rss:5kB, file-rss:0kB, shmem-rss:0kB, UID:0"
NO_MEMORY = "NVRM: GPU0 nvAssertOkFailedNoLog: Assertion failed: Out of memory [NV_ERR_NO_MEMORY] (0x00000051)"
XID = "NVRM: Xid (PCI:0000:01:00): 79, pid=1234, name=python3, GPU has fallen off the bus."


class Log:
    """A log made of a pipe that keeps each write as one record, like the kernel's."""

    def __init__(self, pids_are_ours: bool = True) -> None:
        self.reader, self.writer = os.pipe2(os.O_DIRECT | os.O_CLOEXEC)
        # Each record takes a page of the pipe.
        fcntl.fcntl(self.writer, fcntl.F_SETPIPE_SZ, 100 * 4096)
        self.kernel = KernelLog(Path(f"/proc/self/fd/{self.reader}"), pids_are_ours=pids_are_ours)

    def write(self, text: str, ago_s: float | None = 0.0, level: int = 3) -> float:
        """Write a record; return its real time."""
        real_t = time.time() - (ago_s or 0.0)
        since_boot = "x" if ago_s is None else int((time.monotonic() - ago_s) * 1e6)
        os.write(self.writer, f"{level},7,{since_boot},-;{text}\n SUBSYSTEM=pci\n".encode())
        return real_t

    def close(self) -> None:
        os.close(self.reader)
        os.close(self.writer)


@pytest.fixture
def log() -> Iterator[Log]:
    made = Log()
    yield made
    made.close()


@pytest.mark.parametrize("by_s", [3600.0, -7200.0])
def test_a_wall_clock_that_is_set_does_not_move_its_times(
    log: Log, monkeypatch: pytest.MonkeyPatch, by_s: float
) -> None:
    real_time = time.time
    began_t = real_time()
    monkeypatch.setattr(time, "time", lambda: real_time() + by_s)
    log.write(XID, ago_s=60.0)
    (fault,) = log.kernel.read().gpu_faults
    assert fault.t == pytest.approx(began_t - 60.0, abs=5.0), "an hour later it would count as one of this run"


def test_the_first_reading_has_all_that_the_log_keeps_with_its_times(log: Log) -> None:
    # The ages are short, because a machine may have been up for a minute only.
    oldest_t = log.write("Linux version 6", ago_s=30.0)
    log.write(REASON, ago_s=20.0)
    killed_t = log.write(KILLED, ago_s=20.0)
    fault_t = log.write(XID, ago_s=10.0)
    seen = log.kernel.read()
    assert seen.from_t == pytest.approx(oldest_t, abs=2.0)
    (kill,), (fault,) = seen.kills, seen.gpu_faults
    assert (kill.pid, kill.name, kill.oom_cgroup, kill.task_cgroup) == (41, "python3", "/pool", "/pool/w1")
    assert kill.t == pytest.approx(killed_t, abs=2.0)
    assert fault.t == pytest.approx(fault_t, abs=2.0)
    log.write(KILLED)
    again = log.kernel.read()
    assert (len(again.kills), again.gpu_faults, again.from_t) == (1, (), seen.from_t)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (NO_MEMORY, GpuFault(NO_MEMORY, None, "GPU0")),
        (XID, GpuFault(XID, 79, "PCI:0000:01:00")),
        (
            "NVRM: Xid (0000:0b:00): 31, Ch 8",
            GpuFault("NVRM: Xid (0000:0b:00): 31, Ch 8", 31, "0000:0b:00"),
        ),
        (
            "NVRM: nvCheckOkFailedNoLog: Check failed: Out of memory [NV_ERR_NO_MEMORY]",
            GpuFault("NVRM: nvCheckOkFailedNoLog: Check failed: Out of memory [NV_ERR_NO_MEMORY]", None, ""),
        ),
        (
            "NVRM: GPU 0000:01:00.0: out of memory",
            GpuFault("NVRM: GPU 0000:01:00.0: out of memory", None, "GPU 0000:01:00.0"),
        ),
        ("NVRM: loading NVIDIA UNIX x86_64 Kernel Module", None),
        ("python3: Out of memory", None),
        ("Out of memory: Killed process 5 (x)", None),
        ("nouveau: Xid (1): 5", None),
    ],
)
def test_which_lines_are_faults_of_the_gpu(log: Log, text: str, expected: GpuFault | None) -> None:
    log.write(text, ago_s=None)
    assert log.kernel.read().gpu_faults == (() if expected is None else (expected,))


def test_a_driver_that_repeats_its_lines_is_bounded(log: Log) -> None:
    for _ in range(60):
        log.write(XID)
    assert len(log.kernel.read().gpu_faults) == 50


def test_a_line_is_masked_cleaned_and_cut(log: Log) -> None:
    log.write("NVRM: Xid (1): 13, API_TOKEN=abcdef123456 name=run\x1b[2J" + 500 * "x")
    (fault,) = log.kernel.read().gpu_faults
    assert "abcdef123456" not in fault.text
    assert fault.text.isprintable()
    assert len(fault.text) <= 200


def test_an_unreadable_log_is_unknown_and_not_empty(tmp_path: Path) -> None:
    seen = KernelLog(tmp_path / "none").read()
    assert seen == KernelLogReading(error="not readable: No such file or directory")


@pytest.mark.parametrize("ours", [True, False])
def test_the_kernels_words_are_understood(ours: bool) -> None:
    log = Log(pids_are_ours=ours)
    for text in (NAMED_REASON, NAMED, HOST, "sysrq: Killed process 9 (x) y"):
        log.write(text)
    assert tuple(replace(kill, t=None) for kill in log.kernel.read().kills) == (
        KernelKill(4711 if ours else None, "a (b) c", 102400, "/pool", "/pool/w1"),
        KernelKill(12 if ours else None, "ollama", 5120),
    )
    assert log.kernel.read().kills == ()
    log.close()


def test_it_has_news_only_while_something_is_unread(log: Log) -> None:
    assert log.kernel.has_news(), "it was never read"
    log.kernel.read()
    assert not log.kernel.has_news()
    log.write("usb 1-1: new device")
    assert log.kernel.has_news()
    log.kernel.read()
    assert not log.kernel.has_news()


def test_an_unreadable_log_is_tried_again_after_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("metabonk_tui.adapters.host.kernel_log.time.monotonic", lambda: now[0])
    log = KernelLog(tmp_path / "none")
    assert log.has_news()
    log.read()
    assert not log.has_news()
    now[0] += RETRY_S
    assert log.has_news()
