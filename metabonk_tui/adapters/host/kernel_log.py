"""Reads OOM kills from the kernel's log, from the moment it is opened. Never waits for a line.

Does not: report an unreadable log as an empty log.
"""

from __future__ import annotations

import os
import re
import weakref
from pathlib import Path

from metabonk_tui.core.model.host import KernelKill, KernelLogReading
from metabonk_tui.core.text.clean import clean_text

KMSG = Path("/dev/kmsg")
_INITIAL_PID_NAMESPACE = 0xEFFFFFFC  # PROC_PID_INIT_INO, include/linux/proc_ns.h
_RECORD_BYTES = 8192
_MAX_RECORDS = 5000
"""The most records of one reading; the next reading continues there."""
_KILLED = re.compile(r"Killed process (\d+) \((.*)\)(?: |,|$)(.*)")
_RSS = re.compile(r"\b(?:anon|file|shmem)-rss:(\d+)kB")
_REASON = re.compile(r"^oom-kill:.*?(?:oom_memcg=([^,]*),)?task_memcg=([^,]*),task=.*,pid=(\d+),")


class KernelLog:
    """Reads the kernel's log as it grows. For one thread at a time."""

    def __init__(self, path: Path = KMSG, pids_are_ours: bool | None = None) -> None:
        """Prepare; `pids_are_ours`: whether the log's pids are valid here, by default in the initial namespace."""
        self._path = path
        self._pids_are_ours = _in_initial_namespace() if pids_are_ours is None else pids_are_ours
        self._descriptor: int | None = None
        self._groups: dict[int, tuple[str, str]] = {}

    def read(self) -> KernelLogReading:
        """Return the kills since the last call; the first call opens the log and returns none."""
        try:
            if self._descriptor is None:
                self._open()
                return KernelLogReading()
            return KernelLogReading(kills=tuple(self._kills()))
        except OSError as error:
            return KernelLogReading(error=clean_text(f"not readable: {error.strerror or error}"))

    def _open(self) -> None:
        descriptor = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        # Older lines are skipped: another process may have their pids by now.
        os.lseek(descriptor, 0, os.SEEK_END)
        self._descriptor = descriptor
        weakref.finalize(self, os.close, descriptor)

    def _kills(self) -> list[KernelKill]:
        assert self._descriptor is not None
        kills = []
        for _ in range(_MAX_RECORDS):
            try:
                record = os.read(self._descriptor, _RECORD_BYTES)
            except BlockingIOError:
                break
            except BrokenPipeError:
                # The kernel has overwritten unread records: the next read continues with the oldest one left.
                continue
            if not record:
                break
            for line in record.decode(errors="replace").splitlines():
                kill = self._kill(line)
                if kill is not None:
                    kills.append(kill)
        return kills

    def _kill(self, line: str) -> KernelKill | None:
        text = line.partition(";")[2]
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
        )


def _in_initial_namespace() -> bool:
    try:
        return os.stat("/proc/self/ns/pid").st_ino == _INITIAL_PID_NAMESPACE
    except OSError:
        return False
