"""Recordings: nothing is lost, nothing is kept half, whatever the disk does the looking goes on."""

import itertools
import json
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import asdict, replace

from metabonk_tui.adapters.recordings.jsonl_reader import read_jsonl
from metabonk_tui.adapters.recordings.jsonl_writer import sample_documents, write_jsonl
from metabonk_tui.adapters.store import codec, journal, retention, run_file, schema
from metabonk_tui.adapters.store.importer import import_runs
from metabonk_tui.adapters.store.journal import RETRY_S, StoreJournal
from metabonk_tui.adapters.store.run_directory import find, paths
from metabonk_tui.adapters.store.run_file import RunFile
from metabonk_tui.adapters.store.run_identity import RunIdentity, boot_t
from metabonk_tui.adapters.store.run_reader import Recording
from metabonk_tui.adapters.store.schema import SCHEMA, TooNew
from metabonk_tui.core.model.host import (
    ExitReading,
    KernelKill,
    KernelLogReading,
    MemoryReading,
    ProcessReading,
    RunPeaks,
)
from metabonk_tui.core.model.sample import (
    BadValue,
    EnvFileReading,
    EnvReading,
    Event,
    Observation,
    RunHeader,
    Sample,
    WatchReading,
    WorkerStatus,
)
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.recordings.restore import GAP_KINDS, rebuild, recorded_gap
from metabonk_tui.core.step.merge import merge_samples
from metabonk_tui.core.step.pipeline import step
from metabonk_tui.core.step.state import with_true_rhythm
from metabonk_tui.engine.clock import RunClock
from tests.support.examples import examples
from tests.support.paths import TEST_DATA
from tests.support.refs import w
from tests.support.samples import CONFIG, changed, flat_sample

GOLDEN = TEST_DATA / "schema-1.db"
T = 1_767_309_258.0
KILLED = KernelLogReading(kills=(KernelKill(41, "python", 5, "/a", "/a/b"),))
ACTED = WatchReading(True, "key", T, did="stop the pool", did_t=T, did_ok=True)
HEADER = RunHeader("run-1767309258", T, 2, "live", 1.0, "launched by us")


def judge(previous: Snapshot | None, sample: Sample) -> Snapshot:
    return step(previous, sample, CONFIG)


def tick(number: int, **more: object) -> Sample:
    """One second of two workers."""
    workers = {
        w(slot): Observation(
            WorkerStatus(
                {
                    "step": float(number * 7 + slot),
                    "dynamic_ui_exploration_actions": number // 3,
                    "nested": {"a": [1, 2.0, None], "b": {"c": "x" * (number % 3)}},
                    "rows": [{"n": number}, {"n": 1}],
                }
            ),
            latency_s=0.001 * (number % 5),
            pid=40 + slot,
            pid_started_at=T,
        )
        for slot in range(2)
    }
    sample = flat_sample(
        t=T + number,
        workers=workers,
        memory=MemoryReading(total_bytes=16, available_bytes=9_000_000_000 + number, oom_kills=0),
        processes=tuple(ProcessReading("worker", 10 + number, w(s), 40 + s, T) for s in range(2)),
        run=HEADER if number == 0 else None,
    )
    return changed(sample, **more)  # type: ignore[arg-type]


def judged(samples: list[Sample]) -> Iterator[tuple[Sample, Snapshot]]:
    snapshot = None
    for sample in samples:
        snapshot = judge(snapshot, sample)
        yield sample, snapshot


def text(sample: Sample) -> str:
    return json.dumps(list(sample_documents(sample)), sort_keys=True, default=repr)


def stored(tmp_path: Path, samples: list[Sample]) -> Recording:
    (path,) = import_runs(tmp_path / "runs", judged(samples), CONFIG)
    return Recording(path)


leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**18), 10**18),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(codec="utf-8", categories=("L", "N", "P")), max_size=8),
    st.just(BadValue("nan", "NaN")),
    st.just(BadValue("infinite", "Infinity")),
)
names = st.sampled_from(["a", "b", "step", "why", "text"])
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=3)),
    max_leaves=8,
)
statuses = st.dictionaries(names, trees, max_size=4)
seen = st.one_of(
    st.builds(Observation, status=st.builds(WorkerStatus, statuses), pid=st.one_of(st.none(), st.integers(1, 9))),
    st.builds(Observation, error=st.sampled_from(["refused", "timeout"]), detail=st.sampled_from(["", "x"])),
)
happened = st.builds(
    Event, st.just(T), st.sampled_from(["pool.note", "check"]), st.sampled_from(["info", "warn"]), st.just("said"),
    facts=st.dictionaries(st.sampled_from(["from", "to"]), st.integers(0, 9)),
)  # fmt: skip
ticks = st.builds(
    flat_sample,
    t=st.just(T),
    workers=st.dictionaries(st.integers(0, 3).map(w), seen, max_size=3),
    processes=st.one_of(st.none(), st.just(()), st.just((ProcessReading("ollama", 5),))),
    environments=st.one_of(
        st.just({}), st.just({w(0): EnvReading({"A": "1"})}), st.just({w(1): EnvReading(None, "gone")})
    ),
    env_file=st.one_of(
        st.none(),
        st.just(
            EnvFileReading(
                "/e",
                {"A": "1"},
                frozenset({"A"}),
                unread=("A",),
                launcher_sets={"A": None, "B": "1"},
                source="3 files of /x",
            )
        ),
    ),
    log_tails=st.one_of(st.just({}), st.just({w(1): ("OSError: no device", "")})),
    earlier_peaks=st.one_of(st.none(), st.just(()), st.just((RunPeaks(T, 5, None),))),
    exits=st.one_of(st.just(()), st.just((ExitReading("worker", "-9", w(1), 41),))),
    kernel_log=st.one_of(st.none(), st.just(KernelLogReading("not readable")), st.just(KILLED)),
    watch=st.one_of(st.none(), st.just(WatchReading(False)), st.just(ACTED)),
    events=st.lists(happened, max_size=2).map(tuple),
)


@given(st.lists(ticks, min_size=1, max_size=8), st.integers(1, 4))
@settings(max_examples=examples(60), deadline=None, suppress_health_check=list(HealthCheck))
def test_samples_through_store_export_and_import_are_the_same(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[Sample], every: int
) -> None:
    tmp_path = tmp_path_factory.mktemp("store")
    samples = [replace(one, t=T + n, run=HEADER if n == 0 else None) for n, one in enumerate(drawn)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_file, "TICKS", every)
        file = RunFile(tmp_path / "a.db")
        for sample in samples:
            file.write(sample, meta={})
        file.close()
    with Recording(tmp_path / "a.db") as one:
        back = list(one.samples())
    assert [text(one) for one in back] == [text(one) for one in samples], "1 is not 1.0 either"
    write_jsonl(str(tmp_path / "b.jsonl"), back)
    assert list(read_jsonl(str(tmp_path / "b.jsonl"), [])) == samples


def test_of_several_samples_as_one_every_end_of_a_process_is_kept() -> None:
    mine, other = ExitReading("worker", "0", w(0), 40), ExitReading("worker", "-9", w(1), 41)
    before = tick(1, exits=(mine,), kernel_log=KILLED, earlier_peaks=(RunPeaks(T, 5),), watch=WatchReading(True))
    after = tick(2, exits=(other,), kernel_log=KernelLogReading("gone"), earlier_peaks=())
    both = merge_samples(before, after, 10)
    assert both.only_host.exits == (mine, other)
    assert both.only_host.kernel_log == KernelLogReading("gone", KILLED.kills)
    assert both.only_host.earlier_peaks == (), "read again, and nothing was there"
    assert both.watch is None, "how it stands is said anew each time"
    quiet = merge_samples(before, tick(3), 10).only_host
    assert (quiet.exits, quiet.kernel_log, quiet.earlier_peaks) == ((mine,), KILLED, before.only_host.earlier_peaks)


def test_a_number_too_long_for_the_quick_decoder_stays_what_it_was() -> None:
    huge = Sample(t=T, workers={w(0): Observation(WorkerStatus({"n": -9_999_999_999_999_999_999}))})
    assert list(codec.samples([codec.Encoder().line(huge)], [])) == [huge]


