"""The endpoint for Prometheus, scraped over a real socket: names and units, what is missing, who else is there."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator

import pytest
from msgspec.structs import replace
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families

from metabonk_tui.adapters.alerts.prometheus import MetricsError, serve
from metabonk_tui.core.config.load import ConfigError
from metabonk_tui.core.export.prometheus import descriptions
from metabonk_tui.core.model.alert import Alert, DeliveryCounts
from metabonk_tui.core.model.host import MemoryReading
from metabonk_tui.core.model.memory import Forecast
from metabonk_tui.core.model.sample import Observation, PoolReading, RunHeader, Sample, WaitingWorker, WorkerStatus
from metabonk_tui.core.model.snapshot import Snapshot, VerdictKind
from metabonk_tui.core.model.worker import Reach
from metabonk_tui.core.step.pipeline import step
from tests.support.children import config
from tests.support.paths import ROOT
from tests.support.refs import w
from tests.support.samples import flat_sample
from tests.support.snapshots import hosts_of

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


def snapshot(**fields: float) -> Snapshot:
    """Two workers are wanted; the first one answers with these fields, the second one refuses."""
    settings = config("[pool]\nworkers = 2")
    last = None
    for second in range(3):
        workers = {
            w(0): Observation(status=WorkerStatus({"step": 10.0 + second, **fields})),
            w(1): Observation(error="refused"),
        }
        memory = MemoryReading(total_bytes=16_000_000_000, available_bytes=4_000_000_000, oom_kills=7)
        run = None if second else RunHeader("run-1000", 1000.0, desired=2)
        last = step(last, flat_sample(t=1000.0 + second, workers=workers, memory=memory, run=run), settings)
    assert last is not None
    return last


def test_kills_that_nothing_could_have_seen_are_not_zero(read: Shown) -> None:
    settings = config("[pool]\nworkers = 1")
    memory = MemoryReading(total_bytes=16_000_000_000, available_bytes=4_000_000_000)
    seen = step(None, flat_sample(t=1000.0, workers={}, memory=memory), settings)
    assert value(read(seen), "metabonk_oom_kills_total") is None


class Shown:
    """An endpoint, and the Snapshot that it shows."""

    def __init__(self) -> None:
        self.snapshot: Snapshot | None = None
        self.deliveries = (DeliveryCounts("hook", 2, 1, 0), DeliveryCounts("team", 0, 0, 3))
        self.endpoint = serve("127.0.0.1", 0, lambda: self.snapshot, lambda _: 0.25, lambda: self.deliveries)

    def __call__(self, snapshot: Snapshot | None) -> Series:
        """Scrape it."""
        self.snapshot = snapshot
        return series(scrape(self.endpoint.port))


@pytest.fixture(scope="module")
def read() -> Iterator[Shown]:
    shown = Shown()
    yield shown
    shown.endpoint.close()


def scrape(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        assert answer.status == 200
        return str(answer.read().decode())


def series(text: str) -> Series:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(found: Series, metric: str, **labels: str) -> float | None:
    return found.get((metric, frozenset(labels.items())))


def test_a_scrape_says_what_is_known(read: Shown) -> None:
    shown = snapshot(dynamic_ui_exploration_actions=3.0, dynamic_ui_text_density=0.1, vlm_hints_used=0.0)
    found = read(shown)
    assert value(found, "metabonk_workers_desired") == 2
    assert value(found, "metabonk_workers_up") == 1
    assert value(found, "metabonk_worker_up", worker="0") == 1
    assert value(found, "metabonk_worker_up", worker="1") == 0
    words = {word: value(found, "metabonk_verdict", word=word) for word in VerdictKind}
    assert words == {word: float(word is shown.verdict.kind) for word in VerdictKind}
    assert value(found, "metabonk_memory_available_bytes") == 4e9
    assert value(found, "metabonk_memory_floor_bytes") == 1e9
    assert value(found, "metabonk_oom_kills_total") == 0
    assert value(found, "metabonk_samples_total") == 3
    assert value(found, "metabonk_sample_age_seconds") == 0.25
    assert value(found, "metabonk_worker_steps_per_second", worker="0") is None, "w1 is not up yet: start-up"
    assert value(found, "metabonk_run_info", run="run-1000") == 1
    assert value(found, "metabonk_gate_checks", result="PASS") == 0
    states = [labels for (name, labels), number in found.items() if name == "metabonk_component_state" and number == 1]
    assert len(states) == 2 * 5


def test_what_is_absent_is_missing_and_what_is_zero_is_zero(read: Shown) -> None:
    found = read(snapshot(intrinsic_reward_total=0.0))
    assert value(found, "metabonk_component_value", worker="0", component="intrinsic_reward") == 0
    assert value(found, "metabonk_component_value", worker="0", component="meta") is None
    assert not [
        labels for name, labels in found if name.startswith("metabonk_component_value") and ("worker", "1") in labels
    ]
    for name in (
        "metabonk_memory_limit_bytes",
        "metabonk_memory_zero_timestamp_seconds",
        "metabonk_recording",
    ):
        assert value(found, name) is None
    assert value(found, "metabonk_worker_rss_bytes", worker="0") is None


def test_what_nobody_looked_at_is_neither_up_nor_down(read: Shown) -> None:
    unseen = snapshot()
    unseen = replace(
        unseen,
        workers=tuple(replace(one, reach=Reach.UNOBSERVED) for one in unseen.workers),
        hosts=hosts_of(replace(unseen.memory, reading=None)),
    )
    found = read(unseen)
    assert value(found, "metabonk_workers_up") is None
    assert value(found, "metabonk_worker_up", worker="0") is None
    found = read(step(None, Sample(t=1.0), config()))
    assert value(found, "metabonk_memory_available_bytes") is None
    assert not [name for name, _ in found if name == "metabonk_worker_steps_per_second"]


@pytest.mark.parametrize(
    ("pool", "count"),
    [
        (PoolReading(), None),
        (PoolReading(placed=True), 0.0),
        (PoolReading(placed=True, waiting=(WaitingWorker(1, "12_1", "Resources"),)), 1.0),
        (PoolReading(placed=True, waiting=(WaitingWorker(1, "12_1", "x"),), engine_error="squeue: down"), None),
    ],
)
def test_how_many_wait_is_known_only_of_an_engine_that_answers(
    read: Shown, pool: PoolReading, count: float | None
) -> None:
    assert value(read(replace(snapshot(), pool=pool)), "metabonk_workers_waiting") == count


def test_when_memory_ends_is_a_time_and_not_a_countdown(read: Shown) -> None:
    shown = snapshot()
    forecast = Forecast(5000.0, 60.0, -1e6, "OOM ~1h", "WARNING")
    shown = replace(shown, hosts=hosts_of(replace(shown.memory, forecast=forecast)), recording=True)
    found = read(shown)
    assert value(found, "metabonk_memory_zero_timestamp_seconds") == 5000
    assert value(found, "metabonk_recording") == 1


def test_alerts_are_there_while_they_hold_and_zero_afterwards(read: Shown) -> None:
    alerts = (
        Alert("MemLow", "", "warn", "firing", "low", 900.0, firing_t=960.0),
        Alert("ComponentAbsent", "meta", "crit", "pending", "absent", 990.0),
        Alert("MemLow", "", "warn", "resolved", "low", 100.0, firing_t=160.0, resolved_t=200.0),
        Alert("OomKill", "", "crit", "resolved", "killed", 100.0, firing_t=100.0, resolved_t=300.0),
    )
    found = read(replace(snapshot(), alerts=alerts))

    def states(name: str, about: str, severity: str) -> list[float | None]:
        return [
            value(found, "metabonk_alert", name=name, about=about, severity=severity, state=state)
            for state in ("pending", "firing")
        ]

    assert states("MemLow", "", "warn") == [0, 1]
    assert states("ComponentAbsent", "meta", "crit") == [1, 0]
    assert states("OomKill", "", "crit") == [0, 0]


def test_before_the_first_look_there_is_nothing_and_no_error(read: Shown) -> None:
    assert read(None) == {}


def test_a_name_says_its_unit_and_is_a_name(read: Shown) -> None:
    read(replace(snapshot(), recording=True))
    for family in text_string_to_metric_families(scrape(read.endpoint.port)):
        assert family.name.startswith("metabonk_")
        assert family.documentation
        names = {sample.name for sample in family.samples}
        assert all(name.endswith("_total") for name in names) == (family.type == "counter"), names
    assert not {family.name for family in descriptions() if family.name.endswith(("_ms", "_mb", "_gb", "_minutes"))}


def test_openmetrics_is_strict_and_accepts_it(read: Shown) -> None:
    read.snapshot = replace(snapshot(step=1.0), recording=True)
    request = urllib.request.Request(f"http://127.0.0.1:{read.endpoint.port}/metrics")
    request.add_header("Accept", "application/openmetrics-text; version=1.0.0")
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
        found = {family.name: family for family in openmetrics_families(answer.read().decode())}
    assert (found["metabonk_run"].type, found["metabonk_oom_kills"].type) == ("info", "counter")
    units = {name: family.unit for name, family in found.items() if family.unit}
    assert units["metabonk_run_elapsed_seconds"] == "seconds"
    assert units["metabonk_memory_available_bytes"] == "bytes"
    assert set(units.values()) == {"seconds", "bytes"}
    assert all(name.endswith(f"_{unit}") for name, unit in units.items())


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_finds_nothing_against_the_names(read: Shown) -> None:
    read.snapshot = replace(snapshot(step=1.0, intrinsic_reward_total=0.0), recording=True)
    text = scrape(read.endpoint.port)
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_notifications_are_counted_for_each_channel(read: Shown) -> None:
    found = read(snapshot())
    assert value(found, "metabonk_notifications_total", channel="hook", result="sent") == 2
    assert value(found, "metabonk_notifications_total", channel="hook", result="failed") == 1
    assert value(found, "metabonk_notifications_total", channel="team", result="sent") == 0
    assert value(found, "metabonk_notifications_waiting", channel="team") == 3


def test_no_label_is_one_that_prometheus_sets_itself() -> None:
    labels = {label for family in descriptions() for label in family.labels}
    assert not labels & {"alertname", "alertstate", "job", "instance", "le", "quantile"}


def test_hostile_labels_are_text(read: Shown) -> None:
    shown = snapshot()
    shown = replace(shown, run=replace(shown.run, name='a"} evil 1\n# HELP \\'))
    found = read(shown)
    assert value(found, "metabonk_run_info", run='a"} evil 1\n# HELP \\') == 1


def test_a_port_that_is_taken_is_named(read: Shown) -> None:
    port = read.endpoint.port
    with pytest.raises(MetricsError, match=f"cannot listen on 127.0.0.1 port {port}: Address already in use"):
        serve("127.0.0.1", port, lambda: None, lambda _: 0.0)


def test_at_its_end_the_port_is_free() -> None:
    endpoint = serve("127.0.0.1", 0, lambda: None, lambda _: 0.0)
    port = endpoint.port
    endpoint.close()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_a_client_that_says_nothing_holds_nobody(read: Shown) -> None:
    with socket.create_connection(("127.0.0.1", read.endpoint.port)):
        assert read(snapshot())


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost"])
def test_addresses_of_the_loopback_may_be_configured(host: str) -> None:
    assert config(f'[metrics]\nhost = "{host}"').metrics.host == host


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "example.org", "", "127.0.0.1.example.org"])
def test_others_are_refused(host: str) -> None:
    with pytest.raises(ConfigError, match=r"metrics\.host: .* is not an address of the loopback"):
        config(f'[metrics]\nhost = "{host}"')


def test_without_the_library_it_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['prometheus_client'] = None\n"
        "from metabonk_tui.adapters.alerts.prometheus import MetricsError, serve\n"
        "try: serve('127.0.0.1', 0, lambda: None, lambda _: 0.0)\n"
        "except MetricsError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert "pip install 'metabonk-tui[metrics]'" in done.stdout, done.stderr


def test_the_table_of_the_documentation_is_the_table_of_metrics() -> None:
    rows = [
        f"| `{family.name}` |{''.join(f' `{label}`' for label in family.labels)} | {family.help_text} |"
        for family in descriptions()
    ]
    assert "\n".join(rows) + "\n" in (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8")
