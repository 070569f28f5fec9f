"""What goes wrong with a recording costs that, and no more: damaged files, a disk that is full, a second monitor."""

from __future__ import annotations

import errno
import os
import random
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from msgspec.structs import replace

from metabonk_tui.adapters.store import checkpoint, retention
from metabonk_tui.adapters.store import run_directory as shelf
from metabonk_tui.adapters.store.journal import RETRY_S
from metabonk_tui.adapters.store.run_directory import UNREADABLE, paths, summaries
from metabonk_tui.adapters.store.run_file import RunFile
from metabonk_tui.adapters.store.run_reader import Recording
from metabonk_tui.cli.exit_codes import INTERNAL
from metabonk_tui.cli.main import guarded
from metabonk_tui.core.model.sample import EnvReading, Event, RunHeader
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.recordings.restore import rebuild
from metabonk_tui.core.step.state import with_true_rhythm
from tests.adapters.store.test_journal import THERE, Bench, T, begun, judge, tick
from tests.support.examples import THOROUGH
from tests.support.refs import w


def events_in(path: Path) -> list[Event]:
    with Recording(path) as one:
        return list(one.events())


def test_all_that_a_second_monitor_did_is_reported_not_only_the_first(tmp_path: Path) -> None:
    first = begun(tmp_path)
    second = Bench(tmp_path)
    second.journal.begin(THERE)
    second.journal.read_new()
    for number in range(3):
        for which in "ab":
            assert second.journal.submit((Event(T, "pool.stop", "info", f"stopped {number}{which}"),), None)
        first.take(tick(5 + number))
    second.journal.close()
    first.journal.close()
    reported = [event.text for event in events_in(paths(tmp_path)[0]) if event.kind == "pool.stop"]
    assert reported == [f"stopped {number}{which}" for number in range(3) for which in "ab"]


