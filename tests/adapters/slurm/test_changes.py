"""What happened to the jobs between two looks."""

from __future__ import annotations

import pytest

from metabonk_tui.adapters.slurm.changes import changes, current_jobs, moved
from metabonk_tui.adapters.slurm.jobs import Job, jobs_of
from metabonk_tui.core.model.sample import Event
from tests.support.slurm_words import job, squeue

DOWN = {"n2": "node n2 is down (power)"}


def happened(
    before: list[Job], now: list[Job], own: frozenset[str] = frozenset(), nodes: dict[str, str] | None = None
) -> list[Event]:
    return list(changes(current_jobs(before), current_jobs(now), 50.0, own, nodes or {}))


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ([], [job(0, "PENDING")], [("job.waiting", "info", "w0 waits as job 12_0: Resources")]),
        ([], [job(0, "RUNNING")], [("job.started", "info", "w0 runs on n1 as job 12_0")]),
        ([job(0, "PENDING")], [job(0, "PENDING")], []),
        ([job(0, "PENDING")], [job(0, "RUNNING")], [("job.started", "info", "w0 runs on n1 as job 12_0")]),
        ([job(0, "RUNNING")], [job(0, "COMPLETING")], []),
        (
            [job(0, "RUNNING")],
            [job(0, "OUT_OF_MEMORY", status=9)],
            [("job.ended", "crit", "w0 is gone; Slurm: job 12_0 on n1: OUT_OF_MEMORY")],
        ),
        (
            [job(0, "RUNNING")],
            [job(0, "PREEMPTED")],
            [("job.ended", "warn", "w0 is gone; Slurm: job 12_0 on n1: PREEMPTED")],
        ),
        ([job(0, "RUNNING")], [], [("job.unseen", "warn", "job 12_0 is no longer listed by Slurm")]),
        ([job(0, "TIMEOUT")], [], []),
        (
            [job(0, "FAILED", status=256)],
            [job(0, "FAILED", status=256), job(0, "RUNNING", array=13)],
            [("job.started", "info", "w0 runs on n1 as job 13_0")],
        ),
        (
            [job(0, "RUNNING", node="n2")],
            [job(0, "RUNNING", node="n1", restarts=1)],
            [
                ("job.requeued", "warn", "w0 was requeued: job 12_0 no longer runs on n2: node n2 is down (power)"),
                ("job.started", "info", "w0 runs on n1 as job 12_0, start 2"),
            ],
        ),
    ],
)
def test_a_change_is_an_event(before: list[Job], now: list[Job], expected: list[tuple[str, str, str]]) -> None:
    found = happened(before, now, nodes=DOWN)
    assert [(each.kind, each.severity, each.text) for each in found] == expected


def test_a_requeue_on_a_node_that_is_up_was_wanted() -> None:
    (event,) = happened([job(0, "RUNNING")], [job(0, "PENDING", restarts=1)])
    assert event.text.endswith("no longer runs on n1: it was preempted, or a person requeued it")
    assert event.facts["generation"] == 2


def test_what_we_ended_is_no_warning() -> None:
    (event,) = happened([job(0, "RUNNING")], [job(0, "CANCELLED")], own=frozenset({"12_0"}))
    assert (event.severity, event.text.endswith("we ended it")) == ("info", True)


def test_a_living_job_is_the_job_of_its_slot() -> None:
    old, new = job(0, "RUNNING", array=12), job(0, "FAILED", array=13)
    assert current_jobs([new, old]) == {0: old}
    assert current_jobs([job(0, "FAILED", array=12), new]) == {0: new}


def test_the_real_loss_of_a_node() -> None:
    before, now = jobs_of(squeue(2))[0], jobs_of(squeue(3))[0]
    assert moved(current_jobs(before), current_jobs(now)) == ["n2"]
    assert [(each.kind, each.text) for each in happened(before, now, nodes=DOWN)] == [
        ("job.requeued", "w3 was requeued: job 4_3 no longer runs on n2: node n2 is down (power)"),
        ("job.ended", "w4 is gone; Slurm: job 5_4 on n2: NODE_FAIL (NodeDown)"),
    ]


def test_a_task_that_starts_gets_another_id_and_is_the_same() -> None:
    found = happened(jobs_of(squeue(1))[0], jobs_of(squeue(2))[0])
    assert [(each.kind, each.facts["slot"]) for each in found] == [("job.ended", 5), ("job.started", 6)]
