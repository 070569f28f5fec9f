"""A Sample holds each host's readings under the name of the host; a recording holds one host."""

from __future__ import annotations

import pytest

from metabonk_tui.adapters.recordings.jsonl_writer import sample_documents
from metabonk_tui.core.model.host import NOT_READ, ExitReading, HostReading, MemoryReading, ProcessReading
from metabonk_tui.core.model.refs import ONLY_HOST
from metabonk_tui.core.model.sample import Sample
from metabonk_tui.core.step.merge import merge_samples
from tests.support.refs import w

HERE = HostReading(memory=MemoryReading(total_bytes=16))
THERE = HostReading(memory=MemoryReading(total_bytes=32))


def test_a_host_that_was_not_read_has_no_readings() -> None:
    sample = Sample(t=0.0, hosts={"node2": THERE})
    assert (sample.host("node2"), sample.host(ONLY_HOST)) == (THERE, NOT_READ)
    assert NOT_READ.processes is None, "not read is not empty"


@pytest.mark.parametrize(("hosts", "only"), [({}, NOT_READ), ({ONLY_HOST: HERE}, HERE)])
def test_the_only_host_is_the_one_without_a_name(hosts: dict[str, HostReading], only: HostReading) -> None:
    assert Sample(t=0.0, hosts=hosts).only_host == only


def test_hosts_with_names_have_an_object_each_in_a_recording() -> None:
    (document,) = sample_documents(Sample(t=0.0, hosts={ONLY_HOST: HERE, "node2": THERE}))
    assert document["memory"]["total_bytes"] == 16
    assert document["hosts"]["node2"]["memory"]["total_bytes"] == 32


def test_the_worker_of_a_reading_is_written_as_its_slot_at_its_old_place() -> None:
    process = ProcessReading("worker", 5, w(3), 41, 7.0)
    host = HostReading(processes=(process,), exits=(ExitReading("worker", "-9", w(3)),))
    (document,) = sample_documents(Sample(t=0.0, hosts={ONLY_HOST: host}))
    assert document["processes"] == [
        {"role": "worker", "rss_bytes": 5, "slot": 3, "pid": 41, "started_at": 7.0, "name": ""}
    ]
    assert list(document["processes"][0])[2] == "slot"
    assert document["exits"] == [{"role": "worker", "exit": "-9", "slot": 3}]


@pytest.mark.parametrize(
    ("process", "who"),
    [
        (ProcessReading("worker", 1, w(3)), w(3)),
        (ProcessReading("worker", 1, w(3, "node2")), w(3, "node2")),
        (ProcessReading("worker", 1), "worker"),
        (ProcessReading("ollama", 1), "ollama"),
        (ProcessReading("launcher", 1, w(3)), "launcher"),
    ],
)
def test_a_process_is_its_worker_or_its_role(process: ProcessReading, who: object) -> None:
    assert process.who == who


def test_samples_are_merged_host_by_host() -> None:
    ended, later = ExitReading("worker", "0", w(0)), ExitReading("worker", "1", w(0, "node2"))
    before = Sample(t=0.0, hosts={ONLY_HOST: HostReading(memory=HERE.memory, exits=(ended,))})
    after = Sample(t=1.0, hosts={"node2": HostReading(memory=THERE.memory, exits=(later,))})
    both = merge_samples(before, after, 10)
    assert both.host(ONLY_HOST) == HostReading(exits=(ended,)), "its memory was not read in the newer tick"
    assert both.host("node2") == HostReading(memory=THERE.memory, exits=(later,))
