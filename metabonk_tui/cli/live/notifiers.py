"""Builds what leaves the monitor: the alert hook, the webhooks, and the exporters.

Another exporter is a class and a line in `exporters`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from metabonk_tui.adapters.state.config_files import state_dir
from metabonk_tui.adapters.state.pool_lock import PoolLock
from metabonk_tui.adapters.state.role_wire import role_name
from metabonk_tui.cli.live.status_writer import StatusFileWriter
from metabonk_tui.core.config.schema import Config, MetricsConfig
from metabonk_tui.core.model.alert import DeliveryCounts
from metabonk_tui.core.model.snapshot import DEMO_PROFILE, Snapshot
from metabonk_tui.core.ports.live import Clock, Exporter

if TYPE_CHECKING:
    from metabonk_tui.adapters.alerts.channel import AlertChannel
    from metabonk_tui.adapters.alerts.scrape_server import ScrapeServer


def alert_channels(config: Config, state: Path, report_fault: Callable[[str], None]) -> tuple[AlertChannel, ...]:
    """Return the configured hook and webhooks. A lock lets only one of several monitors of a pool use each."""
    if not config.alerts.hook.command and not config.alerts.webhook:
        return ()
    # Imported late, as the server for Prometheus below: most monitors have neither.
    from metabonk_tui.adapters.alerts.sent_alerts import SentAlerts

    name = role_name(config.pool.host, config.pool.base_port)
    channels: list[AlertChannel] = []
    if config.alerts.hook.command:
        from metabonk_tui.adapters.alerts.command_hook import CommandHook

        sent = SentAlerts(state / f"{name}.sent.json")
        channels.append(CommandHook(config, PoolLock(state / f"{name}.teller"), report_fault, sent=sent))
    for webhook in config.alerts.webhook:
        from metabonk_tui.adapters.alerts.webhook import Webhook

        sent = SentAlerts(state / f"{name}.{webhook}.sent.json")
        lock = PoolLock(state / f"{name}.{webhook}.teller")
        channels.append(Webhook(webhook, config, lock, report_fault, sent=sent))
    return tuple(channels)


class MetricsExporter:
    """Answers Prometheus with the newest Snapshot."""

    part = "metrics"

    def __init__(
        self,
        config: MetricsConfig,
        clock: Clock,
        report_fault: Callable[[str], None],
        channels: Sequence[AlertChannel] = (),
    ) -> None:
        """Prepare; the port is not open yet. If it cannot be opened, `report_fault` gets the reason.

        The metrics count what the `channels` delivered.
        """
        self._channels = channels
        self._config = config
        self._clock = clock
        self._report_fault = report_fault
        self._latest: Snapshot | None = None
        self._endpoint: ScrapeServer | None = None

    def start(self) -> None:
        """Open the port."""
        from metabonk_tui.adapters.alerts.prometheus import MetricsError, serve

        try:
            self._endpoint = serve(
                self._config.host, self._config.port, lambda: self._latest, self._age_s, self._deliveries
            )
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

    def _deliveries(self) -> tuple[DeliveryCounts, ...]:
        return tuple(channel.counts for channel in self._channels)

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
    channels: Sequence[AlertChannel] = (),
) -> tuple[Exporter, ...]:
    """List the exporters of this monitor; without `notifies` only the status file is written.

    The metrics count what the `channels` delivered.
    `is_ours` returns whether no other monitor records this pool now.
    """
    found: list[Exporter] = [StatusFileWriter(state, config.pool, clock.speed, is_ours)]
    if config.pool.profile.startswith(DEMO_PROFILE) and state != state_dir():
        # The state of a demo is its own; `status` looks among the user's.
        found.append(StatusFileWriter(state_dir(), config.pool, clock.speed, is_ours, is_passing=True))
    if notifies and config.metrics.port:
        found.append(MetricsExporter(config.metrics, clock, report_fault, channels))
    return tuple(found)
