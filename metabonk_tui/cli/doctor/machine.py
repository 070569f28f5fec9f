"""Checks what the monitor reads of this machine, and what it writes. Reads once; does not: change anything."""

from __future__ import annotations

import importlib.util
import os
import time
from collections.abc import Iterator
from pathlib import Path

from metabonk_tui.adapters.files.kind import may_exist
from metabonk_tui.adapters.host.cgroup import CgroupTree
from metabonk_tui.adapters.host.disk import free_space
from metabonk_tui.adapters.host.gpu import Gpus
from metabonk_tui.adapters.host.kernel_log import KernelLog
from metabonk_tui.adapters.host.memory import KernelMemory
from metabonk_tui.adapters.process.descriptors import limit, why_too_few
from metabonk_tui.adapters.state.config_files import state_dir
from metabonk_tui.adapters.store.run_directory import paths, runs_dir, written_t
from metabonk_tui.cli.doctor.finding import Finding
from metabonk_tui.core.config.schema import GB, Config
from metabonk_tui.core.model.host import MemoryReading
from metabonk_tui.core.text.numbers import age, gigabytes
from metabonk_tui.core.text.phrases import count_of

AHEAD_S = 60.0
"""A recording written this much later than now says that the clock was set back."""
NVIDIA = Path("/proc/driver/nvidia")


def machine_findings(config: Config) -> Iterator[Finding]:
    """Check what the kernel shows to this user."""
    yield from memory_findings(KernelMemory().read())
    yield cgroup_finding(CgroupTree())
    yield kernel_log_finding(KernelLog().read().error)
    yield clock_finding(time.time(), [written_t(path) for path in _recordings()])
    problem = why_too_few(config.pool.workers)
    yield (
        Finding("machine", "open files", "MISSING", problem, "each round of polls takes longer", "ulimit -n 4096")
        if problem
        else Finding("machine", "open files", "PASS", f"limit {limit()}, {count_of(config.pool.workers, 'worker')}")
    )
    yield _gpu()


def memory_findings(reading: MemoryReading) -> Iterator[Finding]:
    """Judge one reading of the memory: what is available, and the time that tasks wait for it."""
    if reading.available_bytes is None or reading.total_bytes is None:
        yield Finding(
            "machine",
            "memory",
            "WRONG",
            "/proc/meminfo cannot be read",
            "no memory floor, no forecast, no fit, no memory watch",
        )
    else:
        limited = f", limited by {reading.limited_by}" if reading.limited_by not in (None, "host") else ""
        sizes = f"{gigabytes(reading.available_bytes)} of {gigabytes(reading.total_bytes)} GB available"
        yield Finding("machine", "memory", "PASS", sizes + limited)
    if reading.pressure_some_avg10 is None:
        yield Finding(
            "machine",
            "memory pressure",
            "MISSING",
            "no /proc/pressure/memory",
            "SwapThrashing never fires, and MemCritical knows the level alone",
            "boot with the kernel parameter psi=1",
        )
    else:
        yield Finding(
            "machine", "memory pressure", "PASS", f"tasks wait {reading.pressure_some_avg10:g} % of the time"
        )


def cgroup_finding(tree: CgroupTree) -> Finding:
    """Judge whether the memory limits above this process can be seen."""
    chains = tree.chains(None)
    if not chains:
        return Finding(
            "machine",
            "cgroup",
            "MISSING",
            "no memory cgroup is visible",
            "the limit of a container or a unit is not seen, nor the kills in it",
            "in a container: mount /sys/fs/cgroup read-only",
        )
    return Finding("machine", "cgroup", "PASS", count_of(max(map(len, chains)), "level") + " of limits are read")


