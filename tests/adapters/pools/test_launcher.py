"""The launcher backend on real processes: launching, adopting, stopping for good, and never the wrong one."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from metabonk_tui.adapters.pools.discover import workers_option
from metabonk_tui.adapters.pools.read_only import WatchOnlyPool
from metabonk_tui.adapters.process.proc import Proc
from metabonk_tui.adapters.process.spawn import describe_exit, start_child, tail_lines
from metabonk_tui.core.model.pool import Launch, Resize, Restart, Stop, StopWorker, TargetProcess
from metabonk_tui.core.model.sample import Operation, PoolReading
from tests.support.children import Children
from tests.support.fake_pool import FakePool, OperationRecorder, do, workers_of
from tests.support.paths import ROOT
from tests.support.refs import w
from tests.support.waiting import wait_for


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[FakePool]:
    fake = FakePool(tmp_path)
    yield fake
    fake.close()


async def test_it_launches_and_reports_every_step(pool: FakePool) -> None:
    backend = pool.backend()
    before = await backend.read()
    assert (before.controller, before.desired, before.launcher_pid, before.problem) == ("us", None, None, "")
    plan, recorder, events = await do(backend, Launch(2))
    assert (plan.mode, plan.start, plan.hits) == ("start", 2, ())
    assert plan.commands == ((sys.executable, "launch.py", "--workers", "2", "--base-port", str(pool.base_port)),)
    assert recorder.last.ok is True
    assert [(step.name, step.state) for step in recorder.last.steps] == [
        ("launch", "done"),
        ("workers answer", "done"),
    ]
    assert recorder.step("workers answer") == "done: 2 of 2"
    assert any("launched 2" in line for line in recorder.last.output_tail)
    assert pool.open_ports() == [pool.base_port, pool.base_port + 1]
    assert [(e.kind, e.severity, dict(e.facts)) for e in events] == [
        ("pool.launch", "info", {"from": 0, "to": 2, "by": "key"})
    ]
    after = await backend.read()
    assert after.launched_by_us
    assert after.desired == 2
    assert after.operation == recorder.last
    assert os.getsid(after.launcher_pid or 0) == after.launcher_pid != os.getsid(0)
    assert stat.S_IMODE(os.stat(recorder.last.log_path).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(pool.state).st_mode) == 0o700


async def test_a_later_monitor_adopts_what_an_earlier_one_launched(pool: FakePool) -> None:
    first = pool.backend()
    await do(first, Launch(2))
    launcher = (await first.read()).launcher_pid
    await first.aclose()
    assert pool.open_ports() == [pool.base_port, pool.base_port + 1]
    second = pool.backend()
    reading = await second.read()
    assert reading.launched_by_us
    assert (reading.launcher_pid, reading.desired, reading.controller) == (launcher, 2, "us")


async def test_a_pool_launched_by_hand_is_adopted_and_can_be_stopped(pool: FakePool) -> None:
    hand = pool.launch_by_hand(3)
    wait_for(lambda: len(pool.open_ports(3)) == 3)
    backend = pool.backend()
    reading = await backend.read()
    assert (reading.launcher_pid, reading.desired, reading.launched_by_us) == (hand.pid, 3, False)
    plan, recorder, _ = await do(backend, Stop())
    assert any("not launched by this monitor" in warning for warning in plan.warnings)
    assert recorder.last.ok
    assert hand.wait(10) == 0
    assert pool.pids() == set()


async def test_a_launcher_without_workers_yet_is_not_launched_twice(pool: FakePool) -> None:
    hand = pool.launch_by_hand(0)
    wait_for((pool.folder / "launcher.pid").exists)
    reading = await pool.backend().read()
    assert (reading.launcher_pid, reading.desired) == (hand.pid, None)
    hand.kill()
    hand.wait(10)


async def test_a_launcher_of_another_pool_is_not_ours(pool: FakePool, tmp_path: Path) -> None:
    pool.launch_by_hand(0)
    wait_for((pool.folder / "launcher.pid").exists)
    (tmp_path / "other").mkdir()
    other = FakePool(tmp_path / "other")
    assert (await other.backend().read()).launcher_pid is None
    other.close()
    same_folder_other_port = pool.config().pool
    assert same_folder_other_port.base_port == pool.base_port
    pool.base_port += 100
    assert (await pool.backend().read()).launcher_pid is None


async def test_resize_restarts_all_with_new_pids(pool: FakePool) -> None:
    pool.habits("slow")
    backend = pool.backend()
    await do(backend, Launch(3))
    plan, recorder, events = await do(backend, Resize(2))
    assert plan.mode == "restart_all"
    assert [argv[2] for argv in plan.commands] == ["stop", "--workers"]
    assert [hit.role for hit in plan.hits] == ["worker"] * 3 + ["launcher"]
    assert "ALL 3 workers" in plan.warnings[0]
    assert recorder.last.ok, recorder.last
    assert [step.state for step in recorder.last.steps] == ["done"] * 6
    assert dict(events[0].facts) == {"from": 3, "to": 2, "by": "key"}
    assert events[0].kind == "pool.resize"
    again = backend.plan(Restart(2), await backend.read())
    assert not {hit.pid for hit in again.hits} & {hit.pid for hit in plan.hits}
    assert len(workers_of(again)) == 2
    assert pool.open_ports() == [pool.base_port, pool.base_port + 1]
    assert (await backend.read()).desired == 2
    noop, recorder, events = await do(backend, Resize(2))
    assert (noop.mode, noop.commands, events, recorder.last.ok) == ("noop", (), (), True)


async def test_stop_is_verified(pool: FakePool) -> None:
    backend = pool.backend()
    await do(backend, Launch(2))
    plan, recorder, events = await do(backend, Stop())
    assert (plan.mode, plan.start, len(plan.hits)) == ("stop", 0, 3), plan.refusal
    assert recorder.last.ok
    assert [step.state for step in recorder.last.steps] == ["done"] * 4
    assert pool.pids() == set()
    assert pool.open_ports() == []
    assert (events[0].kind, events[0].facts["from"], events[0].facts["to"]) == ("pool.stop", 2, 0)
    noop, _, _ = await do(backend, Stop())
    assert noop.mode == "noop"


@pytest.mark.parametrize("habit", ["stop-lies", "stop-hangs"])
async def test_a_stop_command_that_does_nothing_is_not_believed(pool: FakePool, habit: str) -> None:
    backend = pool.backend("stop_grace_s = 3.0")
    await do(backend, Launch(2))
    pool.habits(habit)
    _, recorder, events = await do(backend, Stop())
    assert recorder.last.ok, recorder.last
    assert "SIGTERM" in recorder.step("processes gone")
    assert recorder.step("stop command").startswith("done" if habit == "stop-lies" else "failed: did not end")
    assert pool.pids() == set()
    assert events[0].severity == "info"


async def test_a_process_that_ignores_term_and_escapes_is_ended_all_the_same(pool: FakePool) -> None:
    pool.habits("stop-lies", "ignores-term", "escapes")
    backend = pool.backend("stop_grace_s = 2.0")
    await do(backend, Launch(2))
    wait_for(lambda: len(pool.pids()) == 1 + 2 * 3)
    began = time.monotonic()
    _, recorder, _ = await do(backend, Stop())
    assert recorder.last.ok, recorder.last
    assert "SIGKILL" in recorder.step("processes gone")
    assert pool.pids() == set()
    assert time.monotonic() - began < 12


async def test_escaped_survivors_of_a_dead_monitor_are_found_by_their_token(pool: FakePool) -> None:
    pool.habits("escapes", "ignores-term")
    first = pool.backend()
    await do(first, Launch(1))
    wait_for(lambda: len(pool.pids()) == 4)
    reading = await first.read()
    hits = first.plan(Stop(), reading).hits
    assert {hit.role for hit in hits} == {"worker", "launcher", "other"}, "who escaped is named beforehand"
    for hit in (hit for role in ("launcher", "worker") for hit in hits if hit.role == role):
        os.kill(hit.pid, signal.SIGKILL)
    wait_for(lambda: len(pool.pids()) == 2)
    await first.aclose()
    second = pool.backend("stop_grace_s = 1.0")
    plan, recorder, _ = await do(second, Launch(1))
    assert plan.mode == "restart_all", "survivors are ended before anything is launched"
    assert {hit.role for hit in plan.hits} == {"other"}
    assert len(plan.hits) == 2
    assert recorder.last.ok
    assert not {hit.pid for hit in plan.hits} & pool.pids()


async def test_an_adopted_pool_without_token_is_ended_with_all_that_it_started(pool: FakePool) -> None:
    pool.habits("stop-lies", "ignores-term")
    hand = pool.launch_by_hand(2)
    wait_for(lambda: len(pool.open_ports(2)) == 2)
    _, recorder, _ = await do(pool.backend("stop_grace_s = 1.0"), Stop())
    assert recorder.last.ok, recorder.last
    assert hand.wait(10) == -signal.SIGKILL
    assert pool.pids() == set()


async def test_the_supervisor_of_an_orphaned_pool_is_named_and_ended_only_when_adopted(pool: FakePool) -> None:
    pool.habits("stop-lies", "nested")
    hand = pool.launch_by_hand(2)
    wait_for(lambda: len(pool.open_ports(2)) == 2)
    hand.kill()
    hand.wait(10)
    backend = pool.backend("stop_grace_s = 3.0")
    reading = await backend.read()
    assert reading.launcher_pid is None
    plan = backend.plan(Stop(), reading)
    assert [hit.role for hit in plan.hits] == ["worker", "worker"]
    [supervisor] = [stranger for stranger in plan.strangers if "would start worker 0 again" in stranger.reason]
    assert supervisor.adoptable
    assert supervisor.text in plan.warnings
    plan, recorder, _ = await do(backend, Stop(adopt=(supervisor.process.pid,)))
    assert [hit.role for hit in plan.hits] == ["worker", "worker", "other"]
    assert recorder.last.ok, recorder.last
    assert recorder.step("launcher ends") == "skipped: none runs"
    assert pool.pids() == set()


async def test_survivors_are_named_and_fail_the_operation(pool: FakePool, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = pool.backend("stop_grace_s = 0.5")
    await do(backend, Launch(1))
    pool.habits("stop-lies")
    monkeypatch.setattr(signal, "pidfd_send_signal", lambda *_: None)
    plan, recorder, events = await do(backend, Stop())
    assert recorder.last.ok is False
    worker = workers_of(plan)[0]
    assert f"worker 0 (pid {worker.pid})" in recorder.last.message
    assert recorder.step("processes gone").startswith("failed")
    assert recorder.step("ports free").startswith(f"failed: {pool.base_port} answers: ")
    assert (events[0].kind, events[0].severity) == ("pool.stop", "crit")


async def test_nobody_with_a_reused_pid_is_hit(pool: FakePool, children: Children) -> None:
    innocent = children.python(
        "import sys; print('up', flush=True); sys.stdin.read()", f"{pool.folder}/launch.py worker", "--port", "1"
    )
    backend = pool.backend("stop_grace_s = 1.0")
    await do(backend, Launch(1))
    plan = backend.plan(Stop(), await backend.read())
    started_at = Proc().stat(innocent.pid)
    assert started_at is not None
    stale = TargetProcess("other", innocent.pid, started_at.started_at - 3600.0)
    recorder = OperationRecorder()
    await backend.apply(replace(plan, hits=(*plan.hits, stale)), recorder)
    assert recorder.last.ok
    assert innocent.poll() is None


async def test_a_plan_that_the_pool_has_outgrown_is_refused(pool: FakePool) -> None:
    backend = pool.backend()
    await do(backend, Launch(1))
    plan = backend.plan(Stop(), await backend.read())
    os.kill(workers_of(plan)[0].pid, signal.SIGKILL)
    wait_for(lambda: Proc().stat(workers_of(plan)[0].pid) is None)
    recorder = OperationRecorder()
    events = await backend.apply(plan, recorder)
    assert recorder.last.ok is False
    assert "the pool changed since this was planned" in recorder.last.message
    assert events[0].severity == "warn"
    assert (await backend.read()).launcher_pid is not None
    empty = FakePoolStart(pool)
    assert "the pool changed" in await empty.late()


class FakePoolStart:
    """A start that was planned for an empty pool."""

    def __init__(self, pool: FakePool) -> None:
        self.pool = pool

    async def late(self) -> str:
        await self.pool.backends[0].aclose()
        backend = self.pool.backend()
        plan = backend.plan(Launch(1), await backend.read())
        recorder = OperationRecorder()
        await backend.apply(replace(plan, mode="start", hits=(), commands=plan.commands[-1:]), recorder)
        return recorder.last.message


async def test_a_launcher_that_exits_at_once_is_reported_with_its_last_words(pool: FakePool) -> None:
    pool.habits("exits-3")
    backend = pool.backend()
    _, recorder, events = await do(backend, Launch(1))
    assert recorder.last.ok is False
    assert "exit code 3" in recorder.last.message
    assert "gpu contract violated" in recorder.last.message
    assert "\x1b" not in "".join(recorder.last.output_tail) + recorder.last.message
    assert recorder.step("workers answer").startswith("failed")
    assert (events[0].kind, events[0].severity) == ("pool.launch", "crit")
    assert pool.pids() == set()


async def test_a_launcher_that_leaves_its_workers_to_themselves_is_no_failure(pool: FakePool) -> None:
    pool.habits("daemonises")
    backend = pool.backend()
    _, recorder, _ = await do(backend, Launch(2))
    assert recorder.last.ok, recorder.last
    reading = await backend.read()
    assert reading.launcher_pid is None
    plan, recorder, _ = await do(backend, Stop())
    assert any("no launcher" in warning for warning in plan.warnings)
    assert recorder.last.ok
    assert pool.pids() == set()


async def test_a_worker_that_never_answers_fails_the_launch_and_is_left_running(pool: FakePool) -> None:
    pool.habits("half")
    backend = pool.backend("start_timeout_s = 2.0")
    _, recorder, _ = await do(backend, Launch(2))
    assert recorder.last.ok is False
    assert "1 of 2 workers answered within 2 s" in recorder.last.message
    assert len(pool.pids()) == 3


async def test_a_cancelled_launch_goes_on_and_is_adopted(pool: FakePool) -> None:
    pool.habits("half")
    backend = pool.backend()
    recorder = OperationRecorder()
    half_way = asyncio.Event()

    def progress(operation: Operation) -> None:
        recorder(operation)
        if any(step.detail == "1 of 2" for step in operation.steps):
            half_way.set()

    plan = backend.plan(Launch(2), await backend.read())
    task = asyncio.create_task(backend.apply(plan, progress))
    await asyncio.wait_for(half_way.wait(), 20)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert recorder.last.ok is False
    assert recorder.last.ended_at is not None
    await backend.aclose()
    reading = await pool.backend().read()
    assert reading.launched_by_us
    assert reading.desired == 2


async def test_one_worker_is_stopped_and_said_to_come_back(pool: FakePool) -> None:
    backend = pool.backend()
    await do(backend, Launch(2))
    worker = workers_of(backend.plan(Stop(), await backend.read()))[1]
    action = StopWorker(w(1), worker.pid, worker.started_at)
    wrong = backend.plan(replace(action, pid_started_at=worker.started_at - 60), await backend.read())
    assert (wrong.mode, wrong.hits) == ("refused", ())
    plan, recorder, events = await do(backend, action)
    assert plan.hits == (worker,)
    assert "starts it again" in plan.warnings[0]
    assert recorder.last.ok
    assert (events[0].kind, events[0].worker) == ("pool.stop", w(1))
    assert not Proc().is_same(worker.pid, worker.started_at)
    wait_for(lambda: pool.open_ports(2) == [pool.base_port, pool.base_port + 1])


async def test_a_squatter_on_a_wanted_port_is_named_and_refuses_the_launch(pool: FakePool) -> None:
    with socket.create_server(("127.0.0.1", pool.base_port + 1)):
        backend = pool.backend()
        reading = await backend.read()
        plan = backend.plan(Launch(2), reading)
        assert plan.mode == "refused"
        assert f"port {pool.base_port + 1} is held by" in plan.refusal
        assert f"(pid {os.getpid()}" in plan.refusal
        assert backend.plan(Launch(2, override="because"), reading).mode == "refused", "one word is no reason"
        overridden = backend.plan(Launch(2, override="it leaves in a minute"), reading)
        assert (overridden.mode, len(overridden.overridden)) == ("start", 1)
        assert backend.plan(Resize(2, by="watch"), reading).mode == "start", "the memory watch must not end in an OOM"
        assert backend.plan(Launch(1), reading).mode == "start"


async def test_the_second_monitor_only_looks_until_the_first_has_gone(pool: FakePool) -> None:
    first, second = pool.backend(), pool.backend()
    assert (await first.read()).controller == "us"
    reading = await second.read()
    assert reading.controller == "other"
    assert reading.holder.startswith(f"pid {os.getpid()}")
    plan, recorder, _ = await do(second, Launch(1))
    assert plan.mode == "refused"
    assert f"pid {os.getpid()}" in plan.refusal
    assert recorder.last.ok is False
    assert pool.pids() == set()
    await first.aclose()
    assert (await second.read()).controller == "us"
    assert (await first.read()).controller == "other"


async def test_read_only_refuses_everything_and_takes_no_lock(pool: FakePool) -> None:
    backend = pool.backend(read_only=True)
    reading = await backend.read()
    assert (reading.read_only, reading.controller) == (True, "none")
    for action in (Launch(1), Stop(), Resize(2), Restart(1), StopWorker(w(0), 1, 0.0)):
        plan, recorder, _ = await do(backend, action)
        assert (plan.mode, plan.commands, plan.hits) == ("refused", (), ())
        assert "read-only" in plan.refusal
        assert recorder.last.ok is False
    assert (await pool.backend().read()).controller == "us"
    assert (await backend.read()).controller == "other"


async def test_no_number_of_a_foreign_proc_is_signalled(pool: FakePool, monkeypatch: pytest.MonkeyPatch) -> None:
    pool.launch_by_hand(1)
    wait_for(lambda: pool.open_ports(1))
    monkeypatch.setattr("metabonk_tui.adapters.pools.launcher.why_not_ours", lambda proc: "/proc is another's")
    backend = pool.backend()
    seen = await backend.read()
    assert seen.problem == "/proc is another's"
    plan = backend.plan(Stop(), seen)
    assert (plan.mode, plan.refusal) == ("refused", "/proc is another's")


@pytest.mark.parametrize(
    ("launcher", "why"),
    [
        ("launch = []", "no launch command"),
        ('directory = "/nowhere/at/all"', "/nowhere/at/all does not exist"),
        ('launch = ["python3", "absent.py"]', "absent.py is not in"),
        ('launch = ["no-such-program-here"]', "no program no-such-program-here"),
        ('launch = ["./absent"]', "does not exist or cannot be executed"),
        ('env_file = "absent.env"', "absent.env does not exist"),
    ],
)
async def test_what_cannot_be_launched_is_refused_with_the_reason(pool: FakePool, launcher: str, why: str) -> None:
    backend = pool.backend(launcher)
    plan = backend.plan(Launch(1), await backend.read())
    assert plan.mode == "refused"
    assert why in plan.refusal


async def test_a_pool_can_be_stopped_even_where_none_could_be_launched(pool: FakePool) -> None:
    first = pool.backend()
    await do(first, Launch(1))
    await first.aclose()
    backend = pool.backend('directory = "/nowhere"\nenv_file = "absent.env"\nstop_grace_s = 3.0')
    assert (await backend.read()).problem == ""
    plan, recorder, _ = await do(backend, Stop())
    assert plan.commands == ()
    assert any("signalled directly" in warning for warning in plan.warnings)
    assert recorder.last.ok, recorder.last
    assert pool.pids() == set()


async def test_a_pool_of_another_directory_is_left_alone_and_its_answer_refuses_the_stop(pool: FakePool) -> None:
    hand = pool.launch_by_hand(1)
    wait_for(lambda: len(pool.open_ports(1)) == 1)
    plan, recorder, _ = await do(pool.backend('directory = "/nowhere"'), Stop())
    assert (plan.mode, plan.hits) == ("refused", ())
    assert f"{pool.base_port} answers: python" in plan.refusal
    assert f"runs in {pool.folder}" in plan.refusal
    assert recorder.last.ok is False
    assert hand.poll() is None
    assert len(pool.open_ports(1)) == 1


async def test_arguments_are_passed_literally(pool: FakePool) -> None:
    nasty = ["; rm -rf /tmp/x", "$(touch pwned)", "a b\\nc", "`id`", "{unknown}", "*"]
    (pool.folder / "show.py").write_text("import json, sys; print(json.dumps(sys.argv[1:])); sys.exit(4)")
    listed = ", ".join(f'"{word}"' for word in nasty)
    backend = pool.backend(f'launch = ["{sys.executable}", "show.py", {listed}, "n={{workers}}"]')
    plan, _, _ = await do(backend, Launch(3))
    words = (*(word.replace("\\n", "\n") for word in nasty), "n=3")
    assert plan.commands[0][2:] == words
    log = (pool.state / f"pool-{pool.base_port}.log").read_text()
    assert json.dumps(list(words)) in log
    assert not (pool.folder / "pwned").exists()


async def test_the_env_file_reaches_the_launcher_exported(pool: FakePool) -> None:
    (pool.folder / "run.env").write_text("FAKE_A=from-file\nMETABONK_SYSTEM2_ENABLED=1\nFAKE_B=1\n")
    with (pool.folder / "launch.py").open("a") as script:
        script.write('\n\ndef _as_the_real_one(env):\n    env["METABONK_SYSTEM2_ENABLED"] = "1"\n')
    backend = pool.backend('env_file = "run.env"')
    plan, recorder, _ = await do(backend, Launch(1))
    assert plan.source is not None
    assert plan.source.env_keys == 3
    assert plan.source.env_file == str(pool.folder / "run.env")
    assert any("launch.py overwrites METABONK_SYSTEM2_ENABLED" in warning for warning in plan.warnings)
    assert any("METABONK_DYNAMIC_UI_EXPLORATION" in warning for warning in plan.warnings)
    assert recorder.step("env file") == "done: 3 variables"
    assert any("A=from-file" in line for line in recorder.last.output_tail)
    (pool.folder / "run.env").write_text("exit 3\n")
    pids = pool.pids()
    broken = replace(plan, mode="restart_all", hits=backend.plan(Stop(), await backend.read()).hits)
    recorder = OperationRecorder()
    await backend.apply(broken, recorder)
    assert recorder.last.ok is False
    assert "exit code 3" in recorder.last.message
    assert pool.pids() == pids, "nothing is stopped for a launch that cannot follow"


def test_the_pool_outlives_the_monitor_that_launched_it(pool: FakePool) -> None:
    code = f"""
