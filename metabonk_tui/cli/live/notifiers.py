"""Builds the alert hook and the Prometheus endpoint for the verbs that monitor continuously."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from metabonk_tui.adapters.alerts.command_hook import CommandHook
from metabonk_tui.adapters.alerts.prometheus import MetricsError, serve
from metabonk_tui.adapters.state.pool_lock import PoolLock, lock_path
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.ports.live import Clock


def alert_hook(config: Config, state: Path, report_fault: Callable[[str], None]) -> CommandHook | None:
    """Return the configured hook, or None. A lock lets only one of several monitors of a pool call it."""
    if not config.alerts.hook.command:
        return None
    lock = PoolLock(lock_path(config.pool.host, config.pool.base_port, state).with_suffix(".teller"))
    return CommandHook(config, lock, report_fault)


@contextmanager
def serving(
    config: Config, latest: Callable[[], Snapshot | None], clock: Clock, report_fault: Callable[[str], None]
) -> Iterator[None]:
    """Serve metrics while the block runs, where configured. Calls `report_fault` when the endpoint cannot start."""

    def age_s(snapshot: Snapshot) -> float:
        return (clock.now() - snapshot.t) / clock.speed

    endpoint = None
    if config.metrics.port:
        try:
            endpoint = serve(config.metrics.host, config.metrics.port, latest, age_s)
        except MetricsError as error:
            report_fault(f"no metrics: {error}")
    try:
        yield
    finally:
        if endpoint is not None:
            endpoint.close()
