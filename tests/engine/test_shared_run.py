"""Two monitors that begin at the same moment: the account of the one that records counts."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from msgspec.structs import replace

from metabonk_tui.core.model.sample import Event, Observation, PoolReading, RunHeader, Sample, WorkerStatus
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.recordings.restore import RecordedPast
from metabonk_tui.engine.clock import RunClock
from metabonk_tui.engine.engine import Engine
from metabonk_tui.engine.isolated import Isolated
from metabonk_tui.engine.shared_run import SharedRun
from metabonk_tui.engine.single_flight import FaultLog
from tests.support.readers import Scene
from tests.support.refs import w
from tests.support.waiting import wait_for


@dataclass
class LateJournal:
    """Another monitor's recording, which is found only when we have looked ourselves already."""

    theirs: tuple[Sample, ...]
    recording: bool | None = None
    writer: str = "pid 1"
    looked: int = 0
    submitted: list[Event] = field(default_factory=list)

    def begin(self, processes: object) -> RecordedPast | None:
        return None

    def last(self) -> RecordedPast | None:
        return None

    def read_new(self) -> tuple[Sample, ...] | None:
        self.looked += 1
        if self.looked <= 2:
            return None
        theirs, self.theirs = self.theirs, ()
        return theirs

    def submit(self, events: tuple[Event, ...], run: RunHeader | None) -> bool:
        return True

    def take_submitted(self) -> tuple[tuple[Event, ...], RunHeader | None]:
        return (), None

    def record(self, sample: Sample, snapshot: Snapshot | None) -> None:
        pass

    def close(self) -> None:
        pass


def answers(t: float, run: RunHeader | None = None) -> Sample:
    seen = Observation(WorkerStatus({"step": t}), pid=71, pid_started_at=t)
    return Sample(t, {w(0): seen}, run=run)


@pytest.mark.parametrize("ahead_s", [-100.0, 0.0], ids=["their clock is behind", "their clock is ours"])
@pytest.mark.parametrize("name", ["theirs", "run-1"])
def test_the_recorded_account_counts(ahead_s: float, name: str) -> None:
    scene = Scene()
    t = scene.clock.now() + ahead_s
    theirs = (answers(t - 50, RunHeader(name, t - 60, 1)), answers(t - 40))
    engine = Engine(scene.config, scene.readers, scene.clock, scene.judge, journal=LateJournal(theirs))
    engine.start()
    try:
        wait_for(lambda: (latest := engine.latest()) is not None and latest.t == t - 40)
        latest = engine.latest()
        assert latest is not None
        assert (latest.run.name, latest.run.started_at, latest.ended_runs) == (name, t - 60, ())
    finally:
        engine.stop()


@pytest.mark.parametrize("accepts", [True, False], ids=["the writer takes it", "the writer cannot be reached"])
def test_what_this_monitor_did_is_added_here_only_where_the_writer_does_not_take_it(accepts: bool) -> None:
    clock = RunClock()
    journal = SubmitJournal((), accepts=accepts)
    shared_run = SharedRun(journal, Isolated(FaultLog(clock)))
    ours = Event(5.0, "pool.launch", "info", "launched")
    followed = shared_run.follow(
        (answers(1.0), answers(2.0)), None, None, (), lambda sample: replace(sample, events=(*sample.events, ours))
    )
    assert journal.submitted == [ours]
    assert [sample.events for sample in followed.samples] == [(), () if accepts else (ours,)]


@pytest.mark.parametrize(
    ("here", "controllers"),
    [
        (PoolReading(controller="other", holder="pid 1", read_only=True), ["other"] * 3),
        # Not read yet: the monitor that recorded them controlled the pool, which says nothing about this one.
        (None, ["none"] * 3),
    ],
)
def test_the_role_of_the_writer_is_never_shown_as_the_role_of_this_monitor(
    here: PoolReading | None, controllers: list[str]
) -> None:
    # A tick that was late finds several samples, and each of them is drawn.
    theirs = PoolReading(desired=2, controller="us")
    recorded = tuple(replace(answers(t), pool=theirs) for t in (1.0, 2.0, 3.0))
    shared_run = SharedRun(LateJournal(()), Isolated(FaultLog(RunClock())))
    pools = [sample.pool for sample in shared_run.follow(recorded, None, here, (), lambda sample: sample).samples]
    assert [pool.controller for pool in pools if pool is not None] == controllers
    assert [pool.desired for pool in pools if pool is not None][:2] == [2, 2]


@dataclass
class SubmitJournal(LateJournal):
    """A writer that takes what others did, or does not."""

    accepts: bool = True

    def submit(self, events: tuple[Event, ...], run: RunHeader | None) -> bool:
        self.submitted += events
        return self.accepts


def test_the_first_picture_does_not_wait_for_the_recording() -> None:
    scene = Scene()
    shown: list[bool | None] = []

    class SlowJournal(LateJournal):
        def read_new(self) -> None:
            return None

        def record(self, sample: Sample, snapshot: Snapshot | None) -> None:
            latest = engine.latest()
            shown.append(latest is not None)
            self.recording = True

    engine = Engine(scene.config, scene.readers, scene.clock, scene.judge, journal=SlowJournal(()))
    engine.start()
    try:
        wait_for(lambda: (latest := engine.latest()) is not None and latest.recording is True)
        assert shown[0] is True
    finally:
        engine.stop()