def test_any_part_of_a_run_can_be_read(tmp_path: Path) -> None:
    samples = [tick(n) for n in range(200)]
    with stored(tmp_path, samples) as one:
        assert list(one.samples()) == samples
        assert [s.t - T for s in one.samples(from_t=T + 100, to_t=T + 103)] == [100, 101, 102, 103]
        assert list(one.samples(after=150)) == samples[150:]
        reported = one.summary()
        assert (reported.duration_s, reported.workers, reported.source, reported.samples) == (199.0, 2, "live", 200)
        assert one.events()[0].kind == "run.start"
        plotted = one.plot("step", T, T + 200, 200)
        assert sum(point.increase for point in plotted[0]) == 199 * 7
        assert set(plotted) == {0, 1}
        assert max(p.most for p in one.plot("available_bytes", T, T + 200, 2)[-1]) == 9_000_000_199


@pytest.mark.parametrize("schema", [1, 2])
def test_the_golden_file_of_an_earlier_schema_opens_for_ever_and_goes_on(tmp_path: Path, schema: int) -> None:
    golden = GOLDEN.with_name(f"schema-{schema}.db")
    copy = tmp_path / "old.db"
    copy.write_bytes(golden.read_bytes())
    with Recording(copy) as one:
        assert list(one.samples()) == [tick(n) for n in range(130)]
        assert one.summary().verdict
        assert one.plot("rss_bytes", T, T + 200, 10)
    assert copy.read_bytes() == golden.read_bytes(), "reading changes nothing"
    copy.chmod(0o600)
    file = RunFile(copy)
    for n in range(130, 135):
        file.write(tick(n), meta={})
    file.finish()
    with Recording(copy) as one:
        assert list(one.samples()) == [tick(n) for n in range(135)]


def test_a_file_of_the_future_is_left_alone(tmp_path: Path) -> None:
    stored(tmp_path, [tick(0)]).close()
    path = paths(tmp_path / "runs")[0]
    with closing(sqlite3.connect(path)) as base, base:
        base.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    base.close()
    with pytest.raises(TooNew):
        Recording(path)


def test_thinned_it_keeps_one_of_sixty_and_all_that_was_reported(tmp_path: Path) -> None:
    env = {w(0): EnvReading({"A": "1"})}
    samples = [tick(n, environments=env if n == 70 else {}) for n in range(300)]
    with stored(tmp_path, samples) as one:
        path = one.path
    assert retention.thin_to(path, T + 200) == 3
    with Recording(path) as one:
        left = list(one.samples())
        assert [s.t - T for s in left[:4]] == [59, 119, 179, 180]
        assert left[1].environments == env
        assert left[0].run is not None
        assert left[0].run.interval_s == 60.0
        assert judge(None, left[0]).run.samples == 1


def test_the_oldest_run_goes_before_there_is_too_little_room_and_never_the_one_under_way(tmp_path: Path) -> None:
    for _ in range(3):
        stored(tmp_path, [tick(n) for n in range(3)]).close()
    folder = tmp_path / "runs"
    for age, path in enumerate(sorted(folder.glob("*.db"))):
        os.utime(path, (T - age * 10_000, T - age * 10_000))
    live = paths(folder)[-1]
    limit = retention.Limits(1e9, 1, 0, 2000)
    retention.tidy(folder, limit, T + 9_000, live=(live,))
    assert paths(folder) == [live]


class Bench:
    """A journal as the engine drives it, on a clock of the test."""

    def __init__(self, folder: Path, clock: RunClock | None = None) -> None:
        self.now_s = 0.0
        self.clock = clock or RunClock()
        self.journal = StoreJournal(folder, CONFIG, self.clock, lambda: self.now_s)
        self.snapshot: Snapshot | None = None
        self.reported: list[Event] = []

    def take(self, sample: Sample) -> None:
        events, _ = self.journal.take_submitted()
        self.reported += events
        sample = replace(sample, events=(*sample.events, *events))
        self.snapshot = judge(self.snapshot, sample)
        self.journal.record(sample, self.snapshot)


THERE = tuple(ProcessReading("worker", 1, w(slot), 40 + slot, T) for slot in range(2))


def begun(folder: Path, count: int = 5) -> Bench:
    bench = Bench(folder)
    assert bench.journal.begin(THERE) is None
    assert bench.journal.read_new() is None
    for number in range(count):
        bench.take(tick(number))
    assert bench.journal.recording is True
    return bench


