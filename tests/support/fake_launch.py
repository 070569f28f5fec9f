"""Launches workers like `launch.py`, with the bad habits that the `mode` file of its folder lists.

Copied into a test's own folder as launch.py. Habits: stop-lies, stop-hangs, ignores-term, escapes, exits-3,
daemonises, nested (a supervisor in a session of its own), half (one worker never listens), slow, sheds (leaves a
process without environment).
"""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
HABITS = (HERE / "mode").read_text().split() if (HERE / "mode").exists() else []
PID_FILE = HERE / "launcher.pid"


def option(name: str) -> int:
    return int(sys.argv[sys.argv.index(name) + 1])


def worker() -> None:
    if "ignores-term" in HABITS:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if "escapes" in HABITS:
        escape()
    if "sheds" in HABITS:
        shed()
    if "half" in HABITS and option("--port") % 2:
        time.sleep(600)
    host = os.environ.get("FAKE_HOST", "127.0.0.1")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, option("--port")), family=family) as server:
        while True:
            server.accept()[0].close()


def escape() -> None:
    """Leave a child in its own session, and a daemon whose parent has exited."""
    nap = [sys.executable, "-c", "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)"]
    subprocess.Popen(nap, start_new_session=True)
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execv(nap[0], nap)
        os._exit(0)
    os.wait()


def shed() -> None:
    """Leave a detached process without our environment, whose parent has exited."""
    if os.fork() == 0:
        os.setsid()
        nap = subprocess.Popen(["/bin/sleep", "600"], env={}, cwd="/", stdin=subprocess.DEVNULL)
        (HERE / "shed.tmp").write_text(str(nap.pid))
        (HERE / "shed.tmp").rename(HERE / "shed.pid")
        os._exit(0)
    os.wait()


def launch() -> int:
    if "exits-3" in HABITS:
        print("working", flush=True)
        print("FATAL: gpu contract violated \x1b[31mred\x1b[0m", flush=True)
        return 3
    workers, base_port = option("--workers"), option("--base-port")
    if "nested" in HABITS and sys.argv[0].endswith("launch.py"):
        subprocess.Popen([sys.executable, str(HERE / "omega.py"), *sys.argv[1:]], start_new_session=True)
        time.sleep(600)
    argv = [sys.executable, str(HERE / "launch.py"), "worker", "--port"]
    children = [subprocess.Popen([*argv, str(base_port + slot)], stdin=subprocess.DEVNULL) for slot in range(workers)]
    if "daemonises" in HABITS:
        return 0
    stopping: list[int] = []
    signal.signal(signal.SIGTERM, signal.SIG_IGN if "ignores-term" in HABITS else lambda *_: stopping.append(1))
    PID_FILE.write_text(str(os.getpid()))
    print(f"launched {workers} with A={os.environ.get('FAKE_A')}", flush=True)
    while not stopping:
        time.sleep(0.02)
        for slot, child in enumerate(children):
            if child.poll() is not None:
                children[slot] = subprocess.Popen([*argv, str(base_port + slot)], stdin=subprocess.DEVNULL)
    for child in children:
        child.terminate()
    for child in children:
        child.wait()
    if "slow" in HABITS:
        time.sleep(1.0)
    return 0


def stop() -> int:
    if "stop-hangs" in HABITS:
        time.sleep(600)
    if "stop-lies" not in HABITS and PID_FILE.exists():
        pid = int(PID_FILE.read_text())
        for number in (signal.SIGTERM, *[0] * 500):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                break
            time.sleep(0.02)
    print("ok: no remaining PIDs detected")
    return 0


if __name__ == "__main__":
    sys.exit({"worker": worker, "stop": stop}.get(sys.argv[1], launch)())
