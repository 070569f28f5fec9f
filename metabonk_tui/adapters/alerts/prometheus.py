"""Serves metrics of the newest Snapshot to Prometheus. The only module that imports prometheus_client.

Computes the metrics at each scrape, and nothing between two scrapes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from threading import Thread
from typing import TYPE_CHECKING

from metabonk_tui.core.export.prometheus import MetricFamily, families
from metabonk_tui.core.model.snapshot import Snapshot

if TYPE_CHECKING:
    from wsgiref.simple_server import WSGIServer

    from prometheus_client.core import Metric

CLOSE_S = 5.0


class MetricsError(Exception):
    """The endpoint cannot be opened; the text gives the reason, for people."""


class Endpoint:
    """One port that answers GET /metrics."""

    def __init__(self, server: WSGIServer, thread: Thread) -> None:
        self._server = server
        self._thread = thread

    @property
    def port(self) -> int:
        """The TCP port on which the endpoint listens."""
        return self._server.server_port

    def close(self) -> None:
        """Stop the server and free the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(CLOSE_S)


def serve(host: str, port: int, latest: Callable[[], Snapshot | None], age_s: Callable[[Snapshot], float]) -> Endpoint:
    """Start the endpoint on its own threads; port 0 takes a free port. Raises MetricsError.

    `age_s` returns the age of a Snapshot in real seconds.
    """
    try:
        import prometheus_client
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
        from prometheus_client.registry import Collector
    except ImportError:
        raise MetricsError("the library for metrics is not installed: pip install 'metabonk-tui[metrics]'") from None

    class Newest(Collector):
        """Collects the metrics of the newest Snapshot; none before the first Snapshot."""

        def describe(self) -> Iterable[Metric]:
            return ()

        def collect(self) -> Iterable[Metric]:
            snapshot = latest()
            return () if snapshot is None else [_metric(one) for one in families(snapshot, age_s(snapshot))]

    def _metric(family: MetricFamily) -> Metric:
        kind = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
        metric = kind(family.name, family.help_text, labels=family.labels)
        for labels, value in family.points:
            metric.add_metric(labels, value)
        return metric

    registry = prometheus_client.CollectorRegistry()
    registry.register(Newest())
    try:
        server, thread = prometheus_client.start_http_server(port, addr=host, registry=registry)
    except OSError as error:
        raise MetricsError(f"cannot listen on {host} port {port}: {error.strerror or error}") from None
    return Endpoint(server, thread)