def test_every_spelling_of_the_loopback_writes_one_recording(tmp_path: Path) -> None:
    first = begun(tmp_path)
    for host in ("localhost", "LOCALHOST.", "0.0.0.0", "127.1"):
        config = msgspec.structs.replace(CONFIG, pool=msgspec.structs.replace(CONFIG.pool, host=host))
        other = StoreJournal(tmp_path, config, RunClock())
        assert other.begin(THERE) is not None, host
        assert other.writer.startswith(f"pid {os.getpid()}"), host
        other.close()
    elsewhere = msgspec.structs.replace(CONFIG, pool=msgspec.structs.replace(CONFIG.pool, host="127.0.0.2"))
    another = StoreJournal(tmp_path, elsewhere, RunClock())
    assert another.begin(THERE) is None, "another address is another pool"
    another.close()
    first.journal.close()
    identity = RunIdentity(f"127.0.0.1:{CONFIG.pool.base_port}", "b", 0.0)
    old = {"pool": f"localhost:{CONFIG.pool.base_port}", "boot_id": "b", "clock": {}}
    assert identity.is_of_pool(old), "earlier versions wrote the host as it was spelt"


def test_drafts_of_killed_monitors_are_removed_and_others_stay(tmp_path: Path) -> None:
    gone, alive = 2**22 + 1, os.getpid()
    young, old = T, T - 100
    cases = [
        (f".a.db.{gone}.draft", young - 2, True),
        (f".a.db.{gone}.draft-journal", young - 2, True),
        (f".b.db.{gone}.draft", young, False),
        (f".c.db.{alive}.draft", young - 2, False),
        (f".d.db.{alive}.draft", old, True),
        (".e.draft", old, False),
    ]
    for name, written_t, _ in cases:
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (written_t, written_t))
    retention.tidy(tmp_path, retention.Limits(1e9, 10**12, 0, 2000), T)
    assert {path.name for path in tmp_path.iterdir()} == {name for name, _, goes in cases if not goes}


