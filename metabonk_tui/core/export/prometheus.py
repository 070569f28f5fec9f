"""Converts a Snapshot to Prometheus metrics: the table in docs/alerts.md.

An unknown value has no series; it is never exported as 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Literal, get_args

from msgspec import Struct
from msgspec.structs import replace

from metabonk_tui.core.model.alert import AlertState, DeliveryCounts
from metabonk_tui.core.model.sample import known_waiting
from metabonk_tui.core.model.snapshot import CheckResult, Snapshot, VerdictKind
from metabonk_tui.core.model.worker import ComponentState, Reach, WorkerView
from metabonk_tui.core.worker import metrics

MetricPoint = tuple[tuple[str, ...], float]
"""The values of the labels, and the value of the metric."""
STATES: tuple[AlertState, ...] = ("pending", "firing")


FamilyKind = Literal["gauge", "counter", "info"]


class MetricFamily(Struct, frozen=True):
    """All points of one metric name."""

    name: str
    """The name of its points: with _total for a counter, _info for an info."""
    kind: FamilyKind
    help_text: str
    labels: tuple[str, ...]
    points: tuple[MetricPoint, ...] = ()

    @property
    def unit(self) -> str:
        """The unit at the end of its name, by OpenMetrics; "": it has none."""
        last = self.name.rpartition("_")[2]
        return last if last in ("seconds", "bytes") else ""


def families(snapshot: Snapshot, age_s: float, deliveries: Iterable[DeliveryCounts] = ()) -> tuple[MetricFamily, ...]:
    """Return the families with known values; `age_s` is the Snapshot's age in real seconds."""
    counts = tuple(deliveries)
    points: dict[str, tuple[MetricPoint, ...]] = {
        name: tuple(_known(read(snapshot))) for name, (_, _, _, read) in family_table().items()
    }
    points["metabonk_sample_age_seconds"] = (((), max(0.0, age_s)),)
    points["metabonk_notifications_total"] = tuple(
        ((each.channel, result), float(number))
        for each in counts
        for result, number in (("sent", each.sent), ("failed", each.failed))
    )
    points["metabonk_notifications_waiting"] = tuple(((each.channel,), float(each.waiting)) for each in counts)
    return tuple(replace(family, points=points[family.name]) for family in descriptions() if points[family.name])


def descriptions() -> tuple[MetricFamily, ...]:
    """Return every family without its points, in the order of the documentation."""
    of_snapshots = (
        MetricFamily(name, kind, help_text, labels) for name, (kind, help_text, labels, _) in family_table().items()
    )
    return (*of_snapshots, *OF_THE_MONITOR)


def _known(points: Iterable[tuple[tuple[str, ...], float | None]]) -> Iterator[MetricPoint]:
    for labels, value in points:
        if value is not None:
            yield labels, float(value)


MetricPoints = Iterable[tuple[tuple[str, ...], float | None]]


def _single(read: Callable[[Snapshot], float | None]) -> Callable[[Snapshot], MetricPoints]:
    return lambda snapshot: [((), read(snapshot))]


def _per_worker(read: Callable[[WorkerView], float | None]) -> Callable[[Snapshot], MetricPoints]:
    return lambda snapshot: [((str(worker.ref.written),), read(worker)) for worker in snapshot.workers]


def _up(worker: WorkerView) -> float | None:
    return None if worker.reach is Reach.UNOBSERVED else float(worker.reach is Reach.UP)


def _count_up(snapshot: Snapshot) -> float | None:
    seen = [up for worker in snapshot.workers if (up := _up(worker)) is not None]
    return sum(seen) if seen else None


def _count_waiting(snapshot: Snapshot) -> float | None:
    waiting = known_waiting(snapshot.pool)
    return None if waiting is None else len(waiting)


def _hosts_up(snapshot: Snapshot) -> MetricPoints:
    return [((name,), float(host.is_seen)) for name, host in snapshot.hosts.items() if name]


def _hosts_available(snapshot: Snapshot) -> MetricPoints:
    return [((name,), host.memory.available_bytes) for name, host in snapshot.hosts.items() if name]


def _verdict_kinds(snapshot: Snapshot) -> MetricPoints:
    return [((verdict_kind.value,), float(verdict_kind is snapshot.verdict.kind)) for verdict_kind in VerdictKind]


def _states(snapshot: Snapshot) -> MetricPoints:
    return [
        ((str(worker.ref.written), part.id, state.value), float(part.state is state))
        for worker in snapshot.workers
        for part in worker.components
        for state in ComponentState
    ]


def _values(snapshot: Snapshot) -> MetricPoints:
    return [
        ((str(worker.ref.written), part.id), part.value) for worker in snapshot.workers for part in worker.components
    ]


def _checks(snapshot: Snapshot) -> MetricPoints:
    results: tuple[CheckResult, ...] = get_args(CheckResult)
    return [((result,), float(snapshot.gate.count(result))) for result in results]


