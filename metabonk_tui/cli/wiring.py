"""Builds the live monitor for a configuration. Only this module chooses the adapter behind each port."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from metabonk_tui.adapters.env_file.watch import EnvFileWatch
from metabonk_tui.adapters.host.gpu import Gpus
from metabonk_tui.adapters.host.kernel_log import KernelLog
from metabonk_tui.adapters.host.local import is_this_machine
from metabonk_tui.adapters.host.memory import KernelMemory
from metabonk_tui.adapters.http.client import StatusClient
from metabonk_tui.adapters.http.orchestrator import OrchestratorClient
from metabonk_tui.adapters.pools.launcher import LauncherPool
from metabonk_tui.adapters.pools.read_only import WatchOnlyPool
from metabonk_tui.adapters.process.allocator import share_one_heap
from metabonk_tui.adapters.process.descriptors import why_too_few
from metabonk_tui.adapters.process.environ import Environments
from metabonk_tui.adapters.process.exits import ExitCodeReader
from metabonk_tui.adapters.process.log_ends import LogEnds
from metabonk_tui.adapters.process.log_tail import LogTails
from metabonk_tui.adapters.process.spawn import take_ended
from metabonk_tui.adapters.process.suspension import around_suspension
from metabonk_tui.adapters.process.table import ProcessTable
from metabonk_tui.adapters.state.config_files import state_dir
from metabonk_tui.adapters.state.controller_role import ControllerRole
from metabonk_tui.adapters.state.peaks import PeakKeeper, PeaksFile, pool_key
from metabonk_tui.adapters.state.role_wire import role_name
from metabonk_tui.adapters.store.journal import StoreJournal
from metabonk_tui.adapters.store.look import LookingJournal
from metabonk_tui.adapters.store.run_directory import runs_dir
from metabonk_tui.cli.live.notifiers import alert_channels, exporters
from metabonk_tui.cli.live.preflight_checks import PoolChecks
from metabonk_tui.cli.log import open_log
from metabonk_tui.cli.options import PROGRAM
from metabonk_tui.cli.stepping import stepper
from metabonk_tui.core.config.schema import Config, PoolBackendName
from metabonk_tui.core.model.pool import RolePolicy
from metabonk_tui.core.model.refs import ONLY_HOST
from metabonk_tui.core.model.sample import Sample
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.ports.live import Exporter, PoolBackend
from metabonk_tui.core.text.mask import secret_words
from metabonk_tui.engine.clock import RunClock
from metabonk_tui.engine.collector import PoolReaders
from metabonk_tui.engine.engine import Engine
from metabonk_tui.engine.host_collector import HostReaders
from metabonk_tui.engine.preflight_runner import PreflightChecks

if TYPE_CHECKING:
    from metabonk_tui.adapters.alerts.channel import AlertChannel


class Backend(Struct, frozen=True):
    """What stands behind a name in `pool.backend`."""

    make_pool: Callable[[Config, Path, RunClock, bool, str, ControllerRole, ProcessTable], PoolBackend]
    """Takes the folder for state, the clock, whether it only looks, the command prefix, the role, the processes."""
    make_checks: Callable[[Config, Path], PreflightChecks] | None
    """Makes the checks before a launch from this machine; None: there are none."""


def _launcher_pool(
    config: Config,
    state: Path,
    clock: RunClock,
    read_only: bool,
    call: str,
    role: ControllerRole,
    table: ProcessTable,
) -> PoolBackend:
    return LauncherPool(
        config, state, clock=clock, controller_lock=role, processes=table.read, read_only=read_only, call=call
    )


def _slurm_pool(
    config: Config,
    state: Path,
    clock: RunClock,
    read_only: bool,
    call: str,
    role: ControllerRole,
    table: ProcessTable,
) -> PoolBackend:
    from metabonk_tui.adapters.slurm.pool import SlurmPool

    return SlurmPool(config, clock=clock, controller_lock=role, read_only=read_only)


def _slurm_checks(config: Config, state: Path) -> PreflightChecks:
    from metabonk_tui.cli.live.slurm_checks import SlurmChecks

    return SlurmChecks(config, state)


def _ray_pool(
    config: Config,
    state: Path,
    clock: RunClock,
    read_only: bool,
    call: str,
    role: ControllerRole,
    table: ProcessTable,
) -> PoolBackend:
    from metabonk_tui.adapters.ray.pool import RayPool

    return RayPool(config, clock=clock, controller_lock=role, read_only=read_only)


BACKENDS: Mapping[PoolBackendName, Backend] = {
    "launcher": Backend(_launcher_pool, PoolChecks),
    "slurm": Backend(_slurm_pool, _slurm_checks),
    "ray": Backend(_ray_pool, None),
    "none": Backend(lambda *_: WatchOnlyPool(), None),
}
"""Another backend is a class in adapters/pools, its name in the schema, and a line here."""


SEVERAL_HOSTS = "every host is read-only: `read_only = false` in its [[host]] lets this monitor act on it"


@contextmanager
def watching(
    config: Config,
    *,
    call: str,
    speed: float = 1.0,
    clock: RunClock | None = None,
    read_only: bool = False,
    state: Path | None = None,
    notifies: bool = False,
    records: bool = True,
    when_asked: RolePolicy = "yield",
) -> Iterator[Engine]:
    """Monitor the configured pool while the block runs; the pool keeps running afterwards.

    `call` is the command prefix of the suggested commands. `clock` is the run's; None: a new one. `state` is the
    folder for locks and recordings; None: the user's. With `notifies` the monitor calls the configured alert hook and
    webhooks, and serves the configured metrics. `records`: False for a single look.
    `when_asked` is how this monitor, as the controller, answers another monitor that asks for control.
    """
    open_log()
    if records:
        share_one_heap()
    clock = clock or RunClock(speed)
    state_path = state or state_dir()
    role = controller_role(config, state_path, when_asked)
    pool = partial(BACKENDS[config.pool.backend].make_pool, config, state_path, clock, read_only, call, role)
    peaks = PeaksFile(state_path, pool_key(config.pool))
    keeper = PeakKeeper(PeaksFile(state_path, pool_key(config.pool)), clock.real)

    step = stepper(config)

    def stepped(previous: Snapshot | None, sample: Sample) -> Snapshot:
        snapshot = _with_call(step(previous, sample), call)
        keeper.note(snapshot)
        return snapshot

    make_checks = BACKENDS[config.pool.backend].make_checks
    is_checked = config.pool.is_placed or is_this_machine(config.pool.host)
    checks = make_checks(config, state_path) if make_checks and is_checked else None
    make_journal = StoreJournal if records else LookingJournal
    journal = make_journal(runs_dir(state_path), config, clock) if config.store.enabled else None
    readers = partial(pool_readers, config, pool, peaks)
    if config.host:
        readers = partial(host_links, config, clock, role, read_only)
    channels = alert_channels(config, state_path, lambda text: engine.report_fault(text)) if notifies else ()
    engine = Engine(
        config,
        readers,
        clock,
        stepped,
        journal=journal,
        checks=checks,
        sinks=channels,
        role=role,
    )
    ways_out = exporters(
        config,
        state_path,
        clock,
        engine.report_fault,
        lambda: journal is None or not journal.writer,
        notifies=notifies,
        channels=channels,
    )
    for exporter in ways_out:
        engine.subscribe(partial(_publish, exporter, engine.latest), exporter.part)
    for channel in channels:
        engine.subscribe(partial(_catch_up, channel, engine), f"alert {channel.name}")
    engine.start()
    for channel in channels:
        channel.report_problem()
    if too_few := why_too_few(config.pool.workers):
        engine.report_fault(too_few)
    try:
        for exporter in ways_out:
            exporter.start()
        with around_suspension(role.suspend, role.resume):
            yield engine
    finally:
        engine.stop()
        for exporter in ways_out:
            exporter.close()
        if channels:
            from metabonk_tui.adapters.alerts.channel import close_all

            close_all(channels)
        keeper.close()


def controller_role(config: Config, state: Path, when_asked: RolePolicy) -> ControllerRole:
    """Make the role of the configured pool: the same for every spelling of its host, and for every user."""
    name = role_name(config.pool.host, config.pool.base_port)
    return ControllerRole(name, state / f"{name}.lock", when_asked)


def _catch_up(channel: AlertChannel, engine: Engine) -> None:
    snapshot = engine.latest()
    # Before the first own look, the Snapshot is a recorded one: it shows nothing of now.
    if snapshot is not None and engine.own_pool is not None:
        channel.catch_up(snapshot)


def _publish(exporter: Exporter, latest: Callable[[], Snapshot | None]) -> None:
    if (snapshot := latest()) is not None:
        exporter.publish(snapshot)


def _with_call(snapshot: Snapshot, call: str) -> Snapshot:
    """Prefix the suggested commands with `call`, so that they address this pool from any shell."""
    steps = tuple(
        replace(next_step, command=call + next_step.command.removeprefix(PROGRAM))
        if next_step.command is not None and next_step.command.startswith(PROGRAM + " ")
        else next_step
        for next_step in snapshot.verdict.next_steps
    )
    return replace(snapshot, verdict=replace(snapshot.verdict, next_steps=steps))


def host_links(config: Config, clock: RunClock, role: ControllerRole, read_only: bool) -> PoolReaders:
    """Build the connections to the agents of a pool on several hosts, on the engine's own thread."""
    from metabonk_tui.adapters.agent.hosts_pool import HostsPool
    from metabonk_tui.adapters.agent.start import links_of

    client = StatusClient(config.observe.timeout_s, config.observe.max_body_bytes)
    links = links_of(config, state_dir(), read_only=read_only)
    if all(host.read_only for host in config.host):
        return PoolReaders(status=client, pool=WatchOnlyPool(SEVERAL_HOSTS), hosts={}, links=links)
    pool = HostsPool(links, clock=clock, role=role, read_only=read_only)
    return PoolReaders(status=client, pool=pool, hosts={}, links=links)