def test_nothing_is_recorded_before_anything_is_there(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.journal.begin(())
    env_file = EnvFileReading("/e", {}, frozenset())
    bench.take(Sample(t=T, run=replace(HEADER, how="first sample"), env_file=env_file))
    assert (paths(tmp_path), bench.journal.recording) == ([], None)
    bench.take(tick(1))
    bench.journal.close()
    with Recording(paths(tmp_path)[0]) as one:
        (only,) = one.samples()
    assert only.env_file == env_file, "what was told before is not lost"


def test_who_opens_later_knows_what_was_and_one_hole(tmp_path: Path) -> None:
    first = begun(tmp_path, 130)
    before = first.snapshot
    first.journal.close()
    second = Bench(tmp_path)
    past = second.journal.begin(THERE)
    assert past is not None
    assert past.known is not None, "not all of it is stepped through again"
    again = rebuild(past, judge, with_true_rhythm)
    assert before is not None
    assert again is not None
    assert asdict(replace(again, ended_runs=())) == asdict(before)
    second.snapshot = again
    second.take(tick(400))
    second.journal.close()
    assert len(paths(tmp_path)) == 1
    with Recording(paths(tmp_path)[0]) as one:
        assert [event.kind for event in one.events()].count("recorder.gap") == 1
        assert len({event for event in map(repr, one.events())}) == len(one.events()), "nothing is told twice"


def test_a_kept_snapshot_that_cannot_be_read_costs_time_and_nothing_else(tmp_path: Path) -> None:
    first = begun(tmp_path, 130)
    first.journal.close()
    with closing(sqlite3.connect(paths(tmp_path)[0])) as base, base:
        base.execute("UPDATE cache SET value = x'00'")
    base.close()
    second = Bench(tmp_path)
    past = second.journal.begin(THERE)
    assert past is not None
    assert past.known is None
    assert asdict(rebuild(past, judge, with_true_rhythm)) == asdict(first.snapshot)  # type: ignore[arg-type, type-var]
    second.journal.close()


def test_other_workers_are_another_run(tmp_path: Path) -> None:
    begun(tmp_path).journal.close()
    second = Bench(tmp_path)
    assert second.journal.begin((ProcessReading("worker", 1, w(0), 40, T + 60),)) is None
    second.journal.close()


def test_one_writes_the_other_reads_along_and_takes_over(tmp_path: Path) -> None:
    first = begun(tmp_path)
    second = Bench(tmp_path)
    past = second.journal.begin(THERE)
    assert past is not None
    second.snapshot = rebuild(past, judge, with_true_rhythm)
    assert second.journal.read_new() == ()
    first.take(tick(5))
    assert [sample.t for sample in second.journal.read_new() or ()] == [T + 5]
    assert second.journal.recording is True
    assert second.journal.submit((Event(T + 5, "pool.stop", "info", "stopped"),), None)
    first.take(tick(6))
    assert [event.kind for sample in second.journal.read_new() or () for event in sample.events] == ["pool.stop"]
    first.take(tick(7))
    assert [event for sample in second.journal.read_new() or () for event in sample.events] == [], "told once"
    first.journal.close()
    second.journal.read_new()
    assert second.journal.read_new() is None, "now it looks itself"
    second.take(tick(8))
    second.journal.close()
    with Recording(paths(tmp_path)[0]) as one:
        assert [sample.t - T for sample in one.samples()] == list(range(9))


def started_together(folder: Path, count: int) -> list[Bench]:
    """Return monitors that began before any recording existed; the first one records five ticks."""
    benches = [Bench(folder) for _ in range(count)]
    for bench in benches:
        assert bench.journal.begin(THERE) is None
    for number in range(5):
        for bench in benches[1:]:
            bench.take(tick(number, run=replace(HEADER, name=f"run-seen-by-{id(bench)}")))
        benches[0].take(tick(number))
    return benches


@pytest.mark.parametrize("count", [2, 3])
def test_recorders_that_start_together_and_lose_the_writer_make_one_recording(count: int, tmp_path: Path) -> None:
    first, *others = started_together(tmp_path, count)
    number = 5
    writer = first
    for bench in others:
        writer.journal.close()
        bench.now_s += 0.5  # before the search for the writer's file
        known = bench.journal.read_new()
        assert known is not None
        assert [sample.t for sample in known] == [T + n for n in range(number)]
        bench.snapshot = None
        for sample in known:
            bench.snapshot = judge(bench.snapshot, sample)
        bench.take(tick(number))
        number += 1
        assert bench.journal.recording is True
        writer = bench
    writer.journal.close()
    (path,) = paths(tmp_path)
    with Recording(path) as one:
        assert [sample.t for sample in one.samples()] == [T + n for n in range(number)]
        assert [sample.run.name for sample in one.samples() if sample.run is not None] == [HEADER.name]


@pytest.mark.parametrize("sees_processes", [True, False])
def test_a_writer_that_ends_before_its_first_sample_leaves_no_second_recording(
    sees_processes: bool, tmp_path: Path
) -> None:
    first = Bench(tmp_path)
    assert first.journal.begin(THERE) is None
    sample = tick(0)
    meta = first.journal._identity_meta(sample)
    run_file.RunFile(tmp_path / "run-1767309258.db", meta).close()
    second = Bench(tmp_path)
    second.journal.begin(THERE if sees_processes else ())
    first.journal.close()
    assert second.journal.read_new() is None
    second.take(tick(1, run=HEADER))
    second.take(tick(2))
    second.journal.close()
    (path,) = paths(tmp_path)
    with Recording(path) as one:
        assert [sample.t for sample in one.samples()] == [T + 1, T + 2]
    assert not list(tmp_path.glob("*.broken-*"))
    assert not list(tmp_path.glob(".*.draft"))


def test_a_file_is_there_only_when_it_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[Path]] = []
    migrate = schema._migrate

    def spy(*arguments: Any) -> None:
        seen.append(paths(tmp_path))
        migrate(*arguments)

    monkeypatch.setattr(schema, "_migrate", spy)
    run_file.RunFile(tmp_path / "run.db", {"pool": "p"}).close()
    assert seen[0] == [], "no other monitor sees it before it has its tables and its pool"
    with Recording(tmp_path / "run.db") as one:
        assert one.meta == {"pool": "p"}


