"""Launches a pool and waits until every worker answers.

Does not: retry. A failed launch is reported once.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from collections.abc import Callable, Collection, Mapping

from msgspec import Struct
from msgspec.structs import replace

from metabonk_tui.adapters.pools.discover import PoolProcesses
from metabonk_tui.adapters.pools.launch_ports import worker_name
from metabonk_tui.adapters.pools.launch_record import LaunchRecord, RecordFile, boot_id
from metabonk_tui.adapters.pools.launch_spec import LaunchSpec
from metabonk_tui.adapters.pools.progress import ProgressReporter
from metabonk_tui.adapters.pools.terminate import as_target, describe_all
from metabonk_tui.adapters.process.pool_cgroup import CgroupMount, choose_placement, pool_group_of, remove_empty
from metabonk_tui.adapters.process.proc import Proc
from metabonk_tui.adapters.process.sockets import listening_ports
from metabonk_tui.adapters.process.spawn import Child, describe_exit, open_log, start_child
from metabonk_tui.adapters.process.tree import descendants, listeners, processes_with_token
from metabonk_tui.core.text.phrases import count_of

LAUNCH = "launch"
ANSWER = "workers answer"
STEPS = (LAUNCH, ANSWER)

_POLL_EVERY_S = 0.25
_ASKED = 8
"""Other ports that are asked for a worker at most: each may take 0.5 s."""


class Started(Struct, frozen=True):
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
    mount = CgroupMount()
    await asyncio.to_thread(remove_empty, record.cgroup, mount)
    record = replace(
        record,
        workers=workers,
        launched_at=time.time(),
        launcher_pid=None,
        launcher_started_at=None,
        host=spec.canonical_host,
        cgroup=None,
    )
    placement = await asyncio.to_thread(choose_placement, spec.name, environment)
    try:
        # Written before and after: if the monitor dies in between, the token still identifies the launch.
        record_file.write(record)
        child = start_child(argv, spec.directory, environment, spec.log_path, placement)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        problem = f"the launcher cannot be started: {error}"
        reporter.fail(LAUNCH, problem)
        return Started(0, 0.0, problem)
    stat = proc.stat(child.pid)
    record = replace(record, launcher_pid=child.pid, boot_id=boot_id(), cgroup=pool_group_of(child.pid, mount))
    record = replace(record, launcher_started_at=stat.started_at if stat else None)
    unwritten = _write(record_file, record)
    reporter.done(LAUNCH, f"pid {child.pid}" + (f"; {unwritten}" if unwritten else ""), child.tail())
    reporter.begin(ANSWER, f"0 of {workers}")
    while True:
        await asyncio.sleep(_POLL_EVERY_S)
        if record.cgroup is None and (cgroup := pool_group_of(child.pid, mount)) is not None:
            # systemd-run enters the scope some time after its start.
            record = replace(record, cgroup=cgroup)
            _write(record_file, record)
        code = child.exit_code()
        ready = await asyncio.to_thread(_ready, spec, workers, old_pids, find_processes, proc)
        seconds = time.monotonic() - began
        reporter.detail(ANSWER, f"{ready} of {workers}", child.tail())
        if ready >= workers and code in (None, 0):
            unwritten = _write(record_file, replace(record, ready_s=round(seconds, 1))) or unwritten
            reporter.done(ANSWER, f"{ready} of {workers}" + (f"; {unwritten}" if unwritten else ""))
            return Started(ready, seconds)
        problem = await asyncio.to_thread(_ended, code, child, seconds, record.token, proc)
        if not problem and seconds >= spec.start_timeout_s:
            problem = (
                f"{ready} of {workers} workers answered within {spec.start_timeout_s:g} s; "
                "what was launched is left running"
            )
            problem += await asyncio.to_thread(_elsewhere, spec, workers, record.token, proc)
        if problem:
            reporter.fail(ANSWER, f"{ready} of {workers}", child.tail())
            return Started(ready, seconds, problem)


def why_not_start(
    spec: LaunchSpec, environment: Mapping[str, str], record_file: RecordFile, record: LaunchRecord
) -> str:
    """Return what would make a launch fail at once, so that no pool is stopped for it; "" when nothing is known."""
    impossible = spec.cannot_launch(environment)
    if impossible:
        return impossible
    unwritten = _write(record_file, record)
    if unwritten:
        return unwritten
    try:
        os.close(open_log(spec.log_path))
    except OSError as error:
        return f"the launcher's log cannot be written ({spec.log_path}): {error.strerror or error}"
    return ""


def _write(record_file: RecordFile, record: LaunchRecord) -> str:
    """Write the record. Returns why it cannot be written; "" when it was."""
    try:
        record_file.write(record)
    except OSError as error:
        return f"the record of the launch cannot be written ({record_file.path}): {error.strerror or error}"
    return ""


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


def _elsewhere(spec: LaunchSpec, workers: int, token: str, proc: Proc) -> str:
    """Return on which other ports the workers of this launch answer, to append to a problem; "" for none."""
    wanted = range(spec.base_port, spec.base_port + workers)
    pids = [stat.pid for stat in processes_with_token(proc, token)]
    others = sorted({port for pid in pids for port in listening_ports(pid)} - set(wanted))
    found = [str(port) for port in others[:_ASKED] if worker_name(spec.host, port) is not None]
    if not found:
        return ""
    who = f"{count_of(len(found), 'worker')} of this launch"
    listens = "listens" if len(found) == 1 else "listen"
    return f"; {who} {listens} on {', '.join(found)}; pool.base_port is {spec.base_port}"


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
