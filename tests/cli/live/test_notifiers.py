"""Who is told of alerts: of what is new between two Snapshots, never of what was known when we came."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import pytest
from msgspec.structs import replace

from metabonk_tui.core.model.alert import Alert, AlertTransition
from metabonk_tui.core.model.sample import Event, Observation, RunHeader, Sample, WorkerStatus
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.ports.live import Journal
from metabonk_tui.core.recordings.restore import RecordedPast
from metabonk_tui.engine.engine import Engine
from tests.support.readers import Scene
from tests.support.refs import w
from tests.support.waiting import wait_for

LOW = Alert("MemLow", "", "warn", "firing", "0.8 GB available", 100.0, firing_t=160.0)
ENDED = replace(LOW, state="resolved", resolved_t=300.0)
DOWN = Alert("WorkerDown", "2", "warn", "firing", "refused", 200.0, firing_t=230.0, workers=(w(2),))


@pytest.fixture(autouse=True)
def _quiet_bugs() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@dataclass
class Sink:
    """Writes down what it is told; `error` is a bug of its own."""

    received: list[tuple[str, str]] = field(default_factory=list)
    error: Exception | None = None

    def deliver(self, changes: tuple[AlertTransition, ...], snapshot: Snapshot) -> None:
        assert changes
        assert {change.alert for change in changes} <= set(snapshot.alerts)
        self.received += [(change.alert.id, change.kind) for change in changes]
        if self.error is not None:
            raise self.error


class Bench:
    """An engine whose alerts are what the test says."""

    def __init__(self, *sinks: Sink, journal: Journal | None = None, scene: Scene | None = None) -> None:
        self.scene = scene or Scene()
        self.alerts: tuple[Alert, ...] = ()
        self.engine = Engine(
            self.scene.config, self.scene.readers, self.scene.clock, self.judge, journal=journal, sinks=sinks
        )

    def judge(self, previous: Snapshot | None, sample: Sample) -> Snapshot:
        return replace(self.scene.judge(previous, sample), alerts=self.alerts)

    def __enter__(self) -> Bench:
        self.engine.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.engine.stop()

    def show(self, *alerts: Alert) -> None:
        """Have these alerts in three Snapshots, so that one of them is surely told of."""
        self.alerts = alerts
        tick = self.scene.latest(self.engine).tick
        wait_for(lambda: self.scene.latest(self.engine).tick >= tick + 3)

    def happened(self) -> list[Event]:
        return [event for event in self.scene.latest(self.engine).events if event.kind == "monitor.error"]


def test_every_sink_receives_every_change_once_and_in_order() -> None:
    one, other = Sink(), Sink()
    with Bench(one, other) as bench:
        bench.show()
        bench.show(LOW)
        bench.show(LOW, DOWN)
        bench.show(ENDED, DOWN)
        bench.show(ENDED, replace(DOWN, workers=(w(1), w(2))))
    wanted = [("MemLow", "firing"), ("WorkerDown:2", "firing"), ("MemLow", "resolved"), ("WorkerDown:2", "louder")]
    assert one.received == other.received == wanted


def test_a_bug_of_one_costs_that_one_only_and_is_reported() -> None:
    broken, whole = Sink(error=ZeroDivisionError("a bug")), Sink()
    with Bench(broken, whole) as bench:
        bench.show(LOW)
        bench.show(ENDED)
        (event,) = bench.happened()
        assert event.text == "sending alerts failed: ZeroDivisionError; the log says where"
    assert whole.received == [("MemLow", "firing"), ("MemLow", "resolved")]


def test_a_complaint_of_another_thread_is_an_event() -> None:
    with Bench() as bench:
        bench.show()
        bench.engine.report_fault("no metrics: cannot listen on 127.0.0.1 port 9000: Address already in use")
        (event,) = wait_for(bench.happened)
        assert (event.severity, event.text[:11]) == ("warn", "no metrics:")
    bench.engine.report_fault("after the end")


@dataclass
class Recorded:
    """A recording of a run that goes on, in which an alert fires already; `along`: another monitor writes it."""

    t: float
    along: bool = False
    recording: bool | None = True
    writer: str = ""
    received: list[Event] = field(default_factory=list)

    def _samples(self) -> Iterable[Sample]:
        workers = {w(0): Observation(status=WorkerStatus({"step": 1.0}), pid=71, pid_started_at=self.t - 50)}
        yield Sample(self.t - 20, workers, run=RunHeader("run-1", self.t - 50, 2))
        yield Sample(self.t - 10, workers)

    def begin(self, processes: object) -> RecordedPast:
        return RecordedPast(None, self._samples())

    def read_new(self) -> tuple[Sample, ...] | None:
        self.t += 0.05
        return (Sample(self.t, {w(0): Observation(status=WorkerStatus({"step": 2.0}))}),) if self.along else None

    def submit(self, events: tuple[Event, ...], run: RunHeader | None) -> bool:
        self.received += events
        return True

    def take_submitted(self) -> tuple[tuple[Event, ...], RunHeader | None]:
        return (), None

    def record(self, sample: Sample, snapshot: Snapshot | None) -> None:
        assert not self.along

    def close(self) -> None:
        pass


@pytest.mark.parametrize("along", [False, True], ids=["it writes", "it reads along"])
def test_what_fired_before_we_came_is_not_reported_again(along: bool) -> None:
    sink = Sink()
    scene = Scene()
    bench = Bench(sink, journal=Recorded(scene.clock.now(), along), scene=scene)
    bench.alerts = (LOW,)
    with bench:
        bench.show(LOW)
        assert sink.received == []
        bench.show(LOW, DOWN)
        bench.show(ENDED, DOWN)
    assert sink.received == [("WorkerDown:2", "firing"), ("MemLow", "resolved")]


def test_who_reads_along_hands_its_complaints_to_the_one_who_writes() -> None:
    scene = Scene()
    journal = Recorded(scene.clock.now(), along=True)
    with Bench(journal=journal, scene=scene) as bench:
        bench.show()
        bench.engine.report_fault("the alert hook failed: exit code 1")
        wait_for(lambda: journal.received)
    assert [event.text for event in journal.received] == ["the alert hook failed: exit code 1"]
