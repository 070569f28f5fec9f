"""Runs one worker beside a Ray actor, and ends its process group when the pipe of the actor ends.

Runs on a node from its text, by the Python of Ray there, so it uses the standard library only. Ray kills the children
of an actor's process with it: the keeper is none of them, so a worker has its time to save. Does not: import ray.
"""

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import threading

PR_SET_PDEATHSIG = 1
_lock = threading.Lock()
_has_ended = False
"""Whether the worker was reaped: from then on its group may be another one's."""


def _emit(answer: dict[str, object]) -> None:
    """Write one line to the actor; one that has ended reads it no more."""
    with contextlib.suppress(OSError):
        os.write(1, json.dumps(answer).encode() + b"\n")


def _start_ticks(pid: int) -> int:
    with open(f"/proc/{pid}/stat", encoding="latin-1") as file:
        return int(file.read().rpartition(")")[2].split()[19])


def _boot_id() -> str:
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()


def _signal_group(pid: int, number: int) -> None:
    with _lock:
        if not _has_ended:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, number)


def _follow_pipe(pid: int, grace_s: float, over: threading.Event) -> None:
    """Pass the actor's requests on; after the end of the pipe the worker gets SIGTERM, the grace, SIGKILL."""
    for line in sys.stdin:
        if line.strip() == "TERM":
            _signal_group(pid, signal.SIGTERM)
    _signal_group(pid, signal.SIGTERM)
    if not over.wait(grace_s):
        _signal_group(pid, signal.SIGKILL)


def keep(line: str) -> None:
    """Run the worker of one line of JSON to its end."""
    global _has_ended
    spec = json.loads(line)
    keeper = os.getpid()
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def die_with_keeper() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != keeper:
            os._exit(1)

    try:
        log = os.open(spec["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        child = subprocess.Popen(
            spec["argv"],
            cwd=spec["cwd"],
            env=spec["env"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=die_with_keeper,
        )
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        _emit({"error": f"{spec['argv'][0]} cannot be started: {error}"})
        return
    try:
        _emit({"pid": child.pid, "start_ticks": _start_ticks(child.pid), "boot_id": _boot_id()})
    except OSError as error:
        _emit({"error": f"/proc cannot be read: {error}"})
        child.kill()
    over = threading.Event()
    threading.Thread(target=_follow_pipe, args=(child.pid, spec["grace_s"], over), daemon=True).start()
    # Not reaped yet: its group is still its own, and what it left behind ends with it.
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    _signal_group(child.pid, signal.SIGKILL)
    with _lock:
        code = child.wait()
        _has_ended = True
    over.set()
    _emit({"code": code})


if __name__ == "__main__":
    if os.fork() == 0:
        keep(sys.stdin.readline())
    os._exit(0)
