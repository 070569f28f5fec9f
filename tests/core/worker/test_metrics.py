"""The numbers of a worker: one more entry of the table is shown at every place that it names, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median

import pytest
from msgspec.structs import replace

from metabonk_tui.cli.report.sections import document
from metabonk_tui.cli.report.text import report_text
from metabonk_tui.core.export.prometheus import families, family_table
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.report.compare import compare
from metabonk_tui.core.report.json_report import report
from metabonk_tui.core.report.run_history import run_histories
from metabonk_tui.core.report.timeline import timelines
from metabonk_tui.core.worker import metrics
from metabonk_tui.core.worker.metrics import (
    BYTES,
    PER_SECOND,
    PLAIN,
    SECONDS,
    WORKER_METRICS,
    CompareRule,
    Gauge,
    Unit,
    WorkerMetric,
)
from metabonk_tui.ui.sorting import in_order, sorts
from tests.support import snapshots as scenes
from tests.support.draw import chosen, text_of
from tests.support.samples import play, script

HEAD, NAME, SERIES = "PING S", "ping", "metabonk_worker_ping_seconds"
EVERYWHERE = WorkerMetric(
    "ping",
    SECONDS,
    lambda worker: None if worker.slot == 1 else worker.slot + 0.25,
    head=HEAD,
    sort=NAME,
    detail=NAME,
    gauge=Gauge(SERIES, "Seconds until it answers"),
    report="ping s",
    compare=(CompareRule("median", "ping, median", median, 2, 0.1),),
)
RUN = tuple(play(script(for_s=120)))
"""Three workers."""


def table_text(snapshot: Snapshot) -> str:
    return text_of(snapshot, 200, 60, state=chosen(density="table"))


def detail_text(snapshot: Snapshot) -> str:
    return text_of(snapshot, 200, 60, "worker", state=chosen(0))


def prometheus_text(snapshot: Snapshot) -> str:
    return "\n".join(f"{family.name} {family.help_text} {family.points}" for family in families(snapshot, 0.0))


def report_page(snapshot: Snapshot) -> str:
    return report_text(run_histories(RUN))


def comparison(snapshot: Snapshot) -> str:
    (run,) = timelines(RUN)
    lines = [(line.metric, line.pairs[-1][0]) for line in compare(run, run).lines]
    return "\n".join(f"{metric.id} {metric.title} {value and metric.write(value)}" for metric, value in lines)


PLACES: dict[str, tuple[Callable[[Snapshot], str], tuple[str, ...], dict[str, object]]] = {
    "table": (table_text, (HEAD, "0.25", "2.25"), {"head": ""}),
    "sort": (lambda snapshot: " ".join(sorts(snapshot)), (NAME,), {"sort": ""}),
    "worker screen": (detail_text, ("ping 0.25 s",), {"detail": ""}),
    "Prometheus": (
        prometheus_text,
        (f"{SERIES} Seconds until it answers ((('0',), 0.25), (('2',), 2.25))",),
        {"gauge": None},
    ),
    "report": (report_page, ("ping s", "0.25", "2.25"), {"report": ""}),
    "comparison": (comparison, ("ping.median ping, median 1.25 s",), {"compare": ()}),
}
"""Each place: what it shows, what stands there of the new number, and the change that takes it away."""


@pytest.mark.parametrize("place", PLACES)
def test_one_entry_is_shown_at_every_place_that_it_names(monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    shown, expected, without = PLACES[place]
    snapshot = scenes.healthy(3)
    before = shown(snapshot)
    monkeypatch.setattr(metrics, "WORKER_METRICS", (*WORKER_METRICS, EVERYWHERE))
    # What is drawn is kept for its Snapshot, so every drawing gets one of its own.
    after = shown(replace(snapshot))
    assert expected[0] not in before
    assert all(text in after for text in expected), after
    monkeypatch.setattr(metrics, "WORKER_METRICS", (*WORKER_METRICS, replace(EVERYWHERE, **without)))
    assert shown(replace(snapshot)) == before


def test_a_declared_number_comes_to_another_place_by_one_argument(monkeypatch: pytest.MonkeyPatch) -> None:
    with_latency = tuple(
        replace(metric, head="LATENCY", sort="latency", report="latency s") if metric.id == "latency" else metric
        for metric in WORKER_METRICS
    )
    monkeypatch.setattr(metrics, "WORKER_METRICS", with_latency)
    snapshot = scenes.healthy(3)
    workers = tuple(replace(worker, latency_s=0.004 * (worker.slot + 1)) for worker in snapshot.workers)
    snapshot = replace(snapshot, workers=workers)
    assert all(text in table_text(snapshot) for text in ("LATENCY", "0.004", "0.012"))
    assert [worker.slot for worker in in_order(snapshot, sort="latency")] == [2, 1, 0]
    assert "latency s" in document(run_histories(RUN)).pages[0].sections[3].blocks[0].heads  # type: ignore[union-attr]


def test_workers_without_the_number_stand_last_in_its_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "WORKER_METRICS", (*WORKER_METRICS, EVERYWHERE))
    assert [worker.slot for worker in in_order(scenes.healthy(3), sort=NAME)] == [2, 0, 1]
    assert [worker.slot for worker in in_order(scenes.healthy(3), sort=NAME, inverted=True)] == [0, 2, 1]


def test_the_table_names_nothing_twice() -> None:
    ids = [metric.id for metric in WORKER_METRICS]
    assert ids == list(dict.fromkeys(ids))
    for place in ("head", "sort", "detail", "report"):
        names = [name for metric in WORKER_METRICS if (name := getattr(metric, place))]
        assert names == list(dict.fromkeys(names)), place
    lines = [f"{metric.id}.{rule.id}" for metric in WORKER_METRICS for rule in metric.compare]
    assert lines == list(dict.fromkeys(lines))
    gauges = [metric.gauge.name for metric in WORKER_METRICS if metric.gauge]
    assert [name for name in family_table() if name in gauges] == gauges


def test_places_and_order_of_the_numbers_stay() -> None:
    assert [metric.head for metric in WORKER_METRICS if metric.head] == ["GEN", "STEP/S", "RSS GB", "TREE GB"]
    assert [metric.sort for metric in WORKER_METRICS if metric.sort] == ["step/s", "rss", "growth", "age"]
    assert [metric.detail for metric in WORKER_METRICS if metric.detail] == ["epsilon", "frames", "episode"]
    assert [metric.report for metric in WORKER_METRICS if metric.report] == ["steps"]


@pytest.mark.parametrize("metric", WORKER_METRICS, ids=lambda metric: metric.id)
def test_every_number_is_read_from_every_worker(metric: WorkerMetric) -> None:
    for snapshot in (scenes.healthy(3), scenes.waiting(), scenes.hostile(), scenes.no_memory()):
        for worker in snapshot.workers:
            value = metric.read(worker)
            assert value is None or len(metric.text(value, 6)) <= 6


@pytest.mark.parametrize(
    ("unit", "decimals", "value", "written", "in_six_cells"),
    [
        (BYTES, 2, 1_234_000_000, "1.23 GB", "1.23"),
        (PER_SECOND, 2, 0.337, "0.34/s", "0.34"),
        (PER_SECOND, 2, 1e12, "1000000000000.00/s", "1.0T"),
        (SECONDS, 3, 0.0042, "0.004 s", "0.004"),
        (PLAIN, 0, 41.0, "41", "41"),
        (PLAIN, 0, 10**400, "1" + "0" * 400, None),
    ],
)
def test_a_number_is_written_by_its_unit(
    unit: Unit, decimals: int, value: float, written: str, in_six_cells: str | None
) -> None:
    metric = WorkerMetric("any", unit, lambda worker: value, decimals)
    assert metric.written(value) == written
    if in_six_cells is not None:
        assert metric.text(value, 6) == in_six_cells


def test_the_json_report_has_the_keys_that_readers_know(monkeypatch: pytest.MonkeyPatch) -> None:
    before = report(RUN[-1])
    monkeypatch.setattr(metrics, "WORKER_METRICS", (*WORKER_METRICS, EVERYWHERE))
    assert report(RUN[-1]) == before
