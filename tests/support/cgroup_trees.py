"""Builds a machine's /proc and cgroup mounts as files under a folder, in the shapes of real kernels."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

MB = 1_000_000
V1_UNLIMITED = 9223372036854771712
V1_AT = "/sys/fs/cgroup/memory"
V2_AT = "/sys/fs/cgroup"


@dataclass
class Machine:
    """A machine made of files. Sizes are in bytes; text content is written unchanged."""

    root: Path
    mounts: list[str] = field(default_factory=list)

    def write(self, path: str, text: str | int) -> None:
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{text}\n")

    def host(self, total: int = 16_000 * MB, available: int | None = 8_000 * MB, oom: int | None = 0) -> Machine:
        lines = [f"MemTotal:       {total // 1024} kB", "MemFree:        100 kB"]
        if available is not None:
            lines.append(f"MemAvailable:   {available // 1024} kB")
        lines += [
            "Active(file):   200 kB",
            "Inactive(file): 300 kB",
            "SwapTotal:      2000 kB",
            "SwapFree:       500 kB",
        ]
        self.write("/proc/meminfo", "\n".join(lines))
        if oom is not None:
            self.write("/proc/vmstat", f"nr_free_pages 1\noom_kill {oom}\npgfault 2")
        self.write(
            "/proc/pressure/memory", "some avg10=1.50 avg60=0.00 avg300=0.00 total=0\nfull avg10=0.50 avg60=0 x"
        )
        return self

    def mount(self, version: int, root: str = "/", at: str | None = None) -> Machine:
        at = at or (V2_AT if version == 2 else V1_AT)
        kind = "cgroup2 cgroup2 rw,nsdelegate" if version == 2 else "cgroup cgroup rw,memory"
        self.mounts.append(f"{30 + len(self.mounts)} 31 0:32 {root} {at} rw,relatime shared:9 - {kind}")
        self.write("/proc/self/mountinfo", "\n".join(["21 1 8:1 / / rw - ext4 /dev/vda rw", *self.mounts]))
        (self.root / at.lstrip("/")).mkdir(parents=True, exist_ok=True)
        return self

    def process(self, pid: int | str, v1: str | None = None, v2: str | None = None, state: str = "S") -> Machine:
        lines = ["8:pids:/"] if v1 is not None else []
        lines += [f"4:memory:{v1}"] if v1 is not None else []
        lines += [f"0::{v2}"] if v2 is not None else []
        self.write(f"/proc/{pid}/cgroup", "\n".join(lines))
        number = 1 if pid == "self" else pid
        self.write(
            f"/proc/{pid}/stat", f"{number} (a (b) c) {state} 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 100 4096 10"
        )
        return self

    def v1(
        self,
        path: str,
        limit: int | str = V1_UNLIMITED,
        usage: int | str = 0,
        cache: int = 0,
        oom: int | None = 0,
        inherited: int = V1_UNLIMITED,
        stat: str | None = None,
        at: str = V1_AT,
    ) -> Machine:
        here = f"{at}{path}"
        self.write(f"{here}/memory.limit_in_bytes", limit)
        self.write(f"{here}/memory.usage_in_bytes", usage)
        if stat is None:
            # As in the kernel, the group's own values come first; the hierarchical sums follow.
            stat = (
                f"cache 1\nactive_file 7\ninactive_file 7\nhierarchical_memory_limit {inherited}\n"
                f"total_cache {cache}\ntotal_inactive_file {cache // 4}\ntotal_active_file {cache - cache // 4}"
            )
        self.write(f"{here}/memory.stat", stat)
        if oom is not None:
            self.write(f"{here}/memory.oom_control", f"oom_kill_disable 0\nunder_oom 0\noom_kill {oom}")
        return self

    def v2(
        self,
        path: str,
        limit: int | str = "max",
        high: int | str = "max",
        usage: int | str = 0,
        cache: int = 0,
        oom: int | None = 0,
        stat: str | None = None,
        at: str = V2_AT,
    ) -> Machine:
        here = f"{at}{path}"
        self.write(f"{here}/memory.max", limit)
        self.write(f"{here}/memory.high", high)
        self.write(f"{here}/memory.current", usage)
        if stat is None:
            stat = f"anon 1\nfile {cache}\ninactive_file {cache // 4}\nactive_file {cache - cache // 4}\nslab 3"
        self.write(f"{here}/memory.stat", stat)
        if oom is not None:
            self.write(f"{here}/memory.events", f"low 0\nhigh 0\nmax 4\noom 9\noom_kill {oom}\noom_group_kill 0")
        return self
