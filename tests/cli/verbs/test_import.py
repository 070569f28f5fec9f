"""Recordings that travel: out of the store and in again nothing is lost, and what is broken costs itself."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from metabonk_tui.adapters.recordings.jsonl_reader import read_jsonl
from metabonk_tui.adapters.recordings.jsonl_writer import write_jsonl
from metabonk_tui.adapters.recordings.metabonk_csv import read_folder
from metabonk_tui.adapters.store.importer import import_runs
from metabonk_tui.adapters.store.run_directory import paths
from metabonk_tui.adapters.store.run_reader import Recording
from metabonk_tui.cli.main import guarded
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.sample import BadValue, EnvReading, Event, Observation, RunHeader, Sample, WorkerStatus
from tests.adapters.store.test_journal import HEADER, T, judged, tick, ticks
from tests.support.examples import examples
from tests.support.paths import SHARED_DATA
from tests.support.refs import w
from tests.support.samples import CONFIG

FAILED_RUN = SHARED_DATA / "failed-run"


@dataclass
class Finished:
    code: int
    out: list[str]
    err: str


Verb = Callable[..., Finished]


@pytest.fixture
def verb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Verb:
    """Call a verb here: verb("runs", state="other")."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("METABONK_TUI_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))

    def call(*argv: str, state: str = "state") -> Finished:
        monkeypatch.setenv("METABONK_TUI_STATE_DIR", str(tmp_path / state))
        code = guarded(list(argv))
        contents = capsys.readouterr()
        return Finished(code, contents.out.split(), contents.err)

    return call


def samples() -> list[Sample]:
    """A run with everything that may be in one."""
    huge = WorkerStatus(
        {"step": BadValue("nan", "NaN"), "a": BadValue("infinite", "-1e999"), "b": BadValue("too large", "9" * 25)}
    )
    made = [tick(number) for number in range(150)]
    made[5] = replace(made[5], workers={w(0): Observation(huge), w(1): Observation(error="http 500", detail="oh")})
    made[7] = replace(made[7], environments={w(0): EnvReading({"A": "1"}), w(1): EnvReading(None, "gone")}, workers={})
    made[9] = replace(made[9], events=(Event(T + 8.5, "pool.resize", "warn", "resized", None, {"from": 5, "to": 3}),))
    return made


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_exported_and_imported_it_is_byte_for_byte_the_same(verb: Verb, tmp_path: Path, name: str) -> None:
    import_runs(tmp_path / "state" / "runs", judged(samples()), CONFIG)
    assert verb("export", "last", "--jsonl", name).code == 0
    taken = verb("import", name, state="other")
    assert (taken.code, taken.out, taken.err) == (0, [HEADER.name], "")
    assert verb("export", "last", "--jsonl", "b.jsonl", state="other").code == 0
    first = (tmp_path / name).read_bytes()
    first = gzip.decompress(first) if name.endswith(".gz") else first
    assert first == (tmp_path / "b.jsonl").read_bytes()
    assert first.count(b"\n") == 152, "150 samples, the run and an event"
    printed = verb("export", "last", "--jsonl", "-", state="other")
    assert len(printed.out) >= 152


