"""Long recordings: rolled up they say what every sample said, and they open in bounded time."""

from __future__ import annotations

import json
import random
import sqlite3
import zlib
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import asdict, replace

from metabonk_tui.adapters.pools.launch_record import boot_id
from metabonk_tui.adapters.store import checkpoint, retention, run_file
from metabonk_tui.adapters.store.run_reader import Recording
from metabonk_tui.adapters.store.run_writer import RunWriter
from metabonk_tui.core.model.host import MemoryReading
from metabonk_tui.core.model.sample import Observation, Sample, WorkerStatus
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.recordings.restore import rebuild
from metabonk_tui.core.step.state import with_true_rhythm
from metabonk_tui.engine.clock import RunClock
from tests.adapters.store.test_journal import GOLDEN, HEADER, THERE, Bench, T, judge, tick
from tests.support.examples import examples
from tests.support.refs import w
from tests.support.samples import CONFIG, flat_sample

KILLED = GOLDEN.with_name("schema-1-killed.db")
TALLY = "dynamic_ui_exploration_actions"


def grown(values: list[float]) -> float:
    """By how much a counter grew: where it falls it began anew at zero."""
    total = 0.0
    for before, after in pairwise(values):
        total += after - before if after >= before else after
    return total


readings = st.lists(
    st.tuples(
        st.sampled_from([0.5, 1.0, 20.0, 59.0, 61.0, 600.0]),  # since the one before
        st.integers(-3, 50),  # growth; below zero it begins anew
        st.integers(0, 10**9),
        st.booleans(),  # a new monitor writes on
    ),
    min_size=2,
    max_size=40,
)


@given(readings, st.integers(1, 7))
@settings(max_examples=examples(25), deadline=None, suppress_health_check=list(HealthCheck))
def test_what_is_rolled_up_is_what_was_counted_by_any_writer_and_however_thin_it_is_now(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[tuple[float, int, int, bool]], every: int
) -> None:
    path = tmp_path_factory.mktemp("long") / "a.db"
    t, count = T, 0.0
    counted: list[float] = []
    room: list[float] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_file, "TICKS", every)
        page = RunWriter(path, CONFIG)
        for passed_s, growth, available, another in drawn:
            if another:
                page.close()  # as after a kill
                page = RunWriter(path, CONFIG)
            t, count = t + passed_s, count + growth if growth >= 0 else float(-growth)
            counted.append(count)
            room.append(float(available))
            worker = Observation(WorkerStatus({TALLY: count}))
            page.add(flat_sample(t=t, workers={w(0): worker}, memory=MemoryReading(16, available)), None, {})
        page.finish()
    for thin in (False, True):
        if thin:
            retention.thin_to(path, t)
        with Recording(path) as one:
            points = one.plot(TALLY, T, t + 60, 10**6)[0]
            assert sum(point.increase for point in points) == pytest.approx(grown(counted))
            assert (min(p.least for p in points), max(p.most for p in points)) == (min(counted), max(counted))
            few = one.plot(TALLY, T, t + 60, 3)[0]
            assert sum(point.increase for point in few) == pytest.approx(grown(counted))
            host = one.plot("available_bytes", T, t + 60, 1)[-1]
            assert (min(p.least for p in host), max(p.most for p in host)) == (min(room), max(room))


def long_run(folder: Path, hours: float, interval_s: float) -> Path:
    """File a run as the recorder does, without a judgement: that would take long."""
    folder.mkdir()
    path = folder / f"{HEADER.name}.db"
    page = RunWriter(path, CONFIG)
    pool = CONFIG.pool
    noted = {
        "pool": f"{pool.host}:{pool.base_port}",
        "boot_id": boot_id(),
        "clock": asdict(RunClock().reading()),
        "workers": [(40, T), (41, T)],
        "summary": {"run": HEADER.name, "started_at": T, "verdict": "SUCCESS", "workers": 2},
        "header": asdict(replace(HEADER, interval_s=interval_s)),
    }
    for number in range(int(hours * 3600 / interval_s)):
        page.add(replace(tick(number), t=T + number * interval_s, run=None), None, noted)
    page.finish()
    return path


