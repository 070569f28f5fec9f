"""Builds what tells others of a run that somebody watches for good: the alert hook and the endpoint for Prometheus."""

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
    """Make the hook that is configured; of several monitors of a pool the first one that has news calls it."""
    if not config.alerts.hook.command:
        return None
    lock = PoolLock(lock_path(config.pool.host, config.pool.base_port, state).with_suffix(".teller"))
    return CommandHook(config, lock, report_fault)


@contextmanager
def serving(
    config: Config, latest: Callable[[], Snapshot | None], clock: Clock, report_fault: Callable[[str], None]
) -> Iterator[None]:
    """Serve metrics while the block runs, where that is configured; `report_fault` is told why that is impossible."""

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
