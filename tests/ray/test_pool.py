"""A pool on a real Ray cluster: launched, watched, resized, hit by every kind of death, and stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from metabonk_tui.adapters.ray.actors import ActorLook, look_of
from metabonk_tui.adapters.ray.sidecar_process import Sidecar, SidecarError, sidecar_command, sidecar_environment
from metabonk_tui.cli.wiring import watching
from metabonk_tui.core.config.load import parse_config
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.pool import Action, Launch, Plan, Resize, Stop
from metabonk_tui.core.model.sample import Operation
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import Reach
from metabonk_tui.engine.engine import Engine
from tests.ray.cluster import RayCluster, ray_cluster, ray_python, why_not
from tests.support.paths import ROOT
from tests.support.ports import free_ports
from tests.support.waiting import wait_for

pytestmark = [
    pytest.mark.skipif(bool(why_not()), reason=f"no real Ray: {why_not()}"),
    pytest.mark.timeout(500),  # a busy machine takes a minute for the cluster alone
]

LIMIT_S = 120.0
WORKER = """
import http.server, json, os, signal, sys, time
port, began = int(sys.argv[sys.argv.index("--port") + 1]), time.monotonic()
class Status(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"instance_id": sys.argv[-1], "step": int((time.monotonic() - began) * 5)}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
def end(*_):
    with open("saved", "a") as file:
        file.write(os.environ["FROM_FILE"] + "\\n")
    os._exit(0)
