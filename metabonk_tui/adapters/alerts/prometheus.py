"""Serves metrics of the newest Snapshot to Prometheus. The only module that imports prometheus_client.

Computes the metrics at each scrape, and nothing between two scrapes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from metabonk_tui.adapters.alerts.scrape_server import ScrapedPage, ScrapeServer
from metabonk_tui.core.export.prometheus import MetricFamily, families
from metabonk_tui.core.model.alert import DeliveryCounts
from metabonk_tui.core.model.snapshot import Snapshot

if TYPE_CHECKING:
    from prometheus_client.core import Metric


class MetricsError(Exception):
    """The endpoint cannot be opened; the text gives the reason, for people."""


def serve(
    host: str,
    port: int,
    latest: Callable[[], Snapshot | None],
    age_s: Callable[[Snapshot], float],
    deliveries: Callable[[], Iterable[DeliveryCounts]] = tuple,
) -> ScrapeServer:
    """Start the endpoint on its own thread; port 0 takes a free port. Raises MetricsError.

    `age_s` returns the age of a Snapshot in real seconds. `deliveries` counts the notifications of this monitor.
    """
    try:
        import prometheus_client
        from prometheus_client import exposition
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
        from prometheus_client.registry import Collector
    except ImportError:
        raise MetricsError("the library for metrics is not installed: pip install 'metabonk-tui[metrics]'") from None

    class Newest(Collector):
        """Collects the metrics of the newest Snapshot; none before the first Snapshot."""

        def describe(self) -> Iterable[Metric]:
            return ()

        def collect(self) -> Iterable[Metric]:
            snapshot = latest()
            if snapshot is None:
                return ()
            return [_metric(each) for each in families(snapshot, age_s(snapshot), deliveries())]

    def _metric(family: MetricFamily) -> Metric:
        if family.kind == "info":
            info = InfoMetricFamily(family.name.removesuffix("_info"), family.help_text)
            for labels, _ in family.points:
                info.add_metric((), dict(zip(family.labels, labels, strict=True)))
            return info
        kind = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
        metric = kind(family.name, family.help_text, labels=family.labels, unit=family.unit)
        for labels, value in family.points:
            metric.add_metric(labels, value)
        return metric

    registry = prometheus_client.CollectorRegistry()
    registry.register(Newest())

    def render(accept: str) -> ScrapedPage:
        encode, kind = exposition.choose_encoder(accept)
        return kind, encode(registry)

    try:
        return ScrapeServer(host, port, render)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        raise MetricsError(f"cannot listen on {host} port {port}: {why}") from None