@given(st.lists(ticks, min_size=1, max_size=6))
@settings(max_examples=examples(15), deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_was_seen_survives_the_way_out_and_in(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[Sample]
) -> None:
    folder = tmp_path_factory.mktemp("travel")
    made = [replace(one, t=T + n, run=HEADER if n == 0 else None) for n, one in enumerate(drawn)]
    write_jsonl(str(folder / "a.jsonl"), made)
    (path,) = import_runs(folder / "runs", judged(list(read_jsonl(str(folder / "a.jsonl"), []))), CONFIG)
    with Recording(path) as one:
        assert list(one.samples()) == made
        write_jsonl(str(folder / "b.jsonl"), one.samples())
    assert contents(folder / "a.jsonl") == contents(folder / "b.jsonl"), (
        "1 is not 1.0 either; the order of keys is free"
    )


def contents(path: Path) -> list[str]:
    return [json.dumps(json.loads(line), sort_keys=True) for line in path.read_text().splitlines()]


def test_several_runs_in_one_file_are_as_many_recordings(verb: Verb, tmp_path: Path) -> None:
    made = []
    for number in range(3):
        header = replace(HEADER, name=f"run-{number}", started_at=T + 100 * number)
        made += [replace(tick(n), t=T + 100 * number + n, run=None if n else header) for n in range(5)]
    write_jsonl(str(tmp_path / "a.jsonl"), made)
    taken = verb("import", "a.jsonl")
    assert taken.out == ["run-0", "run-1", "run-2"]
    for name in taken.out:
        assert verb("export", name, "--jsonl", f"{name}.jsonl").code == 0
    together = b"".join((tmp_path / f"{name}.jsonl").read_bytes() for name in taken.out)
    assert together == (tmp_path / "a.jsonl").read_bytes()


def test_what_is_there_already_is_not_kept_twice_and_what_only_looks_like_it_is(verb: Verb, tmp_path: Path) -> None:
    made = [tick(number) for number in range(5)]
    write_jsonl(str(tmp_path / "a.jsonl"), made)
    assert verb("import", "a.jsonl").out == [HEADER.name]
    again = verb("import", "a.jsonl")
    assert (again.code, again.out) == (0, [HEADER.name])
    assert again.err == f"{HEADER.name}: already stored\n"
    assert len(paths(tmp_path / "state" / "runs")) == 1
    made[2] = replace(made[2], lag_s=0.5)
    write_jsonl(str(tmp_path / "a.jsonl"), made)
    assert verb("import", "a.jsonl").out == [f"{HEADER.name}-2"], "the same name and times, but another run"


def broken(text: bytes) -> dict[str, bytes]:
    lines = text.splitlines(keepends=True)
    zipped = gzip.compress(text)
    return {
        "half a line.jsonl": b"".join(lines[:60]) + lines[60][:30] + b"\n" + b"".join(lines[61:]),
        "no json.jsonl": b"".join(lines[:60]) + b"\x00\xff garbage\n[]\n3\n" + b"".join(lines[60:]),
        "odd.jsonl": b"".join(lines[:60])
        + b'{"t": NaN}\n{"t": 1e300, "workers": {"0": {"status": {"step": 1e400}}}}\n'
        + b'{"t": "x"}\n{"workers": 7}\n{"t": 5, "event": {}}\n',
        "torn.jsonl.gz": zipped[: len(zipped) // 2],
        "spoilt.jsonl.gz": zipped[: len(zipped) // 2] + b"\xff" * 40 + zipped[len(zipped) // 2 + 40 :],
    }


def test_of_a_broken_file_what_is_good_is_kept_and_the_rest_is_named(verb: Verb, tmp_path: Path) -> None:
    write_jsonl(str(tmp_path / "a.jsonl"), [tick(number) for number in range(100)])
    for name, text in broken((tmp_path / "a.jsonl").read_bytes()).items():
        (tmp_path / name).write_bytes(text)
        taken = verb("import", name, state=f"{name}.state")
        assert taken.code == 0, (name, taken.err)
        assert taken.err.startswith(name), taken.err
        with Recording(paths(tmp_path / f"{name}.state" / "runs")[0]) as one:
            kept = [sample.t for sample in one.samples()]
        assert len(kept) >= 20, name
        assert kept == [T + n for n in range(100) if T + n in kept], name
    (tmp_path / "nothing.jsonl").write_bytes(b"\x00" * 100)
    taken = verb("import", "nothing.jsonl", state="nothing")
    assert taken.code == 64
    assert "nothing could be read" in taken.err
    assert not paths(tmp_path / "nothing" / "runs")


def seen(folder: Path) -> list[tuple[float, dict[WorkerRef, WorkerStatus | None]]]:
    """What a folder of tables tells, on its own clock."""
    contents = list(read_folder(sorted(folder.glob("*.csv")), []))
    return [
        (one.t - contents[0].run.started_at, {n: seen.status for n, seen in one.workers.items()})
        for one in contents
        if contents[0].run
    ]


WITH = "elapsed,worker,episode,step,gameplay,dynamic_state,dynamic_eps,dynamic_actions,dynamic_text_density"
SHAPES = {
    "with a header": f"{WITH}\n0,0,0,16.0,true,menu_ui,0.8,0,0.25\n12345.678,0,0,17.5,false,0,0,0,0\n",
    "without": "0,0,0,16.0,true,menu_ui,0.8,3,0,0.0,0,0,0\n300,0,0,139.0,false,uncertain,0,0,0,0,0,0,0\n",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_tables_come_back_as_they_were(verb: Verb, tmp_path: Path, shape: str) -> None:
    name = "metrics_24h_20260103_024457"
    (tmp_path / name).mkdir()
    (tmp_path / name / "worker_0_metrics.csv").write_text(SHAPES[shape])
    (tmp_path / name / "worker_3_metrics.csv").write_text(SHAPES[shape].replace(",0,0,1", ",3,0,1"))
    assert verb("import", name).out == [name]
    assert verb("export", "last", "--csv", f"out/{name}").code == 0
    assert seen(tmp_path / "out" / name) == seen(tmp_path / name), "absent, not looked for, and zero stay three things"
    assert verb("import", f"out/{name}").err.endswith(f"{name}: already stored\n"), "and so does the run's header"


def test_the_failed_run_goes_out_and_in(verb: Verb, tmp_path: Path) -> None:
    if not FAILED_RUN.is_dir():
        pytest.skip(f"not there: {FAILED_RUN}")
    names = verb("import", str(FAILED_RUN)).out
    assert len(names) >= 2, "it was relaunched"
    for number, name in enumerate(names):
        assert verb("export", name, "--jsonl", f"{number}.jsonl").code == 0
        assert verb("export", name, "--csv", f"{number}").code == 0
        assert verb("import", f"{number}.jsonl", state=f"j{number}").code == 0
        assert verb("export", "last", "--jsonl", f"{number}b.jsonl", state=f"j{number}").code == 0
        assert (tmp_path / f"{number}.jsonl").read_bytes() == (tmp_path / f"{number}b.jsonl").read_bytes()
        with Recording(next(p for p in paths(tmp_path / "state" / "runs") if p.stem == name)) as one:
            assert [statuses for _, statuses in seen(tmp_path / str(number))] == [
                {n: seen.status for n, seen in sample.workers.items()} for sample in one.samples()
            ]


def test_a_table_says_how_long_after_its_start_to_the_millisecond(tmp_path: Path) -> None:
    from metabonk_tui.adapters.recordings.csv_export import write_tables

    header = RunHeader("x", T, 1)
    made = [
        Sample(t=T + t, workers={w(0): Observation(WorkerStatus({"step": t}))}, run=None if n else header)
        for n, t in enumerate((0.0, 99_999.123, 99_999.124, 1_234_567.8))
    ]
    write_tables(tmp_path / "x", made)
    assert [t for t, _ in seen(tmp_path / "x")] == [0.0, 99_999.123, 99_999.124, 1_234_567.8]
