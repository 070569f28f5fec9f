"""Real processes that look like the pool's, or stand near it: every one lives, and each is named with its reason."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from metabonk_tui.adapters.pools.discover import PoolWatch, other_user_text
from metabonk_tui.adapters.pools.launch_record import boot_id
from metabonk_tui.adapters.pools.launch_spec import NO_VARIABLES, LaunchSpec
from metabonk_tui.adapters.pools.terminate import ProcessSet
from metabonk_tui.adapters.process.proc import Proc
from metabonk_tui.core.model.pool import Launch, Plan, Resize, Stop, StopWorker
from tests.support.fake_pool import MARK, FakePool, do, workers_of
from tests.support.ports import accepts
from tests.support.refs import w
from tests.support.waiting import wait_for

AS_ROOT = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("unshare") is None or shutil.which("ip") is None,
    reason="only root makes network namespaces",
)
LISTENER = (
    "import socket, sys, time\nport = int(sys.argv[sys.argv.index('--port') + 1])\n"
    "s = socket.create_server(('127.0.0.1', port))\ntime.sleep(600)\n"
)


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[FakePool]:
    fake = FakePool(tmp_path, workers=14)
    yield fake
    fake.close()


def children_of(pid: int) -> set[int]:
    """Return the pids of the direct children."""
    return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def reason_for(plan: Plan, pid: int) -> str:
    """Return why the plan leaves this process alone."""
    return next(stranger.reason for stranger in plan.strangers if stranger.process.pid == pid)


def is_alive(pid: int) -> bool:
    return Proc().stat(pid) is not None


@pytest.mark.parametrize("action", [Stop(), Resize(1)], ids=["stop", "resize"])
async def test_a_pool_of_the_same_checkout_ten_ports_further_lives(pool: FakePool, action: Stop | Resize) -> None:
    hand = pool.launch_by_hand(2)
    wait_for(lambda: len(pool.open_ports(2)) == 2)
    neighbour = pool.launch_by_hand(2, base_port=pool.base_port + 10)
    wait_for(lambda: all(accepts(pool.base_port + port) for port in (10, 11)))
    before = children_of(neighbour.pid)
    plan, recorder, _ = await do(pool.backend(), action)
    assert len(workers_of(plan)) == 2
    assert any("the stop command names no port" in warning for warning in plan.warnings)
    assert recorder.last.ok, recorder.last
    assert hand.wait(10) is not None
    assert children_of(neighbour.pid) == before


async def test_a_stop_names_the_workers_beyond_the_sixty_fourth(tmp_path: Path) -> None:
    pool = FakePool(tmp_path, workers=66)
    try:
        launcher = pool.launch_by_hand(66)
        wait_for(lambda: len(pool.open_ports(66)) == 66, limit_s=60.0)
        backend = pool.backend()
        assert (await backend.read()).desired == 66
        plan, recorder, _ = await do(backend, Stop())
        assert [target.worker for target in workers_of(plan)] == [w(slot) for slot in range(66)]
        assert recorder.last.ok, recorder.last
        assert launcher.wait(10) is not None
        assert pool.open_ports(66) == []
    finally:
        pool.close()


async def test_a_pool_on_another_loopback_address_lives(pool: FakePool) -> None:
    pool.launch_by_hand(2)
    wait_for(lambda: len(pool.open_ports(2)) == 2)
    other = pool.launch_by_hand(2, FAKE_HOST="127.0.0.2")
    wait_for(lambda: len(children_of(other.pid)) == 2 and accepts(pool.base_port + 1, "127.0.0.2"))
    before = children_of(other.pid)
    plan, recorder, _ = await do(pool.backend(), Stop())
    assert len(workers_of(plan)) == 2
    assert recorder.last.ok, recorder.last
    assert children_of(other.pid) == before
    assert "is another pool's" in reason_for(plan, other.pid)


@AS_ROOT
async def test_a_pool_on_the_same_ports_in_another_network_namespace_lives(pool: FakePool) -> None:
    inside = ("unshare", "-n", "sh", "-c", 'ip link set lo up && exec "$@"', "sh")
    other = pool.launch_by_hand(2, wrap=inside)
    wait_for((pool.folder / "launcher.pid").exists)
    wait_for(lambda: len(children_of(other.pid)) == 2)
    before = children_of(other.pid)
    (pool.folder / "launcher.pid").unlink()
    backend = pool.backend()
    plan, _, _ = await do(backend, Stop())
    assert (plan.mode, plan.hits) == ("noop", ())
    assert "another network namespace" in reason_for(plan, other.pid)
    pool.launch_by_hand(1)
    wait_for(lambda: len(pool.open_ports(1)) == 1)
    plan, recorder, _ = await do(backend, Stop())
    assert len(workers_of(plan)) == 1
    assert recorder.last.ok, recorder.last
    assert children_of(other.pid) == before


@AS_ROOT
@pytest.mark.parametrize("what", ["worker", "launcher"])
async def test_a_pool_in_another_folder_that_has_our_path_in_its_mount_namespace_lives(
    pool: FakePool, what: str
) -> None:
    other = pool.folder.parent / "other"
    shutil.copytree(pool.folder, other)
    wrap = ("unshare", "-m", "sh", "-c", f'mount --bind {other} {pool.folder} && cd {pool.folder} && exec "$@"', "sh")
    if what == "launcher":
        child = pool.launch_by_hand(1, wrap=wrap)
    else:
        line = [sys.executable, f"{pool.folder}/launch.py", "worker", "--port", str(pool.base_port)]
        child = pool.start_by_hand([*wrap, *line])
    wait_for(lambda: pool.open_ports(1))
    plan, _, _ = await do(pool.backend(), Stop())
    assert (plan.mode, plan.hits) == ("refused", ())
    assert f"runs in another file system's {pool.folder}, not" in plan.refusal
    assert is_alive(child.pid)


@AS_ROOT
async def test_a_pool_in_a_mount_namespace_with_the_same_folder_is_ours(pool: FakePool) -> None:
    pool.launch_by_hand(1, wrap=("unshare", "-m"))
    wait_for(lambda: pool.open_ports(1))
    plan, recorder, _ = await do(pool.backend(), Stop())
    assert [hit.role for hit in plan.hits] == ["worker", "launcher"]
    assert recorder.last.ok, recorder.last


@pytest.mark.parametrize(("ours", "theirs"), [("127.0.0.1", "::1"), ("0.0.0.0", "::"), ("127.0.0.1", "::")])
async def test_localhost_is_the_pool_on_ipv4_and_the_one_on_ipv6_lives(pool: FakePool, ours: str, theirs: str) -> None:
    if not pool.has_ipv6:
        pytest.skip("no IPv6 loopback")
    pool.launch_by_hand(1, FAKE_HOST=ours)
    line = [sys.executable, f"{pool.folder}/launch.py", "worker", "--port", str(pool.base_port)]
    other = pool.start_by_hand(line, FAKE_HOST=theirs)
    wait_for(lambda: accepts(pool.base_port) and accepts(pool.base_port, "::1"))
    backend = pool.backend(host="localhost")
    plan, _, _ = await do(backend, Stop())
    assert len(workers_of(plan)) == 1
    assert other.pid not in {hit.pid for hit in plan.hits}
    wait_for(lambda: not accepts(pool.base_port))
    plan, _, _ = await do(backend, Stop())
    assert (plan.mode, plan.hits) == ("refused", ()), "it answers, so there is something to say"
    assert f"does not listen on a wanted port of 127.0.0.1:{pool.base_port}, but on {theirs}" in plan.refusal
    assert is_alive(other.pid)


def test_a_web_terminal_that_the_launcher_left_lives_with_what_a_person_opened_in_it(pool: FakePool) -> None:
    server = pool.folder / "webterminal.py"
    server.write_text(
        "import os, pathlib, pty, time\nhere = pathlib.Path(__file__).parent\n"
        "for _ in range(2):\n    if os.fork():\n        os._exit(0)\n    os.setsid()\n"
        "while not (here / 'open').exists():\n    time.sleep(0.05)\n"
        "pid, terminal = pty.fork()\nif pid == 0:\n    os.execvp('sh', ['sh', '-c', 'sleep 600; true'])\n"
        "(here / 'shell.tmp').write_text(str(pid))\n(here / 'shell.tmp').rename(here / 'shell')\ntime.sleep(600)\n"
    )
    launcher = pool.folder / "launch.py"
    start = f"    import subprocess; subprocess.run([sys.executable, '{server}'])\n"
    launcher.write_text(launcher.read_text().replace("def launch() -> int:\n", f"def launch() -> int:\n{start}"))
    backend = pool.backend()
    _, recorder, _ = asyncio.run(do(backend, Launch(1)))
    assert recorder.last.ok, recorder.last
    (pool.folder / "open").touch()
    wait_for((pool.folder / "shell").exists)
    shell = int((pool.folder / "shell").read_text())
    plan, recorder, _ = asyncio.run(do(backend, Stop()))
    assert recorder.last.ok, recorder.last
    assert any("keeps a terminal that a person uses" in stranger.reason for stranger in plan.strangers)
    assert is_alive(shell)


async def test_a_session_leader_that_started_the_workers_lives_and_so_does_its_group(pool: FakePool) -> None:
    driver = pool.folder.parent / "kernel.py"
    start = f"subprocess.Popen([sys.executable, '{pool.folder}/launch.py', 'worker', '--port', str(port)])"
    driver.write_text(
        f"import subprocess, sys, time\nports = ({pool.base_port}, {pool.base_port + 1})\n"
        f"for port in ports:\n    {start}\nsubprocess.Popen(['sleep', '600'])\ntime.sleep(600)\n"
    )
    kernel = pool.start_by_hand([sys.executable, str(driver)])
    wait_for(lambda: len(pool.open_ports(2)) == 2 and len(children_of(kernel.pid)) == 3)
    plan, recorder, _ = await do(pool.backend(), Stop())
    assert [hit.role for hit in plan.hits] == ["worker", "worker"]
    assert "would start worker 0 again" in reason_for(plan, kernel.pid)
    assert recorder.last.ok, recorder.last
    assert is_alive(kernel.pid)
    assert len(children_of(kernel.pid) - {hit.pid for hit in plan.hits}) == 1, "the sleep of the group"


async def test_look_alikes_that_even_listen_live_and_refuse_the_stop_with_their_name(pool: FakePool) -> None:
    plot = pool.folder / "plot.py"
    plot.write_text(LISTENER)
    worker = f"{pool.folder}/launch.py worker"
    lines = (
        [sys.executable, str(plot), "--module", worker, "--port", str(pool.base_port)],
        [sys.executable, str(plot), f"{pool.folder}/launch.py", "worker", "--port", str(pool.base_port + 1)],
    )
    children = [pool.start_by_hand(line) for line in lines]
    wait_for(lambda: len(pool.open_ports(2)) == 2)
    backend = pool.backend()
    plan, recorder, _ = await do(backend, Stop())
    assert (plan.mode, plan.hits) == ("refused", ())
    for port, child in enumerate(children, pool.base_port):
        assert f"{port} answers: python" in plan.refusal
        assert f"pid {child.pid}" in plan.refusal
        assert "is no interpreter that runs" in reason_for(plan, child.pid)
        assert is_alive(child.pid)
    assert recorder.last.ok is False
    action = StopWorker(w(0), children[0].pid, Proc().stat(children[0].pid).started_at)  # type: ignore[union-attr]
    assert backend.plan(action, await backend.read()).mode == "refused"
    plan, recorder, _ = await do(backend, Stop(adopt=(children[0].pid,)))
    assert [hit.pid for hit in plan.hits] == [children[0].pid]
    wait_for(lambda: not is_alive(children[0].pid))
    assert is_alive(children[1].pid)
    assert recorder.last.ok is False, "the other port still answers"


async def test_a_forged_record_names_no_victim(pool: FakePool) -> None:
    victim = pool.start_by_hand(["sleep", "600"])
    stat = wait_for(lambda: Proc().stat(victim.pid))
    backend = pool.backend()
    await do(backend, Launch(1))
    path = next(pool.state.glob("pool-*.json"))
    record = json.loads(path.read_text())
    plan, _, _ = await do(backend, Stop())
    assert plan.mode == "stop"
    forged = {"launcher_pid": victim.pid, "launcher_started_at": stat.started_at, "boot_id": boot_id()}
    path.write_text(json.dumps(record | forged))
    os.chmod(path, 0o600)
    plan, _, _ = await do(backend, Stop())
    assert (plan.mode, plan.hits) == ("noop", ())
    assert is_alive(victim.pid)


@pytest.mark.skipif(shutil.which("tmux") is None, reason="no tmux on this machine")
def test_a_tmux_server_that_the_launcher_started_lives_with_what_a_person_opened(pool: FakePool) -> None:
    socket_path = pool.folder.parent / "t"
    tmux = ["tmux", "-S", str(socket_path), "-f", "/dev/null"]
    launcher = pool.folder / "launch.py"
    start = [*tmux, "new-session", "-d", "-s", "logs", "sleep 600"]
    launcher.write_text(
        launcher.read_text().replace(
            "def launch() -> int:\n", f"def launch() -> int:\n    import subprocess; subprocess.run({start})\n"
        )
    )
    backend = pool.backend()
    _, recorder, _ = asyncio.run(do(backend, Launch(1)))
    assert recorder.last.ok, recorder.last
    subprocess.run([*tmux, "new-session", "-d", "-s", "mine", "sleep 600"], check=True)
    plan, recorder, _ = asyncio.run(do(backend, Stop()))
    assert recorder.last.ok, recorder.last
    assert any("is tmux" in stranger.reason for stranger in plan.strangers)
    sessions = subprocess.run([*tmux, "ls", "-F", "#S"], capture_output=True, text=True, check=True).stdout.split()
    assert sessions == ["logs", "mine"]
    subprocess.run([*tmux, "kill-server"], check=True)


async def test_a_process_that_became_another_program_since_the_proof_is_left_alone(pool: FakePool) -> None:
    script = pool.folder / "launch.py"
    code = "\n    import signal; signal.signal(signal.SIGUSR1, lambda *_: os.execvp('sleep', ['sleep', '600']))\n"
    script.write_text(script.read_text().replace("def worker() -> None:\n", "def worker() -> None:" + code))
    child = pool.start_by_hand([sys.executable, str(script), "worker", "--port", str(pool.base_port)])
    wait_for(lambda: len(pool.open_ports(1)) == 1)
    pool.habits("stop-lies")
    backend = pool.backend("stop = []\nstop_grace_s = 1.0")
    plan = backend.plan(Stop(), await backend.read())
    assert [hit.pid for hit in plan.hits] == [child.pid]
    known = ProcessSet(plan.hits, PoolWatch(backend._spec, None, Proc()))
    os.kill(child.pid, signal.SIGUSR1)
    wait_for(lambda: Proc().arguments(child.pid)[:1] == ("sleep",))
    [refused] = known.signal_all(signal.SIGTERM)
    assert "left alone: it runs another program" in refused
    assert is_alive(child.pid)


async def test_a_wrapper_of_a_worker_is_no_worker_and_its_child_is(pool: FakePool) -> None:
    line = ["nice", "-n", "1", "sh", "-c", '"$@"; exit 0', "sh"]
    worker = [sys.executable, f"{pool.folder}/launch.py", "worker", "--port", str(pool.base_port)]
    wrapper = pool.start_by_hand([*line, *worker])
    wait_for(lambda: len(pool.open_ports(1)) == 1)
    plan, recorder, _ = await do(pool.backend(), Stop())
    [hit] = plan.hits
    assert hit.pid != wrapper.pid
    assert hit.worker == w(0)
    assert recorder.last.ok, recorder.last


async def test_workers_on_other_ports_are_named_with_their_ports(pool: FakePool) -> None:
    assert (await pool.backend().read()).elsewhere == ""
    other = pool.base_port + 10
    pool.launch_by_hand(2, base_port=other)
    wait_for(lambda: accepts(other) and accepts(other + 1))
    seen = (await pool.backend().read()).elsewhere
    assert seen == f"2 workers of this checkout listen on {other}, {other + 1}; pool.base_port is {pool.base_port}"
    pool.launch_by_hand(1)
    wait_for(lambda: pool.open_ports(1) == [pool.base_port])
    assert (await pool.backend().read()).elsewhere == "", "the wanted port has its worker: the others are another pool"


async def test_workers_of_our_own_launch_on_other_ports_are_said_to_be_of_it(pool: FakePool) -> None:
    other = pool.base_port + 10
    argv = f'["{sys.executable}", "launch.py", "--workers", "{{workers}}", "--base-port", "{other}"]'
    launcher = f"launch = {argv}\nstart_timeout_s = 3.0"
    _, recorder, _ = await do(pool.backend(launcher), Launch(1))
    assert not recorder.last.ok
    seen = (await pool.backend(launcher).read()).elsewhere
    assert seen == f"1 worker of this launch listens on {other}; pool.base_port is {pool.base_port}"


@pytest.mark.parametrize("variable", ["SYSTEMD_EXEC_PID", "DBUS_STARTER_ADDRESS"])
async def test_a_service_that_bears_the_token_lives(pool: FakePool, variable: str) -> None:
    backend = pool.backend()
    _, recorder, _ = await do(backend, Launch(1))
    assert recorder.last.ok, recorder.last
    token = json.loads(next(pool.state.glob("pool-*.json")).read_text())["token"]
    service = pool.start_by_hand(["sleep", "600"], METABONK_TUI_POOL=token, **{variable: "1"})
    wait_for(lambda: Proc().arguments(service.pid)[:1] == ("sleep",))
    plan, recorder, _ = await do(backend, Stop())
    assert recorder.last.ok, recorder.last
    assert "was started by systemd or D-Bus" in reason_for(plan, service.pid)
    assert is_alive(service.pid)


def test_a_launch_passes_on_no_variable_of_the_service_that_runs_the_monitor(pool: FakePool) -> None:
    environ = {
        "SYSTEMD_EXEC_PID": "7",
        "MANAGERPID": "5",
        "DBUS_STARTER_BUS_TYPE": "session",
        "TMUX": "/t",
        "HOME": "/h",
    }
    spec = LaunchSpec(pool.config(), pool.state, environ)
    assert spec.environment(NO_VARIABLES, "1f") == {"HOME": "/h", MARK: str(pool.folder), "METABONK_TUI_POOL": "1f"}


async def test_the_ports_of_a_larger_launch_that_has_ended_are_another_pools(pool: FakePool) -> None:
    backend = pool.backend()
    spec = backend._spec
    await do(backend, Launch(spec.workers + 2))
    assert PoolWatch(spec, backend._record_file.read(), Proc()).claim.wanted == spec.workers + 2
    await do(backend, Stop())
    theirs = pool.base_port + spec.workers + 1
    other = pool.start_by_hand([sys.executable, f"{pool.folder}/launch.py", "worker", "--port", str(theirs)])
    wait_for(lambda: accepts(theirs))
    plan, _, _ = await do(backend, Stop())
    assert plan.hits == ()
    assert f"{theirs} answers" in plan.refusal, "it may be a rest of that launch, so it is named"
    assert is_alive(other.pid)


async def test_a_browser_that_the_launcher_opened_lives(pool: FakePool) -> None:
    browser = Path(shutil.copy(shutil.which("sleep") or "/bin/sleep", pool.folder / "firefox"))
    launcher = pool.folder / "launch.py"
    start = f"    import subprocess; subprocess.Popen(['{browser}', '600'], start_new_session=True)\n"
    launcher.write_text(launcher.read_text().replace("def launch() -> int:\n", f"def launch() -> int:\n{start}"))
    backend = pool.backend()
    _, recorder, _ = await do(backend, Launch(1))
    assert recorder.last.ok, recorder.last
    [pid] = [pid for pid in pool.pids() if Proc().arguments(pid)[:1] == (str(browser),)]
    _, recorder, _ = await do(backend, Stop())
    assert recorder.last.ok, recorder.last
    assert pool.pids() == {pid}


def test_a_pool_is_another_users_by_a_worker_of_that_user_and_not_by_any_listener(
    pool: FakePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    plot = pool.folder / "plot.py"
    plot.write_text(LISTENER)
    spec, real = pool.backend()._spec, os.geteuid()
    pool.start_by_hand([sys.executable, str(plot), "--port", str(pool.base_port)])
    wait_for(lambda: accepts(pool.base_port))
    with monkeypatch.context() as as_another:
        as_another.setattr(os, "geteuid", lambda: real + 1)
        assert PoolWatch(spec, None, Proc()).look().other_uid is None
    port = str(pool.base_port + 1)
    pool.start_by_hand([sys.executable, f"{pool.folder}/launch.py", "worker", "--port", port])
    wait_for(lambda: accepts(pool.base_port + 1))
    assert PoolWatch(spec, None, Proc()).look().other_uid is None, "it is ours"
    with monkeypatch.context() as as_another:
        as_another.setattr(os, "geteuid", lambda: real + 1)
        found = PoolWatch(spec, None, Proc()).look()
        assert found.other_uid == real
        assert other_user_text(found).startswith(f"the pool belongs to user id {real}: ")
