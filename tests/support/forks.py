"""Runs command lines of the program in forks of a process that has imported it: a start costs 20 ms instead of 250.

A child is a process of its own, with its own environment, directory, files, signals and exit code. A process between
it and the test forks it and waits for it. Does not: run what depends on how an interpreter starts, where
`Forked` is a usual Popen, or import the screens before they are needed.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.support.paths import ROOT

PROGRAM = [sys.executable, "-m", "metabonk_tui"]
"""The begin of a command line that a fork can run."""
BEFORE_START = ("PYTHON", "LC_", "LANG", "LD_", "MALLOC_")
"""Variables that an interpreter or the C library reads only when it starts."""
NOT_IMPORTED = tuple(f"metabonk_tui.{name}" for name in ("__main__", "ui", "demo", "adapters.ray", "adapters.alerts"))
"""What only the screens, the demo and few command lines need."""
LONGEST_REQUEST = 200_000

Done = subprocess.CompletedProcess[str]


class Forked(subprocess.Popen[Any]):
    """A Popen of a command line of the program whose child is a fork, where the system and its variables allow it."""

    _answers: socket.socket | None = None

    def _execute_child(self, args: Any, executable: Any, *rest: Any) -> None:
        # In this order: preexec_fn, close_fds, pass_fds, cwd, env, startupinfo, creationflags, shell, six ends of
        # pipes, restore_signals, gid, gids, uid, umask, start_new_session, process_group.
        prepare, pass_fds, cwd, env, pipes = rest[0], rest[2], rest[3], rest[4], rest[8:14]
        umask, new_session, group = rest[18], rest[19], rest[20]
        plain = prepare is None and not pass_fds and group in (None, -1) and list(args[:3]) == PROGRAM
        if not (plain and can_fork(env)):
            super()._execute_child(args, executable, *rest)  # type: ignore[misc]
            return
        self._answers, of_server = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        request = {"words": [os.fspath(word) for word in args[3:]], "env": dict(env)}
        request |= {"cwd": os.fspath(cwd or Path.cwd()), "session": new_session, "umask": umask}
        # Where Popen made no pipe and opened no file, the child inherits ours.
        ends = pipes[0], pipes[3], pipes[5]
        files = [number if end == -1 else end for number, end in enumerate(ends)]
        with of_server:
            socket.send_fds(server(), [json.dumps(request).encode()], [*files, of_server.fileno()])
        self.pid = int(self._answers.recv(32))
        self._child_created = True
        self._close_pipe_fds(*pipes)  # type: ignore[attr-defined]

    def _try_wait(self, wait_flags: int) -> tuple[int, int]:
        if self._answers is None:
            waited: tuple[int, int] = super()._try_wait(wait_flags)  # type: ignore[misc]
            return waited
        if wait_flags & os.WNOHANG and not select.select([self._answers], [], [], 0)[0]:
            return 0, 0
        status = int(self._answers.recv(32) or b"9")  # without an answer the server was killed
        self._answers.close()
        return self.pid, status

    def _internal_poll(self, *args: Any, **how: Any) -> int | None:
        if self._answers is None:
            return super()._internal_poll(*args, **how)  # type: ignore[misc,no-any-return]
        if self.returncode is None and self._waitpid_lock.acquire(False):  # type: ignore[attr-defined]
            try:
                pid, status = self._try_wait(os.WNOHANG)
                if pid:
                    self._handle_exitstatus(status)  # type: ignore[attr-defined]
            finally:
                self._waitpid_lock.release()  # type: ignore[attr-defined]
        return self.returncode


def can_fork(env: Mapping[str, str] | None) -> bool:
    """Return whether a fork behaves in this environment as a new interpreter would."""
    return hasattr(os, "pidfd_open") and env is not None and before_start(env) == before_start(os.environ)


def before_start(env: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that only a new interpreter reads."""
    return {name: value for name, value in env.items() if name.startswith(BEFORE_START)}


