"""Launches a pool and waits until every worker answers.

Does not: retry. A failed launch is reported once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from metabonk_tui.adapters.pools.discover import PoolProcesses
from metabonk_tui.adapters.pools.launch_record import LaunchRecord, RecordFile, boot_id
from metabonk_tui.adapters.pools.launch_spec import LaunchSpec
from metabonk_tui.adapters.pools.progress import ProgressReporter
from metabonk_tui.adapters.pools.terminate import as_target, describe_all
from metabonk_tui.adapters.process.proc import Proc
from metabonk_tui.adapters.process.spawn import Child, describe_exit, start_child
from metabonk_tui.adapters.process.tree import descendants, listeners, processes_with_token

LAUNCH = "launch"
ANSWER = "workers answer"
STEPS = (LAUNCH, ANSWER)

_POLL_EVERY_S = 0.25


@dataclass(frozen=True, slots=True)
class Started:
    """The result of a launch: `problem` is empty when every worker answers."""

    ready: int
    seconds: float
    problem: str = ""


async def start_pool(
    spec: LaunchSpec,
    argv: tuple[str, ...],
    environment: Mapping[str, str],
    workers: int,
    old_pids: Collection[int],
    record_file: RecordFile,
    record: LaunchRecord,
    find_processes: Callable[[], PoolProcesses],
    reporter: ProgressReporter,
    proc: Proc,
) -> Started:
    """Launch and wait at most `spec.start_timeout_s`. A late pool is reported and keeps running."""
    reporter.begin(LAUNCH)
    began = time.monotonic()
    record = replace(record, workers=workers, launched_at=time.time(), launcher_pid=None, launcher_started_at=None)
    try:
        # Written before and after: if the monitor dies in between, the token still identifies the launch.
        record_file.write(record)
        child = start_child(argv, spec.directory, environment, spec.log_path)
    except (OSError, ValueError) as error:
        problem = f"the launcher cannot be started: {error}"
        reporter.fail(LAUNCH, problem)
        return Started(0, 0.0, problem)
    stat = proc.stat(child.pid)
    record = replace(record, launcher_pid=child.pid, boot_id=boot_id())
    record = replace(record, launcher_started_at=stat.started_at if stat else None)
    record_file.write(record)
    reporter.done(LAUNCH, f"pid {child.pid}", child.tail())
    reporter.begin(ANSWER, f"0 of {workers}")
    while True:
        await asyncio.sleep(_POLL_EVERY_S)
        code = child.exit_code()
        ready = await asyncio.to_thread(_ready, spec, workers, old_pids, find_processes, proc)
        seconds = time.monotonic() - began
        reporter.detail(ANSWER, f"{ready} of {workers}", child.tail())
        if ready >= workers and code in (None, 0):
            record_file.write(replace(record, ready_s=round(seconds, 1)))
            reporter.done(ANSWER, f"{ready} of {workers}")
            return Started(ready, seconds)
        problem = await asyncio.to_thread(_ended, code, child, seconds, record.token, proc)
        if not problem and seconds >= spec.start_timeout_s:
            problem = (
                f"{ready} of {workers} workers answered within {spec.start_timeout_s:g} s; "
                "what was launched is left running"
            )
        if problem:
            reporter.fail(ANSWER, f"{ready} of {workers}", child.tail())
            return Started(ready, seconds, problem)


def _ready(
    spec: LaunchSpec, workers: int, old_pids: Collection[int], find_processes: Callable[[], PoolProcesses], proc: Proc
) -> int:
    """Count the slots with a listening port of a new worker process."""
    fresh = {target.pid: target.worker for target in find_processes().workers if target.pid not in old_pids}
    if not fresh:
        return 0
    own_pids = {*fresh, *(stat.pid for stat in descendants(proc, fresh))}
    ports = range(spec.base_port, spec.base_port + workers)
    found = listeners(ports, own_pids, proc)
    seen = {port - spec.base_port for port, pid in found.items() if pid in own_pids}
    hidden = {port - spec.base_port for port, pid in found.items() if pid is None}
    return len(seen | (hidden & {worker.slot for worker in fresh.values() if worker is not None}))


def _ended(code: int | None, child: Child, seconds: float, token: str, proc: Proc) -> str:
    """Return the problem behind the launcher's exit; "" while it runs, or after exit code 0 with live workers."""
    if code is None:
        return ""
    left = processes_with_token(proc, token)
    if code == 0 and left:
        return ""
    tail = child.tail(3)
    text = f"the launcher ended after {seconds:.1f} s: {describe_exit(code)}"
    if tail:
        text += f": {tail[-1]}"
    if any("code -15" in line for line in child.tail()):
        text += " (launch.py often shows -15 in place of the real code: the run's own launch.log has it)"
    if left:
        text += f"; still running: {describe_all([as_target(stat) for stat in left])}"
    return text
