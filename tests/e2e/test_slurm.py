"""A pool on a real Slurm of two nodes: launched, watched, resized, hit by the loss of a node, and stopped."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from metabonk_tui.cli.wiring import watching
from metabonk_tui.core.config.load import parse_config
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.pool import Action, Launch, Plan, Resize, Stop, StopWorker
from metabonk_tui.core.model.sample import Operation
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import Reach
from metabonk_tui.engine.engine import Engine
from tests.support.paths import ROOT
from tests.support.ports import free_ports
from tests.support.slurm_cluster import SlurmCluster, slurm_cluster, why_not
from tests.support.waiting import wait_for

pytestmark = [
    pytest.mark.skipif(bool(why_not()), reason=f"no real Slurm: {why_not()}"),
    pytest.mark.timeout(300),  # half a minute each on an idle machine
]

WORKER = """
import http.server, json, os, signal, sys, time
port, began = int(sys.argv[sys.argv.index("--port") + 1]), time.monotonic()
class Status(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        passed = time.monotonic() - began
        slot = os.environ["SLURM_ARRAY_TASK_ID"]
        body = json.dumps({"instance_id": f"omega-{slot}", "step": int(passed * 5)}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
def end(*_):
    print("saving", os.environ["FROM_FILE"], flush=True)
    os._exit(0)
signal.signal(signal.SIGTERM, end)
http.server.ThreadingHTTPServer(("127.0.0.1", port), Status).serve_forever()
"""


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlurmCluster]:
    with slurm_cluster(tmp_path / "slurm") as found:
        for name, value in found.environment().items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("PYTHONPATH", str(ROOT))
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
        yield found


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """Return the configuration of a pool whose worker is a small program, with an env file."""
    folder = tmp_path / "metabonk" / "src" / "worker"
    folder.mkdir(parents=True)
    (folder / "main.py").write_text(WORKER)
    (tmp_path / "metabonk" / "game.env").write_text('FROM_FILE="it was read"\n')
    return parse_config(
        (ROOT / "config.toml").read_text(),
        f"""
        [pool]
        workers = 4
        base_port = {free_ports(6)}
        backend = "slurm"
        orchestrator = ""
        [pool.launcher]
        directory = "{tmp_path}/metabonk"
        env_file = "game.env"
        stop_grace_s = 20.0
        [pool.slurm]
        command = ["{sys.executable}", "-m", "src.worker.main", "--port", "{{port}}"]
        folder = "{tmp_path}/shared"
        memory_gb = 0.1
        options = ["--no-requeue"]
        """,
    )


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
            found = wait_for(find, what, 90.0, 0.05)
        except AssertionError:
            snapshot = self.engine.latest()
            print(snapshot and [event.text for event in snapshot.events])
            raise
        assert found is not None
        return found

    def act(self, action: Action) -> tuple[Plan, Operation]:
        """Plan and carry out an action; return the plan and the operation that has ended."""
        self.wait(lambda s: self.engine.own_pool is not None and s.pool.backend == "slurm", "the pool was read")
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


def up(snapshot: Snapshot) -> list[str]:
    return [worker.ref.label for worker in snapshot.workers if worker.reach is Reach.UP]


def texts(snapshot: Snapshot, kind: str) -> list[str]:
    return [event.text for event in snapshot.events if event.kind == kind]


@pytest.mark.e2e
def test_a_pool_on_slurm(cluster: SlurmCluster, config: Config, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    with watching(config, call="metabonk-tui") as engine:
        pool = Pool(engine)
        # Launch four, and watch all.
        plan, operation = pool.act(Launch(4))
        assert [command[0] for command in plan.commands] == ["sbatch"]
        assert (operation.ok, operation.message) == (True, "4 of 4 workers started")
        all_up = pool.wait(
            lambda s: len(up(s)) == 4 and all(host.memory.available_bytes for host in s.hosts.values()),
            "four workers answer, and an agent reads each node",
        )
        assert up(all_up) == ["n1/w0", "n1/w1", "n2/w2", "n2/w3"]
        assert (all_up.run.how, all_up.ended_runs) == ("launched by us", ()), "it began before a worker answered"
        pids = {worker.ref.label: worker.pid for worker in all_up.workers}
        assert None not in pids.values()

        # A resize ends and starts only what it must.
        plan, operation = pool.act(Resize(3))
        assert [hit.name for hit in plan.hits] == ["job 1_3 on n2"]
        assert operation.ok, operation.message
        fewer = pool.wait(lambda s: up(s) == ["n1/w0", "n1/w1", "n2/w2"], "three workers are left")
        plan, operation = pool.act(Resize(5))
        assert (plan.hits, plan.start) == ((), 2)
        assert operation.ok, operation.message
        assert "1 wait: Resources" in operation.message
        full = pool.wait(lambda s: len(up(s)) == 4, "the fourth answers again")
        waits = [(each.slot, each.state, each.reason) for each in full.pool.waiting]
        assert waits == [(4, "PENDING", "Resources")]
        array = full.pool.waiting[0].job.removesuffix("_4")
        kept = {
            worker.ref.label: worker.pid for worker in full.workers if worker.ref.label in ("n1/w0", "n1/w1", "n2/w2")
        }
        assert kept == {name: pids[name] for name in kept}, "the workers that stay were not touched"
        assert full.run.name == fewer.run.name, "and their run goes on"

        # A job of the same user and name without the pool's token is not the pool's.
        stranger = cluster.out("sbatch", "--parsable", "--job-name=metabonk", "--hold", "--array=0", "--wrap=sleep 60")

        # A node fails.
        lost = [worker.pid for worker in full.workers if worker.ref.host == "n2" and worker.pid is not None]
        cluster.kill_node("n2", lost)
        failed = pool.wait(
            lambda s: (
                len(texts(s, "job.ended")) >= 3
                and s.hosts["n2"].link is not None
                and s.hosts["n2"].link.state == "LOST"
            ),
            "the loss of the node is known",
        )
        assert [text for text in texts(failed, "job.ended") if "NODE_FAIL" in text] == [
            "w2 is gone; Slurm: job 1_2 on n2: NODE_FAIL (NodeDown)",
            f"w3 is gone; Slurm: job {array}_3 on n2: NODE_FAIL (NodeDown)",
        ]
        assert up(failed) == ["n1/w0", "n1/w1"]

        # Stop: SIGTERM first, and nothing of the pool is left.
        plan, operation = pool.act(Stop())
        assert operation.ok, operation.message
        assert {hit.name for hit in plan.hits} == {"job 1_0 on n1", "job 1_1 on n1", f"job {array}_4 PENDING"}
        assert cluster.listed() == f"{stranger.strip()}_0 PENDING \n", "only the stranger is left"
        ended = pool.wait(lambda s: texts(s, "pool.stop") and not up(s), "the stop is recorded")
        assert ended.pool.waiting == ()
        assert [worker.ref.label for worker in ended.workers] == ["n1/w0", "n1/w1", "n2/w2", "n2/w3"], (
            "they stay in sight"
        )
    assert "saving it was read" in (shared / "logs" / "1_0.log").read_text(), "the worker got SIGTERM and the env file"
    left = [pid for pid in pids.values() if pid is not None and Path(f"/proc/{pid}").exists()]
    assert left == []

    # The report of that run names what was lost.
    report = subprocess.run(
        [sys.executable, "-m", "metabonk_tui", "report", "last"],
        capture_output=True,
        text=True,
        env=os.environ,
        timeout=60,
    )
    assert "NODE_FAIL" in report.stdout, report.stdout + report.stderr


@pytest.mark.e2e
def test_a_requeued_job_and_a_controller_that_is_away(cluster: SlurmCluster, config: Config) -> None:
    config = replace(config, pool=replace(config.pool, slurm=replace(config.pool.slurm, options=[])))
    with watching(config, call="metabonk-tui") as engine:
        pool = Pool(engine)
        _, operation = pool.act(Launch(3))
        assert operation.ok, operation.message
        all_up = pool.wait(lambda s: len(up(s)) == 3, "three workers answer")
        assert up(all_up) == ["n1/w0", "n1/w1", "n2/w2"]

        # Slurm takes the job from the node that failed, and starts it on the other one.
        cluster.kill_node("n2", [worker.pid for worker in all_up.workers if worker.ref.host == "n2" and worker.pid])
        taken = pool.wait(lambda s: texts(s, "job.requeued"), "the job was requeued")
        assert texts(taken, "job.requeued") == [
            "w2 was requeued: job 1_2 no longer runs on n2: node n2 is down (power)"
        ]
        assert [(each.slot, each.job) for each in taken.pool.waiting] == [(2, "1_2")]
        w1 = next(worker for worker in taken.workers if worker.ref.label == "n1/w1")
        assert w1.pid is not None
        assert w1.pid_started_at is not None
        _, operation = pool.act(StopWorker(w1.ref, w1.pid, w1.pid_started_at))
        assert operation.ok, operation.message
        # Slurm lets a requeued job wait for two minutes.
        cluster.out("scontrol", "update", "jobid=1_2", "StartTime=now")
        moved = pool.wait(lambda s: up(s) == ["n1/w0", "n1/w2"], "it runs on the other node")
        assert texts(moved, "job.started")[-1] == "w2 runs on n1 as job 1_2, start 2"
        assert sorted(moved.hosts) == ["n1"], "nothing of the pool belongs to the other node any more"

        # Without its controller the workers are watched all the same, and nothing is done.
        cluster.lose_controller()
        away = pool.wait(lambda s: "the queue was last read" in s.pool.problem, "the controller is missed")
        assert up(away) == ["n1/w0", "n1/w2"]
        assert engine.plan(Stop()).mode == "refused"
        cluster.bring_controller_back()
        wait_for(lambda: engine.plan(Stop()).mode == "stop", "the controller answers again", 60.0, 0.5)
        _, operation = pool.act(Stop())
        assert operation.ok, operation.message
        assert cluster.listed() == ""
