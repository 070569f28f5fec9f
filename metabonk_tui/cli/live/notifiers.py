"""Builds what leaves the monitor: the alert hook, and the exporters. Another exporter is a class and a line in
`exporters`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from metabonk_tui.adapters.alerts.command_hook import CommandHook
from metabonk_tui.adapters.alerts.prometheus import MetricsError, serve
from metabonk_tui.adapters.alerts.scrape_server import ScrapeServer
from metabonk_tui.adapters.state.pool_lock import PoolLock
from metabonk_tui.adapters.state.role_wire import role_name
from metabonk_tui.cli.live.status_writer import StatusFileWriter
from metabonk_tui.core.config.schema import Config, MetricsConfig
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.ports.live import Clock, Exporter


def alert_hook(config: Config, state: Path, report_fault: Callable[[str], None]) -> CommandHook | None:
    """Return the configured hook, or None. A lock lets only one of several monitors of a pool call it."""
    if not config.alerts.hook.command:
        return None
    lock = PoolLock(state / f"{role_name(config.pool.host, config.pool.base_port)}.teller")
    return CommandHook(config, lock, report_fault)


class MetricsExporter:
    """Answers Prometheus with the newest Snapshot."""

    part = "metrics"

    def __init__(self, config: MetricsConfig, clock: Clock, report_fault: Callable[[str], None]) -> None:
        """Prepare; the port is not open yet. If it cannot be opened, `report_fault` gets the reason."""
        self._config = config
        self._clock = clock
        self._report_fault = report_fault
        self._latest: Snapshot | None = None
        self._endpoint: ScrapeServer | None = None

    def start(self) -> None:
        """Open the port."""
        try:
            self._endpoint = serve(self._config.host, self._config.port, lambda: self._latest, self._age_s)
        except MetricsError as error:
            self._report_fault(f"no metrics: {error}")

    def publish(self, snapshot: Snapshot) -> None:
        """Keep it for the next scrape."""
        self._latest = snapshot

    def close(self) -> None:
        """Free the port."""
        if self._endpoint is not None:
            self._endpoint.close()
            self._endpoint = None

    def _age_s(self, snapshot: Snapshot) -> float:
        return (self._clock.now() - snapshot.t) / self._clock.speed


def exporters(
    config: Config,
    state: Path,
    clock: Clock,
    report_fault: Callable[[str], None],
    is_ours: Callable[[], bool],
    *,
    notifies: bool,
) -> tuple[Exporter, ...]:
    """List the exporters of this monitor; without `notifies` only the status file is written.

    `is_ours` returns whether no other monitor records this pool now.
    """
    found: list[Exporter] = [StatusFileWriter(state, config.pool, clock.speed, is_ours)]
    if notifies and config.metrics.port:
        found.append(MetricsExporter(config.metrics, clock, report_fault))
    return tuple(found)
