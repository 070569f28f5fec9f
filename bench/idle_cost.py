"""Measures CPU, memory and terminal bytes of the monitor beside the programs that a user would run instead.

Every program runs in its own terminal of 120x40, one after the other, `--rounds` times; a program that is not
installed is skipped. Figures are medians; ratios are ours divided by theirs, from the same run. CPU is user and
system time of the program and its children, after the screen has settled.

    python bench/idle_cost.py [--workers 5] [--seconds 20] [--rounds 3]
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import pty
import select
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

SETTLE_S = 6.0
ROWS, COLUMNS = 40, 120


@dataclass(frozen=True)
class Cost:
    """The cost of one program in one window of `--seconds`."""

    cpu_s_per_min: float
    rss_mib: float
    bytes_per_s: float


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if os.getloadavg()[0] > 2 * (os.cpu_count() or 1):
        print("the machine is too busy to judge", file=sys.stderr)
        return 1
    with demo_pool(options.workers) as config:
        ports = [config["base_port"] + slot for slot in range(options.workers)]
        programs = {name: argv for name, argv in candidates(config["config"], ports).items() if shutil.which(argv[0])}
        costs: dict[str, list[Cost]] = {name: [] for name in programs}
        for _ in range(options.rounds):
            for name, argv in programs.items():
                costs[name].append(measure(argv, options.seconds))
    print_table(costs)
    return 0


def candidates(config: str, ports: Sequence[int]) -> dict[str, list[str]]:
    """Return the compared commands by name: ours, common monitors at 1 to 2 s, and a curl loop."""
    curl = "; ".join(f"curl -s 127.0.0.1:{port}/status | head -c 400" for port in ports)
    return {
        "metabonk-tui": [sys.executable, "-m", "metabonk_tui", "--config", config, "--read-only"],
        "htop -d 10": ["htop", "-d", "10"],
        "btop (every 2 s)": ["btop", "--utf-force"],
        "glances -t 1": ["glances", "-t", "1"],
        "watch -n 1 free": ["watch", "-n", "1", "free", "-h"],
        "watch -n 1 curl": ["watch", "-n", "1", curl],
    }


@contextmanager
def demo_pool(workers: int) -> Iterator[dict[str, object]]:
    """Run a healthy demo pool in real time while the block runs; yields the facts of `demo prepare`."""
    with tempfile.TemporaryDirectory(prefix="metabonk-bench-") as folder:
        demo = [sys.executable, "-m", "metabonk_tui.demo"]
        prepare = [*demo, "prepare", "--dir", folder, "--scenario", "healthy", "--workers", str(workers)]
        prepared = json.loads(subprocess.run(prepare, check=True, capture_output=True, text=True).stdout)
        log = (Path(folder) / "bench.log").open("wb")
        pool = subprocess.Popen(
            prepared["launch"],
            env={**os.environ, **prepared["environment"]},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,
            start_new_session=True,
        )
        try:
            time.sleep(SETTLE_S)
            yield prepared
        finally:
            subprocess.run(prepared["stop"], check=False, capture_output=True)
            pool.terminate()
            pool.wait(30)
            log.close()


def measure(argv: Sequence[str], seconds: float) -> Cost:
    """Run a program in a terminal for `seconds` and measure it after 6 s, when its screen has settled."""
    pid, terminal = pty.fork()
    size = struct.pack("HHHH", ROWS, COLUMNS, 0, 0)
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, size)
        os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", LC_ALL="C.UTF-8")
        os.execvp(argv[0], list(argv))
    try:
        read_for(terminal, SETTLE_S)
        process = psutil.Process(pid)
        before, began = cpu_s(process), time.monotonic()
        written = read_for(terminal, seconds)
        passed = time.monotonic() - began
        spent = cpu_s(process) - before
        rss = sum(p.memory_info().rss for p in [process, *process.children(recursive=True)])
        return Cost(spent / passed * 60, rss / 2**20, written / passed)
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        read_for(terminal, 1.0)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(terminal)


def cpu_s(process: psutil.Process) -> float:
    """Return user plus system seconds of a process, its live children and its reaped children."""
    times = [p.cpu_times() for p in [process, *process.children(recursive=True)]]
    return sum(t.user + t.system + t.children_user + t.children_system for t in times)


def read_for(terminal: int, seconds: float) -> int:
    """Read the output of a program for `seconds`; return the number of bytes."""
    end, count = time.monotonic() + seconds, 0
    while (left := end - time.monotonic()) > 0:
        readable, _, _ = select.select([terminal], [], [], left)
        if readable:
            try:
                count += len(os.read(terminal, 65536))
            except OSError:
                break
    return count


def print_table(costs: dict[str, list[Cost]]) -> None:
    """Print medians, and ratios to the first row."""
    ours = medians(next(iter(costs.values())))
    print(f"{'program':18} {'CPU s/min':>10} {'RSS MiB':>9} {'bytes/s':>9}   ours / theirs: CPU, RSS, bytes")
    for name, rounds in costs.items():
        cost = medians(rounds)
        ratios = "".join(
            f"{mine / theirs:8.2f}" if theirs else f"{'-':>8}" for mine, theirs in zip(ours, cost, strict=True)
        )
        print(f"{name:18} {cost[0]:10.2f} {cost[1]:9.1f} {cost[2]:9.0f}   {ratios}")


def medians(rounds: Sequence[Cost]) -> tuple[float, float, float]:
    return (
        statistics.median(c.cpu_s_per_min for c in rounds),
        statistics.median(c.rss_mib for c in rounds),
        statistics.median(c.bytes_per_s for c in rounds),
    )


if __name__ == "__main__":
    raise SystemExit(main())
