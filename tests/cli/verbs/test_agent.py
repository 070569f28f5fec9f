"""The real agent over real pipes, and over a real sshd where one is installed."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from metabonk_tui.adapters.agent.link import AgentLink
from metabonk_tui.adapters.agent.start import links_of
from metabonk_tui.cli.exit_codes import UsageError
from metabonk_tui.cli.verbs import agent
from metabonk_tui.cli.verbs.agent import is_pipe
from metabonk_tui.core.model.pool import Launch, StopWorker
from metabonk_tui.core.ports.hosts import HostAnswer
from tests.support.children import config
from tests.support.clusters import Host
from tests.support.paths import ROOT
from tests.support.plain_workers import plain_workers
from tests.support.ports import free_ports
from tests.support.refs import w
from tests.support.waiting import wait_for, wait_for_async

SLOW_PIPE = ROOT / "tests/support/slow_pipe.py"
SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


@pytest.fixture
def workers() -> Iterator[int]:
    with plain_workers(2) as base:
        yield base


@pytest.fixture(autouse=True)
def of_this_tree(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let the agent run this source, with a state and a configuration of its own."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def shown(answer: HostAnswer) -> tuple[str, list[str]]:
    """Return the error, and the workers that answered."""
    found = answer.sample.workers if answer.sample is not None else {}
    return answer.error, [ref.label for ref, seen in found.items() if seen.status is not None]


async def test_over_pipes_it_reads_its_host_dies_and_is_started_again(workers: int, tmp_path: Path) -> None:
    read = config(f'[pool]\nworkers = 2\n[[host]]\nname = "node2"\nbase_port = {workers}')
    link = links_of(read, tmp_path)["node2"]
    try:
        answer = await link.read()
        assert shown(answer) == ("", ["node2/w0", "node2/w1"])
        assert answer.sample is not None
        assert answer.sample.hosts["node2"].memory is not None
        assert answer.sample.workers[w(0, "node2")].port == workers
        process = link._process
        assert process is not None
        os.kill(process.pid, signal.SIGKILL)
        assert "ended with -9" in (await link.read()).error
        link._retry_s = 0.0
        assert shown(await link.read()) == ("", ["node2/w0", "node2/w1"])
        process = link._process
    finally:
        await link.aclose()
    assert process is not None
    assert process.returncode == 0, "the end of its pipe is a good end"
    assert os.listdir(tmp_path) == [], "it writes nothing"


def test_only_pipes_and_sockets_are_pipes(tmp_path: Path) -> None:
    ends = os.pipe()
    first, second = socket.socketpair()
    with first, second, (tmp_path / "file").open("wb") as file, open(os.devnull) as nothing:
        asked = (*ends, first.fileno(), file.fileno(), nothing.fileno())
        assert [is_pipe(each) for each in asked] == [True, True, True, False, False]
    for end in ends:
        os.close(end)


def test_without_a_monitor_it_says_what_it_is_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent, "is_pipe", lambda _: False)
    with pytest.raises(UsageError, match="over a pipe"):
        agent.main(argparse.Namespace(), "agent")


@contextmanager
def real_sshd(folder: Path) -> Iterator[tuple[str, int, Path]]:
    """Run an sshd on the loopback with keys of its own; yields the user, the port and the key of the user."""
    missing = [name for name in ("ssh", "ssh-keygen") if shutil.which(name) is None]
    if SSHD is None or missing:
        pytest.skip(f"not installed: {', '.join([*missing, *([] if SSHD else ['sshd'])])}")
    if os.geteuid() == 0:
        try:
            pwd.getpwnam("sshd")
        except KeyError:
            pytest.skip("this machine has no user sshd, which an sshd of root needs")
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    port = free_ports(1)
    (folder / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/user.pub\n"
        "PidFile none\nUsePAM no\nStrictModes no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
        "PermitRootLogin yes\nLogLevel ERROR\n"
    )
    argv = [SSHD, "-D", "-e", "-f", str(folder / "sshd_config")]
    if os.geteuid() == 0 and not Path("/run/sshd").is_dir():
        # The folder that an sshd of root needs is made for it alone.
        argv = [
            "unshare",
            "-m",
            "sh",
            "-c",
            'mount -t tmpfs none /run && mkdir -m 755 /run/sshd && exec "$@"',
            "-",
            *argv,
        ]
    with (folder / "sshd.out").open("wb") as out:
        server = subprocess.Popen(argv, stderr=out, stdout=out)

    def answers() -> bool:
        if server.poll() is not None and argv[0] == "unshare":
            pytest.skip("/run/sshd is not there, which an sshd of root needs")
        assert server.poll() is None, (folder / "sshd.out").read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        wait_for(answers, "sshd listens", 20.0)
        yield getpass.getuser(), port, folder / "user"
    finally:
        server.terminate()
        server.wait(20)


async def test_over_a_real_sshd(workers: int, tmp_path: Path) -> None:
    folder = tmp_path / "ssh"
    folder.mkdir()
    with real_sshd(folder) as (user, port, key):
        trust = f'"-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile={folder}/known", "-p", "{port}"'
        command = f'["env", "PYTHONPATH={ROOT}", "{sys.executable}", "-m", "metabonk_tui", "agent"]'
        read = config(
            f"[pool]\nworkers = 2\nbase_port = {workers}\n"
            f'[[host]]\nname = "node2"\nssh = "{user}@127.0.0.1"\nssh_options = [{trust}, "-i", "{key}"]\n'
            f"command = {command}\n"
            f'[[host]]\nname = "locked"\nssh = "{user}@127.0.0.1"\n'
            f'ssh_options = [{trust}, "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-i", "/dev/null"]\n'
            f'[[host]]\nname = "away"\nssh = "{user}@127.0.0.1"\nssh_options = ["-p", "{free_ports(1)}"]\n'
        )
        links = links_of(read, folder)
        try:
            found = dict(zip(links, await asyncio.gather(*(link.read() for link in links.values())), strict=True))
            assert shown(found["node2"]) == ("", ["node2/w0", "node2/w1"])
            assert found["node2"].delay_s is not None
            assert "Permission denied" in found["locked"].error, "it never asks for a password"
            assert "Connection refused" in found["away"].error
        finally:
            await asyncio.gather(*(link.aclose() for link in links.values()))
        ended = links["node2"]
        assert ended._process is None
        await wait_for_async(
            lambda: not [name for name in os.listdir(folder) if name.startswith("ssh-")],
            "the shared connection is closed",
        )


class TestActing:
    """An agent that may act, over a line and with a clock that differ from this machine's."""

    @pytest.fixture
    def host(self, tmp_path: Path) -> Iterator[Host]:
        made = Host(tmp_path / "node2", free_ports(70))
        yield made
        made.end()

    def link_to(self, host: Host, *wrap: str) -> AgentLink:
        command = json.dumps([*wrap, *host.command()])
        lines = f'[[host]]\nname = "node2"\nbase_port = {host.base_port}\nread_only = false\ncommand = {command}\n'
        return links_of(config(f"[pool]\nworkers = 2\n{lines}"), host.folder)["node2"]

    @pytest.mark.parametrize("delay_s", [0.1, 1.0])
    async def test_a_slow_line_is_measured_and_the_plan_comes(self, host: Host, delay_s: float) -> None:
        link = self.link_to(host, sys.executable, str(SLOW_PIPE), str(delay_s))
        try:
            answer = await link.read()
            assert answer.error == ""
            assert answer.delay_s is not None
            assert answer.delay_s >= 2 * delay_s * 0.95
            assert answer.skew == ""
            part = await link.plan(Launch(2))
            assert (part.plan.mode, part.plan.start) == ("start", 2), part.plan.refusal
            assert part.id
        finally:
            await link.aclose()

    @pytest.mark.skipif(shutil.which("faketime") is None, reason="faketime is not installed")
    async def test_a_clock_that_is_minutes_off_changes_no_process(self, host: Host) -> None:
        link = self.link_to(host, "faketime", "-f", "-10m")
        try:
            assert (await link.read()).skew == "clock 10m behind"
            launch = await link.plan(Launch(2))
            assert await link.act(launch, launch.plan) == ""
            await has_ended(link)
            answer = await link.read(fresh=True)
            assert answer.sample is not None
            worker = answer.sample.workers[w(1, "node2")]
            assert worker.pid is not None
            assert worker.pid_started_at is not None
            part = await link.plan(StopWorker(w(1, "node2"), worker.pid, worker.pid_started_at))
            assert [hit.pid for hit in part.plan.hits] == [worker.pid], part.plan.refusal
            other = await link.plan(StopWorker(w(1, "node2"), worker.pid, worker.pid_started_at - 600.0))
            assert other.plan.mode == "refused", "a process of another start is another process"
        finally:
            await link.aclose()

    async def test_what_it_launches_has_no_limit_of_the_agent(self, host: Host) -> None:
        link = self.link_to(host)
        try:
            assert (await link.read()).error == ""
            launch = await link.plan(Launch(1))
            assert await link.act(launch, launch.plan) == ""
            await has_ended(link)
        finally:
            await link.aclose()
        assert_same_limits(host.processes())


async def has_ended(link: AgentLink) -> None:
    """Ask the agent until its action has ended, and assert that it was good."""
    for _ in range(600):
        seen = await link.progress()
        assert not seen.error
        if seen.events is not None:
            assert seen.operation is not None
            assert seen.operation.ok, seen.operation.message
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the action has not ended")


def assert_same_limits(pids: list[int]) -> None:
    """Assert that these processes may use as much memory and time as this one."""
    assert pids
    ours = Path("/proc/self/limits").read_text()
    for pid in pids:
        theirs = Path(f"/proc/{pid}/limits").read_text()
        assert row(theirs, "Max data size") == row(ours, "Max data size")
        assert os.getpriority(os.PRIO_PROCESS, pid) == os.getpriority(os.PRIO_PROCESS, 0)


def row(text: str, name: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(name))
