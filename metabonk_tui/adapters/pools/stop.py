"""Stops a pool and checks processes and ports: a stop command may report success and do nothing.

Does not: trust the exit code of the stop command.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Collection, Mapping

from msgspec import Struct

from metabonk_tui.adapters.pools.launch_spec import LaunchSpec
from metabonk_tui.adapters.pools.port_check import ask_ports
from metabonk_tui.adapters.pools.progress import ProgressReporter
from metabonk_tui.adapters.pools.terminate import ProcessSet, describe_all
from metabonk_tui.adapters.process.proc import Proc
from metabonk_tui.adapters.process.spawn import describe_exit, reap, start_child
from metabonk_tui.core.model.pool import TargetProcess
from metabonk_tui.core.text.phrases import cut_list

STOP_COMMAND = "stop command"
LAUNCHER_ENDS = "launcher ends"
PROCESSES_GONE = "processes gone"
PORTS_FREE = "ports free"
STEPS = (STOP_COMMAND, LAUNCHER_ENDS, PROCESSES_GONE, PORTS_FREE)

_POLL_EVERY_S = 0.25
_IDLE_LIMIT_S = 5.0
"""Seconds after a successful stop command without any exit, before SIGTERM follows."""
_AFTER_KILL_S = 2.0


class Stopped(Struct, frozen=True):
    """The result of a stop."""

    survivors: tuple[TargetProcess, ...] = ()
    open_ports: tuple[str, ...] = ()
    how: str = ""
    """The signals needed beyond the stop command, as text."""

    @property
    def problem(self) -> str:
        """The surviving processes and open ports, as text; "" when there are none."""
        parts = []
        if self.survivors:
            parts.append(f"still running: {describe_all(self.survivors)}")
        if self.open_ports:
            parts.append(f"ports still open: {cut_list(self.open_ports, 6)}")
        return "; ".join(parts)


async def stop_pool(
    spec: LaunchSpec,
    argv: tuple[str, ...] | None,
    environment: Mapping[str, str],
    process_set: ProcessSet,
    ports: Collection[int],
    reporter: ProgressReporter,
    proc: Proc,
) -> Stopped:
    """Run the stop command, end the remaining processes, and check that processes and ports are gone.

    `ports` are those of this pool's workers. Takes at most `spec.grace_s` after the command, plus 2 s.
    """
    hit = await asyncio.to_thread(process_set.refresh)
    command_succeeded = argv is not None and await _run_command(spec, argv, environment, reporter)
    if argv is None:
        reporter.skip(STOP_COMMAND, "none to run")
    if any(target.role == "launcher" for target in hit):
        reporter.begin(LAUNCHER_ENDS)
    else:
        reporter.skip(LAUNCHER_ENDS, "none runs")
    reporter.begin(PROCESSES_GONE)
    how = await _end_all(process_set, spec.grace_s, command_succeeded, reporter)
    survivors = await asyncio.to_thread(_survivors, process_set)
    left_over = [target for target in survivors if target.role == "launcher"]
    if left_over:
        reporter.fail(LAUNCHER_ENDS, describe_all(left_over))
    elif reporter.is_running(LAUNCHER_ENDS):
        reporter.done(LAUNCHER_ENDS)
    if survivors:
        reporter.fail(PROCESSES_GONE, f"still running: {describe_all(survivors)}")
    else:
        reporter.done(PROCESSES_GONE, "; ".join(filter(None, (f"all {len(hit)}", how))))
    reporter.begin(PORTS_FREE)
    suspects = [target.pid for target in survivors]
    holders = await asyncio.to_thread(ask_ports, spec.host, sorted(ports), proc, suspects)
    open_now = tuple(holder.text for holder in holders)
    if open_now:
        reporter.fail(PORTS_FREE, cut_list(open_now, 6))
    else:
        reporter.done(PORTS_FREE)
    return Stopped(survivors, open_now, how)


async def end_processes(process_set: ProcessSet, grace_s: float, reporter: ProgressReporter) -> str:
    """End the processes without a stop command. Returns the survivors as text; "" when none is left."""
    how = await _end_all(process_set, grace_s, False, reporter)
    survivors = await asyncio.to_thread(_survivors, process_set)
    if survivors:
        problem = f"still running: {describe_all(survivors)}; {how}"
        reporter.fail(PROCESSES_GONE, problem)
        return problem
    reporter.done(PROCESSES_GONE, how)
    return ""


def _survivors(process_set: ProcessSet) -> tuple[TargetProcess, ...]:
    """Return what still runs: what withstood the signals, and what was not signalled for want of a proof."""
    return (*process_set.refresh(), *process_set.left_alone())


async def _run_command(
    spec: LaunchSpec, argv: tuple[str, ...], environment: Mapping[str, str], reporter: ProgressReporter
) -> bool:
    """Run the stop command until it exits or `grace_s` is over. Returns whether it exited with 0."""
    reporter.begin(STOP_COMMAND)
    try:
        child = start_child(argv, spec.directory, environment, spec.log_path)
    except (OSError, ValueError) as error:
        reporter.fail(STOP_COMMAND, f"cannot be started: {error}")
        return False
    deadline = time.monotonic() + spec.grace_s
    while (code := child.exit_code()) is None:
        if time.monotonic() >= deadline:
            child.kill()
            reporter.fail(STOP_COMMAND, f"did not end within {spec.grace_s:g} s", child.tail())
            return False
        await asyncio.sleep(0.05)
        # The launcher may be our child. As a zombie it looks alive to a stop command that waits for it.
        reap()
        reporter.detail(STOP_COMMAND, "", child.tail())
    if code != 0:
        reporter.fail(STOP_COMMAND, describe_exit(code), child.tail())
        return False
    reporter.done(STOP_COMMAND, describe_exit(code), child.tail())
    return True


async def _end_all(
    process_set: ProcessSet, grace_s: float, command_succeeded: bool, reporter: ProgressReporter
) -> str:
    """Wait, then send SIGTERM, then SIGKILL. Returns the signals needed, as text."""
    began = time.monotonic()
    at_first = len(process_set.living())
    if command_succeeded:
        idle_s = min(_IDLE_LIMIT_S, grace_s / 6)
        while living := await _wait_and_refresh(process_set, reporter):
            waited_s = time.monotonic() - began
            if waited_s >= grace_s / 2 or (waited_s >= idle_s and len(living) >= at_first):
                break
    if not await asyncio.to_thread(process_set.refresh):
        return ""
    how = "had to be asked by SIGTERM"
    refused = await asyncio.to_thread(process_set.signal_all, signal.SIGTERM)
    while await _wait_and_refresh(process_set, reporter):
        if time.monotonic() - began >= grace_s:
            break
    killed_at = time.monotonic()
    while await asyncio.to_thread(process_set.refresh):
        how = "had to be ended by SIGKILL"
        refused = await asyncio.to_thread(process_set.signal_all, signal.SIGKILL)
        await _wait_and_refresh(process_set, reporter)
        if time.monotonic() - killed_at >= _AFTER_KILL_S:
            break
    return "; ".join((how, *refused))


async def _wait_and_refresh(process_set: ProcessSet, reporter: ProgressReporter) -> tuple[TargetProcess, ...]:
    """Wait 0.25 s and return the live processes."""
    await asyncio.sleep(_POLL_EVERY_S)
    reap()
    living = await asyncio.to_thread(process_set.refresh)
    if living:
        reporter.detail(PROCESSES_GONE, f"waiting for {describe_all(living, 3)}")
    if reporter.is_running(LAUNCHER_ENDS) and not any(target.role == "launcher" for target in living):
        reporter.done(LAUNCHER_ENDS)
    return living