def test_three_days_open_at_a_glance_thinned_or_not(tmp_path: Path) -> None:
    path = long_run(tmp_path / "runs", 72, 120)
    for thin in (False, True):
        if thin:
            assert retention.thin_to(path, T + 48 * 3600) == 24
        bench = Bench(path.parent)
        past = bench.journal.begin(THERE)
        assert past is not None
        stepped = list(past.samples)
        assert len(stepped) <= 400, "of 2160 samples"
        bench.snapshot = rebuild(replace(past, samples=stepped), judge, with_true_rhythm)
        assert bench.snapshot is not None
        assert bench.snapshot.run.elapsed_s == pytest.approx(72 * 3600 - 120)
        assert bench.snapshot.run.interval_s == 120
        assert bench.snapshot.run.gaps == ()
        bench.journal.close()
        with Recording(path) as one:
            assert sum(point.increase for point in one.plot("step", T, T + 72 * 3600, 200)[0]) == 2159 * 7
            assert len(one.plot("step", T, T + 72 * 3600, 200)[0]) == pytest.approx(200, abs=10)


def test_what_is_thinned_is_room_on_the_disk(tmp_path: Path) -> None:
    chance = random.Random(1)
    page = RunWriter(tmp_path / "a.db", CONFIG)
    for number in range(180):
        worker = Observation(WorkerStatus({"step": number, "noise": chance.randbytes(1500).hex()}))
        page.add(Sample(t=T + number, workers={w(0): worker}), None, {})
    page.finish()
    before = (tmp_path / "a.db").stat().st_size
    assert before < 1.4 * 180 * 1500, "nor does one that has ended keep the room of its last ticks"
    assert retention.thin_to(tmp_path / "a.db", T + 1000) == 3
    assert (tmp_path / "a.db").stat().st_size < before / 3


def test_the_golden_file_of_schema_1_has_all_that_a_reader_asks_for(tmp_path: Path) -> None:
    copy = tmp_path / "old.db"
    copy.write_bytes(GOLDEN.read_bytes())
    with Recording(copy) as one:
        again: Snapshot | None = None
        for sample in one.samples():
            again = judge(again, sample)
        assert again is not None
        reported = one.summary()
        assert (reported.run, reported.samples, reported.workers, reported.source) == (HEADER.name, 130, 2, "live")
        kinds = [event.kind for event in one.events()]
        assert kinds[0] == "run.start"
        assert {"worker.up", "verdict", "component.silent"} <= set(kinds)
        assert one.last_event() == one.events()[-1]
        points = one.plot("step", T, T + 200, 200)
        assert {slot: sum(p.increase for p in row) for slot, row in points.items()} == {0: 129 * 7, 1: 129 * 7}
        assert set(one.series()) >= {"step", TALLY, "rss_bytes", "available_bytes"}
        assert [sample.t - T for sample in one.frames(10, T + 1000)] == [0, 60, 120]
        assert one.span == (T, T + 129)
    assert retention.thin_to(copy, T + 100) == 1


def test_a_recording_of_schema_1_is_written_on(tmp_path: Path) -> None:
    copy = tmp_path / f"{HEADER.name}.db"
    copy.write_bytes(GOLDEN.read_bytes())
    page = RunWriter(copy, CONFIG)
    page.add(tick(130), None, {})
    page.finish()
    with Recording(copy) as one:
        assert list(one.samples()) == [tick(number) for number in range(131)]
        assert sum(point.increase for point in one.plot("step", T, T + 200, 200)[0]) == 130 * 7


def test_what_a_killed_recorder_of_schema_1_left_is_gone_on_with(tmp_path: Path) -> None:
    """A thinned chunk, a tail, a kept Snapshot of another version, and what a second monitor did."""
    copy = tmp_path / f"{HEADER.name}.db"
    copy.write_bytes(KILLED.read_bytes())
    with closing(sqlite3.connect(copy)) as base, base:
        base.execute("UPDATE meta SET value = ? WHERE key = 'boot_id'", (json.dumps(boot_id()),))
        (packed,) = base.execute("SELECT value FROM cache WHERE name = 'snapshot'").fetchone()
    base.close()
    assert zlib.decompress(packed), "it is there"
    with Recording(copy) as one:
        assert [sample.t - T for sample in one.samples()] == [59, *range(60, 130)]
        assert one.problems == []
        assert one.thinned_to_t == T + 59
        assert one.cached("snapshot", checkpoint.key(CONFIG)) is None, "it is never taken"
        before = one.events()
    bench = Bench(tmp_path)
    past = bench.journal.begin(THERE)
    assert past is not None
    bench.snapshot = rebuild(past, judge, with_true_rhythm)
    bench.take(tick(130))
    bench.take(tick(131))
    bench.journal.close()
    assert [event.kind for event in bench.reported] == ["pool.stop"]
    with Recording(copy) as one:
        assert [sample.t - T for sample in one.samples()] == [59, *range(60, 132)]
        assert one.events()[: len(before)] == before
        assert [event.kind for event in one.events()[len(before) :]] == ["pool.stop", "verdict"]
        assert sum(point.increase for point in one.plot("step", T, T + 200, 200)[0]) == 131 * 7