def test_what_is_reported_once_while_nothing_can_be_stored_is_stored_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = begun(tmp_path)

    def full(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(RunFile, "write", full)
        for number in range(5, 8):
            bench.take(tick(number, environments={w(number): EnvReading({"A": str(number)})}))
    bench.now_s += RETRY_S + 1
    bench.take(tick(50))
    bench.journal.close()
    with Recording(paths(tmp_path)[0]) as one:
        *_, last = one.samples()
    assert sorted(last.environments) == [w(5), w(6), w(7)]


def test_old_recordings_that_cannot_be_tidied_up_do_not_stop_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shut(*_: object, **__: object) -> list[str]:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(retention, "tidy", shut)
    bench = begun(tmp_path)
    bench.take(tick(5, events=(Event(T + 5, "pool.stop", "info", "stopped"),)))
    bench.take(tick(6))
    assert bench.journal.recording is True
    bench.journal.close()
    assert bench.reported == []
    assert [event.kind for event in events_in(paths(tmp_path)[0])].count("pool.stop") == 1


@pytest.mark.parametrize("how", ["launched by us", "relaunch seen"])
def test_what_comes_after_a_launch_is_none_of_the_run_before(tmp_path: Path, how: str) -> None:
    bench = begun(tmp_path, 20)
    header = RunHeader("run-new", T + 20, 2, "live", 1.0, how)
    launch = Event(T + 20, "pool.launch", "info", "launched 2")
    bench.take(tick(20, workers={}, processes=(), run=header, events=(launch,)))
    bench.take(tick(21, workers={}, processes=()))
    for number in range(22, 30):
        bench.take(tick(number))
    bench.journal.close()
    new, old = paths(tmp_path)
    with Recording(old) as one:
        reported = one.summary()
        assert (reported.run, reported.started_at, reported.samples) == ("run-1767309258", T, 20)
        assert "pool.launch" not in [event.kind for event in one.events()]
    with Recording(new) as one:
        reported = one.summary()
        assert (reported.run, reported.started_at, reported.samples) == (
            "run-new",
            T + 20,
            10 if how == "launched by us" else 8,
        )
        assert [event.kind for event in one.events()].count("pool.launch") == 1
        first = next(one.samples())
        assert (first.run, first.events) == (header, (launch,))


def test_what_was_reported_of_the_past_is_not_reported_again_where_it_is_judged_otherwise_now(tmp_path: Path) -> None:
    begun(tmp_path, 20).journal.close()
    before = events_in(paths(tmp_path)[0])
    second = Bench(tmp_path)
    assert second.journal.begin(THERE) is not None
    late = [replace(event, text=f"{event.text}, to be sure") for event in before]
    second.snapshot = judge(None, tick(0))
    second.snapshot = replace(second.snapshot, events=tuple(late))
    second.take(tick(20))
    second.take(tick(21, events=(Event(T + 21, "pool.stop", "info", "stopped"),)))
    second.journal.close()
    after = events_in(paths(tmp_path)[0])
    assert after[: len(before)] == before
    assert not [event for event in after[len(before) :] if "to be sure" in event.text]
    assert "pool.stop" in [event.kind for event in after[len(before) :]]


def test_a_log_that_is_taken_away_while_it_is_looked_at_is_no_trouble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = begun(tmp_path)
    path = paths(tmp_path)[0]
    assert shelf.size_bytes(path) > path.stat().st_size
    look = Path.exists
    monkeypatch.setattr(Path, "exists", lambda one: look(one) or one.name.endswith("-wal"))
    first.journal.close()
    assert shelf.written_t(path) > 0
    assert shelf.size_bytes(path) == path.stat().st_size
    assert retention.tidy(tmp_path, retention.Limits(1e9, 10**9, 0, 0), T) == []


# Damage


def spoil(path: Path, seed: int) -> None:
    """Write random bytes over random places, or tear the file off."""
    chance = random.Random(seed)
    whole = bytearray(path.read_bytes())
    how = seed % 4
    if how == 3:
        del whole[chance.randrange(len(whole)) :]
    else:
        for _ in range((1, 20, 3)[how]):
            at = chance.randrange(len(whole))
            size = (1, 1, 4096)[how]
            whole[at : at + size] = chance.randbytes(min(size, len(whole) - at))
    path.write_bytes(whole)


def spoil_rows(path: Path, seed: int) -> None:
    """Put nonsense into cells: the tables are whole, what stands in them is not."""
    chance = random.Random(seed)
    nonsense = (b"\xff\x00", "x", -1, 2**62, 1e300, '{"summary": 3}', "[]", '{"pid": null}', b"", b"[[],{},{}]")
    base = sqlite3.connect(path)
    tables = {
        "meta": ["value"],
        "chunk": ["last_seq", "from_t", "to_t", "thin", "lines"],
        "tail": ["t", "line"],
        "event": ["t", "kind", "severity", "text", "worker", "facts"],
        "minute": ["n", "least", "mean", "most", "increase"],
        "series": ["name"],
        "cache": ["value"],
    }
    with base:
        for _ in range(chance.randrange(1, 5)):
            table = chance.choice(sorted(tables))
            with suppress(sqlite3.Error):
                column, what = chance.choice(tables[table]), chance.choice(nonsense)
                base.execute(f"UPDATE {table} SET {column} = ? WHERE random() % 2", (what,))
    base.close()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording as a killed recorder leaves it: chunks and a tail, all in one file."""
    folder = tmp_path_factory.mktemp("whole")
    bench = begun(folder, 150)
    path = paths(folder)[0]
    assert bench.journal._run_writer is not None
    bench.journal._run_writer.close()
    with closing(sqlite3.connect(path)) as base, base:
        base.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    base.close()
    return path


def damaged(whole: Path, folder: Path, seed: int) -> Path:
    folder.mkdir(parents=True)
    path = folder / whole.name
    shutil.copy(whole, path)
    (spoil if seed % 3 else spoil_rows)(path, seed)
    return path


SEEDS = range(*map(int, os.environ.get("DAMAGES", "0-40" if os.environ.get(THOROUGH) else "0-20").split("-")))
"""More of them: DAMAGES=40-1000. Each kind of damage comes after twelve."""


def test_a_damaged_recording_is_read_or_named_never_a_surprise(whole: Path, tmp_path: Path) -> None:
    some = 0
    for seed in SEEDS:
        path = damaged(whole, tmp_path / str(seed), seed)
        with suppress(*UNREADABLE), Recording(path) as one:
            for look in (
                one.summary,
                one.events,
                lambda one=one: list(one.samples()),
                lambda one=one: list(one.frames(10, T + 1000)),
                lambda one=one: one.plot("step", T, T + 200, 10),
                lambda one=one: checkpoint.unpack(one.cached(checkpoint.NAME, "") or b""),
            ):
                with suppress(*UNREADABLE):
                    look()
            some += 0 < len(list(one.samples())) < 150 and bool(one.problems)
    assert some > len(SEEDS) / 20, "what is whole in a damaged file is read, and what is not is named"


def test_a_monitor_over_a_damaged_recording_goes_on_and_records(whole: Path, tmp_path: Path) -> None:
    for seed in SEEDS:
        folder = tmp_path / str(seed)
        damaged(whole, folder, seed)
        bench = Bench(folder)
        past = bench.journal.begin(THERE)
        with suppress(*UNREADABLE):
            bench.snapshot = rebuild(past, judge, with_true_rhythm) if past is not None else None
        for number in range(200, 203):
            assert bench.journal.read_new() is None
            bench.take(tick(number))
        bench.now_s += RETRY_S + 1
        for number in range(240, 243):
            bench.take(tick(number))
        assert bench.journal.recording is True, seed
        bench.journal.close()
        read = 0
        for path in paths(folder):
            with suppress(*UNREADABLE), Recording(path) as one:
                read = max(read, sum(sample.t >= T + 240 for sample in one.samples()))
        assert read == 3, seed


def test_the_verbs_say_in_one_line_what_is_damaged(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for seed in SEEDS:
        state = tmp_path / str(seed)
        damaged(whole, state / "runs", seed)
        monkeypatch.setenv("METABONK_TUI_STATE_DIR", str(state))
        for argv in (
            ["runs"],
            ["runs", "--json"],
            ["export", "last", "--jsonl", "-"],
            ["export", "last", "--csv", "c"],
        ):
            code = guarded(argv)
            reported = capsys.readouterr()
            assert code != INTERNAL, (seed, argv, reported.err)
            assert "Traceback" not in reported.err
            assert code == 0 or len(reported.err.splitlines()) <= 2, reported.err
        shutil.rmtree(tmp_path / "c", ignore_errors=True)


def test_one_damaged_chunk_costs_its_samples_only(tmp_path: Path) -> None:
    begun(tmp_path, 200).journal.close()
    path = paths(tmp_path)[0]
    with closing(sqlite3.connect(path)) as base, base:
        base.execute("UPDATE chunk SET lines = x'00' WHERE first_seq = 61")
    base.close()
    with Recording(path) as one:
        assert [sample.t - T for sample in one.samples()] == [*range(60), *range(120, 200)]
        assert [problem.what for problem in one.problems] == ["samples 61 to 120: damaged, some of them are left out"]
    problems: list[str] = []
    assert [reported.samples for reported in summaries(tmp_path, problems)] == [200]


# A disk that is full


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_disk_that_fills_up_and_has_room_again(small_disk: Path) -> None:
    bench = Bench(small_disk / "runs")
    bench.journal.begin(THERE)
    number = 0
    while bench.journal.recording is not False:
        bench.take(tick(number))
        number += 1
        if number == 20:
            with suppress(OSError), (small_disk / "else").open("wb") as other:
                while True:
                    other.write(b"x" * 4096)
                    other.flush()
        assert number < 500, "it never became full"
    stopped = number
    for _ in range(100):
        bench.now_s += 1
        bench.take(tick(number))
        number += 1
    assert bench.snapshot is not None
    assert bench.snapshot.t == T + number - 1, "the monitor goes on judging"
    assert bench.journal.recording is False
    assert [event.severity for event in bench.reported] == ["warn"], "told once, however often it is tried"
    assert "full" in bench.reported[0].text
    (small_disk / "else").unlink()
    bench.now_s += RETRY_S + 1
    again = number
    for _ in range(10):
        bench.take(tick(number))
        number += 1
    assert bench.journal.recording is True
    bench.journal.close()
    (path,) = paths(small_disk / "runs")
    with Recording(path) as one:
        times = [int(sample.t - T) for sample in one.samples()]
        assert one._connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert one.problems == []
        kinds = [event.kind for event in one.events()]
        reported = next(event for event in one.events() if event.kind == "recorder.error" and event.severity == "ok")
        snapshot = rebuild_all(one)
    assert times == [*range(stopped - 1), *range(again, number)], "what was stored before, and from then on all"
    assert kinds.count("recorder.error") == 2
    assert (reported.facts["from"], reported.facts["to"]) == (T + stopped - 2, T + again)
    assert [(int(gap.from_t - T), int(gap.to_t - T)) for gap in snapshot.run.gaps] == [(stopped - 2, again)]


def rebuild_all(one: Recording) -> Snapshot:
    snapshot: Snapshot | None = None
    for sample in one.samples():
        snapshot = judge(snapshot, sample)
    assert snapshot is not None
    return snapshot


@pytest.fixture
def shut(tmp_path: Path) -> Iterator[Path]:
    """A folder in which no user may write, root neither."""
    folder = tmp_path / "shut"
    folder.mkdir()
    bound = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if bound.returncode:
        pytest.skip(f"no file system can be mounted here: {bound.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_read_only_place_is_reported_and_taken_when_it_opens(shut: Path) -> None:
    bench = Bench(shut / "runs")
    assert bench.journal.begin(THERE) is None
    for number in range(3):
        assert bench.journal.read_new() is None
        bench.take(tick(number, environments={w(number): EnvReading({"A": "1"})}))
    assert bench.journal.recording is False
    assert ["Read-only file system" in event.text for event in bench.reported] == [True]
    subprocess.run(["mount", "-o", "remount,rw", str(shut)], check=True)
    bench.now_s += RETRY_S + 1
    bench.journal.read_new()
    bench.take(tick(40))
    bench.take(tick(41))
    assert bench.journal.recording is True
    bench.journal.close()
    with Recording(paths(shut / "runs")[0]) as one:
        first = next(one.samples())
    assert sorted(first.environments) == [w(0), w(1), w(2)], "what was told before is not lost"
