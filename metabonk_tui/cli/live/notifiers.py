"""Builds what tells others of a run that somebody watches for good: the alert hook and the endpoint for Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from metabonk_tui.adapters.alerts.command_hook import Hook
from metabonk_tui.adapters.alerts.prometheus import Unserved, serve
from metabonk_tui.adapters.state.pool_lock import PoolLock, lock_path
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.ports.live import Clock


def alert_hook(config: Config, state: Path, complain: Callable[[str], None]) -> Hook | None:
    """Make the hook that is configured; of several monitors of a pool the first one that has news calls it."""
    if not config.alerts.hook.command:
        return None
    lock = PoolLock(lock_path(config.pool.host, config.pool.base_port, state).with_suffix(".teller"))
    return Hook(config, lock, complain)


@contextmanager
def serving(
    config: Config, latest: Callable[[], Snapshot | None], clock: Clock, complain: Callable[[str], None]
) -> Iterator[None]:
    """Serve metrics while the block runs, where that is configured; `complain` is told why that is impossible."""

    def age_s(snapshot: Snapshot) -> float:
        return (clock.now() - snapshot.t) / clock.speed

    endpoint = None
    if config.metrics.port:
        try:
            endpoint = serve(config.metrics.host, config.metrics.port, latest, age_s)
        except Unserved as error:
            complain(f"no metrics: {error}")
    try:
        yield
    finally:
        if endpoint is not None:
            endpoint.close()