signal.signal(signal.SIGTERM, end)
print("worker runs", [key for key in os.environ if key.startswith("RAY_")], flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", port), Status).serve_forever()
"""


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RayCluster]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    # Sockets of Ray need a short path.
    folder = Path(os.environ.get("TMPDIR", "/tmp")) / f"mbray-{os.getpid()}"
    with ray_cluster(folder) as found:
        yield found


def configured(cluster: RayCluster, folder: Path, namespace: str, workers: int, base_port: int) -> str:
    """Return the configuration of a pool whose worker is a small program, with an env file."""
    source = folder / "metabonk" / "src" / "worker"
    source.mkdir(parents=True, exist_ok=True)
    (source / "main.py").write_text(WORKER)
    (folder / "metabonk" / "game.env").write_text('FROM_FILE="it was read"\n')
    return f"""
        [pool]
        workers = {workers}
        base_port = {base_port}
        backend = "ray"
        orchestrator = ""
        [pool.launcher]
        directory = "{folder}/metabonk"
        env_file = "game.env"
        stop_grace_s = 20.0
        [pool.ray]
        command = ["{sys.executable}", "-m", "src.worker.main", "--port", "{{port}}", "omega-{{slot}}"]
        address = "{cluster.address}"
        namespace = "{namespace}"
        python = "{ray_python()}"
        token_file = "{cluster.token_file}"
        cpus = 0.45
        memory_gb = 0.1
        """


def parsed(text: str) -> Config:
    return parse_config((ROOT / "config.toml").read_text(), text)


class Pool:
    """The engine of one monitor, and what a test waits for."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def wait(self, condition: Callable[[Snapshot], object], what: str) -> Snapshot:
        def find() -> Snapshot | None:
            assert self.engine.fault is None, self.engine.fault
            snapshot = self.engine.latest()
            return snapshot if snapshot is not None and condition(snapshot) else None

        try:
            found = wait_for(find, what, LIMIT_S, 0.05)
        except AssertionError:
            snapshot = self.engine.latest()
            print(snapshot and ([event.text for event in snapshot.events], snapshot.pool, up(snapshot)))
            raise
        assert found is not None
        return found

    def act(self, action: Action) -> tuple[Plan, Operation]:
        """Plan and carry out an action; return the plan and the operation that has ended."""
        self.wait(
            lambda s: self.engine.own_pool is not None and s.pool.backend == "ray" and not s.pool.problem,
            "the pool was read",
        )
        plan = self.engine.plan(action)
        assert plan.mode not in ("refused", "noop"), plan.refusal
        latest = self.engine.latest()
        before = latest.pool.operation if latest is not None else None
        before_t = before.started_at if before is not None else 0.0
        self.engine.submit(plan)
        done = self.wait(
            lambda s: (o := s.pool.operation) is not None and o.ended_at is not None and o.started_at > before_t,
            f"{type(action).__name__} ended",
        )
        assert done.pool.operation is not None
        return plan, done.pool.operation


def up(snapshot: Snapshot) -> dict[str, int | None]:
    """Return the pids of the workers that answer, by slot and host."""
    return {f"w{w.ref.slot}": w.pid for w in snapshot.workers if w.reach is Reach.UP}


def texts(snapshot: Snapshot, kind: str) -> list[str]:
    return [event.text for event in snapshot.events if event.kind == kind]


def is_alive(pid: int | None) -> bool:
    return pid is not None and Path(f"/proc/{pid}").exists()


def test_a_pool_on_ray(cluster: RayCluster, tmp_path: Path) -> None:
    ports = free_ports(12)
    config = parsed(configured(cluster, tmp_path, "pool", 3, ports))
    other_file = tmp_path / "other.toml"
    other_file.write_text(configured(cluster, tmp_path, "other", 1, ports + 8).replace("cpus = 0.45", "cpus = 0.1"))
    program = [sys.executable, "-m", "metabonk_tui", "--config", str(other_file)]
    launched = subprocess.run([*program, "launch", "1", "--yes"], capture_output=True, text=True, timeout=LIMIT_S)
    assert launched.returncode == 0, launched.stdout + launched.stderr
    other = look(parsed(other_file.read_text()))

    with watching(config, call="metabonk-tui") as engine:
        pool = Pool(engine)
        # Launch three on two nodes, and watch all.
        plan, operation = pool.act(Launch(3))
        assert plan.commands[0][:3] == ("ray.remote", "namespace=pool", "num_cpus=0.45")
        assert (operation.ok, operation.message) == (True, "3 of 3 workers started")
        first = pool.wait(lambda s: len(up(s)) == 3, "three workers answer")
        assert len(first.hosts) == 2, "on both nodes"
        assert all(host.memory.available_bytes for host in first.hosts.values()), "an agent reads each node"
        pids = up(first)
        assert None not in pids.values()

        # A worker is killed: its exit is known, its actor ended, and a resize starts only this one.
        assert pids["w1"] is not None
        os.kill(pids["w1"], signal.SIGKILL)
        killed = pool.wait(lambda s: texts(s, "job.ended"), "the end of w1 is known")
        assert "process killed by signal 9" in texts(killed, "job.ended")[0]
        # A resize to five: one does not fit, and says what is missing.
        plan, operation = pool.act(Resize(5))
        assert (plan.hits, plan.start) == ((), 3)
        assert operation.ok, operation.message
        assert "1 wait: PENDING_CREATION: needs 0.45 CPU, a node has at most" in operation.message
        full = pool.wait(lambda s: len(up(s)) == 4 and s.pool.waiting, "four answer")
        waiting = full.pool.waiting[0]
        assert waiting.reason.startswith("PENDING_CREATION: needs 0.45 CPU")
        assert {slot: up(full)[slot] for slot in ("w0", "w2") if slot in up(full)} == {
            slot: pids[slot] for slot in ("w0", "w2") if slot in up(full)
        }, "the workers that stay were not touched"

        # A foreign driver ends an actor of ours: that is said.
        victim = next(slot for slot in ("w0", "w2") if slot in up(full))
        cluster.run_python(
            "names = ray.util.list_named_actors()\n"
            f"ray.kill(ray.get_actor(next(n for n in names if n.endswith('.{victim}.1'))))"
        )
        gone = pool.wait(lambda s: any("ray.kill" in text for text in texts(s, "job.ended")), "the kill is known")
        assert "we ended it" not in texts(gone, "job.ended")[-1]
        wait_for(lambda: not is_alive(pids[victim]), "its worker ended with it")
        # The waiting one gets the place.
        pool.wait(lambda s: not s.pool.waiting and len(up(s)) == 4, "the place is taken")

        # A node fails, not that of the other pool: its workers are gone, the host is lost.
        cluster.kill_node(next(name for name in ("n1", "n2") if name != cluster.name_of(other.actors[0].node)))
        lost = pool.wait(
            lambda s: (
                any(h.link is not None and h.link.state == "LOST" for h in s.hosts.values())
                and sum("its node died" in text for text in texts(s, "job.ended")) == 2
            ),
            "the loss of the node is known",
        )
        lost = pool.wait(lambda s: len(up(s)) == 2, "the workers of the lost node are not shown as up")

        # Stop: SIGTERM first, and nothing of the pool is left; the other pool lives on.
        last = {**pids, **up(full), **up(lost)}
        _, operation = pool.act(Stop())
        assert operation.ok, operation.message
        pool.wait(lambda s: texts(s, "pool.stop") and not up(s), "the stop is recorded")
        left = [pid for pid in last.values() if is_alive(pid)]
        wait_for(lambda: not [pid for pid in left if is_alive(pid)], "no worker is left")
    assert (tmp_path / "metabonk" / "saved").read_text().splitlines().count("it was read") >= 2

    # The report of that run names what was lost.
    report = subprocess.run(
        [sys.executable, "-m", "metabonk_tui", "report", "last"], capture_output=True, text=True, timeout=60
    )
    assert "its node died" in report.stdout, report.stdout + report.stderr

    still = look(parsed(other_file.read_text()))
    assert [actor.id for actor in still.actors] == [actor.id for actor in other.actors]
    assert [actor.state for actor in still.actors] == ["ALIVE"]
    stopped = subprocess.run([*program, "stop", "--yes"], capture_output=True, text=True, timeout=LIMIT_S)
    assert stopped.returncode == 0, stopped.stdout + stopped.stderr


def look(config: Config) -> ActorLook:
    """Look at a pool as a second monitor does."""
    sidecar = Sidecar(sidecar_command(config), sidecar_environment(config))
    try:
        return look_of(sidecar.ask("look", 60.0))
    finally:
        sidecar.close()


def test_a_wrong_token_joins_nothing(cluster: RayCluster, tmp_path: Path) -> None:
    config = parsed(configured(cluster, tmp_path, "pool", 1, free_ports(1)))
    wrong = tmp_path / "wrong"
    wrong.write_text("0" * 64)
    wrong.chmod(0o600)
    sidecar = Sidecar(sidecar_command(config), {**sidecar_environment(config), "RAY_AUTH_TOKEN_PATH": str(wrong)})
    try:
        # Ray does not say which of the two is wrong.
        with pytest.raises(SidecarError, match="Failed to connect to Ray cluster"):
            sidecar.ask("look", 90.0)
    finally:
        sidecar.close()
