"""Knows how to stop a pool and see for itself that it is gone: a stop command may report success and do nothing.

Refuses to believe words: only processes and ports count.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from metabonk_tui.adapters.pools.discover import open_ports
from metabonk_tui.adapters.pools.launch_spec import LauncherSite
from metabonk_tui.adapters.pools.progress import Narration
from metabonk_tui.adapters.pools.terminate import Family, describe_all
from metabonk_tui.adapters.process.proc import Proc
from metabonk_tui.adapters.process.spawn import exit_words, reap, start_child
from metabonk_tui.core.model.pool import TargetProcess

COMMAND = "stop command"
LAUNCHER_ENDS = "launcher ends"
GONE = "processes gone"
PORTS = "ports free"
STEPS = (COMMAND, LAUNCHER_ENDS, GONE, PORTS)

_LOOK_EVERY_S = 0.25
_IDLE_LIMIT_S = 5.0
"""A stop command that returned long ago while nobody has ended did not mean it."""
_AFTER_KILL_S = 2.0


@dataclass(frozen=True, slots=True)
class Stopped:
    """How a stop ended."""

    survivors: tuple[TargetProcess, ...] = ()
    open_ports: Mapping[int, str] | None = None
    how: str = ""
    """What it took, where the stop command was not enough."""

    @property
    def problem(self) -> str:
        """Say who is still there; "" when nobody is."""
        parts = []
        if self.survivors:
            parts.append(f"still running: {describe_all(self.survivors)}")
        if self.open_ports:
            held = ", ".join(f"{port} by {holder}" for port, holder in self.open_ports.items())
            parts.append(f"ports still open: {held}")
        return "; ".join(parts)


async def stop_pool(
    site: LauncherSite,
    argv: tuple[str, ...] | None,
    environment: Mapping[str, str],
    family: Family,
    ports: Collection[int],
    narration: Narration,
    proc: Proc,
) -> Stopped:
    """Run the stop command, end what it left, and look whether processes and ports are gone.

    `ports` are those that workers of this pool held. Takes at most the grace after the command, and 2 s.
    """
    hit = await asyncio.to_thread(family.look)
    told = argv is not None and await _run_command(site, argv, environment, narration)
    if argv is None:
        narration.skip(COMMAND, "none to run")
    if any(target.role == "launcher" for target in hit):
        narration.begin(LAUNCHER_ENDS)
    else:
        narration.skip(LAUNCHER_ENDS, "none runs")
    narration.begin(GONE)
    how = await _end_all(family, site.grace_s, told, narration)
    survivors = await asyncio.to_thread(family.look)
    left_over = [target for target in survivors if target.role == "launcher"]
    if left_over:
        narration.fail(LAUNCHER_ENDS, describe_all(left_over))
    elif narration.is_running(LAUNCHER_ENDS):
        narration.done(LAUNCHER_ENDS)
    if survivors:
        narration.fail(GONE, f"still running: {describe_all(survivors)}")
    else:
        narration.done(GONE, "; ".join(filter(None, (f"all {len(hit)}", how))))
    narration.begin(PORTS)
    open_now = await asyncio.to_thread(open_ports, ports, [target.pid for target in survivors], proc)
    if open_now:
        narration.fail(PORTS, ", ".join(f"{port} is held by {holder}" for port, holder in open_now.items()))
    else:
        narration.done(PORTS)
    return Stopped(survivors, open_now, how)


async def end_family(family: Family, grace_s: float, narration: Narration) -> str:
    """End a few processes without any command. Returns who survived, for people; "" when nobody did."""
    how = await _end_all(family, grace_s, False, narration)
    survivors = await asyncio.to_thread(family.look)
    if survivors:
        problem = f"still running: {describe_all(survivors)}; {how}"
        narration.fail(GONE, problem)
        return problem
    narration.done(GONE, how)
    return ""


async def _run_command(
    site: LauncherSite, argv: tuple[str, ...], environment: Mapping[str, str], narration: Narration
) -> bool:
    """Run the stop command to its end. Returns whether it says that it succeeded."""
    narration.begin(COMMAND)
    try:
        child = start_child(argv, site.directory, environment, site.log_path)
    except (OSError, ValueError) as error:
        narration.fail(COMMAND, f"cannot be started: {error}")
        return False
    deadline = time.monotonic() + site.grace_s
    while (code := child.exit_code()) is None:
        if time.monotonic() >= deadline:
            child.kill()
            narration.fail(COMMAND, f"did not end within {site.grace_s:g} s", child.tail())
            return False
        await asyncio.sleep(0.05)
        # The launcher may be our child: as a zombie it would look alive to the command that waits for it.
        reap()
        narration.detail(COMMAND, "", child.tail())
    if code != 0:
        narration.fail(COMMAND, exit_words(code), child.tail())
        return False
    narration.done(COMMAND, exit_words(code), child.tail())
    return True


async def _end_all(family: Family, grace_s: float, told: bool, narration: Narration) -> str:
    """Wait for the end, then ask, then force it. Returns what it took beyond waiting."""
    began = time.monotonic()
    at_first = len(family.living())
    if told:
        idle_s = min(_IDLE_LIMIT_S, grace_s / 6)
        while living := await _look(family, narration):
            waited_s = time.monotonic() - began
            if waited_s >= grace_s / 2 or (waited_s >= idle_s and len(living) >= at_first):
                break
    if not await asyncio.to_thread(family.look):
        return ""
    how = "had to be asked by SIGTERM"
    refused = await asyncio.to_thread(family.signal_all, signal.SIGTERM)
    while await _look(family, narration):
        if time.monotonic() - began >= grace_s:
            break
    killed_at = time.monotonic()
    while await asyncio.to_thread(family.look):
        how = "had to be ended by SIGKILL"
        refused = await asyncio.to_thread(family.signal_all, signal.SIGKILL)
        await _look(family, narration)
        if time.monotonic() - killed_at >= _AFTER_KILL_S:
            break
    return "; ".join((how, *refused))


async def _look(family: Family, narration: Narration) -> tuple[TargetProcess, ...]:
    """Wait a little and tell who is left."""
    await asyncio.sleep(_LOOK_EVERY_S)
    reap()
    living = await asyncio.to_thread(family.look)
    if living:
        narration.detail(GONE, f"waiting for {describe_all(living, 3)}")
    if narration.is_running(LAUNCHER_ENDS) and not any(target.role == "launcher" for target in living):
        narration.done(LAUNCHER_ENDS)
    return living
