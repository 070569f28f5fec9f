"""`agent`: reads this host for a monitor on another one, over stdin and stdout.

Does not: listen on a port, act on the pool unless the monitor and the configuration of this host allow it, or stay
after its pipe has ended; an action that is under way then ends first.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import resource
import stat
import sys
from collections.abc import Iterator

from msgspec.structs import replace

from metabonk_tui import __version__
from metabonk_tui.adapters.agent.actor import ActionRole, HostActor, PoolActor
from metabonk_tui.adapters.agent.protocol import MAX_REQUEST_BYTES, Open
from metabonk_tui.adapters.agent.server import HostSource, say_failed, serve
from metabonk_tui.adapters.pools.launcher import LauncherPool
from metabonk_tui.adapters.pools.read_only import REFUSAL, WatchOnlyPool
from metabonk_tui.adapters.process.table import ProcessTable
from metabonk_tui.adapters.state.config_files import load_config, state_dir
from metabonk_tui.adapters.state.peaks import PeaksFile, pool_key
from metabonk_tui.adapters.state.role_wire import role_name
from metabonk_tui.cli.exit_codes import DONE, FAILED, UsageError
from metabonk_tui.cli.options import Parser, add_config_option
from metabonk_tui.cli.wiring import pool_readers
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.sample import Sample
from metabonk_tui.core.ports.live import PoolBackend
from metabonk_tui.core.text.clean import clean_text
from metabonk_tui.engine.clock import RunClock
from metabonk_tui.engine.collector import Collector, PoolReaders
from metabonk_tui.engine.single_flight import FaultLog

NICE = 5
"""The agent yields to the workers."""
MOST_BYTES = 2_000_000_000
"""Memory that the agent may allocate: 1000 workers take a tenth of it."""
LEAST_S, MOST_S = 0.2, 60.0
"""The interval that a monitor may set."""


def add_options(parser: Parser, verb: str) -> None:
    parser.epilog = "A monitor starts it, by ssh HOST metabonk-tui agent: docs/hosts.md."
    add_config_option(parser)


def main(options: argparse.Namespace, verb: str) -> int:
    """Serve one monitor; return 0 when its pipe ended, 1 when the agent gave up."""
    if not (is_pipe(0) and is_pipe(1)):
        raise UsageError("the agent speaks with a monitor over a pipe, which starts it: docs/hosts.md")
    config = load_config(getattr(options, "config", None), {}).config
    # Whatever prints must not get between the lines for the monitor.
    out = os.dup(1)
    os.dup2(2, 1)
    _limit_memory()
    why = asyncio.run(_serve(config, out))
    if why:
        print(f"the agent ended: {why}", file=sys.stderr)
    return FAILED if why else DONE


def is_pipe(descriptor: int) -> bool:
    """Return whether a descriptor is a pipe or a socket, which end when their other side does."""
    mode = os.fstat(descriptor).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


_USUAL_LIMITS = resource.getrlimit(resource.RLIMIT_DATA)


def _limit_memory() -> None:
    soft, hard = _USUAL_LIMITS
    limits = [limit for limit in (soft, hard, MOST_BYTES) if limit != resource.RLIM_INFINITY]
    with contextlib.suppress(OSError, ValueError):  # a sandbox may forbid it; the agent works without it
        resource.setrlimit(resource.RLIMIT_DATA, (min(limits), hard))


@contextlib.contextmanager
def _without_limits() -> Iterator[None]:
    """Lift the limit of memory for the time of a launch: workers inherit it, and need more."""
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_DATA, _USUAL_LIMITS)
    try:
        yield
    finally:
        _limit_memory()


async def _serve(config: Config, out: int) -> str:
    loop = asyncio.get_running_loop()
    source = asyncio.StreamReader(limit=MAX_REQUEST_BYTES)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(source), sys.stdin)
    transport, protocol = await loop.connect_write_pipe(
        lambda: asyncio.streams.FlowControlMixin(loop), os.fdopen(out, "wb", buffering=0)
    )
    sink = asyncio.StreamWriter(transport, protocol, source, loop)

    async def open_host(opening: Open) -> HostSource:
        if not opening.acts:
            with contextlib.suppress(OSError):
                # Workers would inherit this from an agent that launches them, and cannot take it back.
                os.nice(NICE)
        return _host(_configured(config, opening), acts=opening.acts)

    why = await serve(source, sink, __version__, open_host)
    if why:
        await say_failed(sink, clean_text(why))
    transport.abort()
    return why


def _configured(config: Config, opening: Open) -> Config:
    """Return the configuration of this host with what the monitor asked for."""
    launcher = config.pool.launcher
    pool = replace(
        config.pool,
        host="127.0.0.1",
        # The jobs of a cluster are the monitor's business; an agent inside one asks nothing of Slurm.
        backend="none" if config.pool.is_placed else config.pool.backend,
        base_port=opening.base_port or config.pool.base_port,
        workers=opening.workers or config.pool.workers,
        launcher=replace(
            launcher,
            directory=opening.directory or launcher.directory,
            env_file=opening.env_file or launcher.env_file,
        ),
    )
    wanted_s = opening.interval_s or config.observe.interval_s
    every_s = min(max(wanted_s, LEAST_S), MOST_S) if wanted_s else 0.0
    return replace(config, host=[], pool=pool, observe=replace(config.observe, interval_s=every_s))


def _host(config: Config, *, acts: bool) -> HostSource:
    """Build the collector of the local monitor: what it reads here, it reads in the same way for itself."""
    clock = RunClock()
    state = state_dir()
    peaks = PeaksFile(state, pool_key(config.pool))
    allowed = acts and config.pool.backend == "launcher"
    actor: PoolActor | None = None

    def pool(table: ProcessTable) -> PoolBackend:
        nonlocal actor
        if not allowed:
            return WatchOnlyPool()
        name = role_name(config.pool.host, config.pool.base_port)
        role = ActionRole(name, state / f"{name}.lock", "keep")
        backend = LauncherPool(config, state, clock=clock, controller_lock=role, processes=table.read)
        actor = PoolActor(backend, role, _without_limits)
        return backend

    readers = pool_readers(config, pool, peaks)
    refusal = REFUSAL.replace("this monitor only looks", "this host is only watched") if acts and not allowed else ""
    return _AgentHost(Collector(config, readers, clock, FaultLog(clock)), readers, actor, refusal)


class _AgentHost:
    """The collector together with the connections that it uses, and what acts."""

    def __init__(self, collector: Collector, readers: PoolReaders, actor: HostActor | None, refusal: str) -> None:
        self._collector, self._readers = collector, readers
        self.actor, self.refusal = actor, refusal
        collector.mark_run_known()

    async def gather(self, *, fresh: bool = False) -> Sample:
        return await self._collector.gather(fresh=fresh)

    def resend_all(self) -> None:
        self._collector.resend_all()

    def ask_only(self, slots: tuple[int, ...] | None) -> None:
        self._collector.ask_only(slots)

    async def aclose(self) -> None:
        await self._collector.aclose()
        await self._readers.status.aclose()
        await self._readers.pool.aclose()
