"""The backend on a scripted Slurm: what it submits and ends, and what it never touches."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from metabonk_tui.adapters.slurm.folder_record import FolderRecord, FolderRecordFile
from metabonk_tui.adapters.slurm.pool import SlurmPool
from metabonk_tui.adapters.state.controller_role import ControllerRole
from metabonk_tui.core.model.pool import Action, Launch, Plan, Resize, Restart, Stop, StopWorker
from metabonk_tui.core.model.sample import Event, Operation, PoolReading
from metabonk_tui.engine.clock import RunClock
from tests.support.children import UNTIL_CLOSED, Children, config
from tests.support.fake_slurm import FakeSlurm
from tests.support.refs import w

NONE = PoolReading()


class Trial:
    """One pool in a folder of its own, and the operations that it reported."""

    def __init__(self, folder: Path, more: str = "") -> None:
        self.folder = folder / "shared"
        self.slurm = FakeSlurm(self.folder)
        self.config = config(
            f'[pool]\nbackend = "slurm"\nworkers = 4\n[pool.launcher]\ndirectory = "{folder}"\nstop_grace_s = 0.05\n'
            f'start_timeout_s = 5.0\n{more}\n[pool.slurm]\nfolder = "{self.folder}"\n'
        )
        self.role = ControllerRole(f"test-slurm-{os.getpid()}-{folder.name}", folder / "lock")
        self.pool = self.monitor()
        self.last: Operation | None = None

    def monitor(self, **options: bool) -> SlurmPool:
        return SlurmPool(self.config, clock=RunClock(), controller_lock=self.role, run_command=self.slurm, **options)

    async def do(self, action: Action) -> tuple[Plan, Operation, tuple[Event, ...]]:
        plan = self.pool.plan(action, NONE)
        assert plan.mode != "refused", plan.refusal
        events = await self.pool.apply(plan, self.keep)
        assert self.last is not None
        return plan, self.last, events

    def keep(self, operation: Operation) -> None:
        self.last = operation

    @property
    def token(self) -> str:
        record = FolderRecordFile(self.folder).read()
        assert record is not None
        return record.comment


@pytest.fixture
def trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Trial]:
    for name, value in (("look_every_s", 0.0), ("waits_s", 0.0), ("kill_wait_s", 0.05)):
        monkeypatch.setattr(SlurmPool, name, value)
    found = Trial(tmp_path)
    yield found
    found.role.release()


async def test_a_launch_submits_one_array_and_names_what_waits(trial: Trial) -> None:
    trial.slurm.room = 3
    plan, operation, events = await trial.do(Launch(4))
    assert (plan.mode, plan.start, plan.hits) == ("start", 4, ())
    assert trial.slurm.words("sbatch") == list(plan.commands), "what was shown is what was submitted"
    assert (operation.ok, operation.message) == (True, "3 of 4 workers started, 1 wait: Resources")
    assert [(each.kind, each.severity) for each in events] == [("pool.launch", "info")]
    reading = await trial.pool.read()
    assert (reading.desired, reading.controller, reading.placed) == (4, "us", True)
    assert [(each.slot, each.reason) for each in reading.waiting] == [(3, "Resources")]
    places = trial.pool.places()
    assert {node: place.slots for node, place in places.items()} == {"n1": (0, 1), "n2": (2,)}
    assert (trial.folder / "task.sh").read_text() == '#!/bin/sh\nexec "$@"\n'
    assert trial.folder.stat().st_mode & 0o77 == 0, "the folder is private"


async def test_a_resize_touches_only_what_it_must(trial: Trial) -> None:
    trial.slurm.room = 9
    await trial.do(Launch(4))
    plan, operation, _ = await trial.do(Resize(3))
    assert [hit.name for hit in plan.hits] == ["job 1_3 on n2"]
    assert operation.action == "resize to 3 workers (end 1)"
    assert operation.ends == (4003,), "a worker that dies by itself meanwhile was not stopped by us"
    assert trial.slurm.states() == {"1_0": "RUNNING", "1_1": "RUNNING", "1_2": "RUNNING", "1_3": "COMPLETED"}
    plan, operation, _ = await trial.do(Resize(5))
    assert (plan.mode, plan.hits, plan.start) == ("incremental", (), 2)
    assert trial.slurm.words("sbatch")[-1][4] == "--array=3-4"
    again = trial.pool.plan(Resize(5), NONE)
    assert (again.mode, again.warnings) == ("noop", ("the pool has 5 workers already: their jobs run or wait",))


async def test_a_resize_starts_a_slot_whose_job_ended_again(trial: Trial) -> None:
    await trial.do(Launch(3))
    trial.slurm.change(1, state="FAILED", status=256)
    plan, _, _ = await trial.do(Resize(3))
    assert (plan.hits, plan.start) == ((), 1)
    assert "--array=1" in trial.slurm.words("sbatch")[-1]


async def test_a_stop_asks_first_and_cancels_what_withstands(trial: Trial) -> None:
    trial.slurm.room = 2
    await trial.do(Launch(3))
    trial.slurm.withstands = True
    _, operation, _ = await trial.do(Stop())
    assert operation.ok
    waiting, soft, hard = trial.slurm.words("scancel")
    assert ("--signal=TERM" in soft, soft[-2:]) == (True, ("1_0", "1_1"))
    assert waiting[-1] == "1_2", "a job that waits has no worker to ask, and must not get a place that becomes free"
    assert ("--signal=TERM" in hard, hard[-2:]) == (False, ("1_0", "1_1"))
    assert set(trial.slurm.states().values()) == {"CANCELLED"}
    assert trial.pool.desired is None
    again = trial.pool.plan(Stop(), NONE)
    assert (again.mode, again.warnings) == ("noop", ("no job of this pool was found: none runs and none waits",))
    assert set(trial.pool.places()) == {"n1"}, "where it ran stays in sight"


async def test_jobs_without_our_token_name_or_user_are_never_touched(trial: Trial) -> None:
    await trial.do(Launch(2))
    trial.slurm.add(0, "RUNNING", "metabonk-tui:another", array=90)
    trial.slurm.add(1, "RUNNING", "", array=91)
    trial.slurm.add(0, "RUNNING", trial.token, array=92, uid=os.geteuid() + 1)
    plan, _, _ = await trial.do(Stop())
    assert {hit.name for hit in plan.hits} == {"job 1_0 on n1", "job 1_1 on n1"}
    assert plan.warnings == ("not ours, left alone: job 90_0 has this name and another pool's token",)
    assert {label: state for label, state in trial.slurm.states().items() if label.startswith("9")} == {
        **{"90_0": "RUNNING", "91_1": "RUNNING", "92_0": "RUNNING"}
    }


async def test_a_launch_is_known_from_the_moment_in_which_slurm_accepted_it(trial: Trial) -> None:
    seen: list[float | None] = []

    async def launched_t() -> float | None:
        seen.append((await trial.pool.read()).launched_t)
        return seen[-1]

    trial.slurm.fails = {"sbatch": "invalid partition"}
    assert await launched_t() is None
    await trial.do(Launch(2))
    assert await launched_t() is None, "it was refused"
    trial.slurm.fails = {}
    before_s = time.time()
    await trial.do(Launch(2))
    first = await launched_t()
    assert first is not None
    assert before_s <= first <= time.time()
    await trial.do(Resize(3))
    assert await launched_t() == first, "two workers go on in their run"
    await trial.do(Restart(3))
    second = await launched_t()
    assert second is not None
    assert second > first
    assert (await trial.monitor(read_only=True).read()).launched_t == second, "another monitor knows it too"
    await trial.do(Stop())
    assert await launched_t() is None
    plan, _, _ = await trial.do(Resize(1))
    assert plan.begins_run
    assert await launched_t() is not None


async def test_the_state_of_a_worker_that_waits_is_slurms(trial: Trial) -> None:
    trial.slurm.room = 1
    await trial.do(Launch(2))
    reading = await trial.pool.read()
    assert [(each.slot, each.state, each.reason) for each in reading.waiting] == [(1, "PENDING", "Resources")]
    assert reading.engine_error is None
    trial.slurm.fails = {"squeue": "down"}
    trial.pool.plan(Stop(), NONE)
    reading = await trial.pool.read()
    assert (reading.engine_error, len(reading.waiting)) == ("squeue: down", 1)


async def test_one_worker_is_stopped_and_the_number_stays(trial: Trial) -> None:
    await trial.do(Launch(2))
    plan, operation, _ = await trial.do(StopWorker(w(1, "n1"), 4001, 0.0))
    assert (operation.ok, [hit.name for hit in plan.hits]) == (True, ["job 1_1 on n1"])
    assert trial.pool.desired == 2
    refused = trial.pool.plan(StopWorker(w(1, "n1"), 4001, 0.0), NONE)
    assert refused.refusal == "nothing here may be stopped: no job of this pool runs n1/w1"


async def test_a_restart_ends_all_and_submits_all(trial: Trial) -> None:
    await trial.do(Launch(2))
    plan, operation, _ = await trial.do(Restart(3))
    assert (plan.mode, len(plan.hits), plan.start, operation.ok) == ("restart_all", 2, 3, True)
    assert trial.slurm.states() == {
        **{"1_0": "COMPLETED", "1_1": "COMPLETED", "2_0": "RUNNING", "2_1": "RUNNING", "2_2": "RUNNING"}
    }


@pytest.mark.parametrize(
    ("fails", "action", "words"),
    [
        ({"squeue": "Unable to contact slurm controller"}, Launch(2), "squeue: Unable to contact"),
        ({"squeue": "did not answer"}, Stop(), "squeue: did not answer"),
    ],
)
async def test_without_an_answer_of_slurm_nothing_is_planned(
    trial: Trial, fails: dict[str, str], action: Action, words: str
) -> None:
    trial.slurm.fails = fails
    assert words in trial.pool.plan(action, NONE).refusal
    assert words in (await trial.pool.read()).problem


async def test_a_refused_submission_is_a_failure_with_slurms_words(trial: Trial) -> None:
    trial.slurm.fails = {"sbatch": "Requested node configuration is not available"}
    _, operation, events = await trial.do(Launch(2))
    assert operation.ok is False
    assert operation.message == "sbatch: Requested node configuration is not available"
    assert events[0].severity == "crit"


async def test_workers_that_end_at_once_fail_the_launch_with_their_log(trial: Trial) -> None:
    trial.slurm.breaks = "FAILED"
    (trial.folder / "logs").mkdir(parents=True, mode=0o700)
    trial.folder.chmod(0o700)
    (trial.folder / "logs" / "1_0.log").write_text("the worker cannot start: no such folder\n")
    _, operation, _ = await trial.do(Launch(2))
    assert operation.ok is False
    assert operation.message == "0 of 2 workers started, 2 ended: FAILED with exit code 1"
    assert operation.output_tail == ("the worker cannot start: no such folder",)


async def test_a_plan_that_is_no_longer_true_is_not_carried_out(trial: Trial) -> None:
    await trial.do(Launch(2))
    stop = trial.pool.plan(Stop(), NONE)
    trial.slurm.add(2, "RUNNING", trial.token, array=70)
    await trial.pool.apply(stop, trial.keep)
    assert trial.last is not None
    assert trial.last.message == "the pool changed since the plan: 70_2 came"
    assert "scancel" not in {argv[0] for argv in trial.slurm.asked}
    launch = trial.pool.plan(Launch(2), NONE)
    assert launch.refusal == "3 jobs of this pool run or wait already: resize it"


async def test_another_monitor_continues_the_pool_by_the_shared_folder(trial: Trial) -> None:
    await trial.do(Launch(2))
    other = trial.monitor()
    reading = await other.read()
    assert (reading.desired, reading.launched_by_us) == (2, True)
    assert len(other.plan(Stop(), NONE).hits) == 2
    assert trial.monitor(read_only=True).plan(Stop(), NONE).refusal.startswith("read-only")


async def test_a_monitor_that_died_before_it_wrote_the_id_is_followed(trial: Trial) -> None:
    """The token in the comment finds the jobs, not the list of ids."""
    await trial.do(Launch(2))
    file = FolderRecordFile(trial.folder)
    record = file.read()
    assert record is not None
    file.write(FolderRecord(record.token, record.workers))
    assert len(trial.monitor().plan(Stop(), NONE).hits) == 2


async def test_a_folder_that_others_may_write_is_refused(trial: Trial) -> None:
    await trial.do(Launch(2))
    (trial.folder / "pool.json").chmod(0o666)
    assert "the record of the pool cannot be read" in trial.pool.plan(Stop(), NONE).refusal


async def test_a_broken_env_file_costs_no_place_in_the_queue(tmp_path: Path) -> None:
    (tmp_path / "a.env").write_text("KEY=two words\n")
    trial = Trial(tmp_path, 'env_file = "a.env"')
    assert trial.pool.plan(Launch(2), NONE).refusal.startswith("env file: ")
    (tmp_path / "a.env").write_text('KEY="two words"\n')
    plan = trial.pool.plan(Launch(2), NONE)
    assert (plan.source and plan.source.env_keys, plan.warnings) == (1, ())
    (tmp_path / "a.env").unlink()
    assert "each node reads it itself" in trial.pool.plan(Launch(2), NONE).warnings[0]
    trial.role.release()


async def test_slurm_is_asked_every_5_s_and_less_often_after_an_error(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now_s[0])
    asked: list[float] = []

    async def until(end_s: float) -> None:
        while now_s[0] < end_s:
            before = len(trial.slurm.asked)
            await trial.pool.read()
            if len(trial.slurm.asked) > before:
                asked.append(now_s[0] - 1000.0)
            now_s[0] += 1.0

    await until(1011.0)
    trial.slurm.fails = {"squeue": "down"}
    await until(1200.0)
    assert asked == [0.0, 5.0, 10.0, 15.0, 25.0, 45.0, 85.0, 145.0]
    assert "the queue was last read" in (await trial.pool.read()).problem
    monkeypatch.undo()


async def test_one_monitor_acts(trial: Trial) -> None:
    await trial.do(Launch(2))
    other = ControllerRole(trial.role.name, trial.folder.parent / "lock")
    pool = SlurmPool(trial.config, clock=RunClock(), controller_lock=other, run_command=trial.slurm)
    reading = await pool.read()
    assert (reading.controller, reading.desired) == ("other", 2), "it watches all the same"
    assert pool.plan(Stop(), NONE).refusal.startswith("another monitor acts on this pool: ")
    assert (await pool.apply(Plan(Stop(), "stop", (), (), 0, None), trial.keep))[0].severity == "warn"
    assert set(trial.slurm.states().values()) == {"RUNNING"}
    await pool.aclose()


async def test_a_monitor_on_another_machine_that_acts_now_is_waited_for(trial: Trial) -> None:
    await trial.do(Launch(2))
    code = "import fcntl, sys; f = open(sys.argv[1], 'r+'); fcntl.lockf(f, fcntl.LOCK_EX); print('has it', flush=True)"
    children = Children()
    try:
        children.python(f"{code}; {UNTIL_CLOSED}", str(trial.folder / "acting.lock"))
        await trial.pool.apply(trial.pool.plan(Stop(), NONE), trial.keep)
        assert trial.last is not None
        assert trial.last.message == "a monitor on another machine acts on this pool right now"
    finally:
        children.close()
    await trial.do(Stop())
    assert set(trial.slurm.states().values()) == {"COMPLETED"}


async def test_an_end_that_slurm_lists_no_more_is_in_the_accounting(trial: Trial) -> None:
    await trial.do(Launch(2))
    trial.slurm.jobs = [job for job in trial.slurm.jobs if job.slot == 0]
    trial.slurm.accounts = "1_0|10|FAILED|1:0|n1|1|2|3|0|mb\n1_1|11|TIMEOUT|0:15|n1|1|2|3|0|mb\n"
    later = trial.monitor()
    for _ in range(2):
        assert later.plan(Resize(2), NONE).start == 1
        assert later.places()["n1"].ended == {1: "Slurm: job 1_1 on n1: TIMEOUT"}
    assert len(trial.slurm.words("sacct")) == 1
    assert later.places()["n1"].slots == (0, 1), "the job that lives counts, not its earlier end"


async def test_without_accounting_such_an_end_is_not_known(trial: Trial) -> None:
    await trial.do(Launch(2))
    trial.slurm.jobs = []
    trial.slurm.fails = {"sacct": "Slurm accounting storage is disabled"}
    later = trial.monitor()
    assert later.plan(Resize(2), NONE).start == 2
    assert later.places() == {}
    assert (await later.read()).problem == ""
