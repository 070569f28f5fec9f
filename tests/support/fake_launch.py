"""Launches workers like `launch.py`, with the bad habits that the `mode` file of its folder lists.

Copied into a test's own folder as launch.py. Habits: stop-lies, stop-hangs, ignores-term, escapes, exits-3,
daemonises, nested (a supervisor in a session of its own), half (one worker never listens), slow, sheds (leaves a
process without environment).
"""

import os
import sys
import time

# A test starts up to 66 workers: each imports only what it needs. `socket` and `signal` would cost 10 ms more each.

HERE = os.path.dirname(os.path.realpath(__file__))
PID_FILE = f"{HERE}/launcher.pid"
SIGTERM = 15


def habits() -> list[str]:
    try:
        with open(f"{HERE}/mode") as mode:
            return mode.read().split()
    except FileNotFoundError:
        return []


HABITS = habits()


def option(name: str) -> int:
    return int(sys.argv[sys.argv.index(name) + 1])


def worker() -> None:
    import _socket

    if "ignores-term" in HABITS:
        import signal

        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if "escapes" in HABITS:
        escape()
    if "sheds" in HABITS:
        shed()
    if "half" in HABITS and option("--port") % 2:
        time.sleep(600)
    host = os.environ.get("FAKE_HOST", "127.0.0.1")
    server = _socket.socket(_socket.AF_INET6 if ":" in host else _socket.AF_INET, _socket.SOCK_STREAM)
    server.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
    if ":" in host:
        server.setsockopt(_socket.IPPROTO_IPV6, _socket.IPV6_V6ONLY, 1)
    server.bind((host, option("--port")))
    server.listen()
    while True:
        os.close(server._accept()[0])


def escape() -> None:
    """Leave a child in its own session, and a daemon whose parent has exited."""
    import subprocess

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
    import subprocess

    if os.fork() == 0:
        os.setsid()
        nap = subprocess.Popen(["/bin/sleep", "600"], env={}, cwd="/", stdin=subprocess.DEVNULL)
        with open(f"{HERE}/shed.tmp", "w") as written:
            written.write(str(nap.pid))
        os.rename(f"{HERE}/shed.tmp", f"{HERE}/shed.pid")
        os._exit(0)
    os.wait()


def launch() -> int:
    if "exits-3" in HABITS:
        print("working", flush=True)
        print("FATAL: gpu contract violated \x1b[31mred\x1b[0m", flush=True)
        return 3
    import signal
    import subprocess

    workers, base_port = option("--workers"), option("--base-port")
    if "nested" in HABITS and sys.argv[0].endswith("launch.py"):
        subprocess.Popen([sys.executable, f"{HERE}/omega.py", *sys.argv[1:]], start_new_session=True)
        time.sleep(600)
    argv = [sys.executable, f"{HERE}/launch.py", "worker", "--port"]
    children = [subprocess.Popen([*argv, str(base_port + slot)], stdin=subprocess.DEVNULL) for slot in range(workers)]
    if "daemonises" in HABITS:
        return 0
    stopping: list[int] = []
    signal.signal(signal.SIGTERM, signal.SIG_IGN if "ignores-term" in HABITS else lambda *_: stopping.append(1))
    with open(PID_FILE, "w") as written:
        written.write(str(os.getpid()))
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
    if "stop-lies" not in HABITS and os.path.exists(PID_FILE):
        with open(PID_FILE) as written:
            pid = int(written.read())
        for number in (SIGTERM, *[0] * 500):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                break
            time.sleep(0.02)
    print("ok: no remaining PIDs detected")
    return 0


if __name__ == "__main__":
    sys.exit({"worker": worker, "stop": stop}.get(sys.argv[1], launch)())
