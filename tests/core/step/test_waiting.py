"""A pool on a cluster of which a part waits for a place: no go, no clock in the queue, no fault of a worker."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from metabonk_tui.adapters.recordings.lenient import Problem
from metabonk_tui.adapters.store.codec import Encoder, samples
from metabonk_tui.core.model.host import HostReading, LinkReading
from metabonk_tui.core.model.sample import (
    Observation,
    PoolReading,
    RunHeader,
    Sample,
    WaitingWorker,
    slots_without_place,
)
from metabonk_tui.core.model.snapshot import Snapshot, VerdictKind
from tests.support.refs import w
from tests.support.samples import last, play
from tests.support.several_hosts import on_cluster

HOUR_S = 3600.0
ALL_WAIT = PoolReading(
    backend="slurm",
    placed=True,
    desired=2,
    waiting=(
        WaitingWorker(0, "12_0", "Priority", 0.0, "PENDING"),
        WaitingWorker(1, "12_1", "Priority", 0.0, "PENDING"),
    ),
)


@pytest.fixture(scope="module")
def whole() -> Snapshot:
    return last(on_cluster({"n1": (0, 1), "n2": (2,)}, for_s=HOUR_S))


class TestAGoNeedsEveryWantedWorker:
    def test_it_stands_where_all_have_a_place(self, whole: Snapshot) -> None:
        assert whole.verdict.kind is VerdictKind.LAUNCH_24H

    @pytest.mark.parametrize("engine_error", [None, "squeue: down"])
    def test_one_that_waits_is_wanted_and_not_up(self, engine_error: str | None) -> None:
        rows = on_cluster({"n1": (0, 1), "n2": (2,)}, waiting=(3,), for_s=HOUR_S)
        verdict = last(
            [replace(each, pool=replace(each.pool, engine_error=engine_error)) for each in rows]  # type: ignore[type-var]
        ).verdict
        assert (verdict.kind, verdict.exit_code) == (VerdictKind.CONTINUE, 1)
        assert verdict.because[0] == "w3 waits for a place 59m: Resources"
        assert verdict.next_steps[0].text == "wait for a place for w3, or resize to fewer workers"

    def test_one_whose_job_ended_in_the_queue_is_no_worker_of_a_host_and_missing(self) -> None:
        verdict = last(on_cluster({"n1": (0, 1), "n2": (2,)}, desired=4, for_s=HOUR_S)).verdict
        assert (verdict.kind, verdict.exit_code) == (VerdictKind.CONTINUE, 1)
        assert verdict.because[0] == "w3 has no place and does not wait for one"
        step = verdict.next_steps[0]
        assert (step.text, step.command) == (
            "start w3 again: a resize starts what has ended",
            "metabonk-tui resize 4",
        )

    def test_a_worker_that_is_gone_from_the_middle_is_seen(self) -> None:
        verdict = last(on_cluster({"n1": (0,), "n2": (2,)}, desired=3, for_s=HOUR_S)).verdict
        assert verdict.because[0] == "w1 has no place and does not wait for one"


def link(state: str, *slots: int) -> HostReading:
    return HostReading(link=LinkReading(state, slots=slots))  # type: ignore[arg-type]


class TestTheQueueIsNoFault:
    def test_the_gate_begins_with_the_first_place(self) -> None:
        """An hour in the queue would leave a gate of six unknown checks, which cannot pass any more."""
        launched = RunHeader("run-0", 0.0, 2, how="launched by us")
        queued = [Sample(30.0 * i, pool=ALL_WAIT, run=launched if i == 0 else None) for i in range(121)]
        run = [replace(each, t=each.t + 3630.0, run=None) for each in on_cluster({"n1": (0, 1)}, for_s=2400.0)]
        shown = play([*queued, *run])
        waits = shown[120]
        assert (waits.verdict.kind, waits.verdict.because[0]) == (
            VerdictKind.WAITING,
            "2 workers wait for a place: Priority",
        )
        assert (waits.gate.phase, waits.gate.began_t) == ("start-up", None)
        assert shown[121].gate.began_t == 3630.0
        assert shown[-1].gate.count("PASS") == 6
        assert shown[-1].gate.gameplay_by_t == pytest.approx(3600.0 + 2 * HOUR_S)
        assert shown[-1].run.started_at == 0.0, "the run began with the launch"

    def test_a_pool_that_was_requeued_is_not_down(self) -> None:
        ran = on_cluster({"n1": (0, 1)}, for_s=2400.0)
        gone = [
            Sample(2430.0 + 30 * i, pool=ALL_WAIT, hosts={"n1": link("RELEASED")} if i < 3 else {}) for i in range(40)
        ]
        end = play([*ran, *gone])[-1]
        assert (end.verdict.kind, end.verdict.because[0]) == (
            VerdictKind.UNDECIDED,
            "2 workers wait for a place: Priority",
        )
        assert end.verdict.ended is None
        assert not {"WorkerDown"} & {alert.name for alert in end.alerts}

    def test_one_that_did_not_answer_before_it_was_requeued_is_no_stop(self) -> None:
        """The silence of the worker that ran before is none of the one that waits."""
        ran = on_cluster({"n1": (0, 1)}, for_s=2400.0)
        hung = [
            replace(each, workers={ref: Observation(error="refused") for ref in each.workers}) for each in ran[79:]
        ]
        gone = [
            Sample(2430.0 + 30 * i, pool=ALL_WAIT, hosts={"n1": link("RELEASED")} if i < 3 else {}) for i in range(40)
        ]
        for end in play([*ran[:79], *hung, *gone])[-38:]:
            assert end.verdict.kind is not VerdictKind.STOP, (end.t, end.verdict.because)


def test_a_replay_of_the_store_shows_who_waits() -> None:
    """Also where the state, the reason or the silence of the engine changes between two lines."""
    rows = on_cluster({"n1": (0,)}, waiting=(1, 2), for_s=120.0)
    changes: list[dict[str, object]] = [
        {},
        {"waiting": (WaitingWorker(1, "12_1", "Priority", 10.0, "REQUEUED"),)},
        {"engine_error": "squeue: down"},
        {},
        {"waiting": ()},
    ]
    sent = [replace(row, pool=replace(row.pool, **change)) for row, change in zip(rows, changes, strict=True)]  # type: ignore[arg-type, type-var]
    encoder = Encoder()
    problems: list[Problem] = []
    read = list(samples([encoder.line(each) for each in sent], problems))
    assert (read, problems) == (sent, [])
    shown = play(read)
    assert [len(each.pool.waiting) for each in shown] == [2, 1, 2, 2, 0]
    assert shown[2].pool.engine_error == "squeue: down"


@pytest.mark.parametrize(
    ("pool", "slots"),
    [
        (PoolReading(desired=4), ()),
        (PoolReading(placed=True), ()),
        (PoolReading(placed=True, desired=2), ()),
        (PoolReading(placed=True, desired=4), (2, 3)),
        (PoolReading(placed=True, desired=4, waiting=(WaitingWorker(3, "1_3", "Resources"),)), (2,)),
        (PoolReading(placed=True, desired=10**9, waiting=()), tuple(range(2, 1024))),
    ],
)
def test_slots_without_a_place(pool: PoolReading, slots: tuple[int, ...]) -> None:
    assert slots_without_place(pool, (w(0, "n1"), w(1, "n2"), w(1, "n1"))) == slots
