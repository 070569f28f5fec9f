"""Machines of our own: network namespaces on cables, each with a real sshd in it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.support.waiting import wait_for

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
IP = shutil.which("ip", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
PORT = 22


class Node:
    """One machine: a namespace, the cable to it, and its address."""

    def __init__(self, number: int, folder: Path) -> None:
        # The range of RFC 2544 is in no network; each process and node has four addresses of its own.
        block = (os.getpid() * 8 + number) % 16384
        self.name = f"mbt{os.getpid()}n{number}"
        self.cable = f"mbt{os.getpid() % 100000}c{number}"
        network = f"198.{18 + block // 8192}.{block // 32 % 256}"
        self.ours, self.address = (f"{network}.{block % 32 * 4 + end}" for end in (1, 2))
        self.folder = folder
        self._server: subprocess.Popen[bytes] | None = None

    def make(self) -> None:
        far = f"{self.cable}f"
        _ip("netns", "add", self.name)
        _ip("link", "add", self.cable, "type", "veth", "peer", "name", far, "netns", self.name)
        _ip("addr", "add", f"{self.ours}/30", "dev", self.cable)
        _ip("link", "set", self.cable, "up")
        _ip("-n", self.name, "addr", "add", f"{self.address}/30", "dev", far)
        _ip("-n", self.name, "link", "set", far, "up")
        _ip("-n", self.name, "link", "set", "lo", "up")

    def serve(self, key: Path) -> None:
        """Start its sshd, which accepts this key. It sees an empty /run, so it needs nothing there."""
        host_key = self.folder / f"{self.name}-host"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", host_key], check=True)
        config = self.folder / f"{self.name}.conf"
        config.write_text(
            f"Port {PORT}\nListenAddress {self.address}\nHostKey {host_key}\nAuthorizedKeysFile {key}.pub\n"
            "PidFile none\nUsePAM no\nStrictModes no\nPasswordAuthentication no\n"
            "KbdInteractiveAuthentication no\nPermitRootLogin yes\nLogLevel ERROR\n"
        )
        script = 'mount -t tmpfs none /run && mkdir -m 755 /run/sshd && exec "$0" -D -e -f "$1"'
        assert IP is not None
        argv = [IP, "netns", "exec", self.name, "unshare", "-m", "sh", "-c", script, str(SSHD), str(config)]
        self._server = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def pull(self) -> None:
        """Pull the cable out."""
        _ip("link", "set", self.cable, "down")

    def plug(self) -> None:
        _ip("link", "set", self.cable, "up")

    def close(self) -> None:
        """End every process in it, then the namespace and its cable."""
        found = subprocess.run([str(IP), "netns", "pids", self.name], capture_output=True, text=True, check=False)
        for pid in map(int, found.stdout.split()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self._server is not None:
            self._server.wait(20)
        subprocess.run([str(IP), "netns", "del", self.name], capture_output=True, check=False)
        subprocess.run([str(IP), "link", "del", self.cable], capture_output=True, check=False)


@contextmanager
def real_nodes(count: int, folder: Path) -> Iterator[tuple[list[Node], Path]]:
    """Make machines with an sshd each; yields them and the key that they accept. Skips where that cannot be."""
    missing = [name for name in ("ssh", "ssh-keygen", "unshare") if shutil.which(name) is None]
    if SSHD is None or IP is None or missing:
        pytest.skip("ssh, sshd, unshare and ip are needed")
    if os.geteuid() != 0:
        pytest.skip("a network namespace needs root")
    folder.mkdir()
    key = folder / "user"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    with ExitStack() as stack:
        nodes = [Node(number, folder) for number in range(count)]
        for node in nodes:
            stack.callback(node.close)
            try:
                node.make()
            except subprocess.CalledProcessError as error:
                pytest.skip(f"this machine makes no namespaces: {error.stderr}")
            node.serve(key)
        for node in nodes:
            wait_for(lambda node=node: _logs_in(node, key), "sshd answers", 30.0)  # type: ignore[misc]
        yield nodes, key


def ssh_lines(node: Node, key: Path) -> list[str]:
    """Return the lines of [[host]] that reach a node."""
    return [f'ssh = "root@{node.address}"', f"ssh_options = {json.dumps(_options(key))}"]


def _options(key: Path) -> list[str]:
    known = key.parent / "known_hosts"
    return [*("-o", "StrictHostKeyChecking=no"), *("-o", f"UserKnownHostsFile={known}"), *("-i", str(key))]


def _logs_in(node: Node, key: Path) -> bool:
    argv = ["ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=5", *_options(key), f"root@{node.address}", "true"]
    return subprocess.run(argv, capture_output=True, stdin=subprocess.DEVNULL, check=False).returncode == 0


def _ip(*argv: str) -> None:
    subprocess.run([str(IP), *argv], capture_output=True, text=True, check=True)