def test_a_lock_that_comes_free_while_a_sample_is_stored_waits_for_the_search(tmp_path: Path) -> None:
    first, second = started_together(tmp_path, 2)
    first.journal.close()
    second.take(tick(5))
    assert len(paths(tmp_path)) == 1, "no second file before the search"
    assert second.journal.read_new() is not None
    second.snapshot = first.snapshot
    second.take(tick(6))
    second.journal.close()
    assert len(paths(tmp_path)) == 1


@pytest.mark.parametrize("set_by_s", [0.0, 3600.0, -7200.0, 86_400.0])
@pytest.mark.parametrize("visible", [True, False])
def test_a_wall_clock_that_is_set_between_two_openings_keeps_the_run(
    set_by_s: float, visible: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel's boot time moves with the wall clock, and start times are read from it."""
    there = THERE if visible else ()
    first = Bench(tmp_path)
    first.journal.begin(there)
    now_t = first.clock.now()
    for number in range(3):
        seen = () if not visible else tick(0).only_host.processes
        sample = changed(tick(number), processes=seen)
        first.take(replace(sample, t=now_t + number, run=HEADER if number == 0 else None))
    first.journal.close()
    (path,) = paths(tmp_path)
    booted_t, wall_t = boot_t(), time.time
    monkeypatch.setattr(journal, "boot_t", lambda: booted_t + set_by_s)
    monkeypatch.setattr(time, "time", lambda: wall_t() + set_by_s)
    second = Bench(tmp_path, RunClock(real=time.time))
    moved = tuple(replace(p, started_at=T + set_by_s + 1.0) for p in there)
    past = second.journal.begin(moved)
    assert past is not None
    assert abs(second.clock.now() - now_t) < 60, "the run's time goes on"
    second.snapshot = rebuild(past, judge, with_true_rhythm)
    second.take(replace(tick(3), t=now_t + 3))
    second.journal.close()
    assert paths(tmp_path) == [path]


def test_a_recording_of_unix_seconds_is_still_found(tmp_path: Path) -> None:
    begun(tmp_path).journal.close()
    with closing(sqlite3.connect(paths(tmp_path)[0])) as base, base:
        base.execute("DELETE FROM meta WHERE key = 'workers_since_boot'")
    base.close()
    second = Bench(tmp_path)
    assert second.journal.begin(THERE) is not None
    second.journal.close()


def test_a_recording_that_others_may_write_is_not_continued(tmp_path: Path) -> None:
    begun(tmp_path).journal.close()
    (path,) = paths(tmp_path)
    path.chmod(0o666)
    second = Bench(tmp_path)
    assert second.journal.begin(THERE) is None
    second.take(tick(6))
    second.take(tick(7))
    second.journal.close()
    assert len(paths(tmp_path)) == 2
    assert "is not continued" in second.reported[0].text
    assert "chmod go-w" in second.reported[0].text


def test_a_full_disk_is_reported_once_and_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = begun(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(RunFile, "write", _full)
        for number in range(5, 8):
            bench.take(tick(number))
        assert bench.journal.recording is False
    bench.now_s += RETRY_S + 1
    bench.take(tick(100))
    assert bench.journal.recording is True
    bench.take(tick(101))
    bench.journal.close()
    assert [event.severity for event in bench.reported] == ["warn", "ok"]
    assert "database or disk is full" in bench.reported[0].text
    with Recording(paths(tmp_path)[0]) as one:
        assert [sample.t - T for sample in one.samples()] == [0, 1, 2, 3, 4, 100, 101]


@pytest.mark.parametrize(
    ("unstored", "then"),
    [
        ([5, 6, 7], [100, 101]),  # the tick that is stored again is late
        ([5, 60, 61], [62, 63]),  # one between them
        ([60, 61], [62, 63]),  # the first that is not stored
        ([5, 6], [7, 8]),  # none
        ([60], [120, 121]),  # both
    ],
)
def test_each_gap_of_a_recording_lies_between_two_stored_samples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unstored: list[int], then: list[int]
) -> None:
    """A loaded machine makes a tick late while the disk is full: that gap ended at a sample that was not stored."""
    bench = begun(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(RunFile, "write", _full)
        for number in unstored:
            bench.take(tick(number))
    bench.now_s += RETRY_S + 1
    for number in (*then, 300, 301):
        bench.take(tick(number))
    bench.journal.close()
    with Recording(paths(tmp_path)[0]) as one:
        times = [sample.t for sample in one.samples()]
        gaps = [gap for event in one.events() if event.kind in GAP_KINDS and (gap := recorded_gap(event)) is not None]
    assert [t - T for t in times] == [0, 1, 2, 3, 4, *then, 300, 301]
    pairs = {(gap.from_t, gap.to_t) for gap in gaps}
    assert pairs <= set(itertools.pairwise(times))
    assert (T + 4, T + then[0]) in pairs, "nothing was stored there"
    assert (T + then[1], T + 300) in pairs, "a later gap is reported as always"


def _full(*_: object, **__: object) -> None:
    raise sqlite3.OperationalError("database or disk is full")


def test_a_broken_file_is_set_aside_and_another_begun(tmp_path: Path) -> None:
    bench = begun(tmp_path)
    bench.journal.close()
    path = paths(tmp_path)[0]
    path.write_bytes(b"this is not a recording" * 1000)
    second = Bench(tmp_path)
    assert second.journal.begin(THERE) is None
    second.take(tick(6))
    second.take(tick(7))
    second.journal.close()
    assert [one for one in tmp_path.iterdir() if ".broken-" in one.name]
    assert "broken" in second.reported[0].text
    with Recording(paths(tmp_path)[0]) as one:
        assert len(list(one.samples())) == 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_is_shut(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    bench = Bench(tmp_path / "runs")
    assert bench.journal.begin(THERE) is None
    bench.take(tick(0))
    assert bench.journal.recording is False
    tmp_path.chmod(0o700)


def test_a_state_directory_that_others_may_write_holds_no_recording(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    state.chmod(0o777)
    bench = Bench(state / "runs")
    assert bench.journal.begin(THERE) is None
    bench.take(tick(0))
    assert bench.journal.recording is False
    (event,) = bench.reported
    assert f"{state} has mode 0777" in event.text
    assert not (state / "runs").exists()


def test_a_place_that_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("in the way")
    bench = Bench(tmp_path / "runs")
    assert bench.journal.begin(THERE) is None
    bench.take(tick(0))
    bench.take(tick(1))
    assert bench.journal.recording is False
    assert [event.kind for event in bench.reported] == ["recorder.error"]
    bench.journal.close()


def test_a_name_is_found_by_its_beginning(tmp_path: Path) -> None:
    stored(tmp_path, [tick(0)]).close()
    folder = tmp_path / "runs"
    assert find(folder, "run-176") == find(folder, "last") == folder / "run-1767309258.db"
    assert find(folder, "nothing") is None
    assert (folder.stat().st_mode & 0o777) == 0o700


def test_what_is_written_while_it_is_read_does_not_break_the_reading(tmp_path: Path) -> None:
    bench = begun(tmp_path, 130)
    with Recording(paths(tmp_path)[0]) as one:
        read = []
        for sample in one.samples():
            read.append(sample.t - T)
            if len(read) in (10, 125, 130):
                bench.take(tick(1000 + len(read)))
        assert one.problems == []
    assert read[:130] == list(range(130))
    assert read[130:] == [1010.0, 1125.0, 1130.0]
    bench.journal.close()


def test_what_comes_before_the_next_run_is_still_of_this_one(tmp_path: Path) -> None:
    """No monitor watched, and the kernel killed: that is only known when the next run begins."""
    first = [tick(number) for number in range(200)]
    counted = MemoryReading(total_bytes=16, available_bytes=9_000_000_000, oom_kills=1)
    second = [
        changed(tick(number), memory=counted, run=RunHeader("second", T + 2000, 2) if number == 2000 else None)
        for number in range(2000, 2010)
    ]
    one, two = import_runs(tmp_path / "runs", judged([*first, *second]), CONFIG)
    with Recording(one) as recording:
        assert recording.summary().verdict == "STOP"
        gap = [event for event in recording.events() if event.kind == "recorder.gap"]
        assert [event.facts["to"] - event.facts["from"] for event in gap] == [1801.0]
        assert recording.newest_seq == len(first)
        after = recording.after
        assert after is not None
        assert (after.t, after.only_host.memory, after.workers) == (T + 2000, counted, {})
    with Recording(two) as recording:
        assert recording.after is None
        assert recording.summary().verdict != "STOP"