_servers: list[tuple[socket.socket, subprocess.Popen[bytes]]] = []
"""The server of this process, once there is one."""


def server() -> socket.socket:
    """Return the connection to this process's server; start the server at the first call."""
    if not _servers:
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with its:
            command = [sys.executable, "-m", "tests.support.forks", str(its.fileno())]
            process = subprocess.Popen(command, cwd=ROOT, pass_fds=[its.fileno()])
        _servers.append((ours, process))
        atexit.register(end, ours, process)
    return _servers[0][0]


def end(connection: socket.socket, process: subprocess.Popen[bytes]) -> None:
    """End a server, which has nothing to do without a connection."""
    connection.close()
    process.wait()


def run(words: Sequence[str], *, input: str | None = None, timeout: float, **how: Any) -> Done:
    """Run the program with these words to its end, as `subprocess.run` does, and return what it printed."""
    pipe = subprocess.PIPE
    stdin = subprocess.DEVNULL if input is None else pipe
    with Forked([*PROGRAM, *words], stdin=stdin, stdout=pipe, stderr=pipe, text=True, **how) as process:
        try:
            stdout, stderr = process.communicate(input, timeout=timeout)
        except BaseException:
            process.kill()
            raise
        return Done(process.args, process.wait(), stdout, stderr)


def serve(requests: socket.socket) -> None:
    """Fork at each request until the tests end. Returns in each child, which is then to run the program."""
    children: dict[int, tuple[int, socket.socket]] = {}
    usual = signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is for pytest, which then ends this process
    ready = select.poll()
    ready.register(requests, select.POLLIN)
    while True:
        for fd, _ in ready.poll():
            if fd in children:
                pid, asker = children.pop(fd)
                ready.unregister(fd)
                os.close(fd)
                _, status = os.waitpid(pid, 0)
                _send(asker, status)
                asker.close()
                continue
            request, files, _, _ = socket.recv_fds(requests, LONGEST_REQUEST, 4)
            if not request:
                os._exit(0)
            pid = os.fork()
            if pid == 0:
                signal.signal(signal.SIGINT, usual)
                become(json.loads(request), files)
                return
            asker = socket.socket(fileno=files.pop())
            for file in files:
                os.close(file)
            _send(asker, pid)
            pid_fd = os.pidfd_open(pid)
            children[pid_fd] = pid, asker
            ready.register(pid_fd, select.POLLIN)


def _send(asker: socket.socket, number: int) -> None:
    try:
        asker.send(b"%d" % number)
    except OSError:
        return  # the test does not wait for this child any more


def become(request: dict[str, Any], files: list[int]) -> None:
    """Take over in a child what an interpreter gets when it starts."""
    for number in range(3):
        os.dup2(files[number], number)
    os.closerange(3, max(files) + 1024)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        usual = getattr(sys, name)
        how = {"encoding": usual.encoding, "errors": usual.errors, "newline": "\n", "closefd": False}
        stream = open(number, "w" if number else "r", **how)  # noqa: SIM115
        if name == "stderr":
            stream.reconfigure(line_buffering=True)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    if request["session"]:
        os.setsid()
    if request["umask"] >= 0:
        os.umask(request["umask"])
    os.environ.clear()
    os.environ.update(request["env"])
    time.tzset()
    os.chdir(request["cwd"])
    sys.argv[1:] = request["words"]


def preload() -> None:
    """Import the program, without what only the screens and the demo need."""
    import metabonk_tui

    for module in pkgutil.walk_packages(metabonk_tui.__path__, "metabonk_tui."):
        if not module.name.startswith(NOT_IMPORTED):
            importlib.import_module(module.name)
    sys.argv[0] = str(Path(metabonk_tui.__file__).with_name("__main__.py"))
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    connection = socket.socket(fileno=int(sys.argv[1]))
    preload()
    serve(connection)
    connection.detach()

    from metabonk_tui.cli.entry import run

    run()