def pool_readers(config: Config, pool: Callable[[ProcessTable], PoolBackend], peaks: PeaksFile) -> PoolReaders:
    """Build the readers. The engine calls this on its own thread, which then owns the connections."""
    client = StatusClient(config.observe.timeout_s, config.observe.max_body_bytes)
    where = config.pool
    if where.backend == "slurm":
        from metabonk_tui.adapters.slurm.pool import SlurmPool

        slurm = pool(ProcessTable(config))
        assert isinstance(slurm, SlurmPool)
        return PoolReaders(status=client, pool=slurm, hosts={}, cluster=slurm)
    if where.backend == "ray":
        from metabonk_tui.adapters.ray.pool import RayPool

        ray = pool(ProcessTable(config))
        assert isinstance(ray, RayPool)
        return PoolReaders(status=client, pool=ray, hosts={}, cluster=ray)
    # Pool and collector share one table: scanning all processes is the most expensive part of a tick.
    table = ProcessTable(config)
    return PoolReaders(
        status=client,
        pool=pool(table),
        hosts={ONLY_HOST: host_readers(config, where.host, table, peaks)},
        orchestrator=OrchestratorClient(client, where.orchestrator, where.base_port) if where.orchestrator else None,
    )


def host_readers(config: Config, address: str, table: ProcessTable, peaks: PeaksFile) -> HostReaders:
    """Build the readers of one host; none for another machine, of which nothing here shows anything."""
    if not is_this_machine(address):
        return HostReaders()
    gpus = Gpus()
    return HostReaders(
        memory=KernelMemory(),
        processes=table,
        environments=Environments(config),
        gpus=gpus if gpus.can_read else None,
        env_file=EnvFileWatch(config),
        log_tails=LogTails(words=secret_words(config.environment.secret_words)),
        log_ends=LogEnds(words=secret_words(config.environment.secret_words)),
        peaks=peaks,
        exits=ExitCodeReader(take_ended),
        kernel_log=KernelLog(),
    )
