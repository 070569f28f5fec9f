"""A launch that cannot work costs no running pool; a failed one names the way back; state of others is refused."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from metabonk_tui.adapters.pools.launch_record import RecordFile
from metabonk_tui.adapters.process.pool_cgroup import CgroupMount
from metabonk_tui.adapters.process.proc import Proc
from metabonk_tui.core.model.pool import Launch, Resize, Stop
from tests.support.fake_pool import FakePool, OperationRecorder, do
from tests.support.waiting import wait_for


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[FakePool]:
    fake = FakePool(tmp_path)
    yield fake
    fake.close()


async def test_a_port_taken_after_the_plan_refuses_before_the_stop(pool: FakePool) -> None:
    backend = pool.backend()
    await do(backend, Launch(1))
    before = pool.pids()
    plan = backend.plan(Resize(2), await backend.read())
    recorder = OperationRecorder()
    with socket.create_server(("127.0.0.1", pool.base_port + 1)):
        await backend.apply(plan, recorder)
    assert recorder.last.ok is False
    assert f"port {pool.base_port + 1} is held by" in recorder.last.message
    assert pool.pids() == before


async def test_a_lost_directory_or_env_file_refuses_before_the_stop(pool: FakePool) -> None:
    env_file = pool.folder / "pool.env"
    env_file.write_text("FAKE_A=1\n")
    backend = pool.backend('env_file = "pool.env"')
    await do(backend, Launch(1))
    before = pool.pids()
    plan = backend.plan(Resize(2), await backend.read())
    for break_it, mend_it in (
        (lambda: env_file.rename(pool.folder / "x"), lambda: (pool.folder / "x").rename(env_file)),
        (lambda: (pool.folder / "launch.py").rename(pool.folder / "y"), lambda: None),
    ):
        break_it()
        recorder = OperationRecorder()
        await backend.apply(plan, recorder)
        mend_it()
        assert recorder.last.ok is False
        assert pool.pids() == before, recorder.last.message


async def test_a_failed_resize_names_what_ran_and_the_way_back(pool: FakePool) -> None:
    backend = pool.backend()
    await do(backend, Launch(2, hours=1.5))
    plan = backend.plan(Resize(3), await backend.read())
    pool.habits("exits-3")
    recorder = OperationRecorder()
    await backend.apply(plan, recorder)
    assert recorder.last.ok is False
    assert "gpu contract violated" in recorder.last.message
    assert "before, 2 workers ran by" in recorder.last.message
    assert recorder.last.message.endswith("to get them back: metabonk-tui launch 2 --hours 1.5")


async def test_a_failed_first_launch_names_no_way_back(pool: FakePool) -> None:
    pool.habits("exits-3")
    _, recorder, _ = await do(pool.backend(), Launch(2))
    assert "to get them back" not in recorder.last.message


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("print('ok: started')", "exit code 0: ok: started"),
        ("import time; print('starting', flush=True); time.sleep(1); sys.exit('no kernel image')", "no kernel image"),
        ("print('to the background'); sys.stdout.flush(); os.kill(os.getpid(), 9)", "SIGKILL: to the background"),
    ],
    ids=["claims success", "fails late", "killed"],
)
async def test_a_launcher_after_which_nothing_runs_has_failed(pool: FakePool, program: str, said: str) -> None:
    code = f"import os, sys; {program}"
    _, recorder, _ = await do(pool.backend(f'launch = ["{sys.executable}", "-c", "{code}"]'), Launch(1))
    assert recorder.last.ok is False
    assert "the launcher ended after" in recorder.last.message
    assert said in recorder.last.message


async def test_a_stop_needs_no_env_file_and_no_temporary_folder(
    pool: FakePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    env_file = pool.folder / "pool.env"
    env_file.write_text("FAKE_A=1\n")
    backend = pool.backend('env_file = "pool.env"')
    await do(backend, Launch(1))
    env_file.unlink()
    monkeypatch.setenv("TMPDIR", "/nonexistent")
    plan, recorder, _ = await do(backend, Stop())
    assert any("env file" in warning for warning in plan.warnings)
    assert recorder.last.ok
    assert pool.pids() == set()


async def test_a_stop_of_nothing_runs_no_env_file(pool: FakePool) -> None:
    (pool.folder / "pool.env").write_text(f"touch {pool.folder}/sourced\n")
    backend = pool.backend('env_file = "pool.env"')
    backend.plan(Stop(), await backend.read())
    assert not (pool.folder / "sourced").exists()


@pytest.fixture
def full_disk(pool: FakePool) -> Iterator[Callable[[], None]]:
    """Give the pool a state folder on a disk of its own; yields what fills that disk."""
    pool.state.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(pool.state)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no tmpfs can be mounted")

    def fill() -> None:
        file = os.open(pool.state / "fill", os.O_WRONLY | os.O_CREAT)
        with contextlib.suppress(OSError):
            while os.write(file, b"x" * 4096):
                pass
        os.close(file)

    yield fill
    pool.close()
    subprocess.run(["umount", "-l", str(pool.state)], check=False)


async def test_a_full_disk_does_not_prevent_a_stop(pool: FakePool, full_disk: Callable[[], None]) -> None:
    (pool.folder / "pool.env").write_text("FAKE_A=1\n")
    backend = pool.backend('env_file = "pool.env"')
    await do(backend, Launch(1))
    full_disk()
    before = pool.pids()
    _, recorder, _ = await do(backend, Resize(2))
    assert recorder.last.ok is False
    assert "No space left" in recorder.last.message
    assert pool.pids() == before, "a launch that cannot be recorded costs no running pool"
    _, recorder, _ = await do(backend, Stop())
    assert recorder.last.ok, recorder.last.message
    assert pool.pids() == set()


@pytest.mark.parametrize("name", ["", "pool-{port}.json"])
async def test_state_that_others_may_write_refuses_every_action(pool: FakePool, name: str) -> None:
    backend = pool.backend()
    await do(backend, Launch(1))
    path = pool.state / name.format(port=pool.base_port)
    path.chmod(path.stat().st_mode | 0o022)
    reading = await backend.read()
    assert f"{path} has mode" in reading.problem
    for action in (Launch(1), Stop()):
        assert f"chmod go-w {path}" in backend.plan(action, reading).refusal
    path.chmod(path.stat().st_mode & ~0o022)
    assert backend.plan(Stop(), await backend.read()).mode == "stop"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give a file away")
async def test_a_forged_record_names_no_victim(pool: FakePool) -> None:
    await do(pool.backend(), Launch(1))
    record = pool.state / f"pool-{pool.base_port}.json"
    os.chown(record, 65534, 65534)
    backend = pool.backend()
    plan = backend.plan(Stop(), await backend.read())
    assert (plan.mode, plan.hits) == ("refused", ())
    assert "belongs to uid 65534" in plan.refusal


async def test_a_pool_is_launched_into_a_group_of_its_own(pool: FakePool) -> None:
    mount = CgroupMount()
    backend = pool.backend()
    await do(backend, Launch(2))
    record = RecordFile(pool.state / f"pool-{pool.base_port}.json").read()
    assert record is not None
    if record.cgroup is None:
        pytest.skip("this user may make no cgroup v2 here")
    assert mount.members(record.cgroup) == pool.pids()
    directory = mount.directory(record.cgroup)
    assert directory is not None
    await do(backend, Stop())
    wait_for(lambda: not directory.exists())


async def test_a_daemon_that_shed_its_environment_is_ended_by_its_group(pool: FakePool) -> None:
    pool.habits("sheds")
    backend = pool.backend()
    await do(backend, Launch(1))
    record = RecordFile(pool.state / f"pool-{pool.base_port}.json").read()
    assert record is not None
    shed = int((pool.folder / "shed.pid").read_text())
    try:
        if record.cgroup is None:
            pytest.skip("this user may make no cgroup v2 here")
        _, recorder, _ = await do(backend, Stop())
        assert recorder.last.ok
        assert Proc().stat(shed) is None
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(shed, signal.SIGKILL)
