"""Reads OOM kills and GPU faults from the kernel's log, from its oldest line. Never waits for a line.

Does not: report an unreadable log as an empty log.
"""

from __future__ import annotations

import os
import re
import select
import time
import weakref
from pathlib import Path

from metabonk_tui.core.model.host import GpuFault, KernelKill, KernelLogReading
from metabonk_tui.core.text.clean import clean_text

KMSG = Path("/dev/kmsg")
_INITIAL_PID_NAMESPACE = 0xEFFFFFFC  # PROC_PID_INIT_INO, include/linux/proc_ns.h
_RECORD_BYTES = 8192
RETRY_S = 10.0
"""Seconds between two tries to open a log that is not readable."""
_MAX_RECORDS = 5000
"""The most records of one reading; the next reading continues there."""
_MAX_FAULTS = 50
"""The most GPU faults of one reading: a broken driver repeats its lines."""
_XID = re.compile(r"NVRM: Xid \(([^)]*)\): (\d{1,9})")
_NO_GPU_MEMORY = re.compile(r"NVRM:.*(?:out of memory|NV_ERR_NO_MEMORY)", re.IGNORECASE)
_GPU = re.compile(r"NVRM: (GPU ?[0-9a-fA-F:.]*[0-9a-fA-F])\b")
_FAULT_LIMIT = 160
_KILLED = re.compile(r"Killed process (\d{1,10}) \((.*)\)(?: |,|$)(.*)")
_RSS = re.compile(r"\b(?:anon|file|shmem)-rss:(\d{1,18})kB")
_REASON = re.compile(r"^oom-kill:.*?(?:oom_memcg=([^,]*),)?task_memcg=([^,]*),task=.*,pid=(\d{1,10}),")


class KernelLog:
    """Reads the kernel's log as it grows. For one thread at a time."""

    def __init__(self, path: Path = KMSG, pids_are_ours: bool | None = None) -> None:
        """Prepare; `pids_are_ours`: whether the log's pids are valid here, by default in the initial namespace."""
        self._path = path
        self._pids_are_ours = _in_initial_namespace() if pids_are_ours is None else pids_are_ours
        self._descriptor: int | None = None
        self._tried_s = float("-inf")
        self._groups: dict[int, tuple[str, str]] = {}
        self._from_t: float | None = None
        # The run's clock does not follow a wall clock that is set later, so the times of the log must not either.
        self._real_offset_s = time.time() - _since_boot_s()

    def has_news(self) -> bool:
        """Return whether `read` would find more than at the last call, without a wait. For any thread.

        A log that is not readable is tried again every 10 s.
        """
        if self._descriptor is None:
            return time.monotonic() >= self._tried_s + RETRY_S
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        return bool(poll.poll(0))

    def read(self) -> KernelLogReading:
        """Return what was logged since the last call, in real Unix seconds; the first call has all that is kept."""
        try:
            if self._descriptor is None:
                self._tried_s = time.monotonic()
                self._open()
            return self._read()
        except OSError as error:
            return KernelLogReading(error=clean_text(f"not readable: {error.strerror or error}"))

    def _open(self) -> None:
        descriptor = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        self._descriptor = descriptor
        weakref.finalize(self, os.close, descriptor)

    def _read(self) -> KernelLogReading:
        assert self._descriptor is not None
        kills: list[KernelKill] = []
        faults: list[GpuFault] = []
        # The log counts from boot, and so does this clock; it stands while the machine sleeps.
        booted_t = self._real_offset_s + _since_boot_s() - time.monotonic()
        for _ in range(_MAX_RECORDS):
            try:
                record = os.read(self._descriptor, _RECORD_BYTES)
            except BlockingIOError:
                break
            except BrokenPipeError:
                # The kernel has overwritten unread records: the next read continues with the oldest one left.
                self._from_t = None
                continue
            if not record:
                break
            head, _, text = record.decode(errors="replace").partition("\n")[0].partition(";")
            logged_t = _logged_t(head, booted_t)
            if self._from_t is None:
                self._from_t = logged_t
            kill = self._kill(text, logged_t)
            if kill is not None:
                kills.append(kill)
            elif (fault := _fault(text, logged_t)) is not None and len(faults) < _MAX_FAULTS:
                faults.append(fault)
        return KernelLogReading(kills=tuple(kills), gpu_faults=tuple(faults), from_t=self._from_t)

    def _kill(self, text: str, logged_t: float | None) -> KernelKill | None:
        reason = _REASON.search(text)
        if reason is not None:
            self._groups = {int(reason[3]): (clean_text(reason[1] or ""), clean_text(reason[2]))}
            return None
        killed = _KILLED.search(text)
        # Kernels spell the words before it differently, but all OOM kills contain "emory"; sysrq kills do not.
        if killed is None or "emory" not in text[: killed.start()]:
            return None
        pid = int(killed[1])
        sizes = _RSS.findall(killed[3])
        oom_cgroup, task_cgroup = self._groups.get(pid, ("", ""))
        return KernelKill(
            pid=pid if self._pids_are_ours else None,
            name=clean_text(killed[2], 40),
            rss_bytes=sum(int(size) for size in sizes) * 1024 if sizes else None,
            oom_cgroup=oom_cgroup,
            task_cgroup=task_cgroup,
            t=logged_t,
        )


def _since_boot_s() -> float:
    """Return the seconds since boot, sleep included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def _logged_t(head: str, booted_t: float) -> float | None:
    """Return the time of a record from its head, "level,number,microseconds since boot,flags"."""
    parts = head.split(",")
    # Not isdigit, which a superscript is too, and no number of more digits than int() takes.
    found = len(parts) > 2 and parts[2].isdecimal() and len(parts[2]) < 20
    return booted_t + int(parts[2]) / 1e6 if found else None


def _fault(text: str, logged_t: float | None) -> GpuFault | None:
    xid = _XID.search(text)
    if xid is not None:
        return GpuFault(clean_text(text, _FAULT_LIMIT), int(xid[2]), clean_text(xid[1], 40), logged_t)
    if _NO_GPU_MEMORY.search(text) is None:
        return None
    gpu = _GPU.search(text)
    return GpuFault(clean_text(text, _FAULT_LIMIT), None, clean_text(gpu[1], 40) if gpu else "", logged_t)


def _in_initial_namespace() -> bool:
    try:
        return os.stat("/proc/self/ns/pid").st_ino == _INITIAL_PID_NAMESPACE
    except OSError:
        return False
