"""The public file format: what is written can be read, what is broken is named, and nothing becomes zero."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from metabonk_tui.adapters.recordings.jsonl_reader import read_jsonl
from metabonk_tui.adapters.recordings.jsonl_writer import sample_lines, write_jsonl
from metabonk_tui.adapters.recordings.lenient import Problem
from metabonk_tui.core.model.host import (
    NOT_READ,
    ExitReading,
    GpuReading,
    HostReading,
    LinkReading,
    MemoryReading,
    ProcessReading,
    RunPeaks,
)
from metabonk_tui.core.model.sample import (
    BadValue,
    EnvReading,
    Event,
    Observation,
    Operation,
    PoolReading,
    Presence,
    RunHeader,
    Sample,
    WaitingWorker,
    WorkerStatus,
)
from metabonk_tui.core.status.decode import number
from metabonk_tui.core.text.mask import is_secret_name
from tests.support.examples import examples
from tests.support.refs import w
from tests.support.samples import flat_sample

RUN = {"schema": 1, "kind": "run", "name": "r", "started_at": 100.0, "desired": 2, "interval_s": 1.0, "source": "live"}


def read(tmp_path: Path, *lines: object) -> tuple[list[Sample], list[Problem]]:
    """Write lines (objects as JSON, texts as they are) and read them back."""
    path = tmp_path / "run.jsonl"
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines), "utf-8")
    problems: list[Problem] = []
    return list(read_jsonl(str(path), problems)), problems


def test_everything_a_line_can_hold(tmp_path: Path) -> None:
    samples, problems = read(
        tmp_path,
        RUN,
        {
            "t": 105.0,
            "later": "a key of the future",
            "workers": {
                "0": {
                    "status": {"step": 19.0},
                    "latency_s": 0.004,
                    "pid": 41207,
                    "pid_started_at": 99.5,
                    "episode": 3,
                },
                "1": {"error": "refused"},
                "2": {"error": "http 500", "pid": 7},
                "3": {},
            },
            "memory": {"total_bytes": 16, "available_bytes": 4, "limit_bytes": None, "oom_kills": 0},
            "processes": [
                {"role": "worker", "slot": 0, "pid": 41207, "rss_bytes": 12},
                {"role": "ollama", "rss_bytes": 5},
            ],
            "gpus": [{"index": 0, "used_bytes": 9, "total_bytes": 34}],
            "env": {"0": {"METABONK_INTRINSIC_REWARD": "1"}},
            "logs": {"0": ["WARN: a\u001b", 7, "WARN: b"], "1": "no list"},
        },
    )
    assert problems == []
    (sample,) = samples
    assert sample.run == RunHeader("r", 100.0, 2, "live", 1.0, "recording")
    assert sample.workers == {
        w(0): Observation(WorkerStatus({"step": 19.0}), latency_s=0.004, pid=41207, pid_started_at=99.5, episode=3),
        w(1): Observation(error="refused"),
        w(2): Observation(error="http 500", pid=7),
    }
    assert sample.only_host.memory == MemoryReading(total_bytes=16, available_bytes=4, oom_kills=0)
    assert sample.only_host.processes == (ProcessReading("worker", 12, w(0), 41207), ProcessReading("ollama", 5))
    assert sample.only_host.gpus == (GpuReading(0, 9, 34),)
    assert sample.environments == {w(0): EnvReading({"METABONK_INTRINSIC_REWARD": "1"})}
    assert sample.log_tails == {w(0): ("WARN: a\ufffd", "WARN: b")}


def test_what_an_engine_says_of_its_jobs_is_kept(tmp_path: Path) -> None:
    ended = ExitReading("worker", "-15", w(2, "n1"), 7, reason="preempted", engine="Slurm: job 1_2 on n1: PREEMPTED")
    unseen = ExitReading("worker", "", w(5, "n1"), reason="killed by Ray", engine="Ray: actor w5.1 on n1: its word")
    hosts = {
        "n1": HostReading(exits=(ended, unseen), link=LinkReading("IDLE", 1.0, "no job", 1, slots=(2, 5))),
        "n2": HostReading(link=LinkReading("RELEASED", slots=())),
    }
    waiting = (WaitingWorker(3, "1_3", "Resources", 2.0, "PENDING"),)
    operation = Operation("resize to 2 workers", 1.0, (), ends=(7,))
    pool = PoolReading(
        backend="slurm", placed=True, waiting=waiting, operation=operation, engine_error="squeue: x", launched_t=1.5
    )
    sample = Sample(105.0, {w(2, "n1"): Observation(error="ended", detail="x")}, hosts, pool=pool)
    samples, problems = read(tmp_path, *sample_lines(sample))
    assert problems == []
    assert [replace(each, run=None) for each in samples] == [sample]


def test_a_worker_that_waited_in_an_old_recording_has_no_state(tmp_path: Path) -> None:
    waits = {"slot": 3, "job": "1_3", "reason": "Resources", "since_t": None}
    (sample,), problems = read(tmp_path, RUN, {"t": 105.0, "pool": {"placed": True, "waiting": [waits]}})
    assert sample.pool is not None
    assert sample.pool.waiting == (WaitingWorker(3, "1_3", "Resources"),)
    assert (sample.pool.waiting[0].state, sample.pool.engine_error, problems) == ("", None, [])


@pytest.mark.parametrize(
    "wrong", [{"slot": -1}, {"slot": 1024}, {"slot": 10**15}, {"since_t": -5.0}, {"since_t": 1e300}]
)
def test_a_worker_that_cannot_wait_so_is_named_and_costs_nothing_else(tmp_path: Path, wrong: dict[str, float]) -> None:
    fine: dict[str, object] = {"slot": 2, "job": "1_2", "reason": "Resources"}
    pool = {"placed": True, "waiting": [fine | wrong, fine, fine | {"job": "9_9"}]}
    (sample,), problems = read(tmp_path, RUN, {"t": 105.0, "pool": pool})
    assert sample.pool is not None
    assert [each.job for each in sample.pool.waiting] == ["1_2"], "and no slot waits twice"
    assert len(problems) == 1


NODES = ("gpu-node-partition-a-rack-17", "n" * 25, "x" * 64, "Node_1.cluster.example-internal.org")


def test_the_names_of_a_cluster_are_kept_whole(tmp_path: Path) -> None:
    hosts = {name: HostReading(link=LinkReading("UP", 1.0, "", 1, slots=(0,))) for name in NODES}
    workers = {w(0, name): Observation(WorkerStatus({"step": 1.0})) for name in NODES}
    event = Event(104.0, "job.started", "info", "it runs", w(0, NODES[2]))
    sample = Sample(105.0, workers, hosts, log_tails={w(0, NODES[0]): ("x",)}, events=(event,))
    samples, problems = read(tmp_path, *sample_lines(sample))
    assert problems == []
    assert [replace(each, run=None) for each in samples] == [sample]


@pytest.mark.parametrize("name", ["n" * 65, "-n", "n/1", "n 1", ""])
def test_no_other_name_is_a_host(tmp_path: Path, name: str) -> None:
    document = {"t": 105.0, "hosts": {name: {"memory": {"total_bytes": 1}}}}
    (sample,), problems = read(tmp_path, RUN, document)
    assert (sample.hosts, len(problems)) == ({}, 1)


def test_a_cluster_may_have_a_node_for_each_worker(tmp_path: Path) -> None:
    links = {f"n{i}": HostReading(link=LinkReading("UP", 1.0, "", 1, slots=(i,))) for i in range(300)}
    (seen,), problems = read(tmp_path, *sample_lines(Sample(105.0, {}, links)))
    assert (len(seen.hosts), problems) == (300, [])


def test_a_missing_key_was_not_observed(tmp_path: Path) -> None:
    (sample,), _ = read(tmp_path, RUN, {"t": 105.0})
    assert (sample.workers, sample.only_host, sample.pool) == ({}, NOT_READ, None)


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ('{"t": 106.0, "workers": {"0": {"sta', "half a line"),
        ("[1, 2]", "not a JSON object"),
        ("{}", "no time"),
        ('{"t": "soon"}', "no time"),
        ('{"t": NaN}', "no time"),
        ('{"t": true}', "no time"),
        ('{"t": 1.0}', "backwards"),
        ('{"t": 106.0, "event": "resize"}', "without a time or a kind"),
        ("\x00\x01", "not json"),
        ("[" * 100_000, "half a line"),
    ],
)
def test_a_broken_line_is_named_and_costs_nothing_else(tmp_path: Path, line: str, what: str) -> None:
    samples, problems = read(tmp_path, RUN, {"t": 105.0}, line, {"t": 107.0})
    assert [sample.t for sample in samples] == [105.0, 107.0]
    (problem,) = problems
    assert (problem.file, problem.line) == ("run.jsonl", 3)
    assert what in problem.what


@pytest.mark.parametrize(
    ("part", "what"),
    [
        ({"memory": {"total_bytes": "lots", "available_bytes": 4}}, "MemoryReading.total_bytes"),
        ({"memory": {"total_bytes": -1, "available_bytes": 4}}, "negative"),
        ({"memory": {"total_bytes": True, "available_bytes": 4}}, "MemoryReading.total_bytes"),
        ({"memory": {"oom_scope": "galaxy", "available_bytes": 4}}, "MemoryReading.oom_scope"),
    ],
)
def test_a_bad_field_costs_only_itself(tmp_path: Path, part: dict[str, object], what: str) -> None:
    (sample,), (problem,) = read(tmp_path, RUN, {"t": 105.0, **part})
    assert sample.only_host.memory == MemoryReading(available_bytes=4)
    assert what in problem.what


@pytest.mark.parametrize(
    ("header", "part", "what"),
    [
        ({"desired": 10**9}, {}, "RunHeader.desired: 1e+09 workers, more than 1024"),
        ({"desired": 1025}, {}, "RunHeader.desired: 1025 workers"),
        ({"desired": 10**18}, {}, "RunHeader.desired"),
        ({"desired": 10**30}, {}, "RunHeader.desired: too large"),
        ({"interval_s": 1e308}, {}, "RunHeader.interval_s: no time"),
        ({}, {"pool": {"desired": 1_000_000}}, "PoolReading.desired"),
        ({}, {"memory": {"total_bytes": 1e300}}, "MemoryReading.total_bytes: too large"),
        ({}, {"memory": {"total_bytes": 10**19}}, "MemoryReading.total_bytes: too large"),
        ({}, {"workers": {"0": {"error": "x", "pid_started_at": 1e300}}}, "Observation.pid_started_at: no time"),
        ({}, {"lag_s": 1e300}, "lag_s: no time"),
    ],
)
def test_a_number_beyond_its_bound_is_named_and_costs_only_itself(
    header: dict[str, object], part: dict[str, object], what: str, tmp_path: Path
) -> None:
    samples, (problem,) = read(tmp_path, RUN | header, {"t": 105.0, **part}, {"t": 110.0})
    assert what in problem.what
    assert len(samples) == 2
    assert samples[0].run is not None
    assert samples[0].run.desired in (None, 2)
    assert samples[0].pool is None or samples[0].pool.desired is None


def test_nan_is_a_bad_value_and_costs_only_itself(tmp_path: Path) -> None:
    line = '{"t": 105.0, "workers": {"0": {"status": {"reward": NaN, "step": 3.0}}}, "memory": {"total_bytes": NaN}}'
    (sample,), (problem,) = read(tmp_path, RUN, line)
    status = sample.workers[w(0)].status
    assert number(status, "reward").presence is Presence.BAD
    assert number(status, "step").value == 3.0
    assert sample.only_host.memory == MemoryReading()
    assert "nan" in problem.what


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ('{"t": 105.0, "memory": {"total_bytes": 1}, "memory": {"total_bytes": 2}}', "memory: duplicate"),
        ('{"t": 105.0, "memory": {"total_bytes": 1, "total_bytes": 2}}', "MemoryReading.total_bytes: duplicate"),
        ('{"t": 105.0, "workers": {"0": {"error": "a"}, "0": {"error": "b"}}}', "0: duplicate"),
        ('{"t": 105.0, "logs": {}, "logs": {}}', "logs: duplicate"),
        ('{"t": 105.0, "lag_s": NaN}', "lag_s: nan"),
    ],
)
def test_a_repeated_key_is_named_and_left_out(line: str, what: str, tmp_path: Path) -> None:
    (sample,), (problem,) = read(tmp_path, RUN, line)
    assert what in problem.what
    assert sample.only_host.memory in (None, MemoryReading())
    assert sample.workers == {}


def test_a_time_that_is_there_twice_is_no_time(tmp_path: Path) -> None:
    samples, (problem,) = read(tmp_path, RUN, '{"t": 104.0, "t": 103.0}', {"t": 105.0})
    assert [sample.t for sample in samples] == [105.0]
    assert "no time" in problem.what


def test_a_record_without_what_it_must_have_is_left_out(tmp_path: Path) -> None:
    (sample,), (problem,) = read(
        tmp_path, RUN, {"t": 105.0, "processes": [{"role": "ollama"}, {"role": "other", "rss_bytes": 1}]}
    )
    assert sample.only_host.processes == (ProcessReading("other", 1),)
    assert "without rss_bytes" in problem.what


def test_a_status_that_is_no_object_is_a_named_failure(tmp_path: Path) -> None:
    (sample,), _ = read(tmp_path, RUN, {"t": 105.0, "workers": {"0": {"status": 5}, "x": {"error": "refused"}}})
    assert sample.workers == {w(0): Observation(error="not an object")}


def test_events_join_the_next_sample_and_the_last_ones_a_sample_of_their_own(tmp_path: Path) -> None:
    resize = {"t": 106.0, "event": {"kind": "pool.resize", "from": 5, "to": 3, "by": "key"}}
    oom = {"t": 108.0, "event": {"kind": "memory.oom", "severity": "crit", "text": "killed", "worker": 2}}
    samples, problems = read(tmp_path, RUN, {"t": 105.0}, resize, {"t": 107.0}, oom)
    assert problems == []
    assert [(sample.t, [event.kind for event in sample.events]) for sample in samples] == [
        (105.0, []),
        (107.0, ["pool.resize"]),
        (108.0, ["memory.oom"]),
    ]
    assert samples[1].events == (
        Event(106.0, "pool.resize", "info", "pool.resize", None, {"from": 5, "to": 3, "by": "key"}),
    )
    assert samples[2].events == (Event(108.0, "memory.oom", "crit", "killed", w(2)),)


def test_several_runs_in_one_file_stay_apart_even_under_one_name(tmp_path: Path) -> None:
    samples, _ = read(tmp_path, RUN, {"t": 105.0}, RUN | {"started_at": 200.0}, {"t": 205.0}, {"t": 206.0})
    runs = [sample.run for sample in samples if sample.run]
    assert [run.started_at for run in runs] == [100.0, 200.0]
    assert len({run.name for run in runs}) == 2


def test_fields_say_what_could_have_been_seen(tmp_path: Path) -> None:
    status = {"workers": {"0": {"status": {"step": 1.0}}}}
    samples, _ = read(tmp_path, RUN | {"fields": ["step"]}, {"t": 105.0, **status}, RUN, {"t": 205.0, **status})
    seen, whole = (sample.workers[w(0)].status for sample in samples)
    assert number(seen, "intrinsic_reward").presence is Presence.UNOBSERVED
    assert number(whole, "intrinsic_reward").presence is Presence.ABSENT


def test_without_an_interval_the_median_spacing_counts(tmp_path: Path) -> None:
    header = {key: value for key, value in RUN.items() if key != "interval_s"}
    samples, _ = read(tmp_path, header, *({"t": t} for t in (300.0, 600.0, 900.0, 22500.0, 22800.0)))
    assert samples[0].run is not None
    assert samples[0].run.interval_s == 300.0


def test_without_a_header_there_is_a_run_all_the_same(tmp_path: Path) -> None:
    samples, _ = read(tmp_path, {"t": 105.0}, {"t": 107.0})
    assert samples[0].run == RunHeader("run", 105.0, None, "recording", 2.0, "first sample")
    assert samples[1].run is None


def test_gzip_is_known_by_its_bytes_and_a_torn_archive_keeps_what_was_there(tmp_path: Path) -> None:
    lines = [json.dumps(RUN)] + [json.dumps({"t": 105.0 + n, "x": os.urandom(40).hex()}) for n in range(500)]
    whole = gzip.compress("\n".join(lines).encode())
    path = tmp_path / "run.jsonl.gz"
    path.write_bytes(whole)
    problems: list[Problem] = []
    assert len(list(read_jsonl(str(path), problems))) == 500
    assert problems == []
    path.write_bytes(whole[: len(whole) // 2])
    kept = list(read_jsonl(str(path), problems))
    assert 0 < len(kept) < 500
    assert "torn" in problems[-1].what


def test_stdin_is_a_file_too(tmp_path: Path) -> None:
    program = "from metabonk_tui.adapters.recordings.jsonl_reader import *; print(len(list(read_jsonl('-', []))))"
    lines = f"{json.dumps(RUN)}\n{json.dumps({'t': 105.0})}\n"
    done = subprocess.run([sys.executable, "-c", program], input=lines, capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"


def test_text_from_a_file_cannot_reach_a_terminal(tmp_path: Path) -> None:
    (sample,), _ = read(
        tmp_path,
        RUN | {"name": "\x1b]0;owned\x07"},
        {"t": 104.0, "event": {"kind": "pool.stop", "text": "\x1b[2J"}},
        {"t": 105.0, "workers": {"0": {"error": "\x1b[31mrefused"}}, "env": {"0": {"A": "\x9b1m"}}},
    )
    assert "\x1b" not in repr(sample).encode().decode("unicode_escape")
    assert "\x9b" not in repr(sample)


# -- what is written can be read ------------------------------------------------------------------------------------

texts = st.text(st.characters(categories=("L", "N", "P", "S", "Zs"), exclude_characters="\u3000"), max_size=20)
# What would be masked cannot come back, and tests/core/text/test_mask.py looks at that.
names = st.from_regex(r"[a-z_]{1,12}", fullmatch=True).filter(lambda name: not is_secret_name(name))
times = st.floats(0, 4e9, allow_nan=False)
sizes = st.none() | st.integers(0, 10**15)
finite = st.floats(allow_nan=False, allow_infinity=False)
leaves = st.none() | st.booleans() | st.integers(-(10**15), 10**15) | finite | texts
values = st.recursive(
    leaves, lambda deeper: st.lists(deeper, max_size=3) | st.dictionaries(names, deeper, max_size=3), max_leaves=5
)
bad = st.sampled_from([BadValue("nan", "NaN"), BadValue("infinite", "Infinity"), BadValue("infinite", "-Infinity")])
observations = st.one_of(
    st.builds(
        Observation,
        status=st.builds(WorkerStatus, fields=st.dictionaries(names, values | bad, max_size=5)),
        latency_s=st.none() | st.floats(0, 10),
        pid=sizes,
        pid_started_at=st.none() | times,
        episode=sizes,
        port=sizes,
    ),
    st.builds(Observation, error=st.sampled_from(["refused", "timeout", "http 500"]), detail=texts, pid=sizes),
)
memories = st.builds(
    MemoryReading,
    total_bytes=sizes,
    available_bytes=sizes,
    limit_bytes=sizes,
    limited_by=st.none() | texts,
    working_set_bytes=sizes,
    swap_total_bytes=sizes,
    swap_used_bytes=sizes,
    oom_kills=sizes,
    oom_scope=st.sampled_from([None, "cgroup", "host"]),
    pressure_some_avg10=st.none() | st.floats(0, 100),
)
processes = st.builds(
    ProcessReading,
    role=st.sampled_from(["worker", "launcher", "orchestrator", "ollama", "other"]),
    rss_bytes=st.integers(0, 10**15),
    worker=st.none() | st.integers(0, 99).map(w),
    pid=sizes,
    started_at=st.none() | times,
    tree_bytes=sizes,
    name=texts,
)
events = st.builds(
    Event,
    t=times,
    kind=names,
    severity=st.sampled_from(["info", "ok", "warn", "crit"]),
    text=texts,
    worker=st.none() | st.integers(0, 99).map(w),
    facts=st.dictionaries(
        names.filter(lambda name: name not in ("kind", "severity", "text", "worker")), leaves, max_size=3
    ),
)
environments = st.one_of(
    st.builds(EnvReading, st.dictionaries(names, texts, max_size=3)),
    st.builds(EnvReading, st.none(), st.sampled_from(["not permitted", "gone"])),
)
slots = st.integers(0, 99)
headers = st.builds(
    RunHeader,
    name=names,
    # Samples before the start are left out, and different workers within half an interval are one sample.
    started_at=st.floats(0, 10),
    desired=st.none() | st.integers(0, 99),
    source=names,
    interval_s=st.floats(0.5, 1.5),
    how=names,
    profile=texts,
)


def sample_at(t: float, run: st.SearchStrategy[RunHeader | None]) -> st.SearchStrategy[Sample]:
    """Make samples of one moment."""
    return st.builds(
        flat_sample,
        t=st.just(t),
        workers=st.dictionaries(slots.map(w), observations, max_size=3),
        memory=st.none() | memories,
        processes=st.none() | st.lists(processes, max_size=3).map(tuple),
        earlier_peaks=st.none() | st.just((RunPeaks(5.0, 7, None), RunPeaks(6.0, None, 8))),
        gpus=st.none() | st.lists(st.builds(GpuReading, slots, slots, slots), max_size=2).map(tuple),
        environments=st.dictionaries(slots.map(w), environments, max_size=2),
        log_tails=st.dictionaries(slots.map(w), st.lists(texts, max_size=3).map(tuple), max_size=2),
        pool=st.none()
        | st.builds(
            PoolReading,
            backend=names,
            desired=st.none() | st.integers(0, 256),
            controller=st.sampled_from(["us", "other", "none"]),
        ),
        events=st.lists(events, max_size=2).map(tuple),
        run=run,
        lag_s=st.none() | st.floats(0, 10),
    )


recordings = st.tuples(sample_at(10.0, headers), sample_at(11.0, st.none()), sample_at(12.5, st.none())).map(list)


@given(recordings)
@settings(max_examples=examples(60), deadline=None)
def test_what_is_written_can_be_read(tmp_path_factory: pytest.TempPathFactory, samples: list[Sample]) -> None:
    path = tmp_path_factory.mktemp("round") / "run.jsonl.gz"
    write_jsonl(str(path), samples)
    problems: list[Problem] = []
    assert list(read_jsonl(str(path), problems)) == samples
    assert problems == []