import asyncio, sys
sys.path[:0] = [{str(ROOT)!r}]
from pathlib import Path
from tests.support.fake_pool import *
from metabonk_tui.core.model.pool import Launch
pool = FakePool.__new__(FakePool)
pool.folder, pool.state, pool.base_port, pool.backends = Path({str(pool.folder)!r}), Path({str(pool.state)!r}), \
{pool.base_port}, []
asyncio.run(do(pool.backend(), Launch(1)))
print("launched", flush=True)
sys.stdin.read()
"""
    monitor = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert monitor.stdin is not None
    assert monitor.stdout is not None
    assert monitor.stdout.readline() == "launched\n"
    assert asyncio.run(pool.backend().read()).controller == "other"
    os.killpg(monitor.pid, signal.SIGKILL)
    monitor.wait(10)
    monitor.stdin.close()
    monitor.stdout.close()
    reading = asyncio.run(pool.backend().read())
    assert reading.launched_by_us
    assert reading.controller == "us"
    assert pool.open_ports(1) == [pool.base_port]


async def test_nothing_blocks_the_loop(pool: FakePool) -> None:
    backend = pool.backend()
    worst = 0.0

    async def tick() -> None:
        nonlocal worst
        while True:
            began = time.monotonic()
            await asyncio.sleep(0.01)
            worst = max(worst, time.monotonic() - began - 0.01)

    plan = backend.plan(Launch(2), await backend.read())
    ticking = asyncio.create_task(tick())
    await backend.apply(plan, OperationRecorder())
    ticking.cancel()
    # 50 ms is the aim; the limit leaves room for a machine that is busy with other tests.
    assert worst < 0.5


async def test_a_pool_that_is_only_looked_at_refuses() -> None:
    none = WatchOnlyPool()
    assert "only looks" in (await none.read()).problem
    assert none.plan(Launch(1), PoolReading()).mode == "refused"


@pytest.mark.parametrize(
    ("words", "workers"),
    [
        ("launch.py --workers 5", 5),
        ("launch.py --workers=7 --x", 7),
        ("launch.py --workers 0", None),
        ("launch.py --workers", None),
        ("launch.py --workers many", None),
        ("launch.py", None),
    ],
)
def test_the_launchers_own_words_say_how_many_are_wanted(words: str, workers: int | None) -> None:
    assert workers_option(tuple(words.split())) == workers


async def test_a_record_that_cannot_be_believed_is_reported_and_replaced(pool: FakePool) -> None:
    pool.state.mkdir()
    record = pool.state / f"pool-{pool.base_port}.json"
    record.write_text('{"token": 5}')
    backend = pool.backend()
    plan, recorder, _ = await do(backend, Launch(1))
    assert any("cannot be read" in warning for warning in plan.warnings)
    assert recorder.last.ok
    assert stat.S_IMODE(os.stat(record).st_mode) == 0o600
    assert json.loads(record.read_text())["workers"] == 1
    tree = json.loads(record.read_text())
    record.write_text(json.dumps(tree | {"boot_id": "another", "workers": 9}))
    reading = await backend.read()
    assert (reading.launched_by_us, reading.desired) == (False, 1)
    plan = backend.plan(Stop(), reading)
    assert plan.seconds is None
    record.write_text(json.dumps(tree))
    assert backend.plan(Restart(1), reading).seconds == tree["ready_s"] > 0


async def test_a_log_that_cannot_be_written_fails_the_launch(pool: FakePool) -> None:
    (pool.folder / "a-file").write_text("")
    backend = pool.backend(f'log_file = "{pool.folder}/a-file/pool.log"')
    _, recorder, _ = await do(backend, Launch(1))
    assert recorder.last.ok is False
    assert "log cannot be written" in recorder.last.message
    assert pool.pids() == set()


async def test_a_pool_on_another_host_has_no_process_here(pool: FakePool) -> None:
    await do(pool.backend(), Launch(1))
    backend = pool.backend()
    backend._spec.host = "10.1.2.3"
    reading = await backend.read()
    assert (reading.desired, reading.launcher_pid, reading.controller) == (None, None, "none")
    for action in (Launch(1), Resize(2), Restart(1), Stop()):
        plan = backend.plan(action, reading)
        assert (plan.mode, plan.hits) == ("refused", ())
        assert "10.1.2.3" in plan.refusal


async def test_only_one_operation_at_a_time(pool: FakePool) -> None:
    pool.habits("half")
    backend = pool.backend("start_timeout_s = 3.0")
    plan = backend.plan(Launch(2), await backend.read())
    first = asyncio.create_task(backend.apply(plan, OperationRecorder()))
    await asyncio.sleep(0)
    recorder = OperationRecorder()
    assert await backend.apply(plan, recorder) == ()
    assert recorder.last.message == "another operation is under way"
    assert backend.plan(Stop(), await backend.read()).refusal == "another operation is under way"
    reading = await backend.read()
    assert reading.operation is not None
    assert reading.operation.ok is None, "the refused one is not shown for the running one"
    await first


def test_a_log_is_turned_over_when_it_has_grown(tmp_path: Path) -> None:
    log = tmp_path / "pool.log"
    log.touch()
    os.truncate(log, 51_000_000)
    child = start_child(["/bin/sh", "-c", "echo one; printf 'two\\033[2J\\n'"], tmp_path, {}, log)
    wait_for(lambda: child.exit_code() is not None)
    assert child.tail() == ("one", "two"), "what was written for a terminal is dropped"
    assert (tmp_path / "pool.log.1").stat().st_size == 51_000_000
    assert child.tail(1) == ("two",)


def test_a_tail_is_short_and_whole(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("".join(f"line {number}\n" for number in range(5000)))
    assert tail_lines(log, 0, 2) == ("line 4998", "line 4999")
    assert all(line.startswith("line ") for line in tail_lines(log, 0, 100_000))
    assert tail_lines(tmp_path / "absent", 0, 2) == ()


@pytest.mark.parametrize(
    ("code", "words"), [(0, "exit code 0"), (-15, "ended by SIGTERM"), (-99, "ended by signal 99")]
)
def test_how_a_command_ended_is_said_in_words(code: int, words: str) -> None:
    assert describe_exit(code) == words
