"""Ends the process behind a link, or lets it finish what it does. Does not: start one."""

from __future__ import annotations

import asyncio
import contextlib

from metabonk_tui.adapters.process.spawn import kill_group

_left: list[asyncio.SubprocessTransport] = []
"""Agents of this machine that finish an action without this monitor."""


async def end(
    process: asyncio.subprocess.Process, stderr: asyncio.Task[None] | None, limit_s: float, reap_limit_s: float
) -> None:
    """Wait until a process has ended whose pipe is closed, and kill it after a limit."""
    try:
        async with asyncio.timeout(limit_s):
            # What it still prints is read and dropped, or a full pipe would keep it from ending.
            while process.stdout is not None and await process.stdout.read(65536):
                pass
            await process.wait()
    except TimeoutError:
        _kill(process)
    if stderr is not None:
        stderr.cancel()
    transport = _transport(process)
    # `wait` also waits for the pipes: one that another process still holds, or that was not read to its end, stays
    # open.
    _close_pipes(transport)
    with contextlib.suppress(TimeoutError):  # a process in the kernel (state D) does not end by a kill
        async with asyncio.timeout(reap_limit_s):
            await process.wait()
    transport.close()


def leave(process: asyncio.subprocess.Process, stderr: asyncio.Task[None] | None) -> None:
    """Let an agent of this machine finish its action: a kill would leave a pool that is half made."""
    if stderr is not None:
        stderr.cancel()
    transport = _transport(process)
    _close_pipes(transport)
    # A transport that is collected kills its process, unless it counts as closed.
    transport._closed = True  # type: ignore[attr-defined]
    _left.append(transport)


def _transport(process: asyncio.subprocess.Process) -> asyncio.SubprocessTransport:
    transport: asyncio.SubprocessTransport = process._transport  # type: ignore[attr-defined]
    return transport


def _close_pipes(transport: asyncio.SubprocessTransport) -> None:
    for number in range(3):
        if (pipe := transport.get_pipe_transport(number)) is not None:
            pipe.close()


def _kill(process: asyncio.subprocess.Process) -> None:
    """Kill the group of a connection that this link started and that has not been reaped."""
    if process.returncode is None:
        kill_group(process.pid)
