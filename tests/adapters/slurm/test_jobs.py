"""The words of a real Slurm 22.05, recorded from a cluster of two nodes, and what they mean."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from metabonk_tui.adapters.slurm.jobs import (
    COLUMNS,
    Job,
    accounted_jobs,
    end_text,
    exit_of,
    jobs_of,
    node_texts,
    squeue_command,
    state_text,
)
from metabonk_tui.core.model.refs import WorkerRef
from tests.support.slurm_words import job, squeue


def test_a_real_queue_is_read() -> None:
    found, unread = jobs_of(squeue(2))
    assert unread == 0
    by_slot = {each.slot: each for each in found}
    assert sorted(by_slot) == list(range(10))
    running = by_slot[0]
    assert (running.label, running.node, running.runs, running.restarts) == ("1_0", "n1", True, 0)
    assert (running.uid, running.name) == (0, "metabonk")
    assert running.comment == "metabonk-tui:0123456789abcdef"
    waiting = by_slot[7]
    assert (waiting.waits, waiting.reason, waiting.node, waiting.lives) == (True, "Resources", "", True)
    assert by_slot[8].started_at is None, "N/A is no time"
    assert {slot for slot, each in by_slot.items() if each.has_ended} == {1, 2, 5}


@pytest.mark.parametrize(
    ("number", "slot", "text", "code"),
    [
        (2, 1, "FAILED with exit code 3", 3),
        (2, 2, "FAILED by signal 9", -9),
        (2, 5, "CANCELLED", -15),
        (3, 4, "NODE_FAIL (NodeDown)", 0),
        (4, 0, "TIMEOUT (TimeLimit)", -15),
        (4, 1, "PREEMPTED", -15),
    ],
)
def test_every_end_is_named_as_what_it_is(number: int, slot: int, text: str, code: int) -> None:
    found = {each.slot: each for each in jobs_of(squeue(number))[0]}[slot]
    assert (state_text(found), found.exit_code) == (text, code)
    assert end_text(found).startswith(f"Slurm: job {found.label} on {found.node}: ")


def test_tasks_that_wait_share_an_id_and_a_requeued_one_counts_its_starts() -> None:
    waiting = [each for each in jobs_of(squeue(1))[0] if each.array_id == 6 and each.waits]
    assert {each.job_id for each in waiting} == {6}
    assert len({each.label for each in waiting}) == 2
    requeued = next(each for each in jobs_of(squeue(3))[0] if each.slot == 3)
    assert (requeued.state, requeued.reason, requeued.restarts, requeued.node) == ("PENDING", "BeginTime", 1, "")


@pytest.mark.parametrize(
    ("change", "found", "unread"),
    [
        ({}, 1, 0),
        ({"ArrayTaskID": "N/A"}, 0, 0),
        ({"ArrayTaskID": "4-7"}, 0, 0),
        ({"ArrayTaskID": "9999999"}, 0, 0),
        ({"exit_code": "x"}, 0, 1),
        ({"JobID": ""}, 0, 1),
        ({"NodeList": "n[1-2]"}, 1, 0),
        ({"Comment": "a|b|c"}, 1, 0),
    ],
)
def test_other_lines(change: dict[str, str], found: int, unread: int) -> None:
    values = {
        **dict.fromkeys(COLUMNS, "1"),
        **{"State": "RUNNING", "Reason": "None", "NodeList": "n1", "Name": "mb", "Comment": "c"},
        **change,
    }
    jobs, bad = jobs_of("|".join(values.values()) + "|\n\n")
    assert (len(jobs), bad) == (found, unread)
    if "[" in values["NodeList"]:
        assert jobs[0].node == "", "several nodes are no place of one worker"


def test_what_is_no_line_of_squeue_is_counted() -> None:
    assert jobs_of("slurm_load_jobs error: Unable to contact slurm controller\n") == ([], 1)


def test_text_from_slurm_is_cleaned() -> None:
    line = squeue(2).splitlines()[0].replace("|None|", "|\x1b[31mred\x07|")
    (found,), _ = jobs_of(line)
    assert "\x1b" not in found.reason
    assert "\x07" not in found.reason


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("OUT_OF_MEMORY", "OOM-killed"),
        ("PREEMPTED", "preempted"),
        ("TIMEOUT", "out of time"),
        ("DEADLINE", "out of time"),
        ("CANCELLED", "cancelled"),
        ("NODE_FAIL", "node failed"),
        ("FAILED", None),
        ("COMPLETED", None),
    ],
)
def test_the_exit_of_a_worker(state: str, reason: str | None) -> None:
    found = exit_of(job(3, state, node="n2", status=9), 4711)
    assert (found.reason, found.exit, found.worker, found.pid) == (reason, "-9", WorkerRef("n2", 3), 4711)
    assert found.engine is not None
    assert state in found.engine


def test_an_unknown_state_is_not_over() -> None:
    assert job(0, "SOMETHING_NEW").lives
    assert not replace(job(0, "SOMETHING_NEW"), state="TIMEOUT").lives


def test_nodes_that_take_jobs_explain_nothing() -> None:
    text = "n1|idle|none\nn2|down*|power\nn3|drained|none\n[bad]|down|x\nn4|mixed|none\n"
    assert node_texts(text) == {"n2": "node n2 is down (power)", "n3": "node n3 is drained"}


def test_the_accounting() -> None:
    lines = (
        "12_1|15|OUT_OF_MEMORY|0:125|n1|100|110|200|0|mb\n"
        "12_2|16|CANCELLED by 0|0:15|n2|100|110|200|0|mb\n"
        "12_3|17|FAILED|3:0|n2|100|110|200|0|mb\n"
        "12_[4-6]|12|PENDING|0:0|None assigned|100|Unknown|Unknown|0|mb\n"
        "sacct: error\n"
    )
    found = accounted_jobs(lines, "ours")
    assert [(each.label, each.state, each.exit_code) for each in found] == [
        ("12_1", "OUT_OF_MEMORY", -125),
        ("12_2", "CANCELLED", -15),
        ("12_3", "FAILED", 3),
    ]
    assert {each.comment for each in found} == {"ours"}


def test_only_jobs_of_this_user_and_name_are_asked_for() -> None:
    command = squeue_command(1000, "mb")
    assert {"--user=1000", "--name=mb", "--array", "--states=all"} <= set(command)
    assert not any("json" in word for word in command)


def test_a_job_has_a_label() -> None:
    assert isinstance(job(3, "RUNNING"), Job)
    assert job(3, "RUNNING").label == "12_3"
