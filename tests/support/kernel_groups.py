"""Creates real memory cgroups for a test, and removes them with the processes in them."""

from __future__ import annotations

import os
import signal
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from metabonk_tui.adapters.host.cgroup import Cgroup, CgroupTree


class KernelGroup:
    """A real group. A process joins it by writing its pid into the file `procs`."""

    def __init__(self, above: Cgroup, directory: Path, name: str) -> None:
        self.version, self.directory, self.name = above.version, directory, name
        self.procs = directory / "cgroup.procs"

    def limit(self, limit_bytes: int) -> None:
        """Set the memory limit and forbid swap beyond it."""
        names = ("memory.max",) if self.version == 2 else ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes")
        (self.directory / names[0]).write_text(str(limit_bytes))
        for name, value in ((names[-1], str(limit_bytes)), ("memory.swap.max", "0")):
            if (self.directory / name).exists():
                (self.directory / name).write_text(value)

    def usage_bytes(self) -> int:
        name = "memory.current" if self.version == 2 else "memory.usage_in_bytes"
        return int((self.directory / name).read_text())


class KernelGroups:
    """The groups of one test, created below the nearest parent group that permits it."""

    def __init__(self) -> None:
        self.why_not = "no memory cgroup is mounted"
        self._above: Cgroup | None = None
        self._made: list[KernelGroup] = []
        for group in _candidates():
            try:
                probe = self._make(group, group.directory, group.name)
            except OSError as error:
                self.why_not = f"no memory cgroup can be made: {error}"
                continue
            if probe is not None:
                self._above = group
                break
            self.why_not = f"groups below {group.name} do not account memory"
        self.close()

    @property
    def possible(self) -> bool:
        return self._above is not None

    def make(self, parent: KernelGroup | None = None) -> KernelGroup:
        assert self._above is not None
        if parent is not None and parent.version == 2:
            (parent.directory / "cgroup.subtree_control").write_text("+memory")
        above = parent or self._above
        group = self._make(self._above, above.directory, above.name)
        assert group is not None
        return group

    def _make(self, above: Cgroup, directory: Path, name: str) -> KernelGroup | None:
        level = f"metabonk-tui-test-{uuid.uuid4().hex[:12]}"
        (directory / level).mkdir()
        group = KernelGroup(above, directory / level, f"{name.rstrip('/')}/{level}")
        self._made.append(group)
        accounts = "memory.current" if above.version == 2 else "memory.usage_in_bytes"
        return group if (group.directory / accounts).exists() else None

    def close(self) -> None:
        """Kill the processes in the groups and remove the groups, innermost first."""
        while self._made:
            group = self._made.pop()
            end = time.monotonic() + 10
            while group.directory.is_dir():
                for pid in group.procs.read_text().split():
                    with suppress(ProcessLookupError):
                        os.kill(int(pid), signal.SIGKILL)
                with suppress(OSError):  # busy until the last process has been reaped
                    group.directory.rmdir()
                assert time.monotonic() < end, f"{group.directory} cannot be removed"
                time.sleep(0.01)


def _candidates() -> Iterator[Cgroup]:
    for chain in CgroupTree().chains(None):
        yield from reversed(chain)
