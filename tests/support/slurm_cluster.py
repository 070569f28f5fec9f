"""A real Slurm of two nodes on this machine: its own munge key, slurmctld and two slurmd, all ended by their pids."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.ports import free_ports
from tests.support.waiting import wait_for

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "srun", "scontrol")
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
CONFIG = """
ClusterName=trial
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
SlurmctldPort={port}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.sock
CredType=cred/munge
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
ReturnToService=2
SlurmdParameters=config_overrides
StateSaveLocation={folder}/state
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n/slurmd.pid
SlurmdSpoolDir={folder}/%n
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/%n.log
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=1,batch_sched_delay=1,bf_interval=1
SlurmdTimeout=6
KillWait=2
MinJobAge=300
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={first} CPUs=2 RealMemory=4000
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={second} CPUs=2 RealMemory=4000
PartitionName=main Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
"""


def why_not() -> str:
    """Return why no cluster can be started here; "" when one can."""
    missing = [name for name in PROGRAMS if shutil.which(name, path=PATH) is None]
    if missing:
        return f"not installed: {', '.join(missing)}"
    return "" if os.geteuid() == 0 else "slurmd starts jobs only as root"


class SlurmCluster:
    """The daemons, and what a test asks of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "slurm.conf"
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        """Start everything and wait until both nodes take jobs."""
        folder, port = self.folder, free_ports(3)
        folder.chmod(0o700)
        for name in ("state", "n1", "n2"):
            (folder / name).mkdir()
        (folder / "munge.key").write_bytes(os.urandom(1024))
        (folder / "munge.key").chmod(0o600)
        host = socket.gethostname()
        self.config.write_text(CONFIG.format(host=host, folder=folder, port=port, first=port + 1, second=port + 2))
        files = [f"--{name}={folder}/munge.{name[:4]}" for name in ("key-file", "pid-file", "log-file", "seed-file")]
        files[0] = f"--key-file={folder}/munge.key"
        self._run("munge", "munged", "-F", "--force", f"--socket={folder}/munge.sock", *files)
        wait_for(lambda: (folder / "munge.sock").exists(), "munged listens", 30)
        self._run("ctld", "slurmctld", "-D", "-c")
        for node in ("n1", "n2"):
            self._run(node, "slurmd", "-D", "-N", node)
        wait_for(
            lambda: self.out("sinfo", "-h", "-N", "-t", "idle", "-o", "%N").split() == ["n1", "n2"], "nodes", 60, 0.1
        )

    def _run(self, name: str, *argv: str) -> None:
        with (self.folder / f"{name}.out").open("wb") as out:
            program = shutil.which(argv[0], path=PATH) or argv[0]
            self._daemons[name] = subprocess.Popen(
                [program, *argv[1:]], stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=self.environment()
            )

    def environment(self) -> dict[str, str]:
        return {**os.environ, "SLURM_CONF": str(self.config), "PATH": PATH}

    def out(self, *argv: str) -> str:
        """Run a command of Slurm and return what it printed, "" when it failed."""
        done = subprocess.run(argv, env=self.environment(), capture_output=True, text=True, timeout=30)
        return done.stdout if done.returncode == 0 else ""

    def listed(self) -> str:
        """Return the jobs that wait or run."""
        return self.out("squeue", "-h", "-r", "-o", "%i %T %N")

    def kill_node(self, name: str, pids: Sequence[int]) -> None:
        """Let a node fail: kill its slurmd, every step of it, what ran in them, and say that it is down.

        Slurm would notice by itself after some 25 s; the health check of a cluster says so at once.
        """
        daemon = self._daemons.pop(name)
        daemon.kill()
        daemon.wait(30)
        mine = f"{self.folder}/{name}.log"
        for step in self._steps():
            if mine in step[1]:
                _kill(step[0])
        for pid in pids:
            _kill(pid)
        self.out("scontrol", "update", f"nodename={name}", "state=down", "reason=power")

    def lose_controller(self) -> None:
        """Kill slurmctld; jobs and steps go on without it."""
        daemon = self._daemons.pop("ctld")
        daemon.kill()
        daemon.wait(30)

    def bring_controller_back(self) -> None:
        self._run("ctld", "slurmctld", "-D")

    def _steps(self) -> list[tuple[int, str]]:
        """Return the pids of the slurmstepds of this cluster, with the files that each has open."""
        found = []
        for entry in Path("/proc").iterdir():
            try:
                if not entry.name.isdigit() or (entry / "comm").read_text().strip() != "slurmstepd":
                    continue
                files = " ".join(os.readlink(file) for file in (entry / "fd").iterdir())
            except OSError:
                continue
            if str(self.folder) in files:
                found.append((int(entry.name), files))
        return found

    def stop(self) -> None:
        """End every job, then the daemons, by their pids."""
        if self.out("squeue", "-h"):
            self.out("scancel", "--user=root")
            for _ in range(50):
                if not self.out("squeue", "-h"):
                    break
                signal.sigtimedwait([], 0.1)
        for daemon in self._daemons.values():
            daemon.terminate()
        for daemon in self._daemons.values():
            try:
                daemon.wait(20)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait(20)
        for pid, _ in self._steps():
            _kill(pid)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


@contextmanager
def slurm_cluster(folder: Path) -> Iterator[SlurmCluster]:
    """Run a cluster while the block runs; skip the test where none can be had."""
    if why := why_not():
        pytest.skip(f"no real Slurm: {why}")
    folder.mkdir()
    cluster = SlurmCluster(folder)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
