"""Readers of outside data at their worst: a bad orchestrator, files that are bombs, names that are paths."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import time
from pathlib import Path

import pytest

from metabonk_tui.adapters.env_file.source import Sourced, source_env_file
from metabonk_tui.adapters.http.client import StatusClient
from metabonk_tui.adapters.http.orchestrator import OrchestratorClient, parse
from metabonk_tui.adapters.process.roles import MAX_SLOTS
from metabonk_tui.adapters.recordings.jsonl_reader import read_jsonl
from metabonk_tui.adapters.recordings.lenient import Problem
from metabonk_tui.adapters.recordings.metabonk_csv import read_folder
from metabonk_tui.adapters.store.importer import import_runs
from metabonk_tui.core.run.replay import replay_pairs
from metabonk_tui.core.step.pipeline import stepper
from tests.support.fault_server import FAULTS, FaultServer, fault_server
from tests.support.refs import w
from tests.support.samples import CONFIG

RUN = {"schema": 1, "kind": "run", "name": "r", "started_at": 100.0, "desired": 1, "interval_s": 1.0, "source": "live"}
LINE = {"t": 100.0, "workers": {"0": {"status": {"step": 1}}}}
MB = 1_000_000


async def test_an_orchestrator_that_fails_in_any_way_is_named_and_delays_no_worker() -> None:
    async with fault_server() as server, StatusClient(0.8, 65536) as client:

        async def orchestrator(path: str) -> str | None:
            there = OrchestratorClient(client, server.url(path), 5000)
            return (await there.read()).error

        class Below(FaultServer):
            """The faults are found by the first part of a path: the orchestrator adds its own."""

            async def _answer(self, path: str, reader: object, writer: object) -> None:
                await super()._answer(path.split("/")[0], reader, writer)  # type: ignore[arg-type]

        server.__class__ = Below
        began = time.monotonic()
        errors, good = await asyncio.gather(
            asyncio.gather(*map(orchestrator, FAULTS)),
            client.fetch(server.url("good")),
        )
        expected = {path: error for path, (_, error) in FAULTS.items()}
        # The list of thousands of workers may be 32 MB long, so this one is read: it has no workers.
        expected["huge"] = "not an object"
        # On a busy machine an answer may be late as well as bad.
        wrong = {path: error for path, error in zip(FAULTS, errors, strict=True) if error != "timeout"}
        assert wrong == {path: error for path, error in expected.items() if path in wrong}
        assert all(errors)
        assert good[0]
        assert time.monotonic() - began < 20


def test_an_orchestrator_of_thousands_of_workers_is_cut_to_this_pool() -> None:
    many = [{"instance_id": f"omega-{slot}", "port": 4000 + slot, "worker_pid": 1} for slot in range(1900)]
    reading = parse(json.dumps({"workers": many}).encode(), 5000)
    assert 0 < len(reading.workers) <= MAX_SLOTS
    assert all(5000 <= worker.port < 5000 + MAX_SLOTS for worker in reading.workers.values())


def read(path: Path) -> tuple[int, list[str]]:
    problems: list[Problem] = []
    count = sum(bool(sample.workers) for sample in read_jsonl(str(path), problems))
    return count, [problem.what for problem in problems]


def test_a_gzipped_line_of_a_hundred_megabytes_is_left_out_and_named(tmp_path: Path) -> None:
    path = tmp_path / "bomb.jsonl"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(json.dumps(RUN).encode() + b"\n")
        for _ in range(100):
            file.write(b" " * MB)
        file.write(b"\n" + json.dumps(LINE).encode() + b"\n")
    assert path.stat().st_size < MB
    count, problems = read(path)
    assert count == 1
    assert len(problems) == 1
    assert "longer than" in problems[0]


@pytest.mark.parametrize(
    "name", ["../../escaped", "/etc/passwd", "a/b", "..", ".", "a\0b", "x" * 5000, "\x1b[2J", "con:", " ", ""]
)
def test_a_recording_with_a_path_as_its_name_stays_in_the_store(tmp_path: Path, name: str) -> None:
    path, store = tmp_path / "given.jsonl", tmp_path / "state" / "runs"
    path.write_text("\n".join(map(json.dumps, (RUN | {"name": name}, LINE))) + "\n")
    made = import_runs(store, replay_pairs(read_jsonl(str(path), []), stepper(CONFIG)), CONFIG)
    assert [one.parent.resolve() for one in made] == [store.resolve()]
    assert sorted(one.name for one in tmp_path.iterdir()) == ["given.jsonl", "state"]
    assert all(one.stat().st_mode & 0o077 == 0 for one in made)


def test_a_table_of_infinities_huge_cells_and_negative_times_is_read_or_named(tmp_path: Path) -> None:
    run = tmp_path / "metrics_20260103_024457"
    run.mkdir()
    path = run / "worker_0_metrics.csv"
    rows = ["-5,0,0,1.0,false,menu,0,0,0,0,0,0,0", "1e999,0,0,nan,false,menu,0,0,0,0,0,0,0"]
    rows += [f"300,0,0,2.0,false,{'x' * 200_000},0,0,0,0,0,0,0", "1e18,0,0,3.0,false,menu,0,0,0,0,0,0,0"]
    rows += ["600,0,0,4.0,false,=HYPERLINK(0),0,0,0,0,0,0,0", '"' * 9999, "\0" * 99]
    path.write_text("\n".join(rows))
    problems: list[Problem] = []
    samples = list(read_folder([path], problems))
    assert problems
    for sample in samples:
        assert w(0) in sample.workers or sample.events or sample.run is not None


def test_an_env_file_that_prints_a_hundred_megabytes_holds_nothing_up(tmp_path: Path) -> None:
    file = tmp_path / "loud.env"
    file.write_text("head -c 100000000 /dev/zero\nA=1\n")
    began = time.monotonic()
    found = source_env_file(file, {"PATH": os.environ["PATH"]}, 20.0)
    assert isinstance(found, Sourced), found
    assert dict(found.values) == {"A": "1"}
    assert time.monotonic() - began < 20
    assert [path.name for path in tmp_path.iterdir()] == ["loud.env"], "nothing is written to the disk"