def kernel_log_finding(error: str | None) -> Finding:
    """Judge whether the kernel's log can be read."""
    if error is None:
        return Finding("machine", "kernel log", "PASS", "/dev/kmsg can be read")
    return Finding(
        "machine",
        "kernel log",
        "MISSING",
        f"/dev/kmsg is {error}",
        "whom the OOM killer ended is guessed from exit codes and counters; GPU faults are not seen",
        "sysctl kernel.dmesg_restrict=0, or the capability CAP_SYSLOG; in a container: --device /dev/kmsg",
    )


def clock_finding(now_t: float, written: list[float]) -> Finding:
    """Judge the clock by the recordings: none of them was written later than now."""
    zone = time.strftime("%Z")
    newest = max(written, default=now_t)
    if newest > now_t + AHEAD_S:
        return Finding(
            "machine",
            "clock",
            "WRONG",
            f"the newest recording was written {age(newest - now_t)} from now",
            "'last' may be another run, and retention deletes by wrong ages",
            "synchronize the clock: timedatectl set-ntp true",
        )
    return Finding("machine", "clock", "PASS", f"{time.strftime('%Y-%m-%d %H:%M')} {zone}")


def _gpu() -> Finding:
    gpus = Gpus()
    costs = "GPU memory is not shown, and GpuForecast never fires"
    if gpus.can_read:
        return Finding("machine", "GPU", "PASS", f"{count_of(len(gpus.read() or ()), 'device')} read through NVML")
    if not may_exist(NVIDIA):
        return Finding("machine", "GPU", "PASS", "no NVIDIA driver is loaded: nothing to read")
    return Finding("machine", "GPU", "MISSING", gpus.problem or "", costs, 'pip install "metabonk-tui[gpu]"')


def program_findings(config: Config, config_lines: tuple[str, ...], config_place: str) -> Iterator[Finding]:
    """Check the configuration, the store and the extras. `config_lines`: its mistakes."""
    if config_lines:
        yield Finding(
            "program",
            "configuration",
            "WRONG",
            "; ".join(config_lines),
            "no verb starts with a wrong type; other mistakes fail later",
            "metabonk-tui config check",
        )
    else:
        yield Finding("program", "configuration", "PASS", config_place)
    yield _store(config)
    has_client = importlib.util.find_spec("prometheus_client") is not None
    if config.metrics.port and not has_client:
        yield Finding(
            "program",
            "metrics",
            "WRONG",
            f"metrics.port = {config.metrics.port}, and prometheus_client is not installed",
            "Prometheus gets nothing",
            'pip install "metabonk-tui[metrics]"',
        )
    elif config.metrics.port:
        yield Finding("program", "metrics", "PASS", f"on {config.metrics.host}:{config.metrics.port} while recording")
    else:
        yield Finding("program", "metrics", "PASS", "switched off: metrics.port = 0")


def _store(config: Config) -> Finding:
    state = state_dir()
    place = state
    while not may_exist(place) and place != place.parent:
        place = place.parent
    costs = "no run is recorded: no replay, no report, no last verdict"
    if not os.access(place, os.W_OK | os.X_OK):
        return Finding(
            "program",
            "store",
            "WRONG",
            f"{place} is not writable",
            costs,
            "set METABONK_TUI_STATE_DIR to a folder of yours",
        )
    if not config.store.enabled:
        return Finding(
            "program", "store", "MISSING", "switched off: store.enabled = false", costs, "store.enabled = true"
        )
    free_bytes = free_space(state).free_bytes
    seen = f"{count_of(len(_recordings()), 'run')} in {state}"
    if free_bytes is not None and free_bytes < config.store.min_free_gb * GB:
        return Finding(
            "program",
            "store",
            "WRONG",
            f"{gigabytes(free_bytes)} GB free, less than store.min_free_gb = {config.store.min_free_gb:g}",
            "the oldest recordings are deleted",
            "free some space, or metabonk-tui runs rm",
        )
    return Finding("program", "store", "PASS", seen)


def _recordings() -> list[Path]:
    try:
        return paths(runs_dir(state_dir()))
    except OSError:
        return []