def _alerts(snapshot: Snapshot) -> MetricPoints:
    # A recurring alert appears several times; open alerts precede ended ones.
    newest = {alert.id: alert for alert in reversed(snapshot.alerts)}
    return [
        ((alert.name, alert.about, alert.severity, state), float(alert.state == state))
        for alert in newest.values()
        for state in STATES
    ]


def _available(snapshot: Snapshot) -> float | None:
    return snapshot.memory.available_bytes


def _limit(snapshot: Snapshot) -> float | None:
    return snapshot.memory.reading.limit_bytes if snapshot.memory.reading is not None else None


def _zero_t(snapshot: Snapshot) -> float | None:
    return snapshot.memory.forecast.reaches_zero_t if snapshot.memory.forecast is not None else None


OF_THE_MONITOR = (
    MetricFamily("metabonk_sample_age_seconds", "gauge", "Real seconds since the newest sample", ()),
    MetricFamily(
        "metabonk_notifications_total",
        "counter",
        "Alerts sent to the hook or a webhook since this monitor began, repetitions of one counted once",
        ("channel", "result"),
    ),
    MetricFamily(
        "metabonk_notifications_waiting", "gauge", "Alerts that wait for the hook or a webhook", ("channel",)
    ),
)
"""What is no part of a Snapshot."""
WORKER = ("worker",)
FamilyTable = dict[str, tuple[FamilyKind, str, tuple[str, ...], Callable[[Snapshot], MetricPoints]]]
RUN_AND_POOL: FamilyTable = {
    "metabonk_verdict": ("gauge", "1 for the word of the verdict, 0 for the others", ("word",), _verdict_kinds),
    "metabonk_run_info": ("info", "1, with the run's name", ("run",), lambda s: [((s.run.name,), 1.0)]),
    "metabonk_run_elapsed_seconds": ("gauge", "Since the run began", (), _single(lambda s: s.run.elapsed_s)),
    "metabonk_workers_desired": ("gauge", "How many workers are wanted", (), _single(lambda s: s.run.desired)),
    "metabonk_workers_up": ("gauge", "How many workers answer", (), _single(_count_up)),
    "metabonk_workers_waiting": (
        "gauge",
        "How many workers wait for a place on the cluster; missing: no engine places them, or it does not answer",
        (),
        _single(_count_waiting),
    ),
    "metabonk_host_up": (
        "gauge",
        "1: the host of a pool on several answers; 0: its workers are unknown",
        ("host",),
        _hosts_up,
    ),
    "metabonk_worker_up": ("gauge", "1: it answers; missing: it was not looked at", WORKER, _per_worker(_up)),
}
STATES_AND_MEMORY: FamilyTable = {
    "metabonk_component_state": (
        "gauge",
        "1 for the state that the component is in, 0 for the others",
        ("worker", "component", "state"),
        _states,
    ),
    "metabonk_component_value": (
        "gauge",
        "What /status says; missing: the key is absent or no number, which is not 0",
        ("worker", "component"),
        _values,
    ),
    "metabonk_memory_available_bytes": ("gauge", "Memory that the workers can still have", (), _single(_available)),
    "metabonk_host_memory_available_bytes": (
        "gauge",
        "The same for each host of a pool on several",
        ("host",),
        _hosts_available,
    ),
    "metabonk_memory_floor_bytes": ("gauge", "What must stay available", (), _single(lambda s: s.memory.floor_bytes)),
    "metabonk_memory_limit_bytes": ("gauge", "The tightest cgroup limit; missing: no limit", (), _single(_limit)),
    "metabonk_memory_zero_timestamp_seconds": (
        "gauge",
        "When memory ends if the trend holds; missing: no fall stands out from noise",
        (),
        _single(_zero_t),
    ),
    "metabonk_oom_kills_total": (
        "counter",
        "OOM kills in this run; missing: no source could have seen one",
        (),
        _single(lambda s: s.run_memory.known_kills),
    ),
    "metabonk_gate_checks": ("gauge", "Checks of the gate with this result", ("result",), _checks),
    "metabonk_alert": (
        "gauge",
        "1 for the state that the alert is in; 0 for both when it has ended",
        # Prometheus itself sets `alertname` and `alertstate` on what a rule makes of this.
        ("name", "about", "severity", "state"),
        _alerts,
    ),
    "metabonk_samples_total": ("counter", "Samples in this run", (), _single(lambda s: s.run.samples)),
    "metabonk_recording": (
        "gauge",
        "1: the run is being recorded; missing: no recorder runs",
        (),
        _single(lambda s: s.recording),
    ),
}


def family_table() -> FamilyTable:
    """Return all families by name; `WORKER_METRICS` supplies the numbers of a worker."""
    numbers: FamilyTable = {
        metric.gauge.name: ("gauge", metric.gauge.help_text, WORKER, _per_worker(metric.read))
        for metric in metrics.WORKER_METRICS
        if metric.gauge is not None
    }
    return {**RUN_AND_POOL, **numbers, **STATES_AND_MEMORY}
